//! RSA ciphertexts: nothing but what the algorithm makes, so that anybody with the public half makes them too.

use strongroom_api_kms::{
    DecryptRequest, EncryptRequest, EncryptionAlgorithmSpec as Algorithm, ReEncryptRequest,
};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::rsa::PublicKey;
use strongroom_schema::Blob;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::Lab;
use crate::fixture::{bound_to, decrypt, encrypt, plaintext};

on_both_engines! {
    what_is_encrypted_anywhere_is_decrypted_by_kms,
    ciphertexts_go_from_kind_to_kind,
    what_is_not_encrypted_or_decrypted,
}

fn oaep(hash: Hash) -> Algorithm {
    if hash == Hash::Sha1 { Algorithm::RsaesOaepSha1 } else { Algorithm::RsaesOaepSha256 }
}

fn encrypting(key: &str, hash: Hash, bytes: &[u8]) -> EncryptRequest {
    EncryptRequest { encryption_algorithm: Some(oaep(hash)), ..encrypt(key, bytes) }
}

fn decrypting(key: &str, hash: Hash, blob: &[u8]) -> DecryptRequest {
    DecryptRequest { key_id: Some(key.to_owned()), encryption_algorithm: Some(oaep(hash)), ..decrypt(blob) }
}

async fn what_is_encrypted_anywhere_is_decrypted_by_kms(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let (client, key) = (&lab.client, lab.create("RSA_2048", "ENCRYPT_DECRYPT").await);
        let public = PublicKey::from_spki(&lab.public_key(&key.key_id).await).unwrap();
        // KMS Developer Guide, "Supported algorithms for RSA key specs".
        for (hash, most) in [(Hash::Sha1, 214), (Hash::Sha256, 190)] {
            for length in [1, 32, most] {
                let bytes = vec![9; length];
                let input = encrypting(&key.key_id, hash, &bytes);
                let made = lab.in_one_call(client.try_encrypt(input)).await.unwrap();
                assert_eq!(made.encryption_algorithm, Some(oaep(hash)));
                assert_eq!(made.key_id, key.arn);
                let inside = made.ciphertext_blob.unwrap().0;
                assert_eq!(inside.len(), 256);
                let outside = public.encrypt_oaep(hash, &[], &bytes).unwrap();
                for blob in [inside, outside] {
                    let opened =
                        lab.in_one_call(client.try_decrypt(decrypting(&key.key_id, hash, &blob))).await;
                    let opened = opened.unwrap();
                    assert_eq!(opened.encryption_algorithm, Some(oaep(hash)));
                    assert_eq!(opened.key_id, key.arn);
                    assert_eq!(
                        opened.key_material_id, None,
                        "only symmetric keys have materials to tell apart"
                    );
                    assert_eq!(plaintext(opened.plaintext), bytes);
                }
            }
            // Texts that two emulators have of AWS.
            let too_much = vec![9; most + 1];
            let refused = lab.in_no_call(client.try_encrypt(encrypting(&key.key_id, hash, &too_much))).await;
            assert_eq!(
                refused.unwrap_err().to_string(),
                format!(
                    "ValidationException: Algorithm {} and key spec RSA_2048 cannot encrypt data larger than {most} bytes.",
                    oaep(hash).as_str()
                )
            );
        }
    }
}

async fn ciphertexts_go_from_kind_to_kind(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let rsa = lab.create("RSA_2048", "ENCRYPT_DECRYPT").await;
        let other = lab.create("RSA_2048", "ENCRYPT_DECRYPT").await;
        let own = lab.create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
        let built_in = client.create_key().await;
        for symmetric in [&own, &built_in] {
            // Out of KMS's own form, bound to a context, into RSA's.
            let blob = client.encrypt(&symmetric.key_id, b"plaintext", &[("a", "b")]).await.unwrap();
            let input = ReEncryptRequest {
                ciphertext_blob: Some(Blob(blob)),
                source_encryption_context: bound_to(&[("a", "b")]),
                destination_key_id: rsa.key_id.clone(),
                destination_encryption_algorithm: Some(Algorithm::RsaesOaepSha256),
                ..ReEncryptRequest::default()
            };
            let moved = client.re_encrypt(input).await.unwrap();
            assert_eq!((moved.source_key_id, moved.key_id), (symmetric.arn.clone(), rsa.arn.clone()));
            assert_eq!(moved.source_encryption_algorithm, Some(Algorithm::SymmetricDefault));
            assert_eq!(moved.destination_encryption_algorithm, Some(Algorithm::RsaesOaepSha256));
            assert_eq!(moved.source_key_material_id, symmetric.current_key_material_id);
            assert_eq!(moved.destination_key_material_id, None);
            // From one RSA key to the next.
            let input = ReEncryptRequest {
                ciphertext_blob: moved.ciphertext_blob,
                source_key_id: Some(rsa.key_id.clone()),
                source_encryption_algorithm: Some(Algorithm::RsaesOaepSha256),
                destination_key_id: other.key_id.clone(),
                destination_encryption_algorithm: Some(Algorithm::RsaesOaepSha1),
                ..ReEncryptRequest::default()
            };
            let moved = client.re_encrypt(input).await.unwrap();
            assert_eq!((moved.source_key_material_id, moved.destination_key_material_id), (None, None));
            // And back.
            let input = ReEncryptRequest {
                ciphertext_blob: moved.ciphertext_blob,
                source_key_id: Some(other.key_id.clone()),
                source_encryption_algorithm: Some(Algorithm::RsaesOaepSha1),
                destination_key_id: symmetric.key_id.clone(),
                destination_encryption_context: bound_to(&[("c", "d")]),
                ..ReEncryptRequest::default()
            };
            let moved = client.re_encrypt(input).await.unwrap();
            assert_eq!(moved.destination_key_material_id, symmetric.current_key_material_id);
            let blob = moved.ciphertext_blob.unwrap().0;
            assert_eq!(client.decrypt(&blob, None, &[("c", "d")]).await.unwrap(), b"plaintext");
        }
        // What is too long for the next key stays where it is, in a dry run too.
        let blob = client.encrypt(&own.key_id, &[1; 191], &[]).await.unwrap();
        for dry_run in [None, Some(true)] {
            let input = ReEncryptRequest {
                ciphertext_blob: Some(Blob(blob.clone())),
                destination_key_id: rsa.key_id.clone(),
                destination_encryption_algorithm: Some(Algorithm::RsaesOaepSha256),
                dry_run,
                ..ReEncryptRequest::default()
            };
            assert_eq!(client.re_encrypt(input).await.unwrap_err().code(), "ValidationException");
        }
    }
}

