//! Who is covered by what a resource's policy names, and how firmly.

use serde_json::{Value as Json, json};
use strongroom_policy::document::Kind;
use strongroom_policy::{Decision, Guard, Layer, Policies, Policy, Request, decide};

use super::evaluation::subject;
use super::{Case, Stated, cases, policy};

pub(super) const TABLES: &[&str] = &[include_str!("principals.txt"), include_str!("not_principals.txt")];

/// `arn:...`, a service's name and so on, as a principal element.
fn element(text: &str) -> Json {
    let named: Vec<_> = text.split(", ").collect();
    match named.as_slice() {
        ["anyone"] => json!("*"),
        [one] if one.ends_with(".amazonaws.com") => json!({"Service": one}),
        named => json!({"AWS": named}),
    }
}

fn decided<'p>(case: &Case, policies: &Policies<'p>) -> Decision<'p> {
    let (subject, keys) = (subject(case.given), Stated::parse("nothing"));
    let request = Request {
        subject: &subject,
        action: "kms:Decrypt",
        resource: "arn:aws:kms:us-east-1:111122223333:key/1",
        owner: "111122223333".parse().unwrap(),
        keys: &keys,
    };
    decide(&request, policies)
}

fn key_policy(effect: &str, element: &str, principal: &Json) -> Policy {
    let statements = json!([
        {"Effect": effect, element: principal, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"},
    ]);
    let count = if effect == "Deny" { 2 } else { 1 };
    let statements: Vec<_> = statements.as_array().unwrap().iter().take(count).collect();
    policy("key", &json!({"Version": "2012-10-17", "Statement": statements}).to_string(), Kind::Key)
}

/// `named` is let in without a policy of its own, `account` needs one, `no` is not covered at all.
#[test]
fn principals() {
    let everything = [Policy::allowing("everything", &["*"]).into()];
    for case in cases(include_str!("principals.txt")) {
        let attached = key_policy("Allow", "Principal", &element(case.about));
        let alone = Policies { guard: Guard::Key(&attached), ..Policies::default() };
        let with_own = Policies { identity: &everything, ..alone };
        let found = match (decided(&case, &alone), decided(&case, &with_own)) {
            (Decision::Allowed { layer: Layer::Resource, .. }, _) => "named",
            (_, Decision::Allowed { layer: Layer::Identity | Layer::Root, .. }) => "account",
            (_, Decision::NotAllowed { layer: Layer::Resource }) => "no",
            (alone, with_own) => panic!("{alone:?}, {with_own:?}"),
        };
        case.expect(found);
        // Who is covered, however, is denied by a Deny.
        let attached = key_policy("Deny", "Principal", &element(case.about));
        let denying = Policies { guard: Guard::Key(&attached), identity: &everything, ..Policies::default() };
        let is_denied = matches!(decided(&case, &denying), Decision::ExplicitlyDenied { .. });
        assert_eq!(is_denied, found != "no", "{} denied by {}", case.given, case.about);
    }
}

/// A Deny for all but those who are listed.
#[test]
fn those_left_out_of_a_deny() {
    let everything = [Policy::allowing("everything", &["*"]).into()];
    let boundary = Policy::allowing("boundary", &["*"]);
    for case in cases(include_str!("not_principals.txt")) {
        let (given, boundary) = match case.given.strip_suffix(" with a boundary") {
            Some(given) => (given, Some(&boundary)),
            None => (case.given, None),
        };
        let attached = key_policy("Deny", "NotPrincipal", &element(case.about));
        let policies =
            Policies { guard: Guard::Key(&attached), identity: &everything, boundary, ..Policies::default() };
        let case = Case { given, ..case };
        let decision = decided(&case, &policies);
        case.expect(if matches!(decision, Decision::ExplicitlyDenied { .. }) { "denied" } else { "spared" });
    }
}
