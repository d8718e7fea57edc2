//! Policies of topics: the one that a topic begins with, and statements that are added and removed.

use serde_json::{Map, Value, json};
use strongroom_identity::{AccountId, PARTITION};
use strongroom_policy::document::{Document, DocumentError, Kind};
use strongroom_policy::{Bound, Policy};

use super::names::TopicName;
use crate::error::Refusal;

/// How decisions call it.
const NAME: &str = "topic policy";

/// What a topic's policy may speak of, after `SNS:` (SNS Developer Guide, "Amazon SNS API permissions").
const ACTIONS: [&str; 9] = [
    "Publish",
    "RemovePermission",
    "SetTopicAttributes",
    "DeleteTopic",
    "ListSubscriptionsByTopic",
    "GetTopicAttributes",
    "Receive",
    "AddPermission",
    "Subscribe",
];

/// The policy that a topic begins with: all of its own account may do what a topic's policy allows, also services that work
/// for it.
pub(crate) fn default_text(topic: &TopicName) -> String {
    let actions = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": actions,
            "Resource": topic.to_string(),
            "Condition": { "StringEquals": { "AWS:SourceOwner": topic.account.to_string() } },
        }],
    })
    .to_string()
}

/// Checks a policy that a topic is to get. Texts: answers of AWS quoted in public issue threads.
pub(crate) fn check(text: &str) -> Result<(), Refusal> {
    let malformed = |_: DocumentError| Refusal::parameter("Policy Error: null");
    let document = Document::parse(text, Kind::Resource).map_err(malformed)?;
    let is_foreign =
        |action: &str| action.split_once(':').is_none_or(|(service, _)| !service.eq_ignore_ascii_case("sns"));
    let mut actions = document.statements.iter().flat_map(|statement| statement.actions.listed());
    if actions.any(|action| is_foreign(action.as_str())) {
        return Err(out_of_scope());
    }
    Ok(())
}

/// Compiles a policy that was checked once, or that all statements were taken from: that one says nothing. What is not read
/// now denies everything: nobody knows whom it denied.
pub(crate) fn compile(text: &str, bound: &Bound) -> Policy {
    if read(text).is_ok_and(|mut policy| take_statements(&mut policy).is_empty()) {
        return Policy::silent(NAME);
    }
    Document::parse(text, Kind::Resource)
        .map_or_else(|_| Policy::barring(NAME), |document| Policy::new(NAME, &bound.counting(document)))
}

/// The policy with one more statement (AddPermission).
pub(crate) fn with_permission(
    text: &str,
    topic: &TopicName,
    label: &str,
    accounts: &[String],
    actions: &[String],
) -> Result<String, Refusal> {
    if label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(Refusal::parameter("Label"));
    }
    if actions.is_empty() || !actions.iter().all(|action| ACTIONS.contains(&action.as_str())) {
        return Err(out_of_scope());
    }
    let principals: Result<Vec<_>, Refusal> = accounts
        .iter()
        .map(|account| {
            let account: AccountId = account.parse().map_err(|_| Refusal::parameter("AWSAccountId"))?;
            Ok(format!("arn:{PARTITION}:iam::{account}:root"))
        })
        .collect();
    let principals = principals?;
    if principals.is_empty() {
        return Err(Refusal::parameter("AWSAccountId"));
    }
    let mut policy = read(text)?;
    let mut statements = take_statements(&mut policy);
    if statements.iter().any(|statement| is_labelled(statement, label)) {
        return Err(Refusal::parameter("Statement already exists"));
    }
    let actions: Vec<_> = actions.iter().map(|action| format!("SNS:{action}")).collect();
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_all(principals) },
        "Action": one_or_all(actions),
        "Resource": topic.to_string(),
    }));
    policy.insert("Statement".to_owned(), Value::Array(statements));
    let text = Value::Object(policy).to_string();
    check(&text)?;
    Ok(text)
}

/// The policy without the statement of that label (RemovePermission). Without the last one it has an empty list, and lets
/// nobody in: never is it again the one that a topic begins with, which lets in more than what was withdrawn.
pub(crate) fn without_permission(text: &str, label: &str) -> Result<String, Refusal> {
    let mut policy = read(text)?;
    let mut statements = take_statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| !is_labelled(statement, label));
    if statements.len() == before {
        return Err(Refusal::parameter("Label"));
    }
    policy.insert("Statement".to_owned(), Value::Array(statements));
    Ok(Value::Object(policy).to_string())
}

fn out_of_scope() -> Refusal {
    Refusal::parameter("Policy statement action out of service scope!")
}

fn read(text: &str) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_str(text).map_err(|error| Refusal::Internal(error.into()))
}

/// Takes the statements out of a policy, as a list also where there is a single one.
fn take_statements(policy: &mut Map<String, Value>) -> Vec<Value> {
    match policy.remove("Statement") {
        None => Vec::new(),
        Some(Value::Array(statements)) => statements,
        Some(single) => vec![single],
    }
}

fn is_labelled(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

/// As AWS writes lists of policies: one value by itself.
fn one_or_all(mut values: Vec<String>) -> Value {
    match (values.pop(), values.is_empty()) {
        (Some(only), true) => Value::from(only),
        (last, _) => values.into_iter().chain(last).collect(),
    }
}
