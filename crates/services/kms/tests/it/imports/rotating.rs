//! Keys rotated to materials that were brought for that (KMS Developer Guide, "Rotate AWS KMS keys").

use strongroom_api_kms::{
    ExpirationModelType, ImportKeyMaterialRequest, ImportState, ImportType, IncludeKeyMaterial,
    KeyMaterialState, KeyState, RotationType, RotationsListEntry,
};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, DAY, NOW, client, open, owner, until};

const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];

on_both_engines! {
    a_key_rotates_to_what_was_brought,
    without_new_material_nothing_rotates,
    a_key_needs_all_of_its_materials,
    what_waits_can_go_and_be_replaced,
    what_is_over_is_not_rotated_to_whoever_is_late,
    the_lists_tell_all_of_it,
    a_key_rotates_twenty_five_times_and_no_more,
}

async fn all(client: &Client, key: &str) -> Vec<RotationsListEntry> {
    client.rotations(key, Some(IncludeKeyMaterial::AllKeyMaterial), None).await
}

async fn a_key_rotates_to_what_was_brought(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let first = client.bring(&key, &FIRST).await.unwrap();
    let old = client.encrypt(&key, b"old", &[]).await.unwrap();
    let second = client.bring_new(&key, &SECOND).await.unwrap();
    let current =
        async |client: &Client| client.describe(&key).await.unwrap().current_key_material_id.unwrap();
    assert_eq!(current(&client).await, first, "it only waits");
    let tomorrow = client.at(NOW + DAY);
    assert_eq!(tomorrow.rotate(&key).await.unwrap().key_id.as_ref(), Some(&key));
    assert_eq!(current(&client).await, second);
    let new = client.encrypt(&key, b"new", &[]).await.unwrap();
    assert_eq!(client.decrypt(&old, None, &[]).await.unwrap(), b"old");
    assert_eq!(client.decrypt(&new, None, &[]).await.unwrap(), b"new");
    let records = client.kms.records();
    let record = records.iter().find(|record| record.event_name == "RotateKey").unwrap();
    let details: serde_json::Value =
        serde_json::from_str(record.service_event_details.as_deref().unwrap()).unwrap();
    assert_eq!(
        details,
        serde_json::json!({
            "rotationType": "ON_DEMAND",
            "keyOrigin": "EXTERNAL",
            "previousKeyMaterialId": first,
            "currentKeyMaterialId": second,
            "keyId": key,
        })
    );
}

async fn without_new_material_nothing_rotates(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let arn = client.arn(&format!("key/{key}"));
    let refused = client.rotate(&key).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {arn} is pending import."));
    client.bring(&key, &FIRST).await.unwrap();
    let none =
        format!("KMSInvalidStateException: No available key material pending rotation for the key: {arn}.");
    assert_eq!(client.rotate(&key).await.unwrap_err().to_string(), none);
    client.bring_new(&key, &SECOND).await.unwrap();
    client.rotate(&key).await.unwrap();
    assert_eq!(client.rotate(&key).await.unwrap_err().to_string(), none);
    assert_eq!(client.rotations(&key, None, None).await.len(), 1);
}

async fn a_key_needs_all_of_its_materials(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let first = client.bring(&key, &FIRST).await.unwrap();
    let old = client.encrypt(&key, b"old", &[]).await.unwrap();
    let second = client.bring_new(&key, &SECOND).await.unwrap();
    client.rotate(&key).await.unwrap();
    let new = client.encrypt(&key, b"new", &[]).await.unwrap();
    let state = async || client.describe(&key).await.unwrap().key_state.unwrap();
    for (gone, material) in [(&first, &FIRST), (&second, &SECOND)] {
        client.take_away(&key, Some(gone)).await.unwrap();
        assert_eq!(state().await, KeyState::PendingImport);
        for blob in [&old, &new] {
            assert_eq!(client.decrypt(blob, None, &[]).await.unwrap_err().code(), "KMSInvalidStateException");
        }
        assert_eq!(&client.bring(&key, material).await.unwrap(), gone);
        assert_eq!(state().await, KeyState::Enabled);
    }
    // Both gone, and one is back: it is not enough.
    client.take_away(&key, Some(&first)).await.unwrap();
    client.take_away(&key, None).await.unwrap();
    client.bring(&key, &SECOND).await.unwrap();
    assert_eq!(state().await, KeyState::PendingImport);
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    client.import(until(parameters.import(&key, &FIRST), NOW + DAY)).await.unwrap();
    assert_eq!(state().await, KeyState::Enabled);
    assert_eq!(client.decrypt(&old, None, &[]).await.unwrap(), b"old");
    assert_eq!(client.decrypt(&new, None, &[]).await.unwrap(), b"new");
    // The one that ends first says when the key does.
    let shown = client.describe(&key).await.unwrap();
    assert_eq!(shown.valid_to, Some(Timestamp::from_millis(NOW + DAY)));
    let later = client.much_later(DAY).await;
    assert_eq!(later.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
}

async fn what_waits_can_go_and_be_replaced(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let first = client.bring(&key, &FIRST).await.unwrap();
    let second = client.bring_new(&key, &SECOND).await.unwrap();
    client.take_away(&key, Some(&second)).await.unwrap();
    assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::Enabled));
    let ids = |entries: Vec<RotationsListEntry>| -> Vec<_> {
        entries.into_iter().map(|entry| entry.key_material_id.unwrap()).collect()
    };
    assert_eq!(ids(all(&client, &key).await), [first.as_str()]);
    let third = client.bring_new(&key, &[3; 32]).await.unwrap();
    assert_eq!(ids(all(&client, &key).await), [first.as_str(), third.as_str()]);
    client.take_away(&key, Some(&third)).await.unwrap();
    // One that expires while it waits is gone likewise.
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let new = Some(ImportType::NewKeyMaterial);
    let input = ImportKeyMaterialRequest { import_type: new, ..parameters.import(&key, &SECOND) };
    client.import(until(input, NOW + 1_000)).await.unwrap();
    let later = client.much_later(1_000).await;
    assert_eq!(later.describe(&key).await.unwrap().key_state, Some(KeyState::Enabled));
    assert_eq!(ids(all(&later, &key).await), [first.as_str()]);
    assert_eq!(later.rotate(&key).await.unwrap_err().code(), "KMSInvalidStateException");
    later.bring_new(&key, &SECOND).await.unwrap();
    later.rotate(&key).await.unwrap();
}

