//! Related keys rotate together.

use strongroom_api_kms::{IncludeKeyMaterial, RotationType};
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, DAY, FAR_REGION, NOW, client};

const THIRD: &str = "ap-southeast-2";

on_both_engines! {
    a_rotation_is_that_of_all_regions,
    automatic_rotation_is_set_on_the_primary_key,
    a_replica_made_later_has_all_materials,
    whatever_state_a_replica_is_in_it_gets_the_material,
    rotations_and_replicas_at_once_lose_nothing,
}

async fn material(client: &Client, key: &str) -> Option<String> {
    client.describe(key).await.unwrap().current_key_material_id
}

/// Everything that is listed of a key's materials.
async fn listed(
    client: &Client,
    key: &str,
) -> Vec<(Option<String>, Option<RotationType>, Option<Timestamp>)> {
    let all = client.rotations(key, Some(IncludeKeyMaterial::AllKeyMaterial), Some(2)).await;
    all.into_iter().map(|entry| (entry.key_material_id, entry.rotation_type, entry.rotation_date)).collect()
}

async fn a_rotation_is_that_of_all_regions(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let before = there.encrypt(&key, b"before", &[]).await.unwrap();
    let first = material(&client, &key).await;
    client.at(NOW + DAY).rotate(&key).await.unwrap();
    assert_ne!(material(&client, &key).await, first);
    assert_eq!(material(&there, &key).await, material(&client, &key).await);
    let after = there.encrypt(&key, b"after", &[]).await.unwrap();
    assert_eq!(client.decrypt(&after, None, &[]).await.unwrap(), b"after");
    assert_eq!(client.decrypt(&before, None, &[]).await.unwrap(), b"before");
    assert_eq!(there.decrypt(&before, None, &[]).await.unwrap(), b"before");
    assert_eq!(listed(&client, &key).await, listed(&there, &key).await);
    assert_eq!(listed(&there, &key).await.len(), 2);
    // A replica is not rotated for itself.
    let refused = there.rotate(&key).await.unwrap_err();
    assert_eq!(refused.code(), "UnsupportedOperationException");
}

async fn automatic_rotation_is_set_on_the_primary_key(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let status = there.rotation_status(&key).await.unwrap();
    assert_eq!((status.key_rotation_enabled, status.rotation_period_in_days), (Some(true), Some(90)));
    assert_eq!(status.next_rotation_date, Some(Timestamp::from_millis(NOW + 90 * DAY)));
    for refused in [there.enable_rotation(&key, None).await, there.disable_rotation(&key).await] {
        assert_eq!(refused.unwrap_err().code(), "UnsupportedOperationException");
    }
    let client = client.later(200 * DAY).await;
    let there = client.in_region(FAR_REGION);
    let both = (listed(&client, &key).await, listed(&there, &key).await);
    assert_eq!((both.0.len(), &both.0), (3, &both.1));
    for who in [&client, &there] {
        let status = who.rotation_status(&key).await.unwrap();
        assert_eq!(status.next_rotation_date, Some(Timestamp::from_millis(NOW + 270 * DAY)));
    }
    client.disable_rotation(&key).await.unwrap();
    assert_eq!(there.rotation_status(&key).await.unwrap().key_rotation_enabled, Some(false));
    assert_eq!(client.kms.next_due().await, None);
}

async fn a_replica_made_later_has_all_materials(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    let mut blobs = Vec::new();
    for number in 0..4 {
        blobs.push(client.encrypt(&key, &[number], &[]).await.unwrap());
        client.at(NOW + i64::from(number)).rotate(&key).await.unwrap();
    }
    client.replicate(&key, FAR_REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    let there = client.in_region(FAR_REGION);
    for (number, blob) in blobs.iter().enumerate() {
        assert_eq!(there.decrypt(blob, None, &[]).await.unwrap(), [number as u8]);
    }
    assert_eq!(listed(&client, &key).await, listed(&there, &key).await);
    // The limit is the set's and not that of each of its keys.
    for number in 4..25 {
        client.at(NOW + number).rotate(&key).await.unwrap();
    }
    client.update_primary(&key, FAR_REGION).await.unwrap();
    assert_eq!(there.rotate(&key).await.unwrap_err().code(), "LimitExceededException");
}

async fn whatever_state_a_replica_is_in_it_gets_the_material(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    client.replicate(&key, THIRD).await.unwrap();
    there.disable(&key).await.unwrap();
    let third = client.in_region(THIRD);
    client.rotate(&key).await.unwrap();
    there.schedule_deletion(&key, None).await.unwrap();
    client.at(NOW + 1).rotate(&key).await.unwrap();
    there.cancel_deletion(&key).await.unwrap();
    there.enable(&key).await.unwrap();
    client.kms.run_due(client.now).await;
    for who in [&there, &third] {
        assert_eq!(listed(who, &key).await, listed(&client, &key).await);
        let blob = who.encrypt(&key, b"x", &[]).await.unwrap();
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    }
}

/// Each rotation reaches every replica, whichever of them comes first; a call that loses says so and can be tried again.
/// What was answered is there, and nothing else.
async fn rotations_and_replicas_at_once_lose_nothing(database: &TestDatabase) {
    const REGIONS: [&str; 4] = [FAR_REGION, THIRD, "eu-west-1", "us-west-2"];
    let client = client(database).await;
    let key = client.create_primary().await;
    let mut calls = tokio::task::JoinSet::new();
    for (number, region) in REGIONS.into_iter().enumerate() {
        let (client, key) = (client.at(NOW + number as i64), key.clone());
        calls.spawn(async move {
            let replicated = has_won(&client.replicate(&key, region).await).then_some(region);
            (replicated, has_won(&client.rotate(&key).await))
        });
    }
    let answers = calls.join_all().await;
    client.kms.run_due(client.now + 10).await;
    let (_, _, replicas) = client.related(&key).await;
    let mut answered: Vec<_> = answers.iter().filter_map(|(region, _)| *region).collect();
    answered.sort_unstable();
    assert_eq!(replicas, answered);
    let rotations = answers.iter().filter(|(_, has_rotated)| *has_rotated).count();
    assert!(!answered.is_empty() && rotations > 0, "somebody wins: {answers:?}");
    assert_eq!(listed(&client, &key).await.len(), 1 + rotations, "{answers:?}");
    for region in replicas {
        let there = client.in_region(&region);
        assert_eq!(listed(&there, &key).await, listed(&client, &key).await, "{region}");
        let blob = there.encrypt(&key, b"x", &[]).await.unwrap();
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"x", "{region}");
    }
}

/// Whether a call was answered; one that was not has lost against another.
fn has_won<T>(answer: &Result<T, ApiError>) -> bool {
    if let Err(error) = answer {
        assert_eq!(error.code(), "DependencyTimeoutException", "{error}");
    }
    answer.is_ok()
}
