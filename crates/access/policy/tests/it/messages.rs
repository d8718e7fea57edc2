//! What DecodeAuthorizationMessage tells of a refusal (STS API Reference, "DecodeAuthorizationMessage").

use std::sync::Arc;

use serde_json::{Value as Json, json};
use strongroom_identity::AccountId;
use strongroom_policy::decision::{MESSAGE_LIMIT, message};
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{ContextKeys, Entity, Policies, Policy, Request, Subject, Values, decide};

const INSTANCE: &str = "arn:aws:ec2:us-east-1:111122223333:instance/i-1";

struct Keys(String);

impl ContextKeys for Keys {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "aws:securetransport" => Some(true.into()),
            "aws:tagkeys" => Some(Values::texts(["team", "cost"])),
            "ec2:tenancy" => Some(Values::text(self.0.as_str())),
            _ if key.starts_with("example:") => Some(Values::text(self.0.as_str())),
            _ => None,
        }
    }
}

fn alice() -> Subject {
    let account: AccountId = "111122223333".parse().unwrap();
    Subject::user(account, Entity::new("arn:aws:iam::111122223333:user/staff/alice", "AIDACKCEVSQ6C2EXAMPLE"))
}

fn told(subject: &Subject, statements: &Json, keys: &Keys, stated: &[&str]) -> (String, Json) {
    told_of(INSTANCE, subject, statements, keys, stated)
}

fn told_of(
    resource: &str,
    subject: &Subject,
    statements: &Json,
    keys: &Keys,
    stated: &[&str],
) -> (String, Json) {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let document = Document::parse(&text, Kind::Identity).unwrap();
    let identity = [Arc::new(Policy::new("inline", &document))];
    let policies = Policies { identity: &identity, ..Policies::default() };
    let owner = "111122223333".parse().unwrap();
    let request = Request { subject, action: "ec2:StopInstances", resource, owner, keys };
    let decision = decide(&request, &policies);
    let text = message(&request, &policies, &decision, stated.iter().copied());
    let json = serde_json::from_str(&text).unwrap();
    (text, json)
}

