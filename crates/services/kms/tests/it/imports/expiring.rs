//! Materials whose time ends.

use strongroom_api_kms::{EncryptRequest, ExpirationModelType, ImportKeyMaterialRequest, KeyState};
use strongroom_journal::Record;
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{DAY, NOW, client, encrypt, open, owner, until};

const MATERIAL: [u8; 32] = [0x5a; 32];

on_both_engines! {
    a_material_vanishes_when_it_is_due,
    it_cannot_be_used_after_that_whoever_is_late,
    its_end_is_what_was_said_last,
    it_expires_of_a_key_that_is_to_be_deleted,
    the_end_is_checked,
}

fn expired(record: &Record) -> bool {
    record.event_name == "DeleteExpiredKeyMaterial"
}

async fn a_material_vanishes_when_it_is_due(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let until_then = until(parameters.import(&key, &MATERIAL), NOW + DAY);
    let id = client.import(until_then.clone()).await.unwrap().key_material_id;
    let shown = client.describe(&key).await.unwrap();
    assert_eq!(shown.expiration_model, Some(ExpirationModelType::KeyMaterialExpires));
    assert_eq!(shown.valid_to, Some(Timestamp::from_millis(NOW + DAY)));
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();

    let just_before = client.much_later(DAY - 1).await;
    assert_eq!(just_before.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    assert!(!client.kms.records().iter().any(expired));
    let then = just_before.much_later(1).await;
    let arn = then.arn(&format!("key/{key}"));
    let gone = then.describe(&key).await.unwrap();
    assert_eq!((gone.key_state, gone.enabled), (Some(KeyState::PendingImport), Some(false)));
    assert_eq!((gone.expiration_model, gone.valid_to), (None, None));
    let refused = then.decrypt(&blob, None, &[]).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {arn} is pending import."));
    // KMS Developer Guide, "DeleteExpiredKeyMaterial".
    let records: Vec<_> = client.kms.records().into_iter().filter(expired).collect();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(record.event_time_ms, NOW + DAY);
    assert_eq!(record.response_elements, None);
    assert_eq!(record.service_event_details, Some(format!(r#"{{"keyId":"{key}"}}"#)));
    assert_eq!(record.resources.as_ref().unwrap()[0].arn, arn);
    // What is brought again is as good as before, and may last.
    let parameters = then.parameters(&key, "RSAES_OAEP_SHA_256").await;
    assert_eq!(then.import(parameters.import(&key, &MATERIAL)).await.unwrap().key_material_id, id);
    let after = then.much_later(400 * DAY).await;
    assert_eq!(after.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}

async fn it_cannot_be_used_after_that_whoever_is_late(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    client.import(until(parameters.import(&key, &MATERIAL), NOW + 1_000)).await.unwrap();
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    // Nothing that is due is done.
    let late = client.with_clock_moved(1_000);
    for refused in [late.decrypt(&blob, None, &[]).await, late.encrypt(&key, b"x", &[]).await] {
        assert_eq!(refused.unwrap_err().code(), "KMSInvalidStateException");
    }
    // Nor does a dry run say that it could.
    let dry_run = EncryptRequest { dry_run: Some(true), ..encrypt(&key, b"x") };
    assert_eq!(late.try_encrypt(dry_run).await.unwrap_err().code(), "KMSInvalidStateException");
}

async fn its_end_is_what_was_said_last(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let import = |at_ms| until(parameters.import(&key, &MATERIAL), at_ms);
    for at_ms in [NOW + 365 * DAY, NOW + DAY, NOW + 2 * DAY] {
        client.import(import(at_ms)).await.unwrap();
        assert_eq!(client.kms.next_due().await.unwrap().at_ms, at_ms);
    }
    let tomorrow = client.much_later(DAY + 1).await;
    assert_eq!(tomorrow.describe(&key).await.unwrap().key_state, Some(KeyState::Enabled));
    client.take_away(&key, None).await.unwrap();
    assert_eq!(client.kms.next_due().await, None);
    client.import(parameters.import(&key, &MATERIAL)).await.unwrap();
    assert_eq!(client.kms.next_due().await, None);
}

async fn it_expires_of_a_key_that_is_to_be_deleted(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    client.import(until(parameters.import(&key, &MATERIAL), NOW + DAY)).await.unwrap();
    client.schedule_deletion(&key, Some(7)).await.unwrap();
    let later = client.much_later(2 * DAY).await;
    assert_eq!(later.describe(&key).await.unwrap().key_state, Some(KeyState::PendingDeletion));
    later.cancel_deletion(&key).await.unwrap();
    assert_eq!(later.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
}

async fn the_end_is_checked(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let import = || parameters.import(&key, &MATERIAL);
    let expires = "ValidTo must be specified if ExpirationModel is KEY_MATERIAL_EXPIRES.";
    for (input, why) in [
        (ImportKeyMaterialRequest { expiration_model: None, ..import() }, expires),
        (ImportKeyMaterialRequest { valid_to: None, ..until(import(), NOW) }, expires),
        (
            ImportKeyMaterialRequest { valid_to: Some(Timestamp::from_millis(NOW + DAY)), ..import() },
            "ValidTo cannot be specified if ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE.",
        ),
        (until(import(), NOW), "ValidTo must be in the future."),
        (until(import(), NOW + 365 * DAY + 1), "ValidTo must be at most 365 days in the future."),
    ] {
        let refused = client.import(input).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("ValidationException: {why}"));
    }
    assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
    // The default is that it expires.
    let input = ImportKeyMaterialRequest { expiration_model: None, ..until(import(), NOW + 365 * DAY) };
    client.import(input).await.unwrap();
}
