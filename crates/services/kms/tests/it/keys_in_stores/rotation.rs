//! Rotation inside the HSMs, and what becomes of it while the key store is not connected.

use strongroom_runtime::Agenda as _;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Rig, attribute};
use crate::fixture::{Client, DAY, NOW};
use strongroom_hsm_proto::command::{AttributeName, AttributeValue};

on_both_engines! {
    automatic_rotation_makes_material_in_the_hsms_and_keeps_the_old,
    rotation_on_demand_does_the_same,
    a_jump_of_time_rotates_once_for_each_period,
    rotations_missed_while_disconnected_are_done_once_when_connected,
    rotations_wait_for_hsms_that_do_not_answer,
    much_to_do_for_hsms_that_do_not_answer_is_in_nobodys_way,
}

async fn moments(client: &Client, key: &str) -> Vec<i64> {
    let rotations = client.rotations(key, None, None).await;
    rotations.iter().map(|rotation| rotation.rotation_date.unwrap().as_millis()).collect()
}

async fn next(client: &Client, key: &str) -> i64 {
    client.rotation_status(key).await.unwrap().next_rotation_date.unwrap().as_millis()
}

async fn automatic_rotation_makes_material_in_the_hsms_and_keeps_the_old(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let first = rig.describe(&key).await.unwrap().current_key_material_id.unwrap();
    let blob = rig.encrypt(&key, b"old", &[("a", "b")]).await.unwrap();
    rig.enable_rotation(&key, Some(90)).await.unwrap();
    let later = rig.at(NOW + 91 * DAY).later(0).await;

    assert_eq!(moments(&later, &key).await, [NOW + 90 * DAY]);
    assert_eq!(next(&later, &key).await, NOW + 180 * DAY);
    let second = later.describe(&key).await.unwrap().current_key_material_id.unwrap();
    assert_ne!(first, second);
    let mut ids: Vec<_> = rig.hsm_keys().iter().map(|found| attribute(found, AttributeName::Id)).collect();
    let mut expected =
        [&first, &second].map(|id| AttributeValue::Bytes(strongroom_crypto::hex::decode(id).unwrap()));
    ids.sort_by_key(|id| format!("{id:?}"));
    expected.sort_by_key(|id| format!("{id:?}"));
    assert_eq!(ids, expected);
    assert_eq!(later.decrypt(&blob, None, &[("a", "b")]).await.unwrap(), b"old");
    let new = later.encrypt(&key, b"new", &[]).await.unwrap();
    assert_eq!(later.decrypt(&new, None, &[]).await.unwrap(), b"new");

    let records = rig.client.kms.records();
    let record = records.iter().find(|record| record.event_name == "RotateKey").unwrap();
    let details: serde_json::Value =
        serde_json::from_str(record.service_event_details.as_ref().unwrap()).unwrap();
    assert_eq!(details["keyOrigin"], "AWS_CLOUDHSM");
    assert_eq!(details["rotationType"], "AUTOMATIC");
    assert_eq!(details["previousKeyMaterialId"], *first);
    assert_eq!(details["currentKeyMaterialId"], *second);
    let rig = rig.restarted();
    assert_eq!(rig.decrypt(&blob, None, &[("a", "b")]).await.unwrap(), b"old");
}

async fn rotation_on_demand_does_the_same(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let blob = rig.encrypt(&key, b"old", &[]).await.unwrap();
    rig.rotate(&key).await.unwrap();
    rig.rotate(&key).await.unwrap();
    assert_eq!(rig.hsm_keys().len(), 3);
    assert_eq!(rig.rotations(&key, None, None).await.len(), 2);
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"old");
    assert_eq!(rig.client.kms.next_due().await, None, "nothing is left over");
}

