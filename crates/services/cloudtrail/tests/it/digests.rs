//! Digests: chained, signed, and verified as the AWS CLI does.

use serde_json::Value;
use strongroom_api_cloudtrail::{
    CloudTrail as _, ListPublicKeysRequest, StopLoggingRequest, UpdateTrailRequest,
};
use strongroom_crypto::digest::{Hash, sha256};
use strongroom_crypto::rsa::PublicKey;
use strongroom_crypto::{hex, md5};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{NOW, REGION};
use crate::world::{HOUR, MINUTE, World};

on_both_engines! {
    a_digest_goes_where_the_trail_delivers,
    every_hour_names_what_was_delivered_and_the_hour_before,
    after_a_jump_one_digest_covers_the_gap,
    the_last_digest_comes_when_logging_stops,
    keys_change_and_stay_known,
}

/// Reads the number behind a tag of DER, and what follows it.
fn number(der: &[u8]) -> (&[u8], &[u8]) {
    assert_eq!(der[0], 2);
    let (length, rest) = match der[1] {
        0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), &der[4..]),
        short => (usize::from(short), &der[2..]),
    };
    rest.split_at(length)
}

/// Verifies the digest at a key as `aws cloudtrail validate-logs` does, and answers it.
async fn verified(world: &World, key: &str) -> Value {
    let (text, digest) = (world.bucket.text(key), world.bucket.json(key));
    let object = world.bucket.object(key);
    let metadata = |name: &str| object.metadata.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    assert_eq!(metadata("signature-algorithm"), "SHA256withRSA");
    assert_eq!(digest["digestS3Object"], key);
    let input = ListPublicKeysRequest {
        start_time: Some(Timestamp::from_millis(NOW - HOUR)),
        end_time: Some(Timestamp::from_millis(world.now() + 2 * HOUR)),
        next_token: None,
    };
    let keys = world.cloudtrail.list_public_keys(&world.context(REGION), input).await.unwrap();
    let keys = keys.public_key_list.unwrap();
    let fingerprint = digest["digestPublicKeyFingerprint"].as_str().unwrap();
    let key = keys.iter().find(|key| key.fingerprint.as_deref() == Some(fingerprint)).unwrap();
    let der = &key.value.as_ref().unwrap().0;
    assert_eq!(hex::encode(&md5::md5(der).unwrap()), fingerprint);
    let (modulus, rest) = number(&der[4..]);
    let public = PublicKey::from_components(modulus, number(rest).0).unwrap();
    let previous = digest["previousDigestSignature"].as_str().unwrap_or("null");
    let signed = format!(
        "{}\n{}/{}\n{}\n{previous}",
        digest["digestEndTime"].as_str().unwrap(),
        digest["digestS3Bucket"].as_str().unwrap(),
        digest["digestS3Object"].as_str().unwrap(),
        hex::encode(&sha256(text.as_bytes())),
    );
    let signature = hex::decode(&metadata("signature")).unwrap();
    public.verify_pkcs1_message(Hash::Sha256, signed.as_bytes(), &signature).unwrap();
    for file in digest["logFiles"].as_array().unwrap() {
        let text = world.bucket.text(file["s3Object"].as_str().unwrap());
        assert_eq!(file["hashValue"], hex::encode(&sha256(text.as_bytes())));
    }
    digest
}

/// Verifies all digests, each with the one that it names, from the newest back; answers them, oldest first.
async fn chain(world: &World) -> Vec<Value> {
    let keys = world.bucket.files("CloudTrail-Digest", REGION);
    let mut chain = Vec::new();
    let mut next = keys.last().cloned();
    while let Some(key) = next {
        let digest = verified(world, &key).await;
        next = digest["previousDigestS3Object"].as_str().map(str::to_owned);
        if let Some(previous) = &next {
            let text = world.bucket.text(previous);
            assert_eq!(digest["previousDigestHashValue"], hex::encode(&sha256(text.as_bytes())));
        }
        chain.push(digest);
    }
    chain.reverse();
    assert_eq!(chain.len(), keys.len());
    for pair in chain.windows(2) {
        assert_eq!(pair[0]["digestEndTime"], pair[1]["digestStartTime"]);
    }
    chain
}