async fn what_is_not_encrypted_or_decrypted(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let key = lab.create("RSA_2048", "ENCRYPT_DECRYPT").await.key_id;
        let other = lab.create("RSA_2048", "ENCRYPT_DECRYPT").await.key_id;
        let sha256 = Hash::Sha256;
        let blob =
            client.try_encrypt(encrypting(&key, sha256, b"x")).await.unwrap().ciphertext_blob.unwrap().0;
        let symmetric = client.create_key().await.key_id;
        let of_another_kind = client.encrypt(&symmetric, b"x", &[]).await.unwrap();
        let mut altered = blob.clone();
        altered[128] ^= 1;
        let codes = [
            // Whose ciphertext it is, nobody can see.
            (decrypting(&other, sha256, &blob), "InvalidCiphertextException"),
            (decrypting(&key, Hash::Sha1, &blob), "InvalidCiphertextException"),
            (decrypting(&key, sha256, &altered), "InvalidCiphertextException"),
            (decrypting(&key, sha256, &blob[1..]), "InvalidCiphertextException"),
            (decrypting(&key, sha256, &[0xff; 256]), "InvalidCiphertextException"),
            // Parsed first, as KMS's own; raw bytes are no such.
            (
                DecryptRequest { encryption_algorithm: None, ..decrypting(&key, sha256, &blob) },
                "InvalidCiphertextException",
            ),
            // The key must be named.
            (
                DecryptRequest { key_id: None, ..decrypting(&key, sha256, &blob) },
                "InvalidCiphertextException",
            ),
            // One of KMS's own names its key.
            (decrypting(&key, sha256, &of_another_kind), "IncorrectKeyException"),
            (
                DecryptRequest {
                    encryption_context: bound_to(&[("a", "b")]),
                    ..decrypting(&key, sha256, &blob)
                },
                "ValidationException",
            ),
            (
                DecryptRequest { dry_run: Some(true), ..decrypting(&key, sha256, &blob) },
                "DryRunOperationException",
            ),
            (
                DecryptRequest { dry_run: Some(true), ..decrypting(&key, sha256, &altered) },
                "InvalidCiphertextException",
            ),
        ];
        for (input, code) in codes {
            let refused = client.try_decrypt(input).await.unwrap_err();
            assert_eq!(refused.code(), code);
            if code == "InvalidCiphertextException" {
                assert_eq!(refused.to_string(), code, "AWS does not tell why");
            }
        }
        let texts = [
            (
                encrypt(&key, b"x"),
                "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
            ),
            // Texts that two emulators have of AWS.
            (
                EncryptRequest {
                    encryption_context: bound_to(&[("a", "b")]),
                    ..encrypting(&key, sha256, b"x")
                },
                "ValidationException: EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.",
            ),
            (
                EncryptRequest { dry_run: Some(true), ..encrypting(&key, sha256, b"x") },
                "DryRunOperationException: The request would have succeeded, but the DryRun option is set.",
            ),
        ];
        for (input, text) in texts {
            assert_eq!(lab.in_no_call(client.try_encrypt(input)).await.unwrap_err().to_string(), text);
        }
        // A key that is for signatures has the same spec and does not encrypt.
        let signing = lab.create("RSA_2048", "SIGN_VERIFY").await;
        let refused = client.try_encrypt(encrypting(&signing.key_id, sha256, b"x")).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "InvalidKeyUsageException: {} key usage is SIGN_VERIFY which is not valid for Encrypt.",
                signing.arn.unwrap()
            )
        );
    }
}
