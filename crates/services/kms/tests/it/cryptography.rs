//! Encrypting, decrypting and data keys: what goes round, and what does not.

use strongroom_api_kms::{
    DataKeySpec, DecryptRequest, EncryptRequest, EncryptionAlgorithmSpec, GenerateDataKeyRequest, Kms as _,
    ReEncryptRequest,
};
use strongroom_schema::{Blob, Map};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, DAY, FAR_REGION, Pairs, REGION, STRANGER, bound_to, client, data_key, decrypt, encrypt,
    plaintext,
};
use crate::key_policies::{ROOT, policy, statement};

/// AWS's text for a ciphertext without a `KeyId` that leads to no key of the caller's.
const UNKNOWN_KEY: &str = "AccessDeniedException: The ciphertext refers to a customer master key that does not \
    exist, does not exist in this region, or you are not allowed to access.";
const INCORRECT_KEY: &str = "IncorrectKeyException: The key ID in the request does not identify a CMK that can \
    perform this operation.";

on_both_engines! {
    what_is_encrypted_decrypts_to_the_same,
    answers_name_algorithm_and_material,
    a_context_is_equal_pair_by_pair_or_not_at_all,
    data_keys_are_fresh_and_as_long_as_asked,
    a_ciphertext_belongs_to_one_key,
    a_ciphertext_stays_in_its_account_and_region,
    a_ciphertext_leads_whoever_may_to_the_key_of_another_account,
    no_two_ciphertexts_are_equal,
    a_refusal_without_key_tells_nothing_in_its_message_either,
}

