//! What the HSMs compute, in one round trip each.

use std::time::Duration;

use strongroom_api_kms::{
    DataKeySpec, GenerateDataKeyWithoutPlaintextRequest, GenerateRandomRequest, Kms as _, ReEncryptRequest,
};
use strongroom_kms::Settings;
use strongroom_runtime::Stopwatch;
use strongroom_schema::Blob;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{NO_COMMUNICATION, Rig, STORE_OUT_OF_REACH, said};
use crate::fixture::{bound_to, data_key, plaintext};

on_both_engines! {
    what_is_encrypted_decrypts_and_is_bound_to_its_context,
    data_keys_are_made_in_the_hsms,
    re_encrypting_stays_in_the_hsms_within_a_store_and_leaves_them_between_places,
    warm_calls_take_one_round_trip,
    random_bytes_come_from_the_hsms,
    one_hsm_is_enough_and_none_is_told,
    a_call_takes_no_longer_than_it_may,
}

const PAIRS: &[(&str, &str)] = &[("purpose", "test"), ("aws:ä", "")];

async fn what_is_encrypted_decrypts_and_is_bound_to_its_context(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let (key, other) = (rig.key().await, rig.key().await);
    for (text, pairs) in [(&b"x"[..], &[][..]), (&[0x5a; 4096], PAIRS)] {
        let blob = rig.encrypt(&key, text, pairs).await.unwrap();
        assert_eq!(rig.decrypt(&blob, None, pairs).await.unwrap(), text);
        assert_eq!(rig.decrypt(&blob, Some(&key), pairs).await.unwrap(), text);
        let wrong = rig.decrypt(&blob, None, &[("purpose", "other")]).await.unwrap_err();
        assert_eq!(wrong.code(), "InvalidCiphertextException");
        let mut changed = blob.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(
            rig.decrypt(&changed, None, pairs).await.unwrap_err().code(),
            "InvalidCiphertextException"
        );
        assert_eq!(
            rig.decrypt(&blob, Some(&other), pairs).await.unwrap_err().code(),
            "IncorrectKeyException"
        );
    }
}

async fn data_keys_are_made_in_the_hsms(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let made = rig.try_generate(data_key(&key)).await.unwrap();
    let (clear, blob) = (plaintext(made.plaintext), made.ciphertext_blob.unwrap().0);
    assert_eq!(clear.len(), 32);
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), clear);
    let input = GenerateDataKeyWithoutPlaintextRequest {
        key_id: key.clone(),
        key_spec: Some(DataKeySpec::Aes128),
        encryption_context: bound_to(PAIRS),
        ..GenerateDataKeyWithoutPlaintextRequest::default()
    };
    let made = rig.client.kms.generate_data_key_without_plaintext(&rig.context(), input).await.unwrap();
    let blob = made.ciphertext_blob.unwrap().0;
    assert_eq!(rig.decrypt(&blob, None, PAIRS).await.unwrap().len(), 16);
}

async fn re_encrypting_stays_in_the_hsms_within_a_store_and_leaves_them_between_places(
    database: &TestDatabase,
) {
    let rig = Rig::new(database).await;
    let (one, two, outside) = (rig.key().await, rig.key().await, rig.create_key().await.key_id);
    for (from, to, calls) in [(&one, &two, 1), (&one, &one, 1), (&one, &outside, 1), (&outside, &two, 1)] {
        let blob = rig.encrypt(from, b"plain", PAIRS).await.unwrap();
        let before = rig.cluster.calls();
        let input = ReEncryptRequest {
            ciphertext_blob: Some(Blob(blob)),
            source_encryption_context: bound_to(PAIRS),
            destination_key_id: to.clone(),
            destination_encryption_context: bound_to(&[("now", "this")]),
            ..ReEncryptRequest::default()
        };
        let answer = rig.re_encrypt(input.clone()).await.unwrap();
        assert_eq!(rig.cluster.calls() - before, calls);
        let blob = answer.ciphertext_blob.unwrap().0;
        assert_eq!(rig.decrypt(&blob, Some(to), &[("now", "this")]).await.unwrap(), b"plain");
        let wrong = ReEncryptRequest { source_encryption_context: None, ..input };
        assert_eq!(rig.re_encrypt(wrong).await.unwrap_err().code(), "InvalidCiphertextException");
    }
}

