//! Secrets agreed on: both sides come to the same, inside and outside KMS.

use strongroom_api_kms::{DeriveSharedSecretRequest, KeyAgreementAlgorithmSpec, Kms as _, RecipientInfo};
use strongroom_crypto::ec::{Curve, PrivateKey, PublicKey};
use strongroom_crypto::rsa;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::Lab;
use crate::fixture::plaintext;
use crate::symmetric_only::derive_shared_secret;

on_both_engines! {
    both_sides_come_to_the_same_secret,
    peers_that_are_none,
}

async fn both_sides_come_to_the_same_secret(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        for (spec, curve, length) in [
            ("ECC_NIST_P256", Curve::P256, 32),
            ("ECC_NIST_P384", Curve::P384, 48),
            ("ECC_NIST_P521", Curve::P521, 66),
        ] {
            let (one, two) =
                (lab.create(spec, "KEY_AGREEMENT").await, lab.create(spec, "KEY_AGREEMENT").await);
            assert_eq!(one.key_agreement_algorithms, Some(vec![KeyAgreementAlgorithmSpec::Ecdh]));
            let mut secrets = Vec::new();
            for (own, peer) in [(&one, &two), (&two, &one)] {
                let input = derive_shared_secret(&own.key_id, &lab.public_key(&peer.key_id).await);
                let context = client.context();
                let operation = client.kms.derive_shared_secret(&context, input);
                let agreed = lab.in_one_call(operation).await.unwrap();
                assert_eq!(agreed.key_id, own.arn);
                assert_eq!(agreed.key_agreement_algorithm, Some(KeyAgreementAlgorithmSpec::Ecdh));
                assert_eq!(agreed.key_origin, Some(lab.origin()));
                secrets.push(plaintext(agreed.shared_secret));
            }
            assert_eq!(secrets[0].len(), length);
            assert_eq!(secrets[0], secrets[1]);
            // Somebody who is not with KMS.
            let outside = PrivateKey::generate(curve).unwrap();
            let inside = PublicKey::from_spki(&lab.public_key(&one.key_id).await).unwrap();
            let input = derive_shared_secret(&one.key_id, &outside.public_key().to_spki().unwrap());
            let agreed = client.kms.derive_shared_secret(&client.context(), input).await.unwrap();
            assert_eq!(&plaintext(agreed.shared_secret), outside.agree(&inside).unwrap().expose());
        }
    }
}

async fn peers_that_are_none(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let key = lab.create("ECC_NIST_P256", "KEY_AGREEMENT").await.key_id;
        let peer = PrivateKey::generate(Curve::P256).unwrap().public_key().to_spki().unwrap();
        let mut off_the_curve = peer.clone();
        *off_the_curve.last_mut().unwrap() ^= 1;
        let of_another_curve = PrivateKey::generate(Curve::P384).unwrap().public_key().to_spki().unwrap();
        let of_another_kind =
            rsa::PrivateKey::generate(2_048, 65_537).unwrap().public_key().to_spki().unwrap();
        for peer in [b"garbage".to_vec(), off_the_curve, of_another_curve, of_another_kind] {
            let context = client.context();
            let operation = client.kms.derive_shared_secret(&context, derive_shared_secret(&key, &peer));
            // Ours: no text of AWS's is known.
            assert_eq!(
                lab.in_no_call(operation).await.unwrap_err().to_string(),
                "ValidationException: PublicKey must be a DER-encoded X.509 SubjectPublicKeyInfo of a key on the curve of \
                 ECC_NIST_P256."
            );
        }
        let input = || derive_shared_secret(&key, &peer);
        let cases = [
            (DeriveSharedSecretRequest { dry_run: Some(true), ..input() }, "DryRunOperationException"),
            (
                DeriveSharedSecretRequest { recipient: Some(RecipientInfo::default()), ..input() },
                "ValidationException",
            ),
        ];
        for (input, code) in cases {
            let context = client.context();
            let operation = client.kms.derive_shared_secret(&context, input);
            assert_eq!(lab.in_no_call(operation).await.unwrap_err().code(), code);
        }
    }
}
