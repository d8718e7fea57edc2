//! Clusters restored from backups: material that is gone, that comes back, and that has another handle.

use strongroom_api_kms::KeyState;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Rig, said};
use crate::fixture::{DAY, NOW};

on_both_engines! {
    material_that_an_old_backup_lacks_makes_the_key_unavailable_until_it_is_back,
    what_was_encrypted_before_a_rotation_decrypts_after_a_restore,
}

fn gone(rig: &Rig, key: &str) -> String {
    format!(
        "KMSInvalidStateException: {} is unavailable: its key material is not in the CloudHSM cluster. Associate the \
         custom key store with a cluster that was made from a backup with the key material.",
        rig.arn(&format!("key/{key}"))
    )
}

async fn material_that_an_old_backup_lacks_makes_the_key_unavailable_until_it_is_back(
    database: &TestDatabase,
) {
    let rig = Rig::new(database).await;
    let early = rig.key().await;
    let old = rig.cluster.snapshot();
    let late = rig.key().await;
    let blob = rig.encrypt(&late, b"x", &[]).await.unwrap();
    let new = rig.cluster.snapshot();

    rig.cluster.restore(&old);
    assert_eq!(said(rig.decrypt(&blob, None, &[]).await), gone(&rig, &late));
    assert_eq!(said(rig.encrypt(&late, b"x", &[]).await), gone(&rig, &late));
    assert_eq!(rig.state(&late).await, KeyState::Unavailable);
    rig.encrypt(&early, b"x", &[]).await.unwrap();
    assert_eq!(rig.state(&early).await, KeyState::Enabled);

    rig.cluster.restore(&new);
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    assert_eq!(rig.state(&late).await, KeyState::Enabled);
}

async fn what_was_encrypted_before_a_rotation_decrypts_after_a_restore(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let before = rig.encrypt(&key, b"before", &[]).await.unwrap();
    rig.enable_rotation(&key, Some(90)).await.unwrap();
    let later = rig.at(NOW + 91 * DAY).later(0).await;
    let after = later.encrypt(&key, b"after", &[]).await.unwrap();
    let backup = rig.cluster.snapshot();
    rig.cluster.restore(&backup);
    assert_eq!(later.decrypt(&before, None, &[]).await.unwrap(), b"before");
    assert_eq!(later.decrypt(&after, None, &[]).await.unwrap(), b"after");
}
