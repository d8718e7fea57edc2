//! Signatures: every algorithm of every spec, over messages and digests, checked outside KMS.

use strongroom_api_kms::{
    Kms as _, MessageType, SignRequest, SigningAlgorithmSpec as Algorithm, VerifyRequest,
};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::ml_dsa::ParameterSet;
use strongroom_crypto::{ec, ed25519, ml_dsa, rsa};
use strongroom_testkit::{TestDatabase, on_both_engines, run};

use super::Lab;
use crate::fixture::root;
use crate::symmetric_only::{sign, verify};

on_both_engines! {
    a_signature_is_good_after_a_restart_too,
}

const MESSAGE: &[u8] = b"the message";

/// Specs, and their algorithms in the order in which AWS lists them.
const RSA: [&str; 6] = [
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
];
const SPECS: [(&str, &[&str]); 7] = [
    ("RSA_2048", &RSA),
    ("ECC_NIST_P256", &["ECDSA_SHA_256"]),
    ("ECC_NIST_P384", &["ECDSA_SHA_384"]),
    ("ECC_NIST_P521", &["ECDSA_SHA_512"]),
    ("ECC_SECG_P256K1", &["ECDSA_SHA_256"]),
    ("ECC_NIST_EDWARDS25519", &["ED25519_SHA_512", "ED25519_PH_SHA_512"]),
    ("ML_DSA_65", &["ML_DSA_SHAKE_256"]),
];

/// The hash of an algorithm's name.
fn hash(algorithm: &str) -> Hash {
    match algorithm.rsplit('_').next() {
        Some("256") => Hash::Sha256,
        Some("384") => Hash::Sha384,
        _ => Hash::Sha512,
    }
}

/// Verifies outside KMS, with the public half alone.
#[track_caller]
fn assert_good(spec: &str, algorithm: &str, public: &[u8], message: &[u8], signature: &[u8]) {
    let hash = hash(algorithm);
    let digest = hash.digest(message);
    let curve = |curve| {
        let public = ec::PublicKey::from_spki(public).unwrap();
        assert_eq!(public.curve(), curve);
        public.verify_digest(&digest, &ec::signature_from_der(curve, signature).unwrap())
    };
    match spec {
        "RSA_2048" | "RSA_3072" | "RSA_4096" => {
            let public = rsa::PublicKey::from_spki(public).unwrap();
            assert_eq!(signature.len(), public.modulus_length());
            if algorithm.starts_with("RSASSA_PSS") {
                public.verify_pss(hash, &digest, hash.output_length(), signature)
            } else {
                public.verify_pkcs1(hash, &digest, signature)
            }
        }
        "ECC_NIST_P256" => curve(ec::Curve::P256),
        "ECC_NIST_P384" => curve(ec::Curve::P384),
        "ECC_NIST_P521" => curve(ec::Curve::P521),
        "ECC_SECG_P256K1" => curve(ec::Curve::Secp256k1),
        "ECC_NIST_EDWARDS25519" => ed25519::PublicKey::from_spki(public).unwrap().verify(message, signature),
        "ML_DSA_65" => {
            let public = ml_dsa::PublicKey::from_spki(ParameterSet::MlDsa65, public).unwrap();
            public.verify(message, signature)
        }
        other => panic!("{other}"),
    }
    .unwrap();
}

async fn signed(lab: &Lab, input: SignRequest) -> Vec<u8> {
    let (client, algorithm) = (&lab.client, input.signing_algorithm.clone());
    let answer = lab.in_one_call(client.kms.sign(&client.context(), input)).await.unwrap();
    assert_eq!(answer.signing_algorithm, Some(algorithm));
    assert!(answer.key_id.unwrap().starts_with("arn:aws:kms:"));
    answer.signature.unwrap().0
}

async fn verified(lab: &Lab, input: VerifyRequest) -> Result<(), String> {
    let client = &lab.client;
    let answer = client.kms.verify(&client.context(), input).await.map_err(|error| error.to_string())?;
    assert_eq!(answer.signature_valid, Some(true));
    Ok(())
}

#[test]
fn every_algorithm_signs_messages_and_digests() {
    run(async {
        let database = TestDatabase::sqlite();
        for lab in Lab::both(&database).await {
            for (spec, algorithms) in SPECS {
                every_algorithm_of(&lab, spec, algorithms).await;
            }
        }
    });
}

