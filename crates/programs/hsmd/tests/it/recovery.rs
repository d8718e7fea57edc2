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
    destroy(cluster, "hsm-first");
    assert!(cluster.first.wait().success());
    cluster.plane.store(|store| {
        store.restore = Some(from);
        if let Some(name) = new_cluster {
            store.cluster = Some(name.to_owned());
            store.log.clear();
            store.snapshot = 0;
        }
    });
    restorer(cluster, "hsm-restored")
}

/// An HSM that is told to restore, and serves.
fn restorer(cluster: &Cluster, id: &str) -> Hsm {
    cluster.plane.expect(id, AssignedRole::Restore);
    let restored = cluster.host.start(&cluster.plane, id);
    cluster.plane.wait_report(id, "that it serves", |report| report.state() == HsmState::Serving);
    restored
}

fn destroy(cluster: &Cluster, id: &str) {
    assert!(matches!(cluster.plane.call(id, HsmCall::Destroy(Destroy {})), HsmAnswer::Done(_)));
}

fn in_place(backup_id: &str) -> RestoreFrom {
    RestoreFrom {
        backup_id: backup_id.into(),
        service_half: HALF.to_vec(),
        same_cluster: true,
        made_as: String::new(),
    }
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
fn a_cluster_is_restored_although_its_partition_key_was_changed_after_the_backup() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let before = generate_pair(&mut client).private.unwrap().key;
    let mut second = cluster.join("hsm-second");
    back_up(&cluster, "backup-four");
    let after = generate_pair(&mut client).private.unwrap().key;
    let leave = HsmCall::Leave(Leave { hsm_id: "hsm-second".into() });
    assert!(matches!(cluster.plane.call("hsm-first", leave), HsmAnswer::Done(_)));
    second.kill();
    generate_pair(&mut client);
    let lost = cluster.plane.store(|store| store.head());

    let restored = restore(&mut cluster, in_place("backup-four"), None);
    assert!(cluster.plane.store(|store| store.first() > lost), "a snapshot stands for what nobody can read");
    let mut client = cluster.user(&restored);
    for key in [before, after] {
        sign(&mut client, key, b"made before the change of the key");
    }
    generate_pair(&mut client);
    let third = cluster.join("hsm-third");
    sign(&mut cluster.user(&third), after, b"on another");
}

#[test]
fn a_cluster_is_restored_although_its_log_begins_after_the_backup() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let key = generate_pair(&mut client).private.unwrap().key;
    back_up(&cluster, "backup-five");
    for _ in 0..3 {
        generate_pair(&mut client);
    }
    cluster.plane.store(|store| {
        let head = store.head();
        store.log = store.log.split_off(&head);
        store.snapshot = head;
    });
    let restored = restore(&mut cluster, in_place("backup-five"), None);
    let mut client = cluster.user(&restored);
    sign(&mut client, key, b"of the backup");
    generate_pair(&mut client);
}

#[test]
fn a_restore_that_is_lost_or_cut_off_is_made_again() {
    let mut cluster = Cluster::activated();
    back_up(&cluster, "backup-six");
    generate_pair(&mut cluster.user(&cluster.first));
    cluster.plane.store(|store| store.lose_answers = 2);
    let mut restored = restore(&mut cluster, in_place("backup-six"), None);
    generate_pair(&mut cluster.user(&restored));
    restored.kill();
    cluster.plane.store(|store| store.forget_report("hsm-restored"));
    restored.start();
    cluster.plane.wait_report("hsm-restored", "that it serves", |report| report.state() == HsmState::Serving);
    destroy(&cluster, "hsm-restored");
    assert!(restored.wait().success());

    // Its own changes are in no backup; the cluster goes on without them.
    let again = restorer(&cluster, "hsm-again");
    let mut client = cluster.user(&again);
    generate_pair(&mut client);
    let second = cluster.join("hsm-second");
    generate_pair(&mut cluster.user(&second));
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
    restored.wait_log("the backup does not open", 1);
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
