//! What is refused of keys that sign, agree and make MACs: AWS's codes, words and order.

use strongroom_api_kms::{
    CancelKeyDeletionRequest, DisableKeyRequest, EnableKeyRequest, EncryptionAlgorithmSpec,
    GetPublicKeyResponse, Kms as _, MacAlgorithmSpec, MessageType, ScheduleKeyDeletionRequest, SignRequest,
    SigningAlgorithmSpec as Algorithm, VerifyRequest,
};
use strongroom_identity::{NoteValue, RequestContext};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::Lab;
use crate::fixture::{Client, data_key, encrypt};
use crate::symmetric_only::{derive_shared_secret, generate_mac, sign, verify, verify_mac};

on_both_engines! {
    algorithms_and_messages_that_do_not_fit,
    what_a_key_is_for_comes_before_its_state_and_its_algorithm,
    a_dry_run_does_all_but_answer,
    a_disabled_key_shows_its_public_half_and_no_more,
    a_key_in_a_disconnected_store_computes_nothing,
    records_show_the_algorithm_and_the_store,
}

async fn signed(client: &Client, input: SignRequest) -> Result<(), ApiError> {
    client.kms.sign(&client.context(), input).await.map(drop)
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
async fn algorithms_and_messages_that_do_not_fit(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let rsa = lab.create("RSA_2048", "SIGN_VERIFY").await.key_id;
        let p256 = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await.key_id;
        let ed25519 = lab.create("ECC_NIST_EDWARDS25519", "SIGN_VERIFY").await.key_id;
        let ml_dsa = lab.create("ML_DSA_44", "SIGN_VERIFY").await.key_id;
        let (raw, digest, mu) = (None, Some(MessageType::Digest), Some(MessageType::ExternalMu));
        let cases: [(&str, Algorithm, &Option<MessageType>, usize, &str); 15] = [
            // Answers of AWS's, measured by others.
            (
                &rsa,
                Algorithm::EcdsaSha256,
                &raw,
                1,
                "InvalidKeyUsageException: Algorithm ECDSA_SHA_256 is incompatible with key spec RSA_2048.",
            ),
            (
                &p256,
                Algorithm::EcdsaSha384,
                &raw,
                1,
                "InvalidKeyUsageException: Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.",
            ),
            (
                &ml_dsa,
                Algorithm::Sm2Dsa,
                &raw,
                1,
                "InvalidKeyUsageException: Algorithm SM2DSA is incompatible with key spec ML_DSA_44.",
            ),
            (
                &p256,
                Algorithm::EcdsaSha256,
                &digest,
                31,
                "ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256.",
            ),
            (
                &p256,
                Algorithm::EcdsaSha256,
                &digest,
                33,
                "ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256.",
            ),
            (
                &rsa,
                Algorithm::RsassaPssSha384,
                &digest,
                32,
                "ValidationException: Digest is invalid length for algorithm RSASSA_PSS_SHA_384.",
            ),
            (
                &rsa,
                Algorithm::RsassaPkcs1V15Sha512,
                &digest,
                48,
                "ValidationException: Digest is invalid length for algorithm RSASSA_PKCS1_V1_5_SHA_512.",
            ),
            (
                &ed25519,
                Algorithm::Ed25519PhSha512,
                &digest,
                32,
                "ValidationException: Digest is invalid length for algorithm ED25519_PH_SHA_512.",
            ),
            (
                &ed25519,
                Algorithm::Ed25519PhSha512,
                &raw,
                64,
                "ValidationException: Message type RAW is incompatible with algorithm ED25519_PH_SHA_512.",
            ),
            (
                &ed25519,
                Algorithm::Ed25519Sha512,
                &digest,
                64,
                "ValidationException: Message type DIGEST is incompatible with algorithm ED25519_SHA_512.",
            ),
            (
                &ml_dsa,
                Algorithm::MlDsaShake256,
                &digest,
                64,
                "ValidationException: Message type DIGEST is incompatible with key spec ML_DSA_44.",
            ),
            // The text of an emulator.
            (
                &ml_dsa,
                Algorithm::MlDsaShake256,
                &mu,
                63,
                "ValidationException: External Mu is invalid length for algorithm ML_DSA_SHAKE_256.",
            ),
            // After AWS's for other pairs.
            (
                &rsa,
                Algorithm::RsassaPssSha256,
                &mu,
                64,
                "ValidationException: Message type EXTERNAL_MU is incompatible with key spec RSA_2048.",
            ),
            (
                &ed25519,
                Algorithm::Ed25519Sha512,
                &mu,
                64,
                "ValidationException: Message type EXTERNAL_MU is incompatible with key spec ECC_NIST_EDWARDS25519.",
            ),
            // The algorithm before the length.
            (
                &p256,
                Algorithm::RsassaPssSha256,
                &digest,
                1,
                "InvalidKeyUsageException: Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256.",
            ),
        ];
        for (key, algorithm, form, length, text) in cases {
            let message = vec![5; length];
            let input = SignRequest { message_type: form.clone(), ..sign(key, algorithm.clone(), &message) };
            assert_eq!(lab.in_no_call(signed(client, input)).await.unwrap_err().to_string(), text);
            let input =
                VerifyRequest { message_type: form.clone(), ..verify(key, algorithm, &message, &[1; 64]) };
            let context = client.context();
            let operation = client.kms.verify(&context, input);
            assert_eq!(lab.in_no_call(operation).await.unwrap_err().to_string(), text);
        }
    }
}

