//! Ciphertexts that change their key, or their context, without being seen.

use strongroom_api_kms::{EncryptionAlgorithmSpec, Kms as _, ReEncryptRequest};
use strongroom_identity::{NoteValue, TouchedResource};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, ACCOUNT, Client, FAR_REGION, Pairs, REGION, STRANGER, bound_to, client};
use crate::operations::re_encrypt;

const INCORRECT_KEY: &str = "IncorrectKeyException: The key ID in the request does not identify a CMK that can \
    perform this operation.";
/// AWS's text for a ciphertext without a key id that leads to no key of the caller's.
const UNKNOWN_KEY: &str = "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, \
    does not exist in this region, or you are not allowed to access.";

on_both_engines! {
    a_ciphertext_goes_from_key_to_key_and_from_context_to_context,
    a_rotated_keys_ciphertext_gets_the_new_material,
    the_source_must_be_the_ciphertexts_key,
    both_keys_must_be_enabled,
    algorithms_of_other_kinds_of_key,
    records_name_both_keys_and_materials,
}

async fn a_ciphertext_goes_from_key_to_key_and_from_context_to_context(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) = (client.create_key().await, client.create_key().await);
    client.create_alias("alias/one", &one.key_id).await.unwrap();
    client.create_alias("alias/two", &two.key_id).await.unwrap();
    let contexts: [Pairs<'_>; 3] = [&[], &[("a", "b")], &[("a", "b"), ("é", "")]];
    for from in contexts {
        let blob = client.encrypt(&one.key_id, b"plain", from).await.unwrap();
        for to in contexts {
            for (source, destination) in [
                (None, "alias/two"),
                (Some("alias/one"), &*two.key_id),
                (Some(&*one.key_id), two.arn.as_ref().unwrap()),
                (Some(one.arn.as_ref().unwrap()), &client.arn("alias/two")),
            ] {
                let input = ReEncryptRequest {
                    source_encryption_context: bound_to(from),
                    destination_encryption_context: bound_to(to),
                    ..re_encrypt(&blob, source, destination)
                };
                let answer = client.re_encrypt(input).await.unwrap();
                assert_eq!((&answer.source_key_id, &answer.key_id), (&one.arn, &two.arn));
                assert_eq!(answer.source_key_material_id, one.current_key_material_id);
                assert_eq!(answer.destination_key_material_id, two.current_key_material_id);
                let symmetric = Some(EncryptionAlgorithmSpec::SymmetricDefault);
                assert_eq!(answer.source_encryption_algorithm, symmetric);
                assert_eq!(answer.destination_encryption_algorithm, symmetric);
                let moved = answer.ciphertext_blob.unwrap().0;
                assert_eq!(client.decrypt(&moved, Some(&two.key_id), to).await.unwrap(), b"plain");
                assert!(client.decrypt(&moved, None, &[("other", "")]).await.is_err());
                assert!(client.decrypt(&moved, Some(&one.key_id), to).await.is_err());
            }
        }
        let wrong = ReEncryptRequest {
            source_encryption_context: bound_to(&[("other", "")]),
            ..re_encrypt(&blob, None, &two.key_id)
        };
        let refused = client.re_encrypt(wrong).await.unwrap_err();
        assert_eq!(refused.to_string(), "InvalidCiphertextException");
    }
    // From a key to itself.
    let blob = client.encrypt(&one.key_id, b"plain", &[]).await.unwrap();
    let same = client.re_encrypt(re_encrypt(&blob, None, &one.key_id)).await.unwrap();
    let moved = same.ciphertext_blob.unwrap().0;
    assert_ne!(moved, blob);
    assert_eq!(client.decrypt(&moved, None, &[]).await.unwrap(), b"plain");
}

async fn a_rotated_keys_ciphertext_gets_the_new_material(database: &TestDatabase) {
    let client = client(database).await;
    let before = client.create_key().await;
    let blob = client.encrypt(&before.key_id, b"plain", &[]).await.unwrap();
    client.rotate(&before.key_id).await.unwrap();
    let after = client.describe(&before.key_id).await.unwrap();
    let answer = client.re_encrypt(re_encrypt(&blob, None, &before.key_id)).await.unwrap();
    assert_eq!(answer.source_key_material_id, before.current_key_material_id);
    assert_eq!(answer.destination_key_material_id, after.current_key_material_id);
    assert_ne!(answer.source_key_material_id, answer.destination_key_material_id);
}

