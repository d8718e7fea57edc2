//! One material of a symmetric key: brought, used, taken away, brought again.

use strongroom_api_kms::{
    ExpirationModelType, IncludeKeyMaterial, KeyMetadata, KeyState, Kms as _, OriginType,
};
use strongroom_identity::RecordDraft;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{DAY, NOW, client, open, owner, root, start};

const MATERIAL: [u8; 32] = [0x5a; 32];

on_both_engines! {
    a_key_waits_for_its_material_and_is_usable_with_it,
    the_material_is_the_same_for_the_same_key_only,
    a_material_that_was_taken_away_comes_back_and_no_other,
    a_key_without_material_can_be_scheduled_for_deletion_and_kept,
    an_import_outlives_the_server,
    a_disabled_key_stays_so_when_its_material_is_brought_again,
    an_import_that_is_not_committed_has_not_been,
    callers_at_once_bring_one_new_material,
}

/// What a key shows of its material.
fn shown(key: &KeyMetadata) -> (KeyState, bool, Option<ExpirationModelType>, bool) {
    let has_material = key.current_key_material_id.is_some();
    (key.key_state.clone().unwrap(), key.enabled.unwrap(), key.expiration_model.clone(), has_material)
}

async fn a_key_waits_for_its_material_and_is_usable_with_it(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let made = client.describe(&key).await.unwrap();
    assert_eq!(made.origin, Some(OriginType::External));
    assert_eq!(shown(&made), (KeyState::PendingImport, false, None, false));
    let arn = made.arn.unwrap();
    // KMS Developer Guide, "Key states of AWS KMS keys".
    let refused = client.encrypt(&key, b"x", &[]).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {arn} is pending import."));
    for refused in [client.enable(&key).await, client.disable(&key).await] {
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!("KMSInvalidStateException: {arn} is pending import.")
        );
    }
    client.create_alias("alias/byok", &key).await.unwrap();
    client.describe_as(&key, "brought").await.unwrap();
    client.tag(&key, &[("a", "b")]).await.unwrap();

    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let answer = client.import(parameters.import(&key, &MATERIAL)).await.unwrap();
    assert_eq!(answer.key_id.as_ref(), Some(&arn));
    let usable = client.describe(&key).await.unwrap();
    assert_eq!(usable.current_key_material_id, answer.key_material_id);
    assert_eq!(
        shown(&usable),
        (KeyState::Enabled, true, Some(ExpirationModelType::KeyMaterialDoesNotExpire), true)
    );
    assert_eq!(usable.valid_to, None);
    let blob = client.encrypt("alias/byok", b"plain", &[("a", "b")]).await.unwrap();
    assert_eq!(client.decrypt(&blob, None, &[("a", "b")]).await.unwrap(), b"plain");
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap_err().code(), "InvalidCiphertextException");
}

async fn the_material_is_the_same_for_the_same_key_only(database: &TestDatabase) {
    let client = client(database).await;
    let (one, other) = (client.empty_key().await, client.empty_key().await);
    let id = client.bring(&one, &MATERIAL).await.unwrap();
    assert_eq!(client.bring(&one, &MATERIAL).await.unwrap(), id, "again, while it is there");
    assert_ne!(client.bring(&other, &MATERIAL).await.unwrap(), id);
    // KMS Developer Guide, "Importing key material": another key of the same material does not decrypt.
    let blob = client.encrypt(&one, b"plain", &[]).await.unwrap();
    let refused = client.decrypt(&blob, Some(&other), &[]).await.unwrap_err();
    assert_eq!(refused.code(), "IncorrectKeyException");
}

async fn a_material_that_was_taken_away_comes_back_and_no_other(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let arn = client.arn(&format!("key/{key}"));
    // Nothing was ever there.
    let answer = client.take_away(&key, None).await.unwrap();
    assert_eq!((answer.key_id.as_ref(), answer.key_material_id), (Some(&arn), None));
    let id = client.bring(&key, &MATERIAL).await.unwrap();
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    for named in [None, Some(id.as_str())] {
        let answer = client.take_away(&key, named).await.unwrap();
        assert_eq!((answer.key_id.as_ref(), answer.key_material_id.as_ref()), (Some(&arn), Some(&id)));
        assert_eq!(
            shown(&client.describe(&key).await.unwrap()),
            (KeyState::PendingImport, false, None, false)
        );
        // Twice is as good as once.
        client.take_away(&key, named).await.unwrap();
        let refused = client.decrypt(&blob, None, &[]).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {arn} is pending import."));
        let refused = client.bring(&key, &[1; 32]).await.unwrap_err();
        assert_eq!(refused.code(), "IncorrectKeyMaterialException");
        assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
        assert_eq!(client.bring(&key, &MATERIAL).await.unwrap(), id);
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    }
    let unknown = "0".repeat(64);
    let refused = client.take_away(&key, Some(&unknown)).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("NotFoundException: Key material {unknown} is not found."));
}

