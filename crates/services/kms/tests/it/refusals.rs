//! Refusals in AWS's codes and words: each that the other modules do not hold already.
//!
//! Sources of the texts: the KMS API Reference and Developer Guide, and answers of AWS quoted in public issue
//! threads. A text without a source is ours, and says so.

use strongroom_api_kms::{
    CreateKeyRequest, CustomerMasterKeySpec, DataKeySpec, DecryptRequest, DescribeKeyRequest, EncryptRequest,
    EncryptionAlgorithmSpec, GenerateDataKeyRequest, KeySpec, KeyUsageType, Kms as _, OriginType,
    RecipientInfo,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, client, data_key, decrypt, encrypt};

/// Ours: no text of AWS's is known.
const GRANT_TOKEN: &str = "InvalidGrantTokenException: Invalid grant token.";
/// Answer of AWS's, measured by others.
const EITHER: &str = "ValidationException: Please specify either number of bytes or key spec.";

on_both_engines! {
    keys_of_other_kinds,
    algorithms_of_other_kinds_of_key,
    data_keys_of_no_length_or_two,
    grant_tokens_that_no_grant_gave,
    a_recipient_that_brings_nothing,
    checks_come_in_the_order_of_aws,
    a_ciphertext_that_is_not_there,
}

fn not_yet(feature: &str) -> String {
    format!(
        "NotImplementedException: Strongroom does not implement {feature} yet. docs/compatibility.md lists what \
         it does."
    )
}

async fn keys_of_other_kinds(database: &TestDatabase) {
    let client = client(database).await;
    let plain = CreateKeyRequest::default;
    let signing = Some(KeyUsageType::SignVerify);
    let cases = [
        // Answer of AWS's quoted in issue threads.
        (
            CreateKeyRequest { key_spec: Some(KeySpec::Rsa2048), ..plain() },
            "ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption \
             keys."
                .to_owned(),
        ),
        // Wording after AWS's for other pairs.
        (
            CreateKeyRequest { key_usage: signing.clone(), ..plain() },
            "ValidationException: KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT".to_owned(),
        ),
        // KMS API Reference, CreateKey: one of the two, the latter deprecated.
        (
            CreateKeyRequest {
                key_spec: Some(KeySpec::SymmetricDefault),
                customer_master_key_spec: Some(CustomerMasterKeySpec::SymmetricDefault),
                ..plain()
            },
            "ValidationException: You cannot specify KeySpec and CustomerMasterKeySpec in the same request. \
             CustomerMasterKeySpec is deprecated."
                .to_owned(),
        ),
        // What both engines cannot store is refused, not failed on. The text is ours.
        (
            CreateKeyRequest { description: Some("a\0b".to_owned()), ..plain() },
            "ValidationException: Description must not contain the character U+0000.".to_owned(),
        ),
        // Answer of AWS's, measured by others.
        (
            CreateKeyRequest {
                customer_master_key_spec: Some(CustomerMasterKeySpec::Sm2),
                key_usage: signing,
                ..plain()
            },
            "UnsupportedOperationException: KeySpec SM2 is not supported in this Region".to_owned(),
        ),
        (
            CreateKeyRequest { origin: Some(OriginType::ExternalKeyStore), ..plain() },
            not_yet("kms: keys in external key stores"),
        ),
    ];
    for (input, text) in cases {
        assert_eq!(client.try_create_key(input).await.unwrap_err().to_string(), text);
    }
    assert_eq!(client.key_ids(None).await, [""; 0], "a refused call makes nothing");
}

async fn algorithms_of_other_kinds_of_key(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    for algorithm in [EncryptionAlgorithmSpec::RsaesOaepSha1, EncryptionAlgorithmSpec::RsaesOaepSha256] {
        // Answer of AWS's quoted in issue threads, for the opposite pair.
        let text = format!(
            "InvalidKeyUsageException: Algorithm {} is incompatible with key spec SYMMETRIC_DEFAULT.",
            algorithm.as_str()
        );
        let encryption_algorithm = Some(algorithm);
        let input =
            EncryptRequest { encryption_algorithm: encryption_algorithm.clone(), ..encrypt(&key, b"x") };
        assert_eq!(client.try_encrypt(input).await.unwrap_err().to_string(), text);
        let input = DecryptRequest { encryption_algorithm, ..decrypt(&blob) };
        assert_eq!(client.try_decrypt(input).await.unwrap_err().to_string(), text);
    }
}

