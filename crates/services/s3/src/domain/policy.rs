//! Bucket policies: what is accepted, and which are public (Amazon S3 User Guide, "Policies and permissions in Amazon S3",
//! "The meaning of 'public'").

use serde::{Deserialize, Serialize};
use strongroom_policy::Bound;
use strongroom_policy::document::{
    ActionPattern, ArnPattern, Condition, Document, DocumentError, Effect, Fault, Kind, NamedPrincipal,
    Operator, Scope, Statement,
};

use super::bucket::Compiled;
use super::name::bucket_arn;
use crate::error::Refusal;

/// The largest policy, in bytes.
const LIMIT: usize = 20_480;

/// The name by which decisions speak of it.
const NAME: &str = "bucket policy";

/// Condition keys that keep a statement from being about everybody, if their values are fixed.
const NARROWING: [&str; 12] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Actions on objects that do not say so in their names.
const ON_OBJECTS: [&str; 2] = ["s3:abortmultipartupload", "s3:listmultipartuploadparts"];

/// A policy as it was put, with the users and roles that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketPolicy {
    pub(crate) text: String,
    pub(crate) bound: Bound,
}

impl BucketPolicy {
    /// The policy, made ready to be asked.
    pub(crate) fn compile(&self) -> Compiled {
        match Document::parse(&self.text, Kind::Resource) {
            Ok(document) => Compiled::new(NAME, &self.bound.counting(document)),
            Err(_) => Compiled::barring(NAME),
        }
    }
}

/// Reads a policy that a bucket is to get. Whether those whom it names exist is not looked at.
pub(crate) fn read(text: &str, bucket: &str) -> Result<Document, Refusal> {
    if text.len() > LIMIT {
        return Err(malformed("Policy exceeds the maximum allowed document size."));
    }
    let document = Document::parse(text, Kind::Resource).map_err(refusal)?;
    for statement in &document.statements {
        check(statement, bucket)?;
    }
    Ok(document)
}

/// A statement is about S3's actions, on this bucket and what is in it.
fn check(statement: &Statement, bucket: &str) -> Result<(), Refusal> {
    let actions = statement.actions.listed();
    let is_of_s3 = |action: &ActionPattern| {
        action.as_str() == "*"
            || action.as_str().get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("s3:"))
    };
    if !actions.iter().all(is_of_s3) {
        return Err(malformed("Policy has invalid action"));
    }
    let Some(resources) = &statement.resources else { return Ok(()) };
    let arn = bucket_arn(bucket);
    let is_here = |resource: &ArnPattern| {
        let rest = resource.as_str().strip_prefix(&arn);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*']))
    };
    if !resources.listed().iter().all(is_here) {
        return Err(malformed("Policy has invalid resource"));
    }
    let (Scope::Only(actions), Scope::Only(resources)) = (&statement.actions, resources) else {
        return Ok(());
    };
    let names_bucket = resources.iter().any(|resource| !resource.as_str().contains('/'));
    let names_objects = resources.iter().any(|resource| resource.as_str().contains(['/', '*']));
    let applies = |action: &ActionPattern| {
        let name = action.as_str().to_ascii_lowercase();
        let is_on_objects =
            name.contains("object") && !name.contains("bucket") || ON_OBJECTS.contains(&name.as_str());
        name.contains(['*', '?']) || if is_on_objects { names_objects } else { names_bucket }
    };
    if actions.iter().all(applies) {
        Ok(())
    } else {
        Err(malformed("Action does not apply to any resource(s) in statement"))
    }
}

/// Whether a policy lets everybody in: an Allow for everybody, without a condition that fixes who or whence.
pub(crate) fn is_public(document: &Document) -> bool {
    document.statements.iter().any(|statement| {
        let names_everybody = match &statement.principals {
            Some(Scope::Only(named)) => named.contains(&NamedPrincipal::Anyone),
            Some(Scope::Except(_)) => true,
            None => false,
        };
        statement.effect == Effect::Allow && names_everybody && !statement.conditions.iter().any(narrows)
    })
}

fn narrows(condition: &Condition) -> bool {
    let compares = matches!(
        condition.operator,
        Operator::StringEquals
            | Operator::StringEqualsIgnoreCase
            | Operator::StringLike
            | Operator::ArnEquals
            | Operator::ArnLike
            | Operator::IpAddress
    );
    let key = condition.key.to_ascii_lowercase();
    let is_fixed = |value: &String| match key.as_str() {
        // Broad blocks are as good as everybody.
        "aws:sourceip" => !matches!(value.as_str(), "0.0.0.0/0" | "::/0"),
        // An account that stands in full is enough of an ARN.
        "aws:sourcearn" | "aws:principalarn" => {
            value
                .split(':')
                .nth(4)
                .is_some_and(|account| account.parse::<strongroom_identity::AccountId>().is_ok())
                || !value.contains(['*', '?'])
        }
        _ => !value.contains(['*', '?']),
    };
    compares
        && !condition.if_exists
        && condition.quantifier.is_none()
        && NARROWING.contains(&key.as_str())
        && !condition.values.is_empty()
        && condition.values.iter().all(|value| is_fixed(value) && !value.contains("${"))
}

