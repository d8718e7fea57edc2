//! Calls that ask what would happen (KMS API Reference, `DryRun` and `DryRunModifiers`).

use strongroom_api_kms::{
    DecryptRequest, DryRunModifierType, EncryptRequest, GenerateDataKeyRequest,
    GenerateDataKeyWithoutPlaintextRequest, Kms as _, ReEncryptRequest,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, Client, client, data_key, decrypt, encrypt};
use crate::operations::{data_key_without_plaintext, re_encrypt};

/// Text of AWS's documentation (Lambda and ECS show it in CloudTrail samples).
const DRY_RUN: &str =
    "DryRunOperationException: The request would have succeeded, but the DryRun option is set.";

on_both_engines! {
    what_would_succeed_says_so_and_gives_nothing,
    what_would_fail_fails_as_it_would_have,
    a_ciphertext_can_be_left_out_of_account,
    modifiers_are_for_dry_runs,
}

/// What every cryptographic operation answers in a dry run with `key` and a ciphertext of it.
async fn answers(client: &Client, key: &str, blob: &[u8]) -> Vec<String> {
    let dry_run = Some(true);
    let (kms, context) = (&client.kms, client.context());
    let without = GenerateDataKeyWithoutPlaintextRequest { dry_run, ..data_key_without_plaintext(key) };
    [
        client.try_encrypt(EncryptRequest { dry_run, ..encrypt(key, b"x") }).await.err(),
        client.try_decrypt(DecryptRequest { dry_run, ..decrypt(blob) }).await.err(),
        client.re_encrypt(ReEncryptRequest { dry_run, ..re_encrypt(blob, None, key) }).await.err(),
        client.try_generate(GenerateDataKeyRequest { dry_run, ..data_key(key) }).await.err(),
        kms.generate_data_key_without_plaintext(&context, without).await.err(),
    ]
    .map(|error| error.unwrap().to_string())
    .into()
}

async fn what_would_succeed_says_so_and_gives_nothing(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    assert_eq!(answers(&client, &key, &blob).await, [DRY_RUN; 5]);
    // The option set to false is the option left out.
    let input = ReEncryptRequest { dry_run: Some(false), ..re_encrypt(&blob, None, &key) };
    assert!(client.re_encrypt(input).await.is_ok());
}

async fn what_would_fail_fails_as_it_would_have(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    let (arn, key) = (key.arn.unwrap(), key.key_id);
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    let bound = client.encrypt(&key, b"x", &[("a", "b")]).await.unwrap();
    let invalid = "InvalidCiphertextException";
    assert_eq!(answers(&client, &key, &bound).await, [DRY_RUN, invalid, invalid, DRY_RUN, DRY_RUN]);
    client.disable(&key).await.unwrap();
    assert_eq!(answers(&client, &key, &blob).await, [&*format!("DisabledException: {arn} is disabled."); 5]);
    client.schedule_deletion(&key, None).await.unwrap();
    let pending = format!("KMSInvalidStateException: {arn} is pending deletion.");
    assert_eq!(answers(&client, &key, &blob).await, [&*pending; 5]);
}

/// Modifiers that leave the ciphertext out of account.
fn ignoring() -> Vec<DryRunModifierType> {
    vec![DryRunModifierType::IgnoreCiphertext]
}

async fn a_ciphertext_can_be_left_out_of_account(database: &TestDatabase) {
    let client = client(database).await;
    let (key, other) = (client.create_key().await, client.create_key().await);
    let (arn, key, other) = (key.arn.unwrap(), key.key_id, other.key_id);
    client.create_alias("alias/x", &key).await.unwrap();
    let foreign = client.encrypt(&other, b"x", &[]).await.unwrap();
    let decrypting = async |key_id: Option<&str>, blob: Option<&[u8]>| {
        let input = DecryptRequest {
            ciphertext_blob: blob.map(|blob| strongroom_schema::Blob(blob.to_vec())),
            key_id: key_id.map(str::to_owned),
            dry_run: Some(true),
            dry_run_modifiers: Some(ignoring()),
            ..DecryptRequest::default()
        };
        client.try_decrypt(input).await.unwrap_err().to_string()
    };
    let re_encrypting = async |key_id: Option<&str>, blob: Option<&[u8]>| {
        let input = ReEncryptRequest {
            ciphertext_blob: blob.map(|blob| strongroom_schema::Blob(blob.to_vec())),
            dry_run: Some(true),
            dry_run_modifiers: Some(ignoring()),
            ..re_encrypt(b"", key_id, &other)
        };
        client.re_encrypt(input).await.unwrap_err().to_string()
    };
    let missing = |member: &str| {
        format!(
            "ValidationException: 1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member \
             must not be null"
        )
    };
    for blob in [None, Some(&b"garbage"[..]), Some(&foreign)] {
        for name in [&*key, &*arn, "alias/x"] {
            assert_eq!(decrypting(Some(name), blob).await, DRY_RUN);
            assert_eq!(re_encrypting(Some(name), blob).await, DRY_RUN);
        }
        // Without a ciphertext, something else must say which key it is.
        assert_eq!(decrypting(None, blob).await, missing("keyId"));
        assert_eq!(re_encrypting(None, blob).await, missing("sourceKeyId"));
        let absent =
            format!("NotFoundException: Key '{}' does not exist", client.arn(&format!("key/{ABSENT}")));
        assert_eq!(decrypting(Some(ABSENT), blob).await, absent);
        assert_eq!(re_encrypting(Some(ABSENT), blob).await, absent);
    }
    client.disable(&key).await.unwrap();
    let disabled = format!("DisabledException: {arn} is disabled.");
    assert_eq!(decrypting(Some(&key), None).await, disabled);
    assert_eq!(re_encrypting(Some(&key), None).await, disabled);
}

async fn modifiers_are_for_dry_runs(database: &TestDatabase) {
    // Ours: no text of AWS's is known.
    const ONLY: &str =
        "ValidationException: DryRunModifiers can only be specified when DryRun is set to true.";
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    for dry_run in [None, Some(false)] {
        let input = DecryptRequest { dry_run, dry_run_modifiers: Some(ignoring()), ..decrypt(&blob) };
        assert_eq!(client.try_decrypt(input).await.unwrap_err().to_string(), ONLY);
        let input = ReEncryptRequest {
            dry_run,
            dry_run_modifiers: Some(ignoring()),
            ..re_encrypt(&blob, None, &key)
        };
        assert_eq!(client.re_encrypt(input).await.unwrap_err().to_string(), ONLY);
        // An empty list modifies nothing.
        let input = DecryptRequest { dry_run, dry_run_modifiers: Some(Vec::new()), ..decrypt(&blob) };
        assert!(client.try_decrypt(input).await.is_ok());
    }
}
