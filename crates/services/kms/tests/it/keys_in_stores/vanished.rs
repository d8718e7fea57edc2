//! Clusters restored from backups: material that is gone, that comes back, and that has another handle.

use strongroom_api_kms::{EncryptRequest, KeyState, UpdateCustomKeyStoreRequest};
use strongroom_hsm_client::Credentials;
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Command, CreateUser, DeleteKey, GenerateKey, KeyType, Role,
    Template,
};
use strongroom_secret::SecretString;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Rig, attribute, said};
use crate::fixture::{DAY, NOW, encrypt, update};

on_both_engines! {
    material_that_an_old_backup_lacks_makes_the_key_unavailable_until_it_is_back,
    what_was_encrypted_before_a_rotation_decrypts_after_a_restore,
    a_cluster_made_from_a_backup_takes_the_place_of_the_first,
    a_key_is_enabled_as_soon_as_its_store_has_a_cluster_that_may_hold_it,
    keys_of_others_are_not_taken_for_kmss_own,
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

async fn a_cluster_made_from_a_backup_takes_the_place_of_the_first(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let blob = rig.encrypt(&key, b"x", &[]).await.unwrap();
    let second = rig.cloud.restored(&rig.cluster, &rig.cluster.snapshot());
    let lost = rig.key().await;
    rig.disconnect().await;
    rig.cluster.set_reachable(false);
    let moved =
        UpdateCustomKeyStoreRequest { cloud_hsm_cluster_id: Some(second.id.clone()), ..update(&rig.store) };
    rig.update_store(moved).await.unwrap();
    assert_eq!(rig.describe(&key).await.unwrap().cloud_hsm_cluster_id.as_ref(), Some(&second.id));
    rig.connect().await;
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    rig.encrypt(&key, b"x", &[]).await.unwrap();
    // Made after the backup.
    assert_eq!(said(rig.encrypt(&lost, b"x", &[]).await), gone(&rig, &lost));
    assert_eq!(rig.state(&lost).await, KeyState::Unavailable);
    rig.schedule_deletion(&lost, Some(7)).await.unwrap();
    rig.at(NOW + 8 * DAY).later(0).await;
    assert_eq!(rig.describe(&lost).await.unwrap_err().code(), "NotFoundException");
}

/// People who wait for the key to come back look at its state, and do not use it.
async fn a_key_is_enabled_as_soon_as_its_store_has_a_cluster_that_may_hold_it(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let old = rig.cluster.snapshot();
    let key = rig.key().await;
    let with_key = rig.cloud.restored(&rig.cluster, &rig.cluster.snapshot());
    rig.cluster.restore(&old);
    assert_eq!(said(rig.encrypt(&key, b"x", &[]).await), gone(&rig, &key));
    assert_eq!(rig.state(&key).await, KeyState::Unavailable);

    rig.disconnect().await;
    let cloud_hsm_cluster_id = Some(with_key.id.clone());
    rig.update_store(UpdateCustomKeyStoreRequest { cloud_hsm_cluster_id, ..update(&rig.store) })
        .await
        .unwrap();
    rig.connect().await;
    assert_eq!(rig.state(&key).await, KeyState::Enabled);
    let dry = EncryptRequest { dry_run: Some(true), ..encrypt(&key, b"x") };
    assert_eq!(rig.try_encrypt(dry).await.unwrap_err().code(), "DryRunOperationException");
    rig.encrypt(&key, b"x", &[]).await.unwrap();
}

/// Another crypto user gives a key of his the names of one of KMS's, and shares it with `kmsuser`.
async fn keys_of_others_are_not_taken_for_kmss_own(database: &TestDatabase) {
    const MALLORY: &str = "mallory";
    const PASSWORD: &str = "mallorysPassword1";

    let rig = Rig::new(database).await;
    let key = rig.key().await;
    let blob = rig.encrypt(&key, b"x", &[]).await.unwrap();
    let ours = rig.hsm_keys()[0].clone();
    let create = CreateUser {
        username: MALLORY.to_owned(),
        role: Role::CryptoUser.into(),
        password: PASSWORD.to_owned(),
    };
    rig.cluster.as_admin(Command::CreateUser(create)).unwrap();
    let mallory = rig.cluster.client(Some(Credentials {
        username: MALLORY.to_owned(),
        role: Role::CryptoUser,
        password: SecretString::new(PASSWORD.to_owned()),
    }));
    let same = |name| Attribute { name: AttributeName::into(name), value: Some(attribute(&ours, name)) };
    let token = Attribute { name: AttributeName::Token.into(), value: Some(AttributeValue::Flag(true)) };
    for _ in 0..3 {
        let decoy = GenerateKey {
            key_type: KeyType::Aes.into(),
            length: 32,
            template: Some(Template {
                attributes: vec![same(AttributeName::Id), same(AttributeName::Label), token.clone()],
            }),
            share_with: vec!["kmsuser".to_owned()],
            quorum: None,
        };
        mallory.call(Command::GenerateKey(decoy)).await.unwrap();
    }
    let rig = rig.restarted();
    let under = rig.encrypt(&key, b"secret", &[]).await.unwrap();
    assert_eq!(rig.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    assert_eq!(rig.decrypt(&under, None, &[]).await.unwrap(), b"secret");
    // Nor are they in the way of a deletion.
    rig.schedule_deletion(&key, Some(7)).await.unwrap();
    rig.at(NOW + 7 * DAY).later(0).await;
    assert_eq!(rig.hsm_keys().len(), 0);
    assert_eq!(rig.client.kms.next_due().await, None);
    mallory.call(Command::DeleteKey(DeleteKey { key: ours.key })).await.unwrap_err();
}