async fn what_is_encrypted_decrypts_to_the_same(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.create_alias("alias/x", &key).await.unwrap();
    let forms = [key.clone(), client.arn(&format!("key/{key}")), "alias/x".to_owned(), client.arn("alias/x")];
    let contexts: [Pairs<'_>; 3] = [&[], &[("tenant", "blue")], &[("é", ""), ("a", "\u{1F511}\0")]];
    let plaintexts = [vec![0], b"plain".to_vec(), vec![255; 32], (0..4096).map(|at| at as u8).collect()];
    for form in &forms {
        for context in contexts {
            for plaintext in &plaintexts {
                let blob = client.encrypt(form, plaintext, context).await.unwrap();
                assert!(blob.len() <= 6144, "longer than Decrypt takes");
                for named in forms.iter().map(|form| Some(&**form)).chain([None]) {
                    assert_eq!(client.decrypt(&blob, named, context).await.unwrap(), *plaintext);
                }
            }
        }
    }
}

async fn answers_name_algorithm_and_material(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    for algorithm in [None, Some(EncryptionAlgorithmSpec::SymmetricDefault)] {
        let mut input = encrypt(&key.key_id, b"x");
        input.encryption_algorithm = algorithm.clone();
        let encrypted = client.try_encrypt(input).await.unwrap();
        assert_eq!(encrypted.encryption_algorithm, Some(EncryptionAlgorithmSpec::SymmetricDefault));
        assert_eq!(encrypted.key_id, key.arn);

        let mut input = decrypt(&encrypted.ciphertext_blob.unwrap().0);
        input.encryption_algorithm = algorithm;
        let decrypted = client.try_decrypt(input).await.unwrap();
        assert_eq!(decrypted.encryption_algorithm, Some(EncryptionAlgorithmSpec::SymmetricDefault));
        assert_eq!(decrypted.key_id, key.arn);
        assert_eq!(decrypted.key_material_id, key.current_key_material_id);
        assert_eq!(decrypted.ciphertext_for_recipient, None);
    }
}

async fn a_context_is_equal_pair_by_pair_or_not_at_all(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let context: Pairs<'_> = &[("tenant", "blue"), ("Purpose", "backup")];
    let blob = client.encrypt(&key, b"x", context).await.unwrap();
    let turned: Vec<_> = context.iter().rev().copied().collect();
    assert_eq!(client.decrypt(&blob, None, &turned).await.unwrap(), b"x");

    let bare = client.encrypt(&key, b"x", &[]).await.unwrap();
    let mut input = decrypt(&bare);
    input.encryption_context = Some(Map::default());
    assert!(client.try_decrypt(input).await.is_ok(), "an empty context is none");

    let others: [Pairs<'_>; 8] = [
        &[],
        &[("tenant", "blue")],
        &[("tenant", "blue"), ("Purpose", "Backup")],
        &[("tenant", "blue"), ("purpose", "backup")],
        &[("tenant", "blue "), ("Purpose", "backup")],
        &[("tenant", "backup"), ("Purpose", "blue")],
        &[("tenant", "blue"), ("Purpose", "backup"), ("more", "")],
        &[("tenantblue", ""), ("Purpose", "backup")],
    ];
    for other in others {
        let refused = client.decrypt(&blob, None, other).await.unwrap_err();
        assert_eq!(refused.code(), "InvalidCiphertextException", "{other:?}");
        assert_eq!(refused.message(), None, "{other:?}");
    }
    let refused = client.decrypt(&bare, Some(&key), context).await.unwrap_err();
    assert_eq!(refused.to_string(), "InvalidCiphertextException");
    // No normalisation: these look the same.
    let composed = client.encrypt(&key, b"x", &[("caf\u{e9}", "")]).await.unwrap();
    assert!(client.decrypt(&composed, None, &[("cafe\u{301}", "")]).await.is_err());

    // All texts together have at most 8,192 bytes.
    let fits = "v".repeat(8_191);
    let blob = client.encrypt(&key, b"x", &[("k", &fits)]).await.unwrap();
    assert_eq!(client.decrypt(&blob, None, &[("k", &fits)]).await.unwrap(), b"x");
    let long = "v".repeat(8_192);
    for code in [
        client.encrypt(&key, b"x", &[("k", &long)]).await.unwrap_err(),
        client.decrypt(&blob, None, &[("k", &long)]).await.unwrap_err(),
        {
            let encryption_context = bound_to(&[("k", &long)]);
            let input = GenerateDataKeyRequest { encryption_context, ..data_key(&key) };
            client.try_generate(input).await.unwrap_err()
        },
    ] {
        assert_eq!(code.code(), "ValidationException", "{code}");
    }
}

async fn data_keys_are_fresh_and_as_long_as_asked(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    let context: Pairs<'_> = &[("tenant", "blue")];
    let mut seen = Vec::new();
    for (key_spec, number_of_bytes, length) in [
        (Some(DataKeySpec::Aes128), None, 16),
        (Some(DataKeySpec::Aes256), None, 32),
        (Some(DataKeySpec::Aes256), None, 32),
        (None, Some(17), 17),
        (None, Some(64), 64),
        (None, Some(1024), 1024),
    ] {
        let input = GenerateDataKeyRequest {
            key_spec,
            number_of_bytes,
            encryption_context: bound_to(context),
            ..data_key(&key.key_id)
        };
        let made = client.try_generate(input).await.unwrap();
        assert_eq!(made.key_id, key.arn);
        assert_eq!(made.key_material_id, key.current_key_material_id);
        assert_eq!(made.ciphertext_for_recipient, None);
        let secret = plaintext(made.plaintext);
        assert_eq!(secret.len(), length);
        let blob = made.ciphertext_blob.unwrap().0;
        assert_eq!(client.decrypt(&blob, None, context).await.unwrap(), secret);
        assert!(client.decrypt(&blob, None, &[]).await.is_err());
        assert!(!seen.contains(&secret));
        seen.push(secret);
    }
    let one = GenerateDataKeyRequest { key_spec: None, number_of_bytes: Some(1), ..data_key(&key.key_id) };
    assert_eq!(plaintext(client.try_generate(one).await.unwrap().plaintext).len(), 1);
}

async fn a_ciphertext_belongs_to_one_key(database: &TestDatabase) {
    let client = client(database).await;
    let (key, other) = (client.create_key().await.key_id, client.create_key().await.key_id);
    client.create_alias("alias/other", &other).await.unwrap();
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    for named in [&*other, &client.arn(&format!("key/{other}")), "alias/other", &client.arn("alias/other")] {
        let refused = client.decrypt(&blob, Some(named), &[]).await.unwrap_err();
        assert_eq!(refused.to_string(), INCORRECT_KEY, "{named}");
    }
    // An alias names its key, not the ciphertext's.
    client.create_alias("alias/key", &key).await.unwrap();
    assert_eq!(client.decrypt(&blob, Some("alias/key"), &[]).await.unwrap(), b"x");
}

async fn a_ciphertext_stays_in_its_account_and_region(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    for (account, region) in [(STRANGER, REGION), (ACCOUNT, FAR_REGION), (STRANGER, FAR_REGION)] {
        let other = client.as_of(account, region);
        let own = other.create_key().await.key_id;
        let refused = other.decrypt(&blob, None, &[]).await.unwrap_err();
        assert_eq!(refused.to_string(), UNKNOWN_KEY, "{account} in {region}");
        let refused = other.decrypt(&blob, Some(&own), &[]).await.unwrap_err();
        assert_eq!(refused.to_string(), INCORRECT_KEY, "{account} in {region}");
        let refused = other.decrypt(&blob, Some(&key), &[]).await.unwrap_err();
        assert_eq!(refused.code(), "NotFoundException", "{account} in {region}");
    }
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"x");
}

