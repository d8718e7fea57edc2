//! What a crash in the middle leaves: no key without its material, no material without its key.

use strongroom_hsm_proto::command::Command;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{NO_COMMUNICATION, Rig, STORE_OUT_OF_REACH, said};
use crate::fixture::{DAY, NOW};

on_both_engines! {
    a_key_that_nobody_heard_of_is_deleted_later,
    a_rotation_that_nobody_heard_of_is_done_again,
}

const MINUTE: i64 = 60 * 1000;

fn makes_a_key(command: &Command) -> bool {
    matches!(command, Command::GenerateKey(_))
}

async fn a_key_that_nobody_heard_of_is_deleted_later(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let stays = rig.key().await;
    rig.cluster.lose_answer(makes_a_key);
    assert_eq!(said(rig.try_create_key(rig.asking()).await), STORE_OUT_OF_REACH);
    assert_eq!(rig.key_ids(None).await, [&*stays]);
    assert_eq!(rig.hsm_keys().len(), 2);

    let rig = rig.restarted();
    let before = rig.at(NOW + 9 * MINUTE);
    assert_eq!(before.kms.run_due(before.now).await.len(), 0, "whoever makes it may still be at it");
    let after = rig.at(NOW + 11 * MINUTE);
    assert_eq!(after.kms.run_due(after.now).await.len(), 1);
    assert_eq!(rig.hsm_keys().len(), 1);
    rig.encrypt(&stays, b"x", &[]).await.unwrap();
    assert_eq!(rig.client.kms.next_due().await, None);
}

async fn a_rotation_that_nobody_heard_of_is_done_again(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let blob = rig.encrypt(&key, b"x", &[]).await.unwrap();
    rig.cluster.lose_answer(makes_a_key);
    assert_eq!(said(rig.rotate(&key).await), NO_COMMUNICATION);
    assert_eq!(rig.rotations(&key, None, None).await.len(), 0);
    rig.rotate(&key).await.unwrap();
    assert_eq!(rig.hsm_keys().len(), 3);
    let later = rig.at(NOW + DAY);
    assert_eq!(later.kms.run_due(later.now).await.len(), 1);
    assert_eq!(rig.hsm_keys().len(), 2);
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    rig.encrypt(&key, b"x", &[]).await.unwrap();
}
