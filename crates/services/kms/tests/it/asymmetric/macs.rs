//! MACs: of the algorithm's length, the same for the same message, and nobody else's.

use strongroom_api_kms::{GenerateMacRequest, Kms as _, MacAlgorithmSpec as Algorithm, VerifyMacRequest};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::Lab;
use crate::symmetric_only::{generate_mac, verify_mac};

on_both_engines! {
    macs_are_made_and_verified,
    macs_that_are_refused,
}

async fn made(lab: &Lab, input: GenerateMacRequest) -> Vec<u8> {
    let client = &lab.client;
    let algorithm = input.mac_algorithm.clone();
    let answer = lab.in_one_call(client.kms.generate_mac(&client.context(), input)).await.unwrap();
    assert_eq!(answer.mac_algorithm, Some(algorithm));
    assert!(answer.key_id.unwrap().starts_with("arn:aws:kms:"));
    answer.mac.unwrap().0
}

async fn verified(lab: &Lab, input: VerifyMacRequest) -> Result<(), String> {
    let client = &lab.client;
    let answer = client.kms.verify_mac(&client.context(), input).await.map_err(|error| error.to_string())?;
    assert_eq!(answer.mac_valid, Some(true));
    Ok(())
}

async fn macs_are_made_and_verified(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        for (spec, name, length) in [
            ("HMAC_224", "HMAC_SHA_224", 28),
            ("HMAC_256", "HMAC_SHA_256", 32),
            ("HMAC_384", "HMAC_SHA_384", 48),
            ("HMAC_512", "HMAC_SHA_512", 64),
        ] {
            let algorithm = || Algorithm::from(name);
            let key = lab.create(spec, "GENERATE_VERIFY_MAC").await;
            assert_eq!(key.mac_algorithms, Some(vec![algorithm()]));
            let (key, other) = (key.key_id, lab.create(spec, "GENERATE_VERIFY_MAC").await.key_id);
            for message in [&b"m"[..], &[7; 4_096]] {
                let mac = made(&lab, generate_mac(&key, algorithm(), message)).await;
                assert_eq!(mac.len(), length);
                assert_eq!(made(&lab, generate_mac(&key, algorithm(), message)).await, mac);
                assert_ne!(made(&lab, generate_mac(&other, algorithm(), message)).await, mac);
                lab.in_one_call(verified(&lab, verify_mac(&key, algorithm(), message, &mac))).await.unwrap();
            }
        }
    }
}

async fn macs_that_are_refused(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let algorithm = || Algorithm::HmacSha256;
        let key = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
        let other = lab.create("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
        let mac = made(&lab, generate_mac(&key, algorithm(), b"message")).await;
        let mut altered = mac.clone();
        altered[0] ^= 1;
        let longer = [&mac[..], &[0]].concat();
        for (key, message, mac) in [
            (&other, &b"message"[..], &mac[..]),
            (&key, b"another", &mac),
            (&key, b"message", &altered),
            // Not even the beginning of the right one, nor more than it.
            (&key, b"message", &mac[..16]),
            (&key, b"message", &longer),
        ] {
            // AWS's answer has no text.
            let refused = verified(&lab, verify_mac(key, algorithm(), message, mac)).await;
            assert_eq!(refused.unwrap_err(), "KMSInvalidMacException");
            let input =
                VerifyMacRequest { dry_run: Some(true), ..verify_mac(key, algorithm(), message, mac) };
            assert_eq!(verified(&lab, input).await.unwrap_err(), "KMSInvalidMacException");
        }
        let (client, dry_run) = (&lab.client, Some(true));
        let input = VerifyMacRequest { dry_run, ..verify_mac(&key, algorithm(), b"message", &mac) };
        assert!(verified(&lab, input).await.unwrap_err().starts_with("DryRunOperationException: "));
        let input = GenerateMacRequest { dry_run, ..generate_mac(&key, algorithm(), b"message") };
        let refused = lab.in_no_call(client.kms.generate_mac(&client.context(), input)).await.unwrap_err();
        assert_eq!(refused.code(), "DryRunOperationException");
        let input = generate_mac(&key, Algorithm::HmacSha512, b"message");
        let refused = lab.in_no_call(client.kms.generate_mac(&client.context(), input)).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "InvalidKeyUsageException: Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."
        );
    }
}