async fn what_is_over_is_not_rotated_to_whoever_is_late(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let first = client.bring(&key, &FIRST).await.unwrap();
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let new = Some(ImportType::NewKeyMaterial);
    let input = ImportKeyMaterialRequest { import_type: new, ..parameters.import(&key, &SECOND) };
    client.import(until(input, NOW + 1_000)).await.unwrap();
    // Nothing that is due is done.
    let late = client.with_clock_moved(1_000);
    let none = format!(
        "KMSInvalidStateException: No available key material pending rotation for the key: {}.",
        client.arn(&format!("key/{key}"))
    );
    assert_eq!(late.rotate(&key).await.unwrap_err().to_string(), none);
    late.kms.run_due(late.now).await;
    let shown = late.describe(&key).await.unwrap();
    assert_eq!((shown.key_state, shown.current_key_material_id), (Some(KeyState::Enabled), Some(first)));
    late.encrypt(&key, b"x", &[]).await.unwrap();
}

async fn the_lists_tell_all_of_it(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    assert!(all(&client, &key).await.is_empty());
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let described = |text: &str, input: ImportKeyMaterialRequest| ImportKeyMaterialRequest {
        key_material_description: Some(text.to_owned()),
        ..input
    };
    let first = client.import(described("from 2026", parameters.import(&key, &FIRST))).await.unwrap();
    client.bring_new(&key, &SECOND).await.unwrap();
    client.at(NOW + DAY).rotate(&key).await.unwrap();
    let new = Some(ImportType::NewKeyMaterial);
    let third = ImportKeyMaterialRequest { import_type: new, ..parameters.import(&key, &[3; 32]) };
    client.import(until(described("next", third), NOW + 9 * DAY)).await.unwrap();
    client.take_away(&key, first.key_material_id.as_deref()).await.unwrap();

    let entries = all(&client, &key).await;
    let states: Vec<_> = entries.iter().map(|entry| entry.key_material_state.clone().unwrap()).collect();
    assert_eq!(
        states,
        [KeyMaterialState::NonCurrent, KeyMaterialState::Current, KeyMaterialState::PendingRotation]
    );
    let imported: Vec<_> = entries.iter().map(|entry| entry.import_state.clone().unwrap()).collect();
    assert_eq!(imported, [ImportState::PendingImport, ImportState::Imported, ImportState::Imported]);
    let descriptions: Vec<_> =
        entries.iter().map(|entry| entry.key_material_description.as_deref()).collect();
    assert_eq!(descriptions, [Some("from 2026"), None, Some("next")], "what was said of one stays");
    let models: Vec<_> = entries.iter().map(|entry| entry.expiration_model.clone()).collect();
    let (lasts, ends) =
        (ExpirationModelType::KeyMaterialDoesNotExpire, ExpirationModelType::KeyMaterialExpires);
    assert_eq!(models, [None, Some(lasts), Some(ends)]);
    assert_eq!(entries[2].valid_to, Some(Timestamp::from_millis(NOW + 9 * DAY)));
    let rotated: Vec<_> = entries.iter().map(|entry| entry.rotation_type.clone()).collect();
    assert_eq!(rotated, [None, Some(RotationType::OnDemand), None]);
    assert_eq!(entries[1].rotation_date, Some(Timestamp::from_millis(NOW + DAY)));
    // Completed rotations alone, unless all is asked for.
    let only = client.rotations(&key, None, None).await;
    assert_eq!(only.len(), 1);
    assert_eq!(only[0].key_material_state, Some(KeyMaterialState::Current));
    // What is said again replaces what was said.
    client.import(described("again", parameters.import(&key, &FIRST))).await.unwrap();
    assert_eq!(all(&client, &key).await[0].key_material_description.as_deref(), Some("again"));
}

async fn a_key_rotates_twenty_five_times_and_no_more(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    client.import(parameters.import(&key, &[0; 32])).await.unwrap();
    let bring = async |number: u8| {
        let new = Some(ImportType::NewKeyMaterial);
        let input = ImportKeyMaterialRequest { import_type: new, ..parameters.import(&key, &[number; 32]) };
        client.import(input).await.unwrap();
    };
    for number in 1..=25 {
        bring(number).await;
        client.rotate(&key).await.unwrap();
    }
    bring(26).await;
    assert_eq!(client.rotate(&key).await.unwrap_err().code(), "LimitExceededException");
    assert_eq!(all(&client, &key).await.len(), 27);
}
