//! Rotation on demand (KMS API Reference, RotateKeyOnDemand).

use std::collections::HashSet;

use strongroom_api_kms::{IncludeKeyMaterial, KeyMaterialState, RotationType};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, DAY, NOW, client};

const MINUTE: i64 = 60 * 1000;

on_both_engines! {
    a_key_rotates_at_once_and_keeps_its_schedule,
    rotations_in_one_moment_are_listed_in_their_order,
    a_key_rotates_twenty_five_times_and_no_more,
    it_does_not_come_too_close_to_the_automatic_one,
    both_kinds_are_listed_in_their_order,
    callers_at_once_pass_no_limit,
}

async fn next(client: &Client, key: &str) -> Option<i64> {
    client.rotation_status(key).await.unwrap().next_rotation_date.map(Timestamp::as_millis)
}

async fn a_key_rotates_at_once_and_keeps_its_schedule(database: &TestDatabase) {
    let client = client(database).await;
    for period in [None, Some(90)] {
        let made = client.create_key().await;
        let (key, arn, first) = (made.key_id, made.arn.unwrap(), made.current_key_material_id);
        if period.is_some() {
            client.enable_rotation(&key, period).await.unwrap();
        }
        let scheduled = next(&client, &key).await;
        let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
        for (count, by) in [(1, &key), (2, &arn)] {
            // The answer names the key by its id.
            let answer = client.at(NOW + count * DAY).rotate(by).await.unwrap();
            assert_eq!(answer.key_id.as_ref(), Some(&key));
            assert_eq!(client.rotations(&key, None, None).await.len(), count as usize);
        }
        assert_eq!(next(&client, &key).await, scheduled);
        let current = client.describe(&key).await.unwrap().current_key_material_id;
        assert_ne!(current, first);
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
        let rotations = client.rotations(&key, None, None).await;
        for (rotation, days) in rotations.iter().zip(1..) {
            assert_eq!(rotation.rotation_type, Some(RotationType::OnDemand));
            assert_eq!(rotation.rotation_date, Some(Timestamp::from_millis(NOW + days * DAY)));
        }
        assert_eq!(rotations[1].key_material_id, current);
        assert_eq!(rotations[1].key_material_state, Some(KeyMaterialState::Current));
    }
}

async fn rotations_in_one_moment_are_listed_in_their_order(database: &TestDatabase) {
    let client = client(database).await;
    for _ in 0..4 {
        let key = client.create_key().await;
        let mut materials = vec![key.current_key_material_id];
        for _ in 0..3 {
            client.rotate(&key.key_id).await.unwrap();
            materials.push(client.describe(&key.key_id).await.unwrap().current_key_material_id);
        }
        let all = client.rotations(&key.key_id, Some(IncludeKeyMaterial::AllKeyMaterial), None).await;
        let listed: Vec<_> = all.into_iter().map(|rotation| rotation.key_material_id).collect();
        assert_eq!(listed, materials);
    }
}

async fn a_key_rotates_twenty_five_times_and_no_more(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    for number in 1..=25 {
        client.at(NOW + number).rotate(&key.key_id).await.unwrap();
    }
    let refused = client.rotate(&key.key_id).await.unwrap_err();
    // KMS Developer Guide: 25; the text is ours.
    let arn = key.arn.unwrap();
    assert_eq!(
        refused.to_string(),
        format!(
            "LimitExceededException: The on-demand rotations limit has been reached for {arn}. A key can be rotated on \
             demand at most 25 times."
        )
    );
    // The limit is that of the key, in its life, and not that of the automatic kind.
    client.rotate(&client.create_key().await.key_id).await.unwrap();
    client.enable_rotation(&key.key_id, Some(90)).await.unwrap();
    let later = client.later(200 * DAY).await;
    assert_eq!(later.rotate(&key.key_id).await.unwrap_err().code(), "LimitExceededException");
    let all = later.rotations(&key.key_id, Some(IncludeKeyMaterial::AllKeyMaterial), Some(10)).await;
    assert_eq!(all.len(), 1 + 25 + 2);
    let materials: HashSet<_> = all.iter().map(|entry| entry.key_material_id.clone()).collect();
    assert_eq!(materials.len(), all.len());
    assert_eq!(
        all.iter().filter(|entry| entry.key_material_state == Some(KeyMaterialState::Current)).count(),
        1
    );
}

async fn it_does_not_come_too_close_to_the_automatic_one(database: &TestDatabase) {
    let client = client(database).await;
    let made = client.create_key().await;
    let (key, arn) = (made.key_id, made.arn.unwrap());
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let due = NOW + 90 * DAY;
    client.at(due - 20 * MINUTE).rotate(&key).await.unwrap();
    for close in [due - 20 * MINUTE + 1, due - 1, due, due + DAY] {
        let refused = client.at(close).rotate(&key).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "ConflictException: An automatic rotation of {arn} is in progress or scheduled to begin within the next \
                 20 minutes."
            )
        );
    }
    let done = client.later(90 * DAY).await;
    done.rotate(&key).await.unwrap();
    let kinds: Vec<_> = done
        .rotations(&key, None, None)
        .await
        .into_iter()
        .map(|entry| entry.rotation_type.unwrap())
        .collect();
    assert_eq!(kinds[0], RotationType::OnDemand);
    assert_eq!(kinds.iter().filter(|kind| **kind == RotationType::OnDemand).count(), 2);
    assert_eq!(kinds.len(), 3);
}

async fn both_kinds_are_listed_in_their_order(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let mut now = client.clone();
    for days in [30, 100, 100] {
        now = now.later(days * DAY).await;
        now.rotate(&key).await.unwrap();
    }
    let listed: Vec<_> = now
        .rotations(&key, None, Some(2))
        .await
        .into_iter()
        .map(|entry| ((entry.rotation_date.unwrap().as_millis() - NOW) / DAY, entry.rotation_type.unwrap()))
        .collect();
    let (automatic, on_demand) = (RotationType::Automatic, RotationType::OnDemand);
    assert_eq!(
        listed,
        [
            (30, on_demand.clone()),
            (90, automatic.clone()),
            (130, on_demand.clone()),
            (180, automatic),
            (230, on_demand)
        ]
    );
}

async fn callers_at_once_pass_no_limit(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    for number in 0..22 {
        client.at(NOW + number).rotate(&key).await.unwrap();
    }
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (client, key) = (client.at(NOW + DAY), key.clone());
        calls.spawn(async move { client.rotate(&key).await.is_ok() });
    }
    let succeeded = calls.join_all().await.into_iter().filter(|ok| *ok).count();
    assert_eq!(succeeded, 3);
    let all = client.rotations(&key, Some(IncludeKeyMaterial::AllKeyMaterial), None).await;
    assert_eq!(all.len(), 26);
    // Who asks afterwards sees the material that the key ended up with.
    let current =
        all.iter().find(|entry| entry.key_material_state == Some(KeyMaterialState::Current)).unwrap();
    assert_eq!(client.describe(&key).await.unwrap().current_key_material_id, current.key_material_id);
}