// KMS API Reference, Decrypt: "Cross-account use: Yes. If you use the KeyId parameter to identify a KMS key in a
// different AWS account, specify the key ARN".
async fn a_ciphertext_leads_whoever_may_to_the_key_of_another_account(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    let other = client.as_of(STRANGER, REGION);
    let foreign = r#"{"AWS":"arn:aws:iam::444455556666:root"}"#;
    let shared = |actions| {
        policy(&[statement("Allow", ROOT, r#""kms:*""#, ""), statement("Allow", foreign, actions, "")])
    };
    client.put_policy(&key, &shared(r#""kms:Decrypt""#)).await.unwrap();
    assert_eq!(other.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    let own = other.create_key().await.key_id;
    let again = ReEncryptRequest {
        ciphertext_blob: Some(Blob(blob.clone())),
        destination_key_id: own.clone(),
        ..ReEncryptRequest::default()
    };
    assert_eq!(other.re_encrypt(again.clone()).await.unwrap_err().to_string(), UNKNOWN_KEY);
    client.put_policy(&key, &shared(r#""kms:ReEncryptFrom""#)).await.unwrap();
    let moved = other.re_encrypt(again).await.unwrap();
    assert_eq!(moved.source_key_id, Some(client.arn(&format!("key/{key}"))));
    assert_eq!(other.decrypt(&moved.ciphertext_blob.unwrap().0, None, &[]).await.unwrap(), b"x");
    assert_eq!(other.decrypt(&blob, None, &[]).await.unwrap_err().to_string(), UNKNOWN_KEY);
    // Another Region has keys of its own.
    let far = client.as_of(STRANGER, FAR_REGION);
    client.put_policy(&key, &shared(r#""kms:Decrypt""#)).await.unwrap();
    assert_eq!(far.decrypt(&blob, None, &[]).await.unwrap_err().to_string(), UNKNOWN_KEY);
}

async fn no_two_ciphertexts_are_equal(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let mut blobs = Vec::new();
    for _ in 0..16 {
        let input =
            EncryptRequest { encryption_context: bound_to(&[("a", "b")]), ..encrypt(&key, b"the same") };
        let blob = client.try_encrypt(input).await.unwrap().ciphertext_blob.unwrap().0;
        assert!(!blob.windows(8).any(|window| window == b"the same"));
        assert!(!blobs.contains(&blob));
        blobs.push(blob);
    }
}

/// Whether the key of a ciphertext is there is not to be seen by whom it is denied to.
async fn a_refusal_without_key_tells_nothing_in_its_message_either(database: &TestDatabase) {
    let root = client(database).await;
    let (kept, gone) = (root.create_key().await.key_id, root.create_key().await.key_id);
    let alice = root.user("user/alice");
    for key in [&kept, &gone] {
        let blob = root.encrypt(key, b"x", &[]).await.unwrap();
        let refused = async |key_id: Option<&str>| {
            let context = alice.context();
            let input = DecryptRequest { key_id: key_id.map(str::to_owned), ..decrypt(&blob) };
            let refusal = alice.kms.decrypt(&context, input).await.unwrap_err();
            (refusal.to_string(), context.take_notes().authorization_message)
        };
        assert!(refused(Some(key)).await.1.is_some());
        if *key == gone {
            root.schedule_deletion(key, Some(7)).await.unwrap();
            root.later(8 * DAY).await;
        }
        assert_eq!(refused(None).await, (UNKNOWN_KEY.to_owned(), None));
    }
}
