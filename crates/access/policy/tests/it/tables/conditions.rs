//! Conditions: operators, sets, absent keys, variables, and the keys that follow from who asks.

use serde_json::{Map, Value as Json, json};
use strongroom_policy::document::Kind;
use strongroom_policy::{Entity, Policies, Request, Subject, decide};

use super::{ACCOUNT, Stated, cases, list, policy};

pub(super) const TABLES: &[&str] = &[
    include_str!("operators.txt"),
    include_str!("sets.txt"),
    include_str!("variables.txt"),
    include_str!("global_keys.txt"),
];

/// `StringEquals s3:prefix [a, b] and Bool aws:SecureTransport true`, as a `Condition` element.
pub(super) fn element(text: &str) -> Json {
    let mut operators = Map::new();
    for condition in text.split(" and ") {
        let mut words = condition.splitn(3, ' ');
        let (operator, key, values) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let keys = operators.entry(operator).or_insert_with(|| json!({}));
        keys.as_object_mut().unwrap().insert(key.to_owned(), json!(list(values)));
    }
    Json::Object(operators)
}

/// Ours, where AWS leaves it open: what has several values and is asked about without `ForAllValues` or
/// `ForAnyValue` is on the safe side, so that a tag `Team` hides no tag `team`.
#[test]
fn several_values_are_on_the_safe_side() {
    let decided = |effect: &str, condition: &str| {
        let statement = |effect: &str, condition: &Json| json!({"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition});
        let statements = [statement(effect, &element(condition)), statement("Allow", &json!({}))];
        let count = if effect == "Deny" { 2 } else { 1 };
        let document = json!({"Version": "2012-10-17", "Statement": statements[..count]});
        let identity = [policy("table", &document.to_string(), Kind::Identity).into()];
        let keys = Stated::parse("aws:RequestTag/team=[blue, red]");
        let (subject, owner) = (alice(), ACCOUNT.parse().unwrap());
        let request =
            Request { subject: &subject, action: "kms:TagResource", resource: "*", owner, keys: &keys };
        decide(&request, &Policies { identity: &identity, ..Policies::default() }).is_allowed()
    };
    assert!(!decided("Allow", "StringEquals aws:RequestTag/team blue"));
    assert!(decided("Allow", "StringEquals aws:RequestTag/team [blue, red]"));
    assert!(!decided("Allow", "StringNotEquals aws:RequestTag/team red"));
    assert!(!decided("Deny", "StringEquals aws:RequestTag/team red"));
    assert!(!decided("Deny", "StringNotEquals aws:RequestTag/team blue"));
    assert!(decided("Deny", "StringNotEquals aws:RequestTag/team [blue, red]"));
    assert!(decided("Deny", "StringEquals aws:RequestTag/team green"));
}

/// Whether a condition holds; behind `Deny`, in a statement that denies, with another that allows all.
fn holds(version: &str, condition: &str, subject: &Subject, keys: &str) -> &'static str {
    let (effect, condition) = match condition.strip_prefix("Deny ") {
        Some(condition) => ("Deny", condition),
        None => ("Allow", condition),
    };
    let statement = |effect: &str, condition: Json| json!({"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition});
    let mut statements = vec![statement(effect, element(condition))];
    if effect == "Deny" {
        statements.push(statement("Allow", json!({})));
    }
    let document = json!({"Version": version, "Statement": statements});
    let identity = [policy("table", &document.to_string(), Kind::Identity).into()];
    let keys = Stated::parse(keys);
    let request = Request {
        subject,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::bucket/key",
        owner: "111122223333".parse().unwrap(),
        keys: &keys,
    };
    let policies = Policies { identity: &identity, ..Policies::default() };
    let is_allowed = decide(&request, &policies).is_allowed();
    if is_allowed == (effect == "Allow") { "yes" } else { "no" }
}

fn alice() -> Subject {
    let entity = Entity::new("arn:aws:iam::111122223333:user/staff/alice", "AIDACKCEVSQ6C2EXAMPLE");
    let tags = [("team", "blue"), ("Cost-Center", "12"), ("wild", "*")];
    let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Subject::user(ACCOUNT.parse().unwrap(), entity).with_tags(tags)
}

#[test]
fn operators() {
    for case in cases(include_str!("operators.txt")) {
        case.expect(holds("2012-10-17", case.about, &alice(), case.given));
    }
}

#[test]
fn sets() {
    for case in cases(include_str!("sets.txt")) {
        case.expect(holds("2012-10-17", case.about, &alice(), case.given));
    }
}

/// Conditions of this table have the version in front where it is the older one.
#[test]
fn variables() {
    for case in cases(include_str!("variables.txt")) {
        let (version, condition) = match case.about.strip_prefix("2008-10-17 ") {
            Some(condition) => ("2008-10-17", condition),
            None => ("2012-10-17", case.about),
        };
        case.expect(holds(version, condition, &alice(), case.given));
    }
}

/// What follows from who asks. Identity policies are the same for all of them here; the root user, who needs
/// none, is asked through a key policy elsewhere.
#[test]
fn keys_of_the_subject() {
    let account = ACCOUNT.parse().unwrap();
    for case in cases(include_str!("global_keys.txt")) {
        let role = || Entity::new("arn:aws:iam::111122223333:role/path/app", "AROADBQP57FF2AEXAMPLE");
        let subject = match case.given {
            "user" => alice(),
            "role session" => Subject::role_session(account, role(), "session"),
            "federated user" => Subject::federated_user(account, "bob", None),
            "service" => Subject::service("cloudtrail.amazonaws.com", Some(account)),
            other => panic!("{other} is nobody"),
        };
        // Nothing that a request states can stand in for what follows from the caller.
        let forged = "aws:PrincipalArn=arn:aws:iam::111122223333:user/forged; aws:username=forged; \
                      aws:PrincipalTag/team=forged; aws:PrincipalAccount=forged; aws:userid=forged; \
                      aws:PrincipalIsAWSService=forged; aws:PrincipalType=forged; aws:ResourceAccount=forged";
        case.expect(holds("2012-10-17", case.about, &subject, forged));
    }
}