async fn what_a_key_is_for_comes_before_its_state_and_its_algorithm(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let (client, kms) = (&lab.client, &lab.client.kms);
        for (spec, usage) in [
            ("ECC_NIST_P256", "SIGN_VERIFY"),
            ("ECC_NIST_P256", "KEY_AGREEMENT"),
            ("RSA_2048", "ENCRYPT_DECRYPT"),
            ("HMAC_256", "GENERATE_VERIFY_MAC"),
        ] {
            let key = lab.create(spec, usage).await;
            let (id, arn) = (&*key.key_id, key.arn.unwrap());
            let disable = DisableKeyRequest { key_id: id.to_owned() };
            kms.disable_key(&client.changing(), disable).await.unwrap();
            let context = client.context();
            let signing = Algorithm::EcdsaSha256;
            let hmac = MacAlgorithmSpec::HmacSha256;
            let answers = [
                ("SIGN_VERIFY", "Sign", kms.sign(&context, sign(id, signing.clone(), b"x")).await.err()),
                ("SIGN_VERIFY", "Verify", kms.verify(&context, verify(id, signing, b"x", b"y")).await.err()),
                (
                    "GENERATE_VERIFY_MAC",
                    "GenerateMac",
                    kms.generate_mac(&context, generate_mac(id, hmac.clone(), b"x")).await.err(),
                ),
                (
                    "GENERATE_VERIFY_MAC",
                    "VerifyMac",
                    kms.verify_mac(&context, verify_mac(id, hmac, b"x", b"y")).await.err(),
                ),
                (
                    "KEY_AGREEMENT",
                    "DeriveSharedSecret",
                    kms.derive_shared_secret(&context, derive_shared_secret(id, b"x")).await.err(),
                ),
                ("ENCRYPT_DECRYPT", "Encrypt", client.try_encrypt(encrypt(id, b"x")).await.err()),
                ("ENCRYPT_DECRYPT", "GenerateDataKey", client.try_generate(data_key(id)).await.err()),
            ];
            for (needed, operation, refused) in answers {
                let text = if needed == usage {
                    format!("DisabledException: {arn} is disabled.")
                } else {
                    format!(
                        "InvalidKeyUsageException: {arn} key usage is {usage} which is not valid for {operation}."
                    )
                };
                assert_eq!(refused.unwrap().to_string(), text);
            }
            kms.enable_key(&client.changing(), EnableKeyRequest { key_id: id.to_owned() }).await.unwrap();
            if usage == "ENCRYPT_DECRYPT" {
                // A data key is encrypted by a symmetric key only, whatever the key encrypts otherwise.
                let text = "InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.";
                assert_eq!(client.try_generate(data_key(id)).await.unwrap_err().to_string(), text);
            }
        }
    }
}

async fn a_dry_run_does_all_but_answer(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let key = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await.key_id;
        let algorithm = || Algorithm::EcdsaSha256;
        let input = SignRequest { dry_run: Some(true), ..sign(&key, algorithm(), b"x") };
        let refused = lab.in_no_call(signed(client, input)).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "DryRunOperationException: The request would have succeeded, but the DryRun option is set."
        );
        let made = client.kms.sign(&client.context(), sign(&key, algorithm(), b"x")).await.unwrap();
        let signature = made.signature.unwrap().0;
        for (message, code) in
            [(&b"x"[..], "DryRunOperationException"), (b"y", "KMSInvalidSignatureException")]
        {
            let input =
                VerifyRequest { dry_run: Some(true), ..verify(&key, algorithm(), message, &signature) };
            let context = client.context();
            let operation = client.kms.verify(&context, input);
            assert_eq!(operation.await.unwrap_err().code(), code);
        }
    }
}

#[track_caller]
fn assert_shows(answer: Result<GetPublicKeyResponse, ApiError>, expected: &[u8]) {
    assert_eq!(answer.unwrap().public_key.unwrap().0, expected);
}