async fn a_jump_of_time_rotates_once_for_each_period(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    rig.enable_rotation(&key, Some(90)).await.unwrap();
    let later = rig.at(NOW + 365 * DAY).later(0).await;
    let expected: Vec<_> = (1..=4).map(|times| NOW + times * 90 * DAY).collect();
    assert_eq!(moments(&later, &key).await, expected);
    assert_eq!(rig.hsm_keys().len(), 5);
}

async fn rotations_missed_while_disconnected_are_done_once_when_connected(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let (key, outside) = (rig.key().await, rig.create_key().await.key_id);
    let blob = rig.encrypt(&key, b"old", &[]).await.unwrap();
    for key in [&key, &outside] {
        rig.enable_rotation(key, Some(90)).await.unwrap();
    }
    rig.disconnect().await;
    let away = rig.at(NOW + 365 * DAY).later(0).await;
    assert_eq!(moments(&away, &outside).await.len(), 4, "others are not held up");
    assert_eq!(moments(&away, &key).await.len(), 0);
    assert_eq!(next(&away, &key).await, NOW + 90 * DAY);

    let back_ms = NOW + 365 * DAY;
    rig.client.at(back_ms).connect(&rig.store).await.unwrap();
    let back = rig.at(back_ms + DAY).later(0).await;
    assert_eq!(moments(&back, &key).await, [back_ms]);
    assert_eq!(next(&back, &key).await, back_ms + 90 * DAY);
    assert_eq!(rig.hsm_keys().len(), 2);
    assert_eq!(back.decrypt(&blob, None, &[]).await.unwrap(), b"old");
}

async fn rotations_wait_for_hsms_that_do_not_answer(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    rig.enable_rotation(&key, Some(90)).await.unwrap();
    rig.cluster.set_reachable(false);
    let due = rig.client.kms.next_due().await.unwrap();
    rig.at(due.at_ms);
    rig.client.kms.run(&due).await.unwrap_err();
    rig.client.kms.run(&due).await.unwrap_err();
    assert_eq!(rig.client.kms.next_due().await, Some(due.clone()));
    rig.cluster.set_reachable(true);
    rig.at(due.at_ms + 60_000);
    rig.client.kms.run(&due).await.unwrap();
    assert_eq!(moments(&rig.client, &key).await, [due.at_ms]);
}

async fn much_to_do_for_hsms_that_do_not_answer_is_in_nobodys_way(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let gone = rig.key().await;
    rig.rotate(&gone).await.unwrap();
    rig.schedule_deletion(&gone, Some(7)).await.unwrap();
    for _ in 0..3 {
        rig.enable_rotation(&rig.key().await, Some(90)).await.unwrap();
    }
    let outside = rig.create_key().await.key_id;
    rig.enable_rotation(&outside, Some(91)).await.unwrap();
    rig.cluster.set_reachable(false);
    let later = rig.at(NOW + 91 * DAY);
    let kms = &later.kms;
    let deletion = kms.next_due().await.unwrap();
    kms.run(&deletion).await.unwrap();
    rig.at(NOW + 91 * DAY + 60_000);
    let all = kms.first(100).await.unwrap();
    assert_eq!(all.len(), 2 + 3 + 1, "what is left of the deleted key, and the rotations");
    let rotation = all.iter().find(|item| item.id.starts_with("arn:")).unwrap();
    kms.run(rotation).await.unwrap_err();

    // One leftover and one rotation stand for all that the cluster does not do now.
    let left: Vec<_> = kms.first(100).await.unwrap();
    assert_eq!(left.len(), 3);
    assert_eq!(left[0], *rotation);
    assert_eq!(left[1].id, rig.arn(&format!("key/{outside}")));
    kms.run(&left[1]).await.unwrap();
    assert_eq!(moments(&later, &outside).await.len(), 1);

    rig.cluster.set_reachable(true);
    let later = rig.at(NOW + 91 * DAY + 120_000);
    assert_eq!(later.kms.run_due(later.now).await.len(), 2 + 3);
    assert_eq!(rig.hsm_keys().len(), 6);
}
