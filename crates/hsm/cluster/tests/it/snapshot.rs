//! Snapshots: digests that all compare, sealed state for those who come late, compaction.

use strongroom_hsm_cluster::{ClusterError, Event, Halt, JoinRequest, Replica};

use crate::cluster::{
    NOW, Store, assert_agreement, cluster, command, effects, found, halted, identity, join, join_as,
    partition,
};
use crate::machine::Diary;

#[test]
fn every_replica_compares_its_state() {
    let (mut store, mut hsms) = cluster(3);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let entry = hsms[0].replica().propose_snapshot(NOW).unwrap();
    let sequence = entry.sequence;
    assert!(hsms[0].append(&mut store, &entry).unwrap());
    let progress = hsms[1].sync(&mut store).unwrap();
    assert_eq!(progress.events, [Event::SnapshotVerified { sequence }]);

    // The third one's memory is not what it was.
    let checkpoint = hsms[2].checkpoint.clone();
    let broken = Diary { broken: true, ..Diary::default() };
    let key = hsms[2].device_key.clone();
    let (replica, _) = Replica::recover(&key, &checkpoint, &hsms[2].tail, 1, broken).unwrap();
    hsms[2].replica = Some(replica);
    assert_eq!(halted(hsms[2].sync(&mut store)), Halt::DigestMismatch { sequence });
    assert_eq!(hsms[2].replica().head().sequence, sequence - 1);
}

#[test]
fn a_member_that_was_away_for_long_goes_on_from_a_snapshot() {
    let (mut store, mut hsms) = cluster(2);
    for number in 1..=10 {
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    let snapshot = hsms[0].replica().sealed_snapshot().unwrap();
    store.compact(store.last() + 1 - 2, snapshot);
    let from = hsms[1].replica().head().sequence + 1;
    let extent = store.extent();
    assert_eq!(hsms[1].replica().observe(extent), Err(ClusterError::NeedsSnapshot { expected: from }));
    hsms[1].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);
    assert_eq!(hsms[1].diary().count(&effects(7)), 1);
    assert!(hsms[1].replica().known(&command(7).id).is_some());
    hsms[1].write(&mut store, &[command(11)], NOW).unwrap();
    hsms[1].crash(0);
    hsms[1].restart();
    hsms[0].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);
}

