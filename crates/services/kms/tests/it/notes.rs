//! What operations leave in the context for the record (CloudTrail's samples in the KMS Developer Guide, "Logging
//! AWS KMS API calls").

use strongroom_api_kms::{
    CancelKeyDeletionRequest, CreateAliasRequest, CreateKeyRequest, DecryptRequest, DeleteAliasRequest,
    DescribeKeyRequest, DisableKeyRequest, EnableKeyRequest, EnableKeyRotationRequest, EncryptRequest,
    EncryptionAlgorithmSpec, GenerateDataKeyRequest, KeySpec, KeyUsageType, Kms as _, ListAliasesRequest,
    ListKeysRequest, OriginType, PutKeyPolicyRequest, ScheduleKeyDeletionRequest, TagResourceRequest,
    UntagResourceRequest, UpdateAliasRequest,
};
use strongroom_identity::{AuditNotes, NoteValue, TouchedResource};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, ACCOUNT, Client, REGION, STRANGER, client, data_key, decrypt, encrypt, tags};

on_both_engines! {
    making_a_key_notes_it_and_every_default,
    describing_and_listing_note_the_key_and_no_more,
    making_an_alias_notes_both,
    cryptography_notes_key_material_and_algorithm,
    administering_a_key_notes_it_and_who_it_is,
    refusals_note_what_was_reached,
}

fn text(value: &str) -> NoteValue {
    NoteValue::Text(value.to_owned())
}

fn key_resource(arn: &str) -> TouchedResource {
    TouchedResource { account: ACCOUNT.to_owned(), kind: "AWS::KMS::Key", arn: arn.to_owned() }
}