async fn every_hour_names_what_was_delivered_and_the_hour_before(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    for hour in 0..3 {
        world.calls(hour + 1, 2).await;
        for _ in 0..12 {
            world.pass(5 * MINUTE);
            world.settle().await;
        }
    }
    let chain = chain(&world).await;
    let files: Vec<_> = chain.iter().map(|digest| digest["logFiles"].as_array().unwrap().len()).collect();
    assert_eq!(files, [1, 1, 1]);
    assert_eq!(chain[0]["digestStartTime"], "2023-11-14T22:13:20Z");
    assert_eq!(chain[2]["digestEndTime"], "2023-11-15T01:13:20Z");
    assert_eq!(chain[0]["previousDigestSignature"], Value::Null);
    // An hour without events has a digest too.
    world.pass(HOUR);
    world.settle().await;
    let last = self::chain(&world).await.pop().unwrap();
    assert_eq!((&last["logFiles"], &last["newestEventTime"]), (&serde_json::json!([]), &Value::Null));
}

async fn after_a_jump_one_digest_covers_the_gap(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    world.calls(1, 2).await;
    world.pass(HOUR);
    world.settle().await;
    world.calls(2, 2).await;
    world.pass(7 * 24 * HOUR + 20 * MINUTE);
    world.settle().await;
    let chain = chain(&world).await;
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[1]["digestEndTime"], "2023-11-21T23:13:20Z");
    assert_eq!(chain[1]["logFiles"].as_array().unwrap().len(), 1);
}

async fn the_last_digest_comes_when_logging_stops(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    world.calls(1, 2).await;
    world.pass(MINUTE);
    let stop = StopLoggingRequest { name: "Trail".to_owned() };
    world.cloudtrail.stop_logging(&world.context(REGION), stop).await.unwrap();
    for _ in 0..3 {
        world.pass(5 * MINUTE);
        world.settle().await;
    }
    let chain = chain(&world).await;
    assert_eq!(chain.len(), 1);
    assert_eq!(chain[0]["logFiles"].as_array().unwrap().len(), 1);
    world.pass(3 * HOUR);
    world.settle().await;
    assert_eq!(self::chain(&world).await.len(), 1);
    assert_eq!(world.next_due().await, None);
}

async fn keys_change_and_stay_known(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    for _ in 0..3 {
        world.pass(16 * 24 * HOUR);
        world.settle().await;
    }
    let chain = chain(&world).await;
    let keys: std::collections::BTreeSet<_> =
        chain.iter().map(|digest| digest["digestPublicKeyFingerprint"].to_string()).collect();
    assert_eq!((chain.len(), keys.len()), (3, 2));
    // Without times the present key is told.
    let now = ListPublicKeysRequest::default();
    let now = world.cloudtrail.list_public_keys(&world.context(REGION), now).await.unwrap();
    assert_eq!(now.public_key_list.unwrap().len(), 1);
}

async fn a_digest_goes_where_the_trail_delivers(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    world.calls(1, 2).await;
    world.pass(5 * MINUTE);
    world.settle().await;
    // The bucket is gone when the digest is due.
    world.bucket.fail_with(Some("NoSuchBucket"));
    world.pass(HOUR);
    world.settle().await;
    world.bucket.fail_with(None);
    let update = UpdateTrailRequest {
        name: "Trail".to_owned(),
        s3_bucket_name: Some("other".to_owned()),
        s3_key_prefix: Some("logs".to_owned()),
        ..Default::default()
    };
    world.cloudtrail.update_trail(&world.context(REGION), update).await.unwrap();
    world.pass(5 * MINUTE);
    world.settle().await;
    let chain = chain(&world).await;
    assert_eq!((chain.len(), &chain[0]["digestS3Bucket"]), (1, &serde_json::json!("other")));
    assert_eq!(chain[0]["logFiles"].as_array().unwrap().len(), 1);
}