fn malformed(text: impl Into<String>) -> Refusal {
    Refusal::client(400, "MalformedPolicy", text)
}

/// The refusal of a policy that names somebody who does not exist.
pub(crate) fn invalid_principal(named: &str) -> Refusal {
    malformed("Invalid principal in policy").with_detail(format!("\"AWS\" : \"{named}\""))
}

fn refusal(error: DocumentError) -> Refusal {
    match error {
        DocumentError::TooLarge { .. } => malformed("Policy exceeds the maximum allowed document size."),
        DocumentError::InvalidPrincipal { principal, .. } | DocumentError::InvalidArn { principal, .. } => {
            invalid_principal(&principal)
        }
        DocumentError::DuplicateSid { .. } => {
            malformed("Statement IDs (SID) in a single policy must be unique.")
        }
        DocumentError::Malformed { fault, .. } => malformed(match fault {
            Fault::Json => "Policies must be valid JSON and the first byte must be '{'".to_owned(),
            Fault::Missing(element) => format!("Missing required field {element}"),
            Fault::UnknownElement(element) => format!("Unknown field {element}"),
            Fault::Effect(effect) => format!("Invalid effect: {effect}"),
            Fault::ActionWithoutPrefix(_) | Fault::ActionColons(_) | Fault::Action(_) => {
                "Policy has invalid action".to_owned()
            }
            Fault::ResourceNotArn(_) | Fault::ResourcePartition(_) | Fault::ResourceService(_) => {
                "Policy has invalid resource".to_owned()
            }
            Fault::Operator(operator) => format!("Invalid Condition type : {operator}"),
            Fault::ConditionKey(_) => "Policy has an invalid condition key".to_owned(),
            Fault::Version(_) => "The policy must contain a valid version string".to_owned(),
            Fault::NoStatements => "Could not parse the policy: Statement is empty!".to_owned(),
            other => format!("Policies must be of the policy language: {other}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(principal: &str, rest: &str) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::here/*"{rest}}}]}}"#
        )
    }

    fn public(principal: &str, rest: &str) -> bool {
        is_public(&read(&statement(principal, rest), "here").ok().unwrap())
    }

    #[test]
    fn a_policy_is_public_unless_it_says_who_or_whence() {
        assert!(public("\"*\"", ""));
        assert!(public(r#"{"AWS":"*"}"#, r#","Condition":{"StringEquals":{"aws:Referer":"a"}}"#));
        assert!(public(r#"{"AWS":"*"}"#, r#","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#));
        assert!(public(r#"{"AWS":"*"}"#, r#","Condition":{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#));
        assert!(public(
            r#"{"AWS":"*"}"#,
            r#","Condition":{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#
        ));
        assert!(!public(r#"{"AWS":"111122223333"}"#, ""));
        assert!(!public(r#"{"Service":"cloudtrail.amazonaws.com"}"#, ""));
        assert!(!public(
            r#"{"AWS":"*"}"#,
            r#","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#
        ));
        let arn = "arn:aws:cloudtrail:*:111122223333:trail/*";
        assert!(!public("\"*\"", &format!(r#","Condition":{{"ArnLike":{{"aws:SourceArn":"{arn}"}}}}"#)));
    }

    #[test]
    fn a_policy_speaks_of_its_bucket() {
        let policy = |action: &str, resource: &str| {
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"{resource}"}}}}"#
            );
            match read(&text, "here") {
                Ok(_) => "ok".to_owned(),
                Err(Refusal::Client(told)) => told.text().to_owned(),
                Err(other) => format!("{other:?}"),
            }
        };
        assert_eq!(policy("s3:GetObject", "arn:aws:s3:::here/*"), "ok");
        assert_eq!(policy("s3:*", "arn:aws:s3:::here"), "ok");
        assert_eq!(policy("s3:ListBucket", "arn:aws:s3:::here"), "ok");
        assert_eq!(policy("s3:GetObject", "arn:aws:s3:::there/*"), "Policy has invalid resource");
        assert_eq!(policy("s3:GetObject", "arn:aws:s3:::heretic/*"), "Policy has invalid resource");
        assert_eq!(policy("s3:GetObject", "*"), "Policy has invalid resource");
        assert_eq!(policy("kms:Decrypt", "arn:aws:s3:::here/*"), "Policy has invalid action");
        let nowhere = "Action does not apply to any resource(s) in statement";
        assert_eq!(policy("s3:GetObject", "arn:aws:s3:::here"), nowhere);
        assert_eq!(policy("s3:ListBucket", "arn:aws:s3:::here/*"), nowhere);
    }
}
