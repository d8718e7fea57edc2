//! Data keys that are kept from their caller, and random bytes.

use strongroom_api_kms::{
    DataKeySpec, GenerateDataKeyWithoutPlaintextRequest, GenerateRandomRequest, Kms as _, RecipientInfo,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, Pairs, bound_to, client, plaintext};
use crate::operations::data_key_without_plaintext;

on_both_engines! {
    a_data_key_without_plaintext_is_in_its_ciphertext,
    data_keys_without_plaintext_of_no_length_or_two,
    random_bytes_are_as_many_as_asked_and_random,
    random_bytes_that_cannot_be_had,
}

async fn a_data_key_without_plaintext_is_in_its_ciphertext(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    let context: Pairs<'_> = &[("tenant", "blue")];
    let mut seen = Vec::new();
    for (key_spec, number_of_bytes, length) in [
        (Some(DataKeySpec::Aes128), None, 16),
        (Some(DataKeySpec::Aes256), None, 32),
        (None, Some(1), 1),
        (None, Some(1024), 1024),
        (None, Some(64), 64),
        (None, Some(64), 64),
    ] {
        let input = GenerateDataKeyWithoutPlaintextRequest {
            key_spec,
            number_of_bytes,
            encryption_context: bound_to(context),
            ..data_key_without_plaintext(&key.key_id)
        };
        let made = client.kms.generate_data_key_without_plaintext(&client.context(), input).await.unwrap();
        assert_eq!(made.key_id, key.arn);
        assert_eq!(made.key_material_id, key.current_key_material_id);
        let blob = made.ciphertext_blob.unwrap().0;
        assert!(client.decrypt(&blob, None, &[]).await.is_err());
        let data_key = client.decrypt(&blob, None, context).await.unwrap();
        assert_eq!(data_key.len(), length);
        assert!(length < 16 || !seen.contains(&data_key));
        seen.push(data_key);
    }
}

async fn data_keys_without_plaintext_of_no_length_or_two(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    for (key_spec, number_of_bytes) in [(None, None), (Some(DataKeySpec::Aes256), Some(32))] {
        // Seen before the key is looked for.
        for key_id in [&*key, ABSENT, "foo"] {
            let input = GenerateDataKeyWithoutPlaintextRequest {
                key_spec: key_spec.clone(),
                number_of_bytes,
                ..data_key_without_plaintext(key_id)
            };
            let refused = client.kms.generate_data_key_without_plaintext(&client.context(), input).await;
            assert_eq!(
                refused.unwrap_err().to_string(),
                "ValidationException: Please specify either number of bytes or key spec."
            );
        }
    }
    let grant_tokens = Some(vec!["token".to_owned()]);
    let input = GenerateDataKeyWithoutPlaintextRequest { grant_tokens, ..data_key_without_plaintext(&key) };
    let refused = client.kms.generate_data_key_without_plaintext(&client.context(), input).await;
    assert_eq!(refused.unwrap_err().to_string(), "InvalidGrantTokenException: Invalid grant token.");
}

fn random(number_of_bytes: Option<i32>) -> GenerateRandomRequest {
    GenerateRandomRequest { number_of_bytes, ..GenerateRandomRequest::default() }
}

async fn random_bytes_are_as_many_as_asked_and_random(database: &TestDatabase) {
    let client = client(database).await;
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for length in [1, 16, 17, 32, 32, 1024, 1024] {
        let context = client.context();
        let answer = client.kms.generate_random(&context, random(Some(length))).await.unwrap();
        assert!(answer.ciphertext_for_recipient.is_none());
        let bytes = plaintext(answer.plaintext);
        assert_eq!(bytes.len(), length as usize);
        assert!(length < 16 || seen.iter().all(|other| other[..] != bytes[..]));
        // Every bit of many bytes is set somewhere, and clear somewhere.
        if length == 1024 {
            assert_eq!(bytes.iter().fold(0, |all, byte| all | byte), 0xff);
            assert_eq!(bytes.iter().fold(0xff, |all, byte| all & byte), 0);
        }
        seen.push(bytes);
        // The record names no resource.
        assert_eq!(context.take_notes().resources, []);
    }
}

async fn random_bytes_that_cannot_be_had(database: &TestDatabase) {
    let client = client(database).await;
    let refusal =
        async |input| client.kms.generate_random(&client.context(), input).await.unwrap_err().to_string();
    assert_eq!(
        refusal(random(None)).await,
        "ValidationException: 1 validation error detected: Value null at 'numberOfBytes' failed to satisfy constraint: \
         Member must not be null"
    );
    let of_store = GenerateRandomRequest {
        custom_key_store_id: Some("cks-1234567890abcdef0".to_owned()),
        ..random(Some(1))
    };
    assert_eq!(
        refusal(of_store).await,
        "CustomKeyStoreNotFoundException: Custom key store 'cks-1234567890abcdef0' does not exist"
    );
    let for_enclave = GenerateRandomRequest { recipient: Some(RecipientInfo::default()), ..random(Some(1)) };
    assert_eq!(
        refusal(for_enclave).await,
        "ValidationException: 1 validation error detected: Value null at 'recipient.keyEncryptionAlgorithm' failed to \
         satisfy constraint: Member must not be null"
    );
}