#[test]
fn a_joiner_begins_with_a_snapshot() {
    let (mut store, mut hsms) = cluster(1);
    for number in 1..=10 {
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    let snapshot = hsms[0].replica().sealed_snapshot().unwrap();
    hsms[0].write(&mut store, &[command(11)], NOW).unwrap();
    store.compact(store.last(), snapshot);
    let joined = join(&mut store, &mut hsms[0], "hsm-2");
    hsms.push(joined);
    assert_agreement(&mut hsms);
}

#[test]
fn a_snapshot_of_another_branch_is_a_fork() {
    let (mut store, mut hsms) = cluster(2);
    let mut branch = store.clone();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    for number in 2..=4 {
        hsms[1].write(&mut branch, &[command(number)], NOW).unwrap();
    }
    let snapshot = hsms[1].replica().sealed_snapshot().unwrap();
    let sequence = store.last();
    assert_eq!(halted(hsms[0].replica().catch_up(&snapshot)), Halt::Forked { sequence });
    assert_eq!(hsms[0].diary().count(&effects(1)), 1);
}

#[test]
fn snapshots_that_do_not_fit_change_nothing() {
    let (mut store, mut hsms) = cluster(2);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let snapshot = hsms[0].replica().sealed_snapshot().unwrap();
    assert_eq!(hsms[0].replica().catch_up(&snapshot), Err(ClusterError::SnapshotPlace), "not newer");
    let before = hsms[1].replica().head();
    for index in (0..snapshot.len()).step_by(11) {
        let mut changed = snapshot.clone();
        changed[index] ^= 1;
        assert_eq!(hsms[1].replica().catch_up(&changed), Err(ClusterError::Snapshot));
    }
    for length in [0, 1, 40, snapshot.len() - 1] {
        assert_eq!(hsms[1].replica().catch_up(&snapshot[..length]), Err(ClusterError::Snapshot));
    }
    let mut stranger = found(&mut Store::default());
    let foreign = stranger.replica().sealed_snapshot().unwrap();
    assert_eq!(hsms[1].replica().catch_up(&foreign), Err(ClusterError::Snapshot));
    assert_eq!(hsms[1].replica().head(), before);
    assert_eq!(hsms[1].replica().catch_up(&snapshot), Ok(()));
}

#[test]
fn a_member_that_missed_the_turn_of_an_epoch_finds_its_keys_in_the_snapshot() {
    let (mut store, mut hsms) = cluster(3);
    for number in 1..=3 {
        let turn = hsms[0].replica().propose_turn(NOW).unwrap();
        hsms[0].append(&mut store, &turn).unwrap();
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    let retire = hsms[0].replica().propose_retire(1, 1, NOW).unwrap();
    hsms[0].append(&mut store, &retire).unwrap();
    let snapshot = hsms[0].replica().sealed_snapshot().unwrap();
    store.compact(store.last(), snapshot.clone());
    hsms[1].sync(&mut store).unwrap();
    assert_eq!(hsms[1].diary().epochs, [(1, 1), (1, 2), (1, 3), (1, 4)]);
    assert_eq!(hsms[1].diary().newest_key, hsms[0].diary().newest_key);
    hsms[1].write(&mut store, &[command(4)], NOW).unwrap();
    hsms[1].crash(0);
    hsms[1].restart();
    hsms[0].sync(&mut store).unwrap();
    hsms[2].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);

    // What was changed, or says it was sealed by another, does not help anybody.
    let (_, mut others) = cluster(2);
    for index in (0..snapshot.len()).step_by(3) {
        let mut changed = snapshot.clone();
        changed[index] ^= 1;
        assert_eq!(others[1].replica().catch_up(&changed), Err(ClusterError::Snapshot));
    }
}

#[test]
fn keys_in_a_snapshot_are_believed_of_members_only() {
    let (mut store, mut hsms) = cluster(2);
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[0].append(&mut store, &turn).unwrap();
    let snapshot = hsms[0].replica().sealed_snapshot().unwrap();
    let before = hsms[1].replica().head();
    for index in 0..snapshot.len() {
        let mut changed = snapshot.clone();
        changed[index] ^= 0x10;
        assert_eq!(hsms[1].replica().catch_up(&changed), Err(ClusterError::Snapshot), "byte {index}");
    }
    assert_eq!(hsms[1].replica().head(), before);
    assert_eq!(hsms[1].diary().epochs, [(1, 1)]);
    assert_eq!(hsms[1].replica().catch_up(&snapshot), Ok(()));
}

/// The store knows names and public keys, and can make a cluster of its own of the same name, with members that
/// are called the same.
#[test]
fn keys_in_a_snapshot_of_a_made_up_cluster_are_not_believed() {
    let (mut store, mut hsms) = cluster(1);
    let victim = identity("hsm-2");
    let request = JoinRequest::new(&victim, partition(), |_| Ok(Vec::new())).unwrap();
    let mut victim = join_as(&mut store, &mut hsms[0], victim);

    let mut made_up = Store::default();
    let mut attacker = found(&mut made_up);
    let admission = attacker.replica().propose_join(&request, NOW, |_, _| true).unwrap();
    attacker.append(&mut made_up, &admission.entry).unwrap();
    let turn = attacker.replica().propose_turn(NOW).unwrap();
    attacker.append(&mut made_up, &turn).unwrap();
    let snapshot = attacker.replica().sealed_snapshot().unwrap();
    assert_eq!(victim.replica().catch_up(&snapshot), Err(ClusterError::Snapshot));
    assert_eq!(victim.diary().epochs, [(1, 1)]);
}

#[test]
fn who_left_finds_no_key_in_a_snapshot() {
    let (mut store, mut hsms) = cluster(3);
    let name = hsms[2].replica().id().clone();
    let leave = hsms[0].replica().propose_leave(&name, NOW).unwrap();
    hsms[0].append(&mut store, &leave).unwrap();
    let snapshot = hsms[0].replica().sealed_snapshot().unwrap();
    assert_eq!(hsms[2].replica().catch_up(&snapshot), Err(ClusterError::Snapshot));
    assert_eq!(hsms[1].replica().catch_up(&snapshot), Ok(()));
}

#[test]
fn a_joiner_whose_invitation_is_of_an_earlier_epoch_takes_a_later_snapshot() {
    let (mut store, mut hsms) = cluster(1);
    let joiner = identity("hsm-2");
    let request = JoinRequest::new(&joiner, partition(), |_| Ok(Vec::new())).unwrap();
    let admission = hsms[0].replica().propose_join(&request, NOW, |_, _| true).unwrap();
    hsms[0].append(&mut store, &admission.entry).unwrap();
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[0].append(&mut store, &turn).unwrap();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let snapshot = hsms[0].replica().sealed_snapshot().unwrap();
    let replica =
        Replica::join(joiner, partition(), &admission.invitation, Some(&snapshot), Diary::default()).unwrap();
    assert!(replica.is_member());
    assert_eq!(replica.machine().newest_key, hsms[0].diary().newest_key);
}
