//! Policies, as far as the report looks into them: what a statement allows, to whom, under which conditions.

use serde_json::Value;

/// Conditions that keep a statement for everybody to callers whom somebody answers for.
const BOUNDING: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "kms:calleraccount",
    "kms:viaservice",
];

/// The statements of a policy that allow something; none if it is no policy.
pub(super) fn allowing(document: &str) -> Vec<Value> {
    let parsed: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = match parsed.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(one @ Value::Object(_)) => vec![one.clone()],
        _ => Vec::new(),
    };
    statements.into_iter().filter(|statement| statement.get("Effect") == Some(&"Allow".into())).collect()
}

/// A name for a statement.
pub(super) fn name_of(statement: &Value) -> String {
    statement
        .get("Sid")
        .and_then(Value::as_str)
        .map_or_else(|| "a statement".to_owned(), |sid| format!("statement {sid}"))
}

/// The texts of a member that is one text or several.
pub(super) fn texts<'s>(statement: &'s Value, member: &str) -> Vec<&'s str> {
    match statement.get(member) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether everybody is meant.
pub(super) fn is_for_everybody(statement: &Value) -> bool {
    match statement.get("Principal") {
        Some(Value::String(one)) => one == "*",
        Some(named @ Value::Object(_)) => texts(named, "AWS").contains(&"*"),
        // Everybody but some.
        _ => statement.get("NotPrincipal").is_some(),
    }
}

/// Whether conditions keep it to callers whom somebody answers for.
pub(super) fn is_bounded(statement: &Value) -> bool {
    let Some(Value::Object(operators)) = statement.get("Condition") else { return false };
    operators
        .iter()
        .filter(|(operator, _)| {
            // What is true of whoever lacks the key bounds nobody.
            let operator = operator.to_ascii_lowercase();
            !operator.ends_with("ifexists")
                && !operator.contains("not")
                && !operator.starts_with("forallvalues:")
        })
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
        .any(|(key, values)| {
            BOUNDING.contains(&key.to_ascii_lowercase().as_str())
                && values != "*"
                && values != &Value::from(vec!["*"])
        })
}

/// Whether a statement allows all actions, or all of the service.
pub(super) fn allows_all(statement: &Value, service: &str) -> bool {
    let whole = format!("{service}:*");
    texts(statement, "Action").iter().any(|action| *action == "*" || action.eq_ignore_ascii_case(&whole))
        || statement.get("NotAction").is_some()
}

/// Whether it is about everything.
pub(super) fn is_about_everything(statement: &Value) -> bool {
    texts(statement, "Resource").contains(&"*") || statement.get("NotResource").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_bound_only_if_they_can_fail_for_strangers() {
        let bounded = |condition: Value| is_bounded(&json!({ "Condition": condition }));
        assert!(bounded(json!({ "StringEquals": { "kms:CallerAccount": "111122223333" } })));
        assert!(bounded(json!({ "ArnLike": { "AWS:SourceArn": ["arn:aws:s3:::bucket"] } })));
        assert!(!bounded(json!({ "StringEqualsIfExists": { "kms:CallerAccount": "111122223333" } })));
        assert!(!bounded(json!({ "StringNotEquals": { "kms:CallerAccount": "111122223333" } })));
        assert!(!bounded(json!({ "StringLike": { "aws:PrincipalArn": "*" } })));
        assert!(!bounded(json!({ "Bool": { "aws:SecureTransport": "true" } })));
        assert!(!is_bounded(&json!({})));
    }

    #[test]
    fn everybody_is_found_in_each_form() {
        let table = [
            (json!({ "Principal": "*" }), true),
            (json!({ "Principal": { "AWS": ["arn:aws:iam::111122223333:root", "*"] } }), true),
            (json!({ "NotPrincipal": { "AWS": "arn:aws:iam::111122223333:root" } }), true),
            (json!({ "Principal": { "AWS": "arn:aws:iam::111122223333:root" } }), false),
            (json!({ "Principal": { "Service": "s3.amazonaws.com" } }), false),
        ];
        for (statement, everybody) in table {
            assert_eq!(is_for_everybody(&statement), everybody, "{statement}");
        }
    }

    #[test]
    fn only_allowing_statements_of_a_policy_are_read() {
        let policy =
            r#"{"Statement":[{"Effect":"Deny","Action":"*"},{"Sid":"A","Effect":"Allow","Action":"kms:*"}]}"#;
        let [only] = allowing(policy).try_into().unwrap();
        assert_eq!(name_of(&only), "statement A");
        assert!(allows_all(&only, "kms") && !allows_all(&only, "s3"));
        assert!(allowing("no policy").is_empty());
    }
}
