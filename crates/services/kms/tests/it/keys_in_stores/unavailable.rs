//! Keys while their key store is not connected (KMS Developer Guide, "How to fix unavailable KMS keys").

use strongroom_api_kms::{EncryptRequest, KeyState};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Rig, said};
use crate::fixture::{data_key, encrypt};

on_both_engines! {
    keys_are_unavailable_while_the_store_is_not_connected,
    enabling_and_disabling_takes_effect_when_the_key_is_back,
    deletion_is_scheduled_and_cancelled_all_the_same,
    what_needs_no_hsm_goes_on,
}

async fn keys_are_unavailable_while_the_store_is_not_connected(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let (key, outside) = (rig.key().await, rig.create_key().await.key_id);
    let blob = rig.encrypt(&key, b"x", &[]).await.unwrap();
    rig.disconnect().await;
    let shown = rig.describe(&key).await.unwrap();
    assert_eq!((shown.key_state, shown.enabled), (Some(KeyState::Unavailable), Some(false)));
    assert_eq!(shown.cloud_hsm_cluster_id.as_ref(), Some(&rig.cluster.id));
    assert_eq!(rig.state(&outside).await, KeyState::Enabled);
    let unavailable = format!("KMSInvalidStateException: {} is unavailable.", shown.arn.unwrap());
    for refused in [
        said(rig.encrypt(&key, b"x", &[]).await),
        said(rig.decrypt(&blob, None, &[]).await),
        said(rig.try_generate(data_key(&key)).await),
        said(rig.try_encrypt(EncryptRequest { dry_run: Some(true), ..encrypt(&key, b"x") }).await),
    ] {
        assert_eq!(refused, unavailable);
    }
    let refused = said(rig.rotate(&key).await);
    assert!(refused.starts_with("KMSInvalidStateException: Custom key store "), "{refused}");
    rig.encrypt(&outside, b"x", &[]).await.unwrap();
    rig.connect().await;
    assert_eq!(rig.client.kms.next_due().await, None, "what was refused has left nothing");
    assert_eq!(rig.state(&key).await, KeyState::Enabled);
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"x");
}

async fn enabling_and_disabling_takes_effect_when_the_key_is_back(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let (on, off) = (rig.key().await, rig.key().await);
    rig.disable(&off).await.unwrap();
    rig.disconnect().await;
    rig.disable(&on).await.unwrap();
    rig.enable(&off).await.unwrap();
    for key in [&on, &off] {
        assert_eq!(rig.state(key).await, KeyState::Unavailable);
    }
    assert_eq!(rig.encrypt(&on, b"x", &[]).await.unwrap_err().code(), "DisabledException");
    rig.connect().await;
    assert_eq!(rig.state(&on).await, KeyState::Disabled);
    assert_eq!(rig.state(&off).await, KeyState::Enabled);
    rig.encrypt(&off, b"x", &[]).await.unwrap();
}

async fn deletion_is_scheduled_and_cancelled_all_the_same(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    rig.disconnect().await;
    let scheduled = rig.schedule_deletion(&key, Some(7)).await.unwrap();
    assert_eq!(scheduled.key_state, Some(KeyState::PendingDeletion));
    assert_eq!(rig.state(&key).await, KeyState::PendingDeletion);
    rig.cancel_deletion(&key).await.unwrap();
    assert_eq!(rig.state(&key).await, KeyState::Unavailable);
    assert_eq!(
        said(rig.cancel_deletion(&key).await),
        format!("KMSInvalidStateException: {} is not pending deletion.", rig.arn(&format!("key/{key}")))
    );
    rig.connect().await;
    assert_eq!(rig.state(&key).await, KeyState::Disabled);
}

async fn what_needs_no_hsm_goes_on(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    rig.disconnect().await;
    rig.create_alias("alias/mine", &key).await.unwrap();
    rig.tag(&key, &[("a", "b")]).await.unwrap();
    rig.describe_as(&key, "words").await.unwrap();
    rig.enable_rotation(&key, Some(90)).await.unwrap();
    assert_eq!(rig.rotation_status(&key).await.unwrap().key_rotation_enabled, Some(true));
    assert_eq!(rig.describe("alias/mine").await.unwrap().description.as_deref(), Some("words"));
}