async fn warm_calls_take_one_round_trip(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let before = rig.cluster.calls();
    // The HSMs have just said what they call it.
    let blob = rig.encrypt(&key, b"x", &[]).await.unwrap();
    assert_eq!(rig.cluster.calls() - before, 1);
    // A server that starts looks once.
    let rig = rig.restarted();
    let before = rig.cluster.calls();
    rig.decrypt(&blob, None, &[]).await.unwrap();
    assert_eq!(rig.cluster.calls() - before, 3);
    for _ in 0..5 {
        rig.decrypt(&blob, None, &[]).await.unwrap();
    }
    assert_eq!(rig.cluster.calls() - before, 8);
}

async fn random_bytes_come_from_the_hsms(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let random = |store: &str, bytes: i32| {
        let input = GenerateRandomRequest {
            number_of_bytes: Some(bytes),
            custom_key_store_id: Some(store.to_owned()),
            ..GenerateRandomRequest::default()
        };
        let (kms, context) = (rig.client.kms.clone(), rig.context());
        async move { Ok(plaintext(kms.generate_random(&context, input).await?.plaintext)) }
    };
    let before = rig.cluster.calls();
    assert_eq!(random(&rig.store, 1024).await.unwrap().len(), 1024);
    assert_eq!(rig.cluster.calls() - before, 1);
    assert_ne!(random(&rig.store, 32).await.unwrap(), random(&rig.store, 32).await.unwrap());
    assert_eq!(
        said(random("cks-0000000000000000a", 1).await),
        "CustomKeyStoreNotFoundException: Custom key store 'cks-0000000000000000a' does not exist"
    );
    rig.cluster.set_reachable(false);
    assert_eq!(said(random(&rig.store, 1).await), STORE_OUT_OF_REACH);
    rig.cluster.set_reachable(true);
    rig.disconnect().await;
    let refused = said(random(&rig.store, 1).await);
    assert!(refused.starts_with("CustomKeyStoreInvalidStateException: "), "{refused}");
}

async fn one_hsm_is_enough_and_none_is_told(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let blob = rig.encrypt(&key, b"x", &[]).await.unwrap();
    let hsms = rig.cluster.hsms();
    hsms[0].set_reachable(false);
    for _ in 0..4 {
        assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    }
    hsms[1].set_reachable(false);
    assert_eq!(said(rig.decrypt(&blob, None, &[]).await), NO_COMMUNICATION);
    assert_eq!(said(rig.encrypt(&key, b"x", &[]).await), NO_COMMUNICATION);
    assert_eq!(said(rig.try_generate(data_key(&key)).await), NO_COMMUNICATION);
    // A new one that the HSMs cannot make is not made.
    assert_eq!(said(rig.try_create_key(rig.asking()).await), STORE_OUT_OF_REACH);
    assert_eq!(said(rig.rotate(&key).await), NO_COMMUNICATION);
    assert_eq!(rig.key_ids(None).await, [&*key]);
    assert_eq!(rig.client.kms.next_due().await, None, "and nothing is left to be looked after");
    // And nothing has to be done for recovery.
    hsms[1].set_reachable(true);
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"x");
}

async fn a_call_takes_no_longer_than_it_may(database: &TestDatabase) {
    // Longer than it is by default, and long enough for a key to be made on a machine that has much else to do.
    const DEADLINE: Duration = Duration::from_secs(6);
    // What a key store may take to be connected.
    const CONNECTING: Duration = Duration::from_secs(30);
    assert!(Settings::default().store_deadline < DEADLINE);
    let rig = Rig::with(database, |settings| settings.store_deadline = DEADLINE).await;
    let key = rig.key().await;
    // The HSMs are asked, and do not answer.
    rig.cluster.steps.hold(1);
    let watch = Stopwatch::start();
    let answer = tokio::time::timeout(CONNECTING, rig.encrypt(&key, b"x", &[])).await;
    assert_eq!(said(answer.expect("an answer in time")), NO_COMMUNICATION);
    assert!(watch.elapsed() >= DEADLINE, "it may take its time");
    rig.cluster.steps.release();
    rig.encrypt(&key, b"x", &[]).await.unwrap();
}