async fn a_key_without_material_can_be_scheduled_for_deletion_and_kept(database: &TestDatabase) {
    let client = client(database).await;
    let (empty, full) = (client.empty_key().await, client.empty_key().await);
    client.bring(&full, &MATERIAL).await.unwrap();
    for key in [&empty, &full] {
        client.schedule_deletion(key, Some(7)).await.unwrap();
        let refused = client.try_parameters(key, "RSAES_OAEP_SHA_256", "RSA_2048").await.unwrap_err();
        let arn = client.arn(&format!("key/{key}"));
        assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {arn} is pending deletion."));
    }
    // KMS API Reference, DeleteImportedKeyMaterial: the state stays.
    client.take_away(&full, None).await.unwrap();
    assert_eq!(client.describe(&full).await.unwrap().key_state, Some(KeyState::PendingDeletion));
    for key in [&empty, &full] {
        client.cancel_deletion(key).await.unwrap();
        assert_eq!(client.describe(key).await.unwrap().key_state, Some(KeyState::PendingImport));
    }
    client.bring(&full, &MATERIAL).await.unwrap();
    client.schedule_deletion(&full, Some(7)).await.unwrap();
    client.cancel_deletion(&full).await.unwrap();
    assert_eq!(client.describe(&full).await.unwrap().key_state, Some(KeyState::Disabled));
    client.schedule_deletion(&empty, Some(7)).await.unwrap();
    let later = client.later(8 * DAY).await;
    assert_eq!(later.describe(&empty).await.unwrap_err().code(), "NotFoundException");
}

async fn an_import_outlives_the_server(database: &TestDatabase) {
    let db = open(database).await;
    let before = owner(&db);
    let key = before.empty_key().await;
    let parameters = before.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let before_id = before.import(parameters.import(&key, &MATERIAL)).await.unwrap().key_material_id;
    let blob = before.encrypt(&key, b"plain", &[]).await.unwrap();
    let after = before.on(&start(&db, &root()));
    assert_eq!(after.describe(&key).await.unwrap().current_key_material_id, before_id);
    assert_eq!(after.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    // The token is of no server.
    after.take_away(&key, None).await.unwrap();
    assert_eq!(after.import(parameters.import(&key, &MATERIAL)).await.unwrap().key_material_id, before_id);
    let again = before.on(&start(&db, &root()));
    assert_eq!(again.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    assert_eq!(before.now, NOW);
}

async fn a_disabled_key_stays_so_when_its_material_is_brought_again(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    client.bring(&key, &MATERIAL).await.unwrap();
    client.disable(&key).await.unwrap();
    client.bring(&key, &MATERIAL).await.unwrap();
    assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::Disabled));
    client.take_away(&key, None).await.unwrap();
    assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::PendingImport));
    client.bring(&key, &MATERIAL).await.unwrap();
    assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::Enabled));
}

async fn an_import_that_is_not_committed_has_not_been(database: &TestDatabase) {
    let db = open(database).await;
    let client = owner(&db);
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let with_draft = |number: u8| {
        client.context().with_draft(RecordDraft { event_id: [number; 16], bytes: vec![number], mark: None })
    };
    db.transaction(|tx| Box::pin(async move { tx.post(&[9; 16], b"a draft").await })).await.unwrap();
    // The draft of the record is the last thing that is written, and waits already.
    let refused = client.kms.import_key_material(&with_draft(9), parameters.import(&key, &MATERIAL)).await;
    assert_eq!(refused.unwrap_err().code(), "KMSInternalException");
    for caller in [&client, &client.on(&start(&db, &root()))] {
        assert_eq!(
            shown(&caller.describe(&key).await.unwrap()),
            (KeyState::PendingImport, false, None, false)
        );
        let all = Some(IncludeKeyMaterial::AllKeyMaterial);
        assert!(caller.rotations(&key, all, None).await.is_empty());
    }
    // It is still free to be another one's.
    client.kms.import_key_material(&with_draft(1), parameters.import(&key, &[1; 32])).await.unwrap();
}

async fn callers_at_once_bring_one_new_material(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..6 {
        let (client, input) = (client.clone(), parameters.import(&key, &[number; 32]));
        calls.spawn(async move { client.import(input.clone()).await });
    }
    let outcomes = calls.join_all().await;
    let codes: Vec<_> = outcomes.iter().filter_map(|outcome| Some(outcome.as_ref().err()?.code())).collect();
    assert_eq!(codes, ["IncorrectKeyMaterialException"; 5]);
    let all = Some(IncludeKeyMaterial::AllKeyMaterial);
    assert_eq!(client.rotations(&key, all, None).await.len(), 1);
}
