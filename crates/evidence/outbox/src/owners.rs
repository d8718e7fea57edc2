//! What other accounts get of a call: whose resource it was done to, besides the caller's own.

use serde_json::{Map, Value};
use strongroom_crypto::CryptoError;
use strongroom_identity::Caller;
use strongroom_journal::{EventId, Record, Resource};

use crate::identity;

/// What CloudTrail calls a denial, whatever the service's own code for it.
pub const DENIED: &str = "AccessDenied";

/// Whether a record's error code says that the caller was not allowed to do what it asked for: in most services'
/// records, in EC2's, in CloudHSM's.
#[must_use]
pub fn is_denial(code: &str) -> bool {
    matches!(code, DENIED | "Client.UnauthorizedOperation" | "CloudHsmAccessDeniedException")
}

/// The code of an error as its record has it.
#[must_use]
pub fn recorded_code(code: String) -> String {
    match code.as_str() {
        // SNS has a code of its own.
        "AccessDeniedException" | "AuthorizationErrorException" => DENIED.to_owned(),
        _ => code,
    }
}

/// The records of a call for the accounts whose resources it touched, its caller's left out. All of them, and the
/// caller's `record`, have one `sharedEventID`. Of a refusal nobody but the caller's account hears (AWS CloudTrail
/// User Guide, "CloudTrail record contents", sharedEventID; IAM User Guide, "Logging IAM and AWS STS API calls").
pub fn records_of_owners(record: &mut Record, caller: &Caller) -> Result<Vec<Record>, CryptoError> {
    if record.error_code.as_deref().is_some_and(is_denial) {
        return Ok(Vec::new());
    }
    let mut accounts: Vec<String> = Vec::new();
    for account in record.resources.iter().flatten().filter_map(|resource| resource.account_id.as_ref()) {
        if *account != record.account_id && !accounts.contains(account) {
            accounts.push(account.clone());
        }
    }
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    record.shared_event_id = Some(EventId(strongroom_crypto::random::bytes()?));
    accounts.into_iter().map(|account| for_owner(record, caller, account)).collect()
}

/// The record that an account gets: its own resources alone, and of the caller what is shown to others.
fn for_owner(record: &Record, caller: &Caller, account: String) -> Result<Record, CryptoError> {
    let own = record.resources.iter().flatten();
    let own: Vec<_> =
        own.filter(|resource| resource.account_id.as_ref() == Some(&account)).cloned().collect();
    let others = others_side(record, &own);
    let without_others = |object: &Option<String>| match (object, others) {
        (Some(object), Some(side)) => without(side, object),
        (object, _) => object.clone(),
    };
    Ok(Record {
        request_parameters: without_others(&record.request_parameters),
        additional_event_data: without_others(&record.additional_event_data),
        event_id: EventId(strongroom_crypto::random::bytes()?),
        identity: identity::of_other_account(caller),
        resources: Some(own),
        decisions: None,
        account_id: account,
        ..record.clone()
    })
}

/// How members begin that are about the key of another account, where a call has two keys.
fn others_side(record: &Record, own: &[Resource]) -> Option<&'static str> {
    if record.event_name != "ReEncrypt" {
        return None;
    }
    // The key that it decrypts with comes first.
    let mut keys = record.resources.iter().flatten().map(|key| own.contains(key));
    match (keys.next(), keys.next()) {
        (Some(true), Some(false)) => Some("destination"),
        (Some(false), Some(true)) => Some("source"),
        _ => None,
    }
}

/// A JSON object without the members that begin so; nothing, if it is none.
fn without(beginning: &str, object: &str) -> Option<String> {
    let mut shown: Map<String, Value> = serde_json::from_str(object).ok()?;
    shown.retain(|member, _| !member.starts_with(beginning));
    Some(Value::Object(shown).to_string())
}

#[cfg(test)]
mod tests {
    use strongroom_identity::Principal;
    use strongroom_journal::IdentityKind;

    use super::*;

    const MINE: &str = "111122223333";
    const THEIRS: &str = "444455556666";