async fn a_disabled_key_shows_its_public_half_and_no_more(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let (client, kms) = (&lab.client, &lab.client.kms);
        let key = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await;
        let (key_id, arn) = (key.key_id, key.arn.unwrap());
        let public = lab.public_key(&key_id).await;
        kms.disable_key(&client.changing(), DisableKeyRequest { key_id: key_id.clone() }).await.unwrap();
        assert_shows(lab.get_public_key(&key_id).await, &public);
        let schedule = ScheduleKeyDeletionRequest { key_id: key_id.clone(), pending_window_in_days: None };
        kms.schedule_key_deletion(&client.changing(), schedule).await.unwrap();
        let text = format!("KMSInvalidStateException: {arn} is pending deletion.");
        assert_eq!(lab.get_public_key(&key_id).await.unwrap_err().to_string(), text);
        let refused = signed(client, sign(&key_id, Algorithm::EcdsaSha256, b"x")).await.unwrap_err();
        assert_eq!(refused.to_string(), text);
        let cancel = CancelKeyDeletionRequest { key_id: key_id.clone() };
        kms.cancel_key_deletion(&client.changing(), cancel).await.unwrap();
        assert_shows(lab.get_public_key(&key_id).await, &public);
    }
}

async fn a_key_in_a_disconnected_store_computes_nothing(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = &lab.client;
    let key = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await.key_id;
    let hmac = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
    let public = lab.public_key(&key).await;
    let algorithm = || Algorithm::EcdsaSha256;
    let signature = client.kms.sign(&client.context(), sign(&key, algorithm(), b"x")).await.unwrap();
    let signature = signature.signature.unwrap().0;

    lab.cluster.set_reachable(false);
    let refused = signed(client, sign(&key, algorithm(), b"x")).await.unwrap_err();
    assert_eq!(refused.code(), "KMSInvalidStateException");
    // Nothing is computed beside the HSMs, also not what a public half would be enough for.
    let context = client.context();
    let verifying = client.kms.verify(&context, verify(&key, algorithm(), b"x", &signature));
    assert_eq!(verifying.await.unwrap_err().code(), "KMSInvalidStateException");
    let context = client.context();
    let operation =
        client.kms.generate_mac(&context, generate_mac(&hmac, MacAlgorithmSpec::HmacSha256, b"x"));
    assert_eq!(operation.await.unwrap_err().code(), "KMSInvalidStateException");
    // The public half is with KMS too.
    assert_shows(lab.get_public_key(&key).await, &public);
    // What calls would be refused for comes first.
    let refused = signed(client, sign(&key, Algorithm::RsassaPssSha256, b"x")).await.unwrap_err();
    assert_eq!(refused.code(), "InvalidKeyUsageException");
    lab.cluster.set_reachable(true);
    let context = client.context();
    let verifying = client.kms.verify(&context, verify(&key, algorithm(), b"x", &signature));
    verifying.await.unwrap();

    client.disconnect(&lab.store).await.unwrap();
    let refused = signed(client, sign(&key, algorithm(), b"x")).await.unwrap_err();
    assert_eq!(refused.code(), "KMSInvalidStateException");
    assert_shows(lab.get_public_key(&key).await, &public);
    client.connect(&lab.store).await.unwrap();
    signed(client, sign(&key, algorithm(), b"x")).await.unwrap();
}

#[track_caller]
fn assert_notes(context: &RequestContext, defaults: &[(&str, &str)], store: Option<&String>) {
    let notes = context.take_notes();
    let text = |(name, value): &(&'static str, NoteValue)| match value {
        NoteValue::Text(text) => (*name, text.clone()),
        other => panic!("{other:?}"),
    };
    let noted: Vec<_> = notes.defaults.iter().map(text).collect();
    let expected: Vec<_> = defaults.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    assert_eq!(noted, expected);
    let noted: Vec<_> = notes.additional.iter().map(text).collect();
    let expected: Vec<_> = store.map(|store| ("customKeyStoreId", store.clone())).into_iter().collect();
    assert_eq!(noted, expected);
    assert_eq!(notes.resources.len(), 1);
}

async fn records_show_the_algorithm_and_the_store(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let (client, kms) = (&lab.client, &lab.client.kms);
        let store = (!lab.built_in).then_some(&lab.store);
        let key = lab.create("RSA_2048", "SIGN_VERIFY").await.key_id;
        let context = client.context();
        kms.sign(&context, sign(&key, Algorithm::RsassaPssSha256, b"x")).await.unwrap();
        assert_notes(&context, &[("messageType", "RAW")], store);
        let context = client.context();
        let message_type = Some(MessageType::Raw);
        let input = VerifyRequest { message_type, ..verify(&key, Algorithm::RsassaPssSha256, b"x", b"y") };
        kms.verify(&context, input).await.unwrap_err();
        assert_notes(&context, &[], store);
        let key = lab.create("RSA_2048", "ENCRYPT_DECRYPT").await.key_id;
        let context = client.context();
        let encryption_algorithm = Some(EncryptionAlgorithmSpec::RsaesOaepSha256);
        let input = strongroom_api_kms::EncryptRequest { encryption_algorithm, ..encrypt(&key, b"x") };
        kms.encrypt(&context, input).await.unwrap();
        assert_notes(&context, &[], store);
        let key = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
        let context = client.context();
        kms.generate_mac(&context, generate_mac(&key, MacAlgorithmSpec::HmacSha256, b"x")).await.unwrap();
        assert_notes(&context, &[], store);
    }
}
