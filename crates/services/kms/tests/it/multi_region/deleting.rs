//! Related keys deleted: replicas whenever, the primary one after the last of them.

use strongroom_api_kms::KeyState;
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, DAY, FAR_REGION, NOW, REGION, client};

const THIRD: &str = "ap-southeast-2";

on_both_engines! {
    a_replica_goes_and_can_come_again,
    a_primary_key_waits_for_its_replicas,
    a_wait_for_replicas_can_be_ended,
    a_primary_key_without_replicas_goes_like_any_other,
    a_replica_that_is_being_made_can_be_deleted,
}

async fn a_replica_goes_and_can_come_again(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let blob = there.encrypt(&key, b"plain", &[]).await.unwrap();
    there.schedule_deletion(&key, Some(7)).await.unwrap();
    assert_eq!(there.state(&key).await, KeyState::PendingDeletion);
    // Until it is gone its place is taken.
    let refused = client.replicate(&key, FAR_REGION).await.unwrap_err();
    assert_eq!(refused.code(), "AlreadyExistsException");
    let client = client.later(7 * DAY).await;
    let there = client.in_region(FAR_REGION);
    assert_eq!(there.describe(&key).await.unwrap_err().code(), "NotFoundException");
    assert_eq!(client.related(&key).await.2, Vec::<String>::new());
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    client.replicate(&key, FAR_REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    assert_eq!(there.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}

async fn a_primary_key_waits_for_its_replicas(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    client.replicate(&key, THIRD).await.unwrap();
    client.kms.run_due(client.now).await;
    let answer = client.schedule_deletion(&key, Some(10)).await.unwrap();
    assert_eq!(answer.key_state, Some(KeyState::PendingReplicaDeletion));
    assert_eq!((answer.deletion_date, answer.pending_window_in_days), (None, Some(10)));
    let shown = client.describe(&key).await.unwrap();
    assert_eq!((shown.deletion_date, shown.pending_deletion_window_in_days), (None, Some(10)));
    let pending = format!(
        "KMSInvalidStateException: {} is pending replica deletion.",
        client.arn(&format!("key/{key}"))
    );
    assert_eq!(client.encrypt(&key, b"x", &[]).await.unwrap_err().to_string(), pending);
    assert_eq!(client.replicate(&key, "eu-west-1").await.unwrap_err().to_string(), pending);
    assert_eq!(client.schedule_deletion(&key, None).await.unwrap_err().to_string(), pending);
    // Its replicas serve on, for however long.
    there.encrypt(&key, b"x", &[]).await.unwrap();
    let client = client.later(100 * DAY).await;
    assert_eq!(client.state(&key).await, KeyState::PendingReplicaDeletion);
    let (there, third) = (client.in_region(FAR_REGION), client.in_region(THIRD));
    there.schedule_deletion(&key, Some(7)).await.unwrap();
    third.schedule_deletion(&key, Some(8)).await.unwrap();
    let client = client.later(7 * DAY).await;
    assert_eq!(client.state(&key).await, KeyState::PendingReplicaDeletion);
    let client = client.later(DAY).await;
    let shown = client.describe(&key).await.unwrap();
    assert_eq!(
        (shown.key_state, shown.pending_deletion_window_in_days),
        (Some(KeyState::PendingDeletion), None)
    );
    assert_eq!(shown.deletion_date, Some(Timestamp::from_millis(NOW + 118 * DAY)));
    assert_eq!(client.related(&key).await.2, Vec::<String>::new());
    let client = client.later(10 * DAY).await;
    assert_eq!(client.describe(&key).await.unwrap_err().code(), "NotFoundException");
    assert_eq!(client.kms.next_due().await, None);
}

async fn a_wait_for_replicas_can_be_ended(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    client.schedule_deletion(&key, Some(7)).await.unwrap();
    client.cancel_deletion(&key).await.unwrap();
    assert_eq!(client.state(&key).await, KeyState::Disabled);
    // In the wait that follows, too.
    client.schedule_deletion(&key, Some(7)).await.unwrap();
    there.schedule_deletion(&key, Some(7)).await.unwrap();
    let client = client.later(7 * DAY).await;
    assert_eq!(client.state(&key).await, KeyState::PendingDeletion);
    client.cancel_deletion(&key).await.unwrap();
    client.enable(&key).await.unwrap();
    client.replicate(&key, FAR_REGION).await.unwrap();
    let client = client.later(100 * DAY).await;
    assert_eq!(client.state(&key).await, KeyState::Enabled);
}

async fn a_primary_key_without_replicas_goes_like_any_other(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    let answer = client.schedule_deletion(&key, Some(7)).await.unwrap();
    assert_eq!(answer.key_state, Some(KeyState::PendingDeletion));
    assert_eq!(answer.deletion_date, Some(Timestamp::from_millis(NOW + 7 * DAY)));
    let client = client.later(7 * DAY).await;
    assert_eq!(client.describe(&key).await.unwrap_err().code(), "NotFoundException");
}

async fn a_replica_that_is_being_made_can_be_deleted(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    client.replicate(&key, FAR_REGION).await.unwrap();
    let there: Client = client.in_region(FAR_REGION);
    there.schedule_deletion(&key, Some(7)).await.unwrap();
    assert_eq!(client.kms.run_due(client.now).await, []);
    assert_eq!(there.state(&key).await, KeyState::PendingDeletion);
    let client = client.later(7 * DAY).await;
    let (_, primary, replicas) = client.related(&key).await;
    assert_eq!((primary.as_str(), replicas.len()), (REGION, 0));
}