    fn caller() -> Caller {
        Caller::new(Principal::Root(MINE.parse().unwrap()), "AKIAEXAMPLE")
    }

    fn touching(owners: &[&str]) -> Record {
        let resources = owners.iter().enumerate().map(|(number, owner)| Resource {
            account_id: Some((*owner).to_owned()),
            kind: Some("AWS::KMS::Key".to_owned()),
            arn: format!("arn:aws:kms:us-east-1:{owner}:key/{number}"),
        });
        Record {
            event_id: EventId([1; 16]),
            account_id: MINE.to_owned(),
            resources: Some(resources.collect()),
            request_id: Some("r".to_owned()),
            decisions: Some("[]".to_owned()),
            ..Record::default()
        }
    }

    /// ReEncrypt asks two keys, and each owner hears of his own.
    #[test]
    fn of_two_keys_each_owner_hears_of_his_own() {
        let parameters = r#"{"destinationKeyId":"k","sourceEncryptionContext":{"a":"b"}}"#;
        let additional = r#"{"destinationKeyMaterialId":"d","sourceKeyMaterialId":"s"}"#;
        let table = [
            ([THEIRS, MINE], r#"{"sourceEncryptionContext":{"a":"b"}}"#, r#"{"sourceKeyMaterialId":"s"}"#),
            ([MINE, THEIRS], r#"{"destinationKeyId":"k"}"#, r#"{"destinationKeyMaterialId":"d"}"#),
            ([THEIRS, THEIRS], parameters, additional),
        ];
        for (owners, shown, shown_too) in table {
            let mut record = Record {
                event_name: "ReEncrypt".to_owned(),
                request_parameters: Some(parameters.to_owned()),
                additional_event_data: Some(additional.to_owned()),
                ..touching(&owners)
            };
            let others = records_of_owners(&mut record, &caller()).unwrap();
            assert_eq!(others[0].request_parameters.as_deref(), Some(shown), "{owners:?}");
            assert_eq!(others[0].additional_event_data.as_deref(), Some(shown_too), "{owners:?}");
            assert_eq!(record.request_parameters.as_deref(), Some(parameters));
        }
    }

    #[test]
    fn a_call_on_ones_own_resources_is_ones_own_matter() {
        let mut record = touching(&[MINE, MINE]);
        assert_eq!(records_of_owners(&mut record, &caller()).unwrap(), []);
        assert_eq!(record.shared_event_id, None);
    }

    #[test]
    fn each_owner_gets_a_record_of_its_own_resources_and_little_of_the_caller() {
        let mut record = touching(&[MINE, THEIRS, THEIRS]);
        let others = records_of_owners(&mut record, &caller()).unwrap();
        let [theirs] = others.as_slice() else { panic!("{others:?}") };
        assert_eq!(theirs.account_id, THEIRS);
        assert_eq!(theirs.identity.kind, Some(IdentityKind::AwsAccount));
        assert_eq!(theirs.identity.account_id.as_deref(), Some(MINE));
        assert_eq!((&theirs.identity.access_key_id, &theirs.identity.arn), (&None, &None));
        assert_eq!(theirs.resources.as_deref().unwrap(), &record.resources.as_deref().unwrap()[1..]);
        assert_eq!(theirs.request_id, record.request_id);
        assert!(record.shared_event_id.is_some() && theirs.shared_event_id == record.shared_event_id);
        assert_ne!(theirs.event_id, record.event_id);
        assert_ne!(Some(theirs.event_id), theirs.shared_event_id);
        assert_eq!(theirs.decisions, None);
    }

    #[test]
    fn an_owner_hears_of_failures_and_not_of_refusals() {
        let failed = |code: &str| Record { error_code: Some(code.to_owned()), ..touching(&[THEIRS]) };
        assert_eq!(records_of_owners(&mut failed("DisabledException"), &caller()).unwrap().len(), 1);
        let mut refused = failed("AccessDenied");
        assert_eq!(records_of_owners(&mut refused, &caller()).unwrap(), []);
        assert_eq!(refused.shared_event_id, None);
    }
}
