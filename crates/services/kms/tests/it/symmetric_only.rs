//! What a symmetric key refuses that other keys do, in AWS's words.

use strongroom_api_kms::{
    DecryptRequest, DeriveSharedSecretRequest, EncryptionAlgorithmSpec, GenerateMacRequest,
    GetPublicKeyRequest, KeyAgreementAlgorithmSpec, Kms as _, MacAlgorithmSpec, ReEncryptRequest,
    SignRequest, SigningAlgorithmSpec, VerifyMacRequest, VerifyRequest,
};
use strongroom_schema::Blob;
use strongroom_secret::Secret;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, Client, client, decrypt};

on_both_engines! {
    a_symmetric_key_neither_signs_nor_makes_macs,
    a_ciphertext_of_an_asymmetric_key_names_none,
}

pub(crate) fn secret(bytes: &[u8]) -> Secret<Blob> {
    Secret::new(Blob(bytes.to_vec()))
}

pub(crate) fn sign(key_id: &str, algorithm: SigningAlgorithmSpec, message: &[u8]) -> SignRequest {
    SignRequest {
        key_id: key_id.to_owned(),
        message: secret(message),
        signing_algorithm: algorithm,
        ..SignRequest::default()
    }
}

pub(crate) fn verify(
    key_id: &str,
    algorithm: SigningAlgorithmSpec,
    message: &[u8],
    signature: &[u8],
) -> VerifyRequest {
    VerifyRequest {
        key_id: key_id.to_owned(),
        message: secret(message),
        signature: Blob(signature.to_vec()),
        signing_algorithm: algorithm,
        ..VerifyRequest::default()
    }
}

pub(crate) fn generate_mac(key_id: &str, algorithm: MacAlgorithmSpec, message: &[u8]) -> GenerateMacRequest {
    GenerateMacRequest {
        key_id: key_id.to_owned(),
        message: secret(message),
        mac_algorithm: algorithm,
        ..GenerateMacRequest::default()
    }
}

pub(crate) fn verify_mac(
    key_id: &str,
    algorithm: MacAlgorithmSpec,
    message: &[u8],
    mac: &[u8],
) -> VerifyMacRequest {
    VerifyMacRequest {
        key_id: key_id.to_owned(),
        message: secret(message),
        mac: Blob(mac.to_vec()),
        mac_algorithm: algorithm,
        ..VerifyMacRequest::default()
    }
}

pub(crate) fn derive_shared_secret(key_id: &str, public_key: &[u8]) -> DeriveSharedSecretRequest {
    DeriveSharedSecretRequest {
        key_id: key_id.to_owned(),
        public_key: Blob(public_key.to_vec()),
        key_agreement_algorithm: KeyAgreementAlgorithmSpec::Ecdh,
        ..DeriveSharedSecretRequest::default()
    }
}

pub(crate) fn get_public_key(key_id: &str) -> GetPublicKeyRequest {
    GetPublicKeyRequest { key_id: key_id.to_owned(), ..GetPublicKeyRequest::default() }
}

async fn a_symmetric_key_neither_signs_nor_makes_macs(database: &TestDatabase) {
    let client: Client = client(database).await;
    let key = client.create_key().await;
    let (id, arn) = (&*key.key_id, key.arn.unwrap());
    let (kms, context) = (&client.kms, client.context());
    let (signing, hmac) = (SigningAlgorithmSpec::EcdsaSha256, MacAlgorithmSpec::HmacSha256);
    // Answer of AWS's quoted in issue threads, for the opposite case.
    let not_for = |operation: &str| {
        format!(
            "InvalidKeyUsageException: {arn} key usage is ENCRYPT_DECRYPT which is not valid for {operation}."
        )
    };
    let refused = [
        (kms.sign(&context, sign(id, signing.clone(), b"x")).await.err(), not_for("Sign")),
        (kms.verify(&context, verify(id, signing.clone(), b"x", b"y")).await.err(), not_for("Verify")),
        (
            kms.generate_mac(&context, generate_mac(id, hmac.clone(), b"x")).await.err(),
            not_for("GenerateMac"),
        ),
        (
            kms.verify_mac(&context, verify_mac(id, hmac.clone(), b"x", b"y")).await.err(),
            not_for("VerifyMac"),
        ),
        (
            kms.derive_shared_secret(&context, derive_shared_secret(id, b"x")).await.err(),
            not_for("DeriveSharedSecret"),
        ),
        // Ours: no text of AWS's is known.
        (
            kms.get_public_key(&context, get_public_key(id)).await.err(),
            format!(
                "UnsupportedOperationException: {arn} key spec is SYMMETRIC_DEFAULT which is not valid for \
                 GetPublicKey."
            ),
        ),
    ];
    for (refused, text) in refused {
        assert_eq!(refused.unwrap().to_string(), text);
    }
    // The key before what it is for.
    let absent = kms.sign(&context, sign(ABSENT, signing, b"x")).await.unwrap_err();
    assert_eq!(absent.code(), "NotFoundException");
}

async fn a_ciphertext_of_an_asymmetric_key_names_none(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let raw = decrypt(&[7; 256]);
    let oaep = Some(EncryptionAlgorithmSpec::RsaesOaepSha256);
    let cases = [
        // With the default algorithm it is none.
        (DecryptRequest { key_id: Some(key.clone()), ..raw.clone() }, "InvalidCiphertextException"),
        // Without a key nobody knows whose it is.
        (DecryptRequest { encryption_algorithm: oaep.clone(), ..raw.clone() }, "InvalidCiphertextException"),
        (
            DecryptRequest { key_id: Some(key.clone()), encryption_algorithm: oaep.clone(), ..raw.clone() },
            "InvalidKeyUsageException",
        ),
        (
            DecryptRequest { key_id: Some(ABSENT.to_owned()), encryption_algorithm: oaep.clone(), ..raw },
            "NotFoundException",
        ),
    ];
    for (input, code) in cases {
        assert_eq!(client.try_decrypt(input).await.unwrap_err().code(), code);
    }
    let input = ReEncryptRequest {
        ciphertext_blob: Some(Blob(vec![7; 256])),
        source_key_id: Some(key.clone()),
        source_encryption_algorithm: oaep,
        destination_key_id: key,
        ..ReEncryptRequest::default()
    };
    let refused = client.re_encrypt(input).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
    );
}