fn condition(message: &Json, key: &str) -> Option<Vec<String>> {
    let items = message["context"]["conditions"]["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["key"] == key)?;
    let values = item["values"]["items"].as_array().unwrap();
    Some(values.iter().map(|value| value["value"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn an_implicit_deny_tells_the_request() {
    let allows = json!([{"Effect": "Allow", "Action": "ec2:Stop*", "Resource": "*",
        "Condition": {"StringEquals": {"ec2:Tenancy": "dedicated"}}}]);
    let (_, message) = told(&alice(), &allows, &Keys("default".into()), &["aws:tagkeys"]);
    assert_eq!(message["allowed"], false);
    assert_eq!(message["explicitDeny"], false);
    assert_eq!(message["matchedStatements"], json!({"items": []}));
    assert_eq!(message["failures"], json!({"items": []}));
    assert_eq!(
        message["context"]["principal"],
        json!({"id": "AIDACKCEVSQ6C2EXAMPLE", "name": "alice", "arn": "arn:aws:iam::111122223333:user/staff/alice"})
    );
    assert_eq!(message["context"]["action"], "ec2:StopInstances");
    assert_eq!(message["context"]["resource"], INSTANCE);
    assert_eq!(condition(&message, "ec2:tenancy").unwrap(), ["default"]);
    assert_eq!(condition(&message, "aws:tagkeys").unwrap(), ["team", "cost"]);
    assert_eq!(condition(&message, "aws:SecureTransport").unwrap(), ["true"]);
    assert_eq!(condition(&message, "aws:PrincipalAccount").unwrap(), ["111122223333"]);
    assert_eq!(condition(&message, "aws:SourceIp"), None);
}

#[test]
fn an_explicit_deny_tells_its_statement() {
    let account = "111122223333".parse().unwrap();
    let role = Entity::new("arn:aws:iam::111122223333:role/app", "AROADBQP57FF2AEXAMPLE");
    let session = Subject::role_session(account, role, "s1");
    let statements = json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "NoStops", "Effect": "Deny", "Action": ["ec2:Stop*", "ec2:Reboot*"],
         "Resource": "arn:aws:ec2:*:*:instance/*", "Condition": {"StringEquals": {"ec2:Tenancy": ["default", "host"]}}},
    ]);
    let (_, message) = told(&session, &statements, &Keys("default".into()), &[]);
    assert_eq!(message["explicitDeny"], true);
    assert_eq!(
        message["context"]["principal"],
        json!({"id": "AROADBQP57FF2AEXAMPLE:s1", "arn": "arn:aws:sts::111122223333:assumed-role/app/s1"})
    );
    let values = |values: &[&str]| {
        let items: Vec<_> = values.iter().map(|value| json!({"value": value})).collect();
        json!({"items": items})
    };
    assert_eq!(
        message["matchedStatements"]["items"],
        json!([{
            "statementId": "NoStops",
            "effect": "DENY",
            "principals": values(&["AROADBQP57FF2AEXAMPLE:s1"]),
            "principalGroups": {"items": []},
            "actions": values(&["ec2:Stop*", "ec2:Reboot*"]),
            "resources": values(&["arn:aws:ec2:*:*:instance/*"]),
            "conditions": {"items": [{"key": "ec2:Tenancy", "values": values(&["default", "host"])}]},
        }])
    );
}

/// Of an answer's header, which has at least a date, a type and ids besides, usual proxies take four kilobytes.
#[test]
fn a_message_is_never_longer_than_proxies_take() {
    assert!(MESSAGE_LIMIT.div_ceil(3) * 4 < 3 << 10);
    let long = "x\"\u{e9}".repeat(3000);
    let names: Vec<_> = (0..500).map(|number| format!("example:{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let resources: Vec<_> =
        (0..100).map(|number| format!("arn:aws:ec2:*:*:instance/{number}{}*", "y".repeat(400))).collect();
    let deny = json!([{"Sid": "S".repeat(5000), "Effect": "Deny", "Action": vec!["ec2:StopInstances"; 100],
        "NotResource": resources, "Condition": {"StringNotEquals": {"ec2:Tenancy": vec![long.clone(); 3]}}}]);
    let account = "111122223333".parse().unwrap();
    let path = "\"".repeat(510);
    let role = Entity::new(
        format!("arn:aws:iam::{account}:role/{path}/{}", "r".repeat(64)),
        "AROADBQP57FF2AEXAMPLE",
    );
    let unusual = Subject::role_session(account, role, "s".repeat(64));
    let control = format!("{INSTANCE}{}", "\u{1}".repeat(2000));
    for (resource, subject) in [(INSTANCE, alice()), (&control, unusual)] {
        for statements in [&deny, &json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])] {
            let (text, message) = told_of(resource, &subject, statements, &Keys(long.clone()), &names);
            assert!(text.len() <= MESSAGE_LIMIT, "{}", text.len());
            assert_eq!(message["context"]["action"], "ec2:StopInstances");
        }
    }
}

#[test]
fn a_statement_with_long_lists_is_told_in_part() {
    let actions: Vec<_> = (0..60).map(|number| format!("ec2:Stop{}*", "x".repeat(number))).collect();
    let resources: Vec<_> =
        (0..60).map(|number| format!("arn:aws:ec2:*:*:instance/{number}{}", "y".repeat(100))).collect();
    let deny = json!([{"Sid": "NoStops", "Effect": "Deny", "Action": actions, "NotResource": resources}]);
    let (_, message) = told(&alice(), &deny, &Keys("default".into()), &[]);
    let statement = &message["matchedStatements"]["items"][0];
    assert_eq!(statement["statementId"], "NoStops");
    assert_eq!(statement["actions"]["items"].as_array().unwrap().len(), 5);
    assert_eq!(condition(&message, "aws:SecureTransport").unwrap(), ["true"]);
}