/// Notes in the order in which they were left.
#[track_caller]
fn assert_notes(
    notes: &AuditNotes,
    resources: &[TouchedResource],
    defaults: &[(&'static str, NoteValue)],
    additional: &[(&'static str, NoteValue)],
) {
    assert_eq!(notes.resources, resources);
    assert_eq!(notes.defaults, defaults);
    assert_eq!(notes.additional, additional);
}

/// A key with its ARN and material.
async fn key(client: &Client) -> (String, String, String) {
    let key = client.create_key().await;
    (key.key_id, key.arn.unwrap(), key.current_key_material_id.unwrap())
}

async fn making_a_key_notes_it_and_every_default(database: &TestDatabase) {
    let client = client(database).await;
    let context = client.context();
    let made = client.kms.create_key(&context, CreateKeyRequest::default()).await.unwrap();
    let arn = made.key_metadata.unwrap().arn.unwrap();
    // The sample of CreateKey shows each of these although the caller gave none.
    let defaults = [
        ("description", text("")),
        ("origin", text("AWS_KMS")),
        ("bypassPolicyLockoutSafetyCheck", NoteValue::Flag(false)),
        ("customerMasterKeySpec", text("SYMMETRIC_DEFAULT")),
        ("keySpec", text("SYMMETRIC_DEFAULT")),
        ("keyUsage", text("ENCRYPT_DECRYPT")),
    ];
    assert_notes(&context.take_notes(), &[key_resource(&arn)], &defaults, &[]);

    // What the caller gave is in the parameters already.
    let context = client.context();
    let input = CreateKeyRequest {
        description: Some("d".to_owned()),
        origin: Some(OriginType::AwsKms),
        bypass_policy_lockout_safety_check: Some(true),
        key_spec: Some(KeySpec::SymmetricDefault),
        key_usage: Some(KeyUsageType::EncryptDecrypt),
        ..CreateKeyRequest::default()
    };
    let made = client.kms.create_key(&context, input).await.unwrap();
    let arn = made.key_metadata.unwrap().arn.unwrap();
    let defaults = [("customerMasterKeySpec", text("SYMMETRIC_DEFAULT"))];
    assert_notes(&context.take_notes(), &[key_resource(&arn)], &defaults, &[]);
}

async fn describing_and_listing_note_the_key_and_no_more(database: &TestDatabase) {
    let client = client(database).await;
    let (id, arn, _) = key(&client).await;
    client.create_alias("alias/x", &id).await.unwrap();
    for name in [&*id, &arn, "alias/x"] {
        let context = client.context();
        let input = DescribeKeyRequest { key_id: name.to_owned(), grant_tokens: None };
        client.kms.describe_key(&context, input).await.unwrap();
        assert_notes(&context.take_notes(), &[key_resource(&arn)], &[], &[]);
    }
    let context = client.context();
    client.kms.list_keys(&context, ListKeysRequest::default()).await.unwrap();
    client.kms.list_aliases(&context, ListAliasesRequest::default()).await.unwrap();
    assert_notes(&context.take_notes(), &[], &[], &[]);
}

async fn making_an_alias_notes_both(database: &TestDatabase) {
    let client = client(database).await;
    let (id, arn, _) = key(&client).await;
    let alias = TouchedResource {
        account: ACCOUNT.to_owned(),
        kind: "AWS::KMS::Alias",
        arn: format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/x"),
    };
    // The second is refused, and concerns the same two.
    for taken in [false, true] {
        let context = client.context();
        let input = CreateAliasRequest { alias_name: "alias/x".to_owned(), target_key_id: id.clone() };
        assert_eq!(client.kms.create_alias(&context, input).await.is_err(), taken);
        let notes = context.take_notes();
        assert_notes(&notes, &[key_resource(&arn), alias.clone()], &[], &[]);
        // The answer is empty, its record is not.
        let response = [("keyId", text(&arn))];
        assert_eq!(notes.response, if taken { &[][..] } else { &response });
    }
}

async fn cryptography_notes_key_material_and_algorithm(database: &TestDatabase) {
    let client = client(database).await;
    let (id, arn, material) = key(&client).await;
    client.create_alias("alias/x", &id).await.unwrap();
    let blob = client.encrypt(&id, b"x", &[]).await.unwrap();
    let default = [("encryptionAlgorithm", text("SYMMETRIC_DEFAULT"))];
    let material = [("keyMaterialId", text(&material))];
    let (key, kms) = ([key_resource(&arn)], &client.kms);
    for (algorithm, defaults) in
        [(None, &default[..]), (Some(EncryptionAlgorithmSpec::SymmetricDefault), &[])]
    {
        // A dry run is recorded as the call that it stands for.
        for dry_run in [None, Some(true)] {
            let context = client.context();
            let input = EncryptRequest {
                encryption_algorithm: algorithm.clone(),
                dry_run,
                ..encrypt("alias/x", b"x")
            };
            assert_eq!(kms.encrypt(&context, input).await.is_err(), dry_run.is_some());
            assert_notes(&context.take_notes(), &key, defaults, &material);

            let context = client.context();
            let input = DecryptRequest { encryption_algorithm: algorithm.clone(), dry_run, ..decrypt(&blob) };
            assert_eq!(kms.decrypt(&context, input).await.is_err(), dry_run.is_some());
            assert_notes(&context.take_notes(), &key, defaults, &material);
        }
    }
    for dry_run in [None, Some(true)] {
        // GenerateDataKey has no algorithm among its parameters.
        let context = client.context();
        let input = GenerateDataKeyRequest { dry_run, ..data_key(&arn) };
        assert_eq!(kms.generate_data_key(&context, input).await.is_err(), dry_run.is_some());
        assert_notes(&context.take_notes(), &key, &[], &material);
    }
}

async fn administering_a_key_notes_it_and_who_it_is(database: &TestDatabase) {
    let client = client(database).await;
    let (key_id, arn, _) = key(&client).await;
    let (resource, kms) = (key_resource(&arn), &client.kms);
    // Since December 2022 records name the key in responseElements where the answer itself is empty.
    let named = ("keyId", text(&arn));

    let context = client.context();
    kms.disable_key(&context, DisableKeyRequest { key_id: key_id.clone() }).await.unwrap();
    kms.enable_key(&context, EnableKeyRequest { key_id: arn.clone() }).await.unwrap();
    let input = EnableKeyRotationRequest { key_id: key_id.clone(), rotation_period_in_days: None };
    kms.enable_key_rotation(&context, input).await.unwrap();
    let input = TagResourceRequest { key_id: key_id.clone(), tags: tags(&[("a", "b")]) };
    kms.tag_resource(&context, input).await.unwrap();
    let input = UntagResourceRequest { key_id: key_id.clone(), tag_keys: vec!["a".to_owned()] };
    kms.untag_resource(&context, input).await.unwrap();
    let notes = context.take_notes();
    assert_eq!(notes.response, vec![named; 5]);
    assert_notes(&notes, std::slice::from_ref(&resource), &[], &[]);

    // An alias that moves touches itself, the key that gains it, and the key that loses it.
    let (other_id, other_arn, _) = key(&client).await;
    client.create_alias("alias/x", &key_id).await.unwrap();
    let context = client.context();
    let input = UpdateAliasRequest { alias_name: "alias/x".to_owned(), target_key_id: other_id };
    kms.update_alias(&context, input).await.unwrap();
    let notes = context.take_notes();
    assert_eq!(notes.response, [("keyId", text(&other_arn))]);
    let mut touched: Vec<_> = notes.resources.into_iter().map(|resource| resource.arn).collect();
    touched.sort_unstable();
    let mut expected = [client.arn("alias/x"), arn.clone(), other_arn.clone()];
    expected.sort_unstable();
    assert_eq!(touched, expected);
    let context = client.context();
    kms.delete_alias(&context, DeleteAliasRequest { alias_name: "alias/x".to_owned() }).await.unwrap();
    let notes = context.take_notes();
    assert_eq!(notes.response, [("keyId", text(&other_arn))]);
    assert_eq!(notes.resources.len(), 2);

    // The answers of these say it themselves, or there is nothing to say.
    let context = client.context();
    let input = PutKeyPolicyRequest {
        key_id: key_id.clone(),
        policy: crate::operations::ANYONE_MAY.to_owned(),
        ..PutKeyPolicyRequest::default()
    };
    kms.put_key_policy(&context, input).await.unwrap();
    let defaults =
        [("policyName", text("default")), ("bypassPolicyLockoutSafetyCheck", NoteValue::Flag(false))];
    let notes = context.take_notes();
    assert_notes(&notes, std::slice::from_ref(&resource), &defaults, &[]);
    assert_eq!(notes.response, []);
    let context = client.context();
    let input = ScheduleKeyDeletionRequest { key_id: key_id.clone(), pending_window_in_days: None };
    kms.schedule_key_deletion(&context, input).await.unwrap();
    kms.cancel_key_deletion(&context, CancelKeyDeletionRequest { key_id }).await.unwrap();
    let notes = context.take_notes();
    assert_notes(&notes, &[resource], &[("pendingWindowInDays", NoteValue::Number(30))], &[]);
    assert_eq!(notes.response, []);
}

async fn refusals_note_what_was_reached(database: &TestDatabase) {
    let client = client(database).await;
    let (_, arn, material) = key(&client).await;
    let blob = client.encrypt(&arn, b"x", &[("a", "b")]).await.unwrap();
    let default = [("encryptionAlgorithm", text("SYMMETRIC_DEFAULT"))];
    let resource = &[key_resource(&arn)];

    // No key was found.
    let context = client.context();
    client.kms.encrypt(&context, encrypt(ABSENT, b"x")).await.unwrap_err();
    assert_notes(&context.take_notes(), &[], &default, &[]);
    let context = client.context();
    client.kms.decrypt(&context, decrypt(b"garbage")).await.unwrap_err();
    assert_notes(&context.take_notes(), &[], &default, &[]);

    // The ciphertext's key and material, which did not decrypt it.
    let context = client.context();
    client.kms.decrypt(&context, decrypt(&blob)).await.unwrap_err();
    assert_notes(&context.take_notes(), resource, &default, &[("keyMaterialId", text(&material))]);

    // A material that the key does not have is no fact of the key's: the ciphertext made it up.
    let id = arn.rsplit('/').next().unwrap();
    let name = blob.windows(id.len()).position(|window| window == id.as_bytes()).unwrap();
    let mut altered = blob.clone();
    altered[name + id.len()] ^= 1;
    let context = client.context();
    client.kms.decrypt(&context, decrypt(&altered)).await.unwrap_err();
    assert_notes(&context.take_notes(), resource, &default, &[]);

    // A denial: the key that the caller may not use.
    let stranger = client.as_of(STRANGER, REGION);
    let context = stranger.context();
    client.kms.encrypt(&context, encrypt(&arn, b"x")).await.unwrap_err();
    assert_notes(&context.take_notes(), resource, &default, &[]);
    let context = stranger.context();
    let input = DescribeKeyRequest { key_id: arn.clone(), grant_tokens: None };
    client.kms.describe_key(&context, input).await.unwrap_err();
    assert_notes(&context.take_notes(), resource, &[], &[]);
}
