//! Actions and resources: what patterns stand for.

use serde_json::json;
use strongroom_policy::document::Kind;
use strongroom_policy::{Entity, Guard, Policies, Request, Subject, decide};

use super::{ACCOUNT, Stated, cases, list, policy};

pub(super) const TABLES: &[&str] = &[include_str!("actions.txt"), include_str!("resources.txt")];

fn alice() -> Subject {
    let entity = Entity::new("arn:aws:iam::111122223333:user/staff/alice", "AIDACKCEVSQ6C2EXAMPLE");
    let tags = vec![("team".to_owned(), "blue".to_owned()), ("path".to_owned(), "a/*".to_owned())];
    Subject::user(ACCOUNT.parse().unwrap(), entity).with_tags(tags)
}

fn decided(policies: &Policies<'_>, action: &str, resource: &str) -> &'static str {
    let (subject, keys) = (alice(), Stated::parse("nothing"));
    let owner = ACCOUNT.parse().unwrap();
    let request = Request { subject: &subject, action, resource, owner, keys: &keys };
    if decide(&request, policies).is_allowed() { "yes" } else { "no" }
}

/// `Action` and its list, or `NotAction` and its list.
#[test]
fn actions() {
    for case in cases(include_str!("actions.txt")) {
        let (element, listed) = case.about.split_once(' ').unwrap();
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", element: list(listed), "Resource": "*",
        }});
        let identity = [policy("table", &document.to_string(), Kind::Identity).into()];
        let policies = Policies { identity: &identity, ..Policies::default() };
        case.expect(decided(&policies, case.given, "arn:aws:kms:us-east-1:111122223333:key/1"));
    }
}

/// The kind of policy, its version where it is the older one, `Resource` or `NotResource`, and the list.
#[test]
fn resources() {
    for case in cases(include_str!("resources.txt")) {
        let (kind, rest) = case.about.split_once(' ').unwrap();
        let (version, rest) = match rest.strip_prefix("2008 ") {
            Some(rest) => ("2008-10-17", rest),
            None => ("2012-10-17", rest),
        };
        let (element, listed) = rest.split_once(' ').unwrap();
        let mut statement = json!({"Effect": "Allow", "Action": "*", element: list(listed)});
        if kind == "resource" {
            statement["Principal"] = json!("*");
        }
        let text = json!({"Version": version, "Statement": statement}).to_string();
        let found = if kind == "resource" {
            let attached = policy("table", &text, Kind::Resource);
            decided(
                &Policies { guard: Guard::Policy(&attached), ..Policies::default() },
                "s3:Get",
                case.given,
            )
        } else {
            let identity = [policy("table", &text, Kind::Identity).into()];
            decided(&Policies { identity: &identity, ..Policies::default() }, "s3:Get", case.given)
        };
        case.expect(found);
    }
}