async fn the_source_must_be_the_ciphertexts_key(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) = (client.create_key().await.key_id, client.create_key().await.key_id);
    let blob = client.encrypt(&one, b"plain", &[]).await.unwrap();
    let refusal = async |input| client.re_encrypt(input).await.unwrap_err().to_string();
    let absent = format!("NotFoundException: Key '{}' does not exist", client.arn(&format!("key/{ABSENT}")));
    assert_eq!(refusal(re_encrypt(&blob, Some(&two), &two)).await, INCORRECT_KEY);
    assert_eq!(refusal(re_encrypt(&blob, Some(ABSENT), &two)).await, absent);
    assert_eq!(refusal(re_encrypt(&blob, None, ABSENT)).await, absent);
    assert_eq!(refusal(re_encrypt(b"garbage", Some(ABSENT), ABSENT)).await, "InvalidCiphertextException");
    let nothing = ReEncryptRequest { ciphertext_blob: None, ..re_encrypt(b"", None, &two) };
    assert_eq!(
        refusal(nothing).await,
        "ValidationException: 1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: \
         Member must not be null"
    );
    // Elsewhere the ciphertext is nobody's.
    for (account, region) in [(STRANGER, REGION), (ACCOUNT, FAR_REGION)] {
        let other = client.as_of(account, region);
        let theirs = other.create_key().await.key_id;
        let refused = other.re_encrypt(re_encrypt(&blob, None, &theirs)).await.unwrap_err();
        assert_eq!(refused.to_string(), UNKNOWN_KEY);
    }
}

async fn both_keys_must_be_enabled(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) = (client.create_key().await, client.create_key().await);
    let blob = client.encrypt(&one.key_id, b"plain", &[]).await.unwrap();
    let call =
        async || client.re_encrypt(re_encrypt(&blob, None, &two.key_id)).await.err().map(|e| e.to_string());
    for key in [&one, &two] {
        let arn = key.arn.as_ref().unwrap();
        client.disable(&key.key_id).await.unwrap();
        assert_eq!(call().await, Some(format!("DisabledException: {arn} is disabled.")));
        client.schedule_deletion(&key.key_id, None).await.unwrap();
        assert_eq!(call().await, Some(format!("KMSInvalidStateException: {arn} is pending deletion.")));
        client.cancel_deletion(&key.key_id).await.unwrap();
        client.enable(&key.key_id).await.unwrap();
        assert_eq!(call().await, None);
    }
}

async fn algorithms_of_other_kinds_of_key(database: &TestDatabase) {
    let client: Client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    let oaep = Some(EncryptionAlgorithmSpec::RsaesOaepSha256);
    for input in [
        ReEncryptRequest { source_encryption_algorithm: oaep.clone(), ..re_encrypt(&blob, None, &key) },
        ReEncryptRequest { destination_encryption_algorithm: oaep, ..re_encrypt(&blob, None, &key) },
    ] {
        assert_eq!(
            client.re_encrypt(input).await.unwrap_err().to_string(),
            "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
        );
    }
}

async fn records_name_both_keys_and_materials(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) = (client.create_key().await, client.create_key().await);
    let blob = client.encrypt(&one.key_id, b"plain", &[]).await.unwrap();
    let context = client.context();
    client.kms.re_encrypt(&context, re_encrypt(&blob, None, &two.key_id)).await.unwrap();
    let notes = context.take_notes();
    let resource = |arn: &Option<String>| TouchedResource {
        account: ACCOUNT.to_owned(),
        kind: "AWS::KMS::Key",
        arn: arn.clone().unwrap(),
    };
    let text = |text: &str| NoteValue::Text(text.to_owned());
    assert_eq!(notes.resources, [resource(&one.arn), resource(&two.arn)], "the source comes first");
    assert_eq!(
        notes.defaults,
        [
            ("sourceEncryptionAlgorithm", text("SYMMETRIC_DEFAULT")),
            ("destinationEncryptionAlgorithm", text("SYMMETRIC_DEFAULT"))
        ]
    );
    assert_eq!(
        notes.additional,
        [
            ("sourceKeyMaterialId", text(&one.current_key_material_id.unwrap())),
            ("destinationKeyMaterialId", text(&two.current_key_material_id.unwrap()))
        ]
    );
}