async fn data_keys_of_no_length_or_two(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    for (key_spec, number_of_bytes) in
        [(None, None), (Some(DataKeySpec::Aes256), Some(32)), (Some(DataKeySpec::Aes128), Some(1))]
    {
        // Seen before the key is looked for.
        for key_id in [&*key, ABSENT, "foo"] {
            let input =
                GenerateDataKeyRequest { key_spec: key_spec.clone(), number_of_bytes, ..data_key(key_id) };
            assert_eq!(client.try_generate(input).await.unwrap_err().to_string(), EITHER);
        }
    }
}

async fn grant_tokens_that_no_grant_gave(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    for (tokens, refused) in [(vec!["token".to_owned()], true), (Vec::new(), false)] {
        let grant_tokens = Some(tokens);
        let described = client
            .kms
            .describe_key(
                &client.context(),
                DescribeKeyRequest { key_id: key.clone(), grant_tokens: grant_tokens.clone() },
            )
            .await
            .err();
        let input = EncryptRequest { grant_tokens: grant_tokens.clone(), ..encrypt(&key, b"x") };
        let encrypted = client.try_encrypt(input).await.err();
        let input = DecryptRequest { grant_tokens: grant_tokens.clone(), ..decrypt(&blob) };
        let decrypted = client.try_decrypt(input).await.err();
        let input = GenerateDataKeyRequest { grant_tokens, ..data_key(&key) };
        let generated = client.try_generate(input).await.err();
        for error in [described, encrypted, decrypted, generated] {
            assert_eq!(error.map(|error| error.to_string()), refused.then(|| GRANT_TOKEN.to_owned()));
        }
    }
}

/// The form of AWS's validation errors.
async fn a_recipient_that_brings_nothing(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    let text = "ValidationException: 1 validation error detected: Value null at 'recipient.keyEncryptionAlgorithm' failed to \
         satisfy constraint: Member must not be null";
    let input = DecryptRequest { recipient: Some(RecipientInfo::default()), ..decrypt(&blob) };
    assert_eq!(client.try_decrypt(input).await.unwrap_err().to_string(), text);
    let input = GenerateDataKeyRequest { recipient: Some(RecipientInfo::default()), ..data_key(&key) };
    assert_eq!(client.try_generate(input).await.unwrap_err().to_string(), text);
}

/// What a request asks for: several faults at once show which is seen first.
async fn checks_come_in_the_order_of_aws(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let other = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[("a", "b")]).await.unwrap();
    let oaep = Some(EncryptionAlgorithmSpec::RsaesOaepSha1);

    // The key before the algorithm.
    let input = EncryptRequest { encryption_algorithm: oaep.clone(), ..encrypt(ABSENT, b"x") };
    assert_eq!(client.try_encrypt(input).await.unwrap_err().code(), "NotFoundException");
    // The algorithm before the dry run's success.
    let input =
        EncryptRequest { encryption_algorithm: oaep.clone(), dry_run: Some(true), ..encrypt(&key, b"x") };
    assert_eq!(client.try_encrypt(input).await.unwrap_err().code(), "InvalidKeyUsageException");
    // The ciphertext before the algorithm, another key before the algorithm, the algorithm before the context.
    let input = DecryptRequest { encryption_algorithm: oaep.clone(), ..decrypt(b"garbage") };
    assert_eq!(client.try_decrypt(input).await.unwrap_err().code(), "InvalidCiphertextException");
    let input = DecryptRequest { encryption_algorithm: oaep.clone(), key_id: Some(other), ..decrypt(&blob) };
    assert_eq!(client.try_decrypt(input).await.unwrap_err().code(), "IncorrectKeyException");
    let input = DecryptRequest { encryption_algorithm: oaep, ..decrypt(&blob) };
    assert_eq!(client.try_decrypt(input).await.unwrap_err().code(), "InvalidKeyUsageException");
}

async fn a_ciphertext_that_is_not_there(database: &TestDatabase) {
    let client = client(database).await;
    let refused = client.try_decrypt(DecryptRequest::default()).await.unwrap_err();
    // The form of AWS's validation errors: blobs are never shown, nor is their absence.
    assert_eq!(
        refused.to_string(),
        "ValidationException: 1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: \
         Member must not be null"
    );
}