async fn every_algorithm_of(lab: &Lab, spec: &str, algorithms: &[&str]) {
    let key = lab.create(spec, "SIGN_VERIFY").await.key_id;
    let public = lab.in_no_call(lab.public_key(&key)).await;
    for name in algorithms.iter().filter(|name| **name != "ED25519_PH_SHA_512") {
        let algorithm = || Algorithm::from(*name);
        let signature = signed(lab, sign(&key, algorithm(), MESSAGE)).await;
        assert_good(spec, name, &public, MESSAGE, &signature);
        lab.in_one_call(verified(lab, verify(&key, algorithm(), MESSAGE, &signature))).await.unwrap();

        // AWS's answer has no text.
        let refused = verified(lab, verify(&key, algorithm(), b"another message", &signature)).await;
        assert_eq!(refused.unwrap_err(), "KMSInvalidSignatureException");
        let mut altered = signature.clone();
        *altered.last_mut().unwrap() ^= 1;
        for altered in [altered, signature[1..].to_vec(), vec![0]] {
            let refused = verified(lab, verify(&key, algorithm(), MESSAGE, &altered)).await;
            assert_eq!(refused.unwrap_err(), "KMSInvalidSignatureException");
        }
        if name.starts_with("RSA") || name.starts_with("ECDSA") {
            // A digest and its message are the same message, on either side.
            let (digest, form) = (hash(name).digest(MESSAGE), Some(MessageType::Digest));
            let of_digest = VerifyRequest {
                message_type: form.clone(),
                ..verify(&key, algorithm(), &digest, &signature)
            };
            verified(lab, of_digest).await.unwrap();
            let signature =
                signed(lab, SignRequest { message_type: form, ..sign(&key, algorithm(), &digest) }).await;
            assert_good(spec, name, &public, MESSAGE, &signature);
            verified(lab, verify(&key, algorithm(), MESSAGE, &signature)).await.unwrap();
        }
    }
}

/// AWS's Ed25519ph takes a digest for the message, and hashes it once more.
#[test]
fn ed25519ph_hashes_the_digest_once_more() {
    run(async {
        let database = TestDatabase::sqlite();
        for lab in Lab::both(&database).await {
            let key = lab.create("ECC_NIST_EDWARDS25519", "SIGN_VERIFY").await.key_id;
            let public = ed25519::PublicKey::from_spki(&lab.public_key(&key).await).unwrap();
            let (algorithm, form) = (|| Algorithm::Ed25519PhSha512, Some(MessageType::Digest));
            let digest = Hash::Sha512.digest(MESSAGE);
            let input = SignRequest { message_type: form.clone(), ..sign(&key, algorithm(), &digest) };
            let signature = signed(&lab, input).await;
            let twice: [u8; 64] = Hash::Sha512.digest(&digest).try_into().unwrap();
            public.verify_prehashed(&twice, &[], &signature).unwrap();
            let once: [u8; 64] = digest.clone().try_into().unwrap();
            public.verify_prehashed(&once, &[], &signature).unwrap_err();
            let input =
                VerifyRequest { message_type: form, ..verify(&key, algorithm(), &digest, &signature) };
            verified(&lab, input).await.unwrap();
        }
    });
}

#[test]
fn ml_dsa_signs_an_external_mu() {
    run(async {
        let database = TestDatabase::sqlite();
        for lab in Lab::both(&database).await {
            for (spec, set, length) in [
                ("ML_DSA_44", ParameterSet::MlDsa44, 2_420),
                ("ML_DSA_65", ParameterSet::MlDsa65, 3_309),
                ("ML_DSA_87", ParameterSet::MlDsa87, 4_627),
            ] {
                let key = lab.create(spec, "SIGN_VERIFY").await.key_id;
                let public = ml_dsa::PublicKey::from_spki(set, &lab.public_key(&key).await).unwrap();
                let (algorithm, form) = (|| Algorithm::MlDsaShake256, Some(MessageType::ExternalMu));
                let mu = public.mu(MESSAGE).unwrap();
                let input = SignRequest { message_type: form.clone(), ..sign(&key, algorithm(), &mu) };
                let signature = signed(&lab, input).await;
                assert_eq!(signature.len(), length);
                public.verify(MESSAGE, &signature).unwrap();
                let input =
                    VerifyRequest { message_type: form, ..verify(&key, algorithm(), &mu, &signature) };
                verified(&lab, input).await.unwrap();
                verified(&lab, verify(&key, algorithm(), MESSAGE, &signature)).await.unwrap();
            }
        }
    });
}

/// Long primes take seconds to find: once is enough.
#[test]
fn long_rsa_keys_sign_too() {
    run(async {
        let database = TestDatabase::sqlite();
        for lab in Lab::both(&database).await {
            for spec in ["RSA_3072", "RSA_4096"] {
                every_algorithm_of(&lab, spec, &["RSASSA_PSS_SHA_512"]).await;
            }
        }
    });
}

/// Both halves are found again, by the id of the material.
async fn a_signature_is_good_after_a_restart_too(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let key = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await;
        let public = lab.public_key(&key.key_id).await;
        let algorithm = || Algorithm::EcdsaSha256;
        let signature = signed(&lab, sign(&key.key_id, algorithm(), MESSAGE)).await;
        let db = crate::fixture::open(database).await;
        let server = lab.client.kms.restarted(&db, &root());
        let lab = Lab { client: lab.client.on(&server), ..lab };
        assert_eq!(lab.public_key(&key.key_id).await, public);
        assert_eq!(
            lab.client.describe(&key.key_id).await.unwrap().signing_algorithms,
            key.signing_algorithms
        );
        verified(&lab, verify(&key.key_id, algorithm(), MESSAGE, &signature)).await.unwrap();
        let signature = signed(&lab, sign(&key.key_id, algorithm(), MESSAGE)).await;
        assert_good("ECC_NIST_P256", "ECDSA_SHA_256", &public, MESSAGE, &signature);
    }
}
