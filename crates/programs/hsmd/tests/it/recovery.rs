//! Backups, restores, snapshots and new epochs.

use strongroom_hsm_proto::fleet::{
    AssignedRole, BackUp, BlobKind, Destroy, HsmAnswer, HsmCall, HsmState, Leave, RestoreFrom,
};

use crate::client::Client;
use crate::first_use::{Cluster, generate_pair, sign, verifies};
use crate::hsm::Hsm;

const HALF: [u8; 32] = [7; 32];

fn back_up(cluster: &Cluster, backup_id: &str) {
    let call = HsmCall::BackUp(BackUp { backup_id: backup_id.to_owned(), service_half: HALF.to_vec() });
    let made = match cluster.plane.call("hsm-first", call) {
        HsmAnswer::BackedUp(made) => made,
        other => panic!("{other:?}"),
    };
    let stored = cluster
        .plane
        .store(|store| store.blobs.get(&(BlobKind::Backup.into(), backup_id.to_owned())).cloned());
    let stored = stored.unwrap();
    assert_eq!(made.length, stored.len() as u64);
    assert_eq!(made.sha256, strongroom_crypto::digest::sha256(&stored));
}

/// Destroys the only HSM and restores the backup with a new one.
fn restore(cluster: &mut Cluster, from: RestoreFrom, new_cluster: Option<&str>) -> Hsm {
    assert!(matches!(cluster.plane.call("hsm-first", HsmCall::Destroy(Destroy {})), HsmAnswer::Done(_)));
    assert!(cluster.first.wait().success());
    cluster.plane.store(|store| {
        store.restore = Some(from);
        if let Some(name) = new_cluster {
            store.cluster = Some(name.to_owned());
            store.log.clear();
            store.snapshot = 0;
        }
    });
    cluster.plane.expect("hsm-restored", AssignedRole::Restore);
    let restored = cluster.host.start(&cluster.plane, "hsm-restored");
    cluster.plane.wait_report("hsm-restored", "that it serves", |report| report.state() == HsmState::Serving);
    restored
}

#[test]
fn a_backup_is_restored_to_another_cluster_with_users_passwords_and_keys() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let pair = generate_pair(&mut client);
    let (public, private) = (pair.public.unwrap(), pair.private.unwrap());
    back_up(&cluster, "backup-one");
    let copy = RestoreFrom {
        backup_id: "backup-copy".into(),
        service_half: HALF.to_vec(),
        same_cluster: false,
        made_as: "backup-one".into(),
    };
    cluster.plane.store(|store| {
        let kind = i32::from(BlobKind::Backup);
        let backup = store.blobs[&(kind, "backup-one".to_owned())].clone();
        assert!(!backup.windows(8).any(|window| window == b"hsm-firs"), "nothing of it is legible");
        store.blobs.insert((kind, "backup-copy".to_owned()), backup);
    });
    let restored = restore(&mut cluster, copy, Some("cluster-bbbbbbbbbbb"));
    let mut client = cluster.user(&restored);
    assert_eq!(client.welcome.cluster_id, "cluster-bbbbbbbbbbb");
    let signature = sign(&mut client, private.key, b"restored");
    assert!(verifies(&cluster.openssl, &public.public_key, b"restored", &signature));
    generate_pair(&mut client);
    let second = cluster.join("hsm-second");
    sign(&mut cluster.user(&second), private.key, b"on the second of the clone");
}

#[test]
fn a_cluster_that_lost_all_its_hsms_goes_on_from_its_backup_and_the_log() {
    let mut cluster = Cluster::activated();
    back_up(&cluster, "backup-two");
    let mut client = cluster.user(&cluster.first);
    let after = generate_pair(&mut client).private.unwrap();
    let from = RestoreFrom {
        backup_id: "backup-two".into(),
        service_half: HALF.to_vec(),
        same_cluster: true,
        made_as: String::new(),
    };
    let restored = restore(&mut cluster, from, None);
    let mut client = cluster.user(&restored);
    sign(&mut client, after.key, b"made after the backup");
    // It is a cluster like any other: a second HSM joins.
    let second = cluster.join("hsm-second");
    sign(&mut cluster.user(&second), after.key, b"on the second");
}

#[test]
fn a_wrong_half_opens_no_backup() {
    let mut cluster = Cluster::activated();
    back_up(&cluster, "backup-three");
    assert!(matches!(cluster.plane.call("hsm-first", HsmCall::Destroy(Destroy {})), HsmAnswer::Done(_)));
    assert!(cluster.first.wait().success());
    cluster.plane.store(|store| {
        store.restore = Some(RestoreFrom {
            backup_id: "backup-three".into(),
            service_half: vec![8; 32],
            same_cluster: false,
            made_as: String::new(),
        });
    });
    cluster.plane.expect("hsm-restored", AssignedRole::Restore);
    let restored = cluster.host.start(&cluster.plane, "hsm-restored");
    let refused = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        restored.log().contains("the backup does not open")
    });
    assert!(refused);
    assert!(Client::try_connect(restored.address, &cluster.anchor).is_err());
}

#[test]
fn a_compacted_log_lets_others_join_and_catch_up() {
    let mut cluster = Cluster::activated();
    // From here on with a small bound, so that a few changes are many.
    let mut second = {
        cluster.plane.expect("hsm-second", AssignedRole::Join);
        let second = cluster.host.start_with(&cluster.plane, "hsm-second", "compact_after = 16\n");
        cluster
            .plane
            .wait_report("hsm-second", "that it serves", |report| report.state() == HsmState::Serving);
        second
    };
    cluster.first.kill();
    let mut client = cluster.user(&second);
    let keys: Vec<_> = (0..20).map(|_| generate_pair(&mut client).private.unwrap().key).collect();
    cluster
        .plane
        .wait("the log to be compacted", |store| (store.first() > 1 && store.snapshot > 0).then_some(()));

    // One that was away for all of it, and one that is new.
    cluster.plane.store(|store| store.forget_report("hsm-first"));
    cluster.first.start();
    cluster.plane.wait_report("hsm-first", "that it serves", |report| report.state() == HsmState::Serving);
    let third = cluster.join("hsm-third");
    for hsm in [&cluster.first, &third] {
        let mut user = cluster.user(hsm);
        user.cursor.clone_from(&client.cursor);
        sign(&mut user, keys[19], b"after the snapshot");
    }
    assert!(second.stop().success());
}

#[test]
fn after_a_member_left_everything_is_sealed_anew_and_goes_on() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let key = generate_pair(&mut client).private.unwrap().key;
    let _second = cluster.join("hsm-second");
    let before = cluster.plane.store(|store| store.head());
    let leave = HsmCall::Leave(Leave { hsm_id: "hsm-second".into() });
    assert!(matches!(cluster.plane.call("hsm-first", leave), HsmAnswer::Done(_)));
    // The leave, and an entry with the tokens under the new epoch's key.
    cluster.plane.wait("the new seals", |store| (store.head() >= before + 2).then_some(()));
    sign(&mut client, key, b"in the new epoch");
    cluster.first.kill();
    cluster.plane.store(|store| store.forget_report("hsm-first"));
    cluster.first.start();
    cluster.plane.wait_report("hsm-first", "that it serves", |report| report.state() == HsmState::Serving);
    sign(&mut cluster.user(&cluster.first), key, b"and after a restart");
    let third = cluster.join("hsm-third");
    sign(&mut cluster.user(&third), key, b"and on a newcomer");
}
