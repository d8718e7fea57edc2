//! Backups and restores.

use strongroom_hsm_cluster::{
    Archive, BackupKey, ClusterError, Extent, Founding, Halt, JoinRequest, PartitionId, Replica, SealedEntry,
};
use strongroom_secret::Key256;

use crate::cluster::{
    FLEET_HALF, Hsm, NOW, Store, assert_agreement, cluster, command, effects, founding, halted, identity,
    join, partition,
};
use crate::machine::Diary;

const SERVICE_HALF: [u8; 32] = [0x5e; 32];

fn key() -> BackupKey {
    BackupKey {
        backup_id: "backup-1".to_owned(),
        fleet_half: Key256::new(FLEET_HALF),
        service_half: Key256::new(SERVICE_HALF),
    }
}

fn backup(hsm: &mut Hsm) -> Vec<u8> {
    hsm.replica().backup("backup-1", &Key256::new(SERVICE_HALF)).unwrap()
}

fn archive(backup: &[u8]) -> Archive<Diary> {
    Archive::open(backup, &key(), 1, Diary::default()).unwrap()
}

fn restored(partition: PartitionId) -> Founding {
    Founding {
        partition,
        device_root: b"root of another fleet".to_vec(),
        effects: b"restored".to_vec(),
        ..founding()
    }
}

/// Restores a backup of the HSM to a cluster of its own.
pub(crate) fn clone_of(hsm: &mut Hsm) -> (Store, Hsm) {
    let mut store = Store::default();
    let archive = archive(&backup(hsm));
    let (replica, entry) =
        archive.begin(identity("hsm-7"), restored(PartitionId::named("cluster-2")), NOW).unwrap();
    let mut clone = Hsm::new(replica);
    assert!(clone.append(&mut store, &entry).unwrap());
    (store, clone)
}

#[test]
fn a_clone_has_the_state_and_keys_of_its_own() {
    let (mut store, mut hsms) = cluster(2);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let (mut cloned_store, mut clone) = clone_of(&mut hsms[0]);
    assert_eq!(clone.diary().effects(), [b"founded".as_slice(), &effects(1), b"restored"]);
    assert_eq!(clone.diary().epochs, [(1, 1), (2, 1)]);
    assert_ne!(clone.diary().newest_key, hsms[0].diary().newest_key);
    assert_eq!(clone.replica().partition(), PartitionId::named("cluster-2"));
    assert_eq!((clone.replica().head().incarnation, clone.replica().head().sequence), (2, 1));
    assert_eq!(clone.replica().device_root(), b"root of another fleet");
    let members: Vec<_> = clone.replica().members().map(|member| member.id.to_string()).collect();
    assert_eq!(members, ["hsm-7"]);
    assert_eq!(clone.replica().known(&command(1).id), None, "a clone's clients are others");

    clone.write(&mut cloned_store, &[command(2)], NOW).unwrap();
    hsms[0].write(&mut store, &[command(3)], NOW).unwrap();
    clone.crash(0);
    clone.restart();
    clone.sync(&mut cloned_store).unwrap();
    assert_eq!(clone.diary().epochs, [(1, 1), (2, 1)]);
    let sequence = clone.replica().head().sequence + 1;
    let foreign = [store.at(sequence).to_vec()];
    assert_eq!(
        halted(clone.replica().replay(sequence, &foreign)),
        Halt::OtherIncarnation { sequence, own: 2, found: 1 }
    );
}

#[test]
fn a_restorer_that_crashes_before_or_after_its_append_goes_on() {
    for landed in [false, true] {
        let (_, mut hsms) = cluster(1);
        let archive = archive(&backup(&mut hsms[0]));
        let (replica, entry) =
            archive.begin(identity("hsm-7"), restored(PartitionId::named("cluster-2")), NOW).unwrap();
        let mut hsm = Hsm::new(replica);
        let mut store = Store::default();
        if landed {
            assert!(store.append(&entry));
        }
        hsm.crash(0);
        hsm.restart();
        hsm.sync(&mut store).unwrap();
        assert!(hsm.replica().is_member());
        assert_eq!(store.entries, [entry.bytes]);
    }
}

#[test]
fn a_cluster_that_lost_all_hsms_goes_on_from_backup_and_log() {
    let (mut store, mut hsms) = cluster(2);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let backup = backup(&mut hsms[0]);
    hsms[0].write(&mut store, &[command(2)], NOW).unwrap();
    hsms[1].write(&mut store, &[command(3)], NOW).unwrap();
    let old_cursor = hsms[1].replica().cursor().unwrap();
    let mut survivor = hsms.remove(1);

    let mut archive = archive(&backup);
    assert_eq!(archive.partition(), partition());
    let from = archive.head().sequence + 1;
    assert_eq!(archive.replay(from + 1, store.from(from + 1)), Err(ClusterError::Gap { expected: from }));
    assert_eq!(archive.replay(from, store.from(from)), Ok(2));
    assert_eq!(archive.machine().count(&effects(3)), 1);
    let (replica, entry) = archive.begin(identity("hsm-7"), restored(partition()), NOW).unwrap();
    assert_eq!(entry.sequence, store.last() + 1);
    let mut hsm = Hsm::new(replica);
    assert!(hsm.append(&mut store, &entry).unwrap());
    assert_eq!(hsm.replica().head().incarnation, 2);
    assert_eq!(hsm.replica().known(&command(3).id), Some(&b"reply 3"[..]), "its clients may try again");
    assert_eq!(hsm.replica().admit(&old_cursor), Err(ClusterError::Cursor));
    hsm.write(&mut store, &[command(4)], NOW).unwrap();

    // One that was taken for lost comes back, and finds itself in the past.
    let sequence = entry.sequence;
    assert_eq!(halted(survivor.sync(&mut store)), Halt::OtherIncarnation { sequence, own: 1, found: 2 });
}

/// Restores a backup in place, as far as the log can be read, after whatever the log has.
fn restore_in_place(store: &Store, backup: &[u8], name: &str) -> (Replica<Diary>, SealedEntry) {
    let mut archive = archive(backup);
    let from = archive.head().sequence + 1;
    // How far that goes is another test's.
    let _ = archive.replay(from, store.from(from));
    archive.begin_after(store.last(), store.at(store.last()));
    let same_root = Founding { device_root: founding().device_root, ..restored(partition()) };
    archive.begin(identity(name), same_root, NOW).unwrap()
}

#[test]
fn a_restore_comes_after_what_nobody_can_read_any_more() {
    let (mut store, mut hsms) = cluster(2);
    let bytes = backup(&mut hsms[0]);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[0].append(&mut store, &turn).unwrap();
    hsms[0].write(&mut store, &[command(2)], NOW).unwrap();
    let lost = store.last();

    let (replica, entry) = restore_in_place(&store, &bytes, "hsm-7");
    assert_eq!(entry.sequence, lost + 1);
    let mut hsm = Hsm::new(replica);
    hsm.crash(0);
    hsm.restart();
    hsm.sync(&mut store).unwrap();
    assert!(hsm.replica().is_member());
    assert_eq!(hsm.diary().count(&effects(1)), 1);
    assert_eq!(hsm.diary().count(&effects(2)), 0, "what only the lost HSM could read is lost");
    hsm.write(&mut store, &[command(3)], NOW).unwrap();
    hsm.crash(0);
    hsm.restart();
    hsm.sync(&mut store).unwrap();
    let snapshot = hsm.replica().propose_snapshot(NOW).unwrap();
    assert!(hsm.append(&mut store, &snapshot).unwrap());
    store.compact(snapshot.sequence, hsm.replica().sealed_snapshot().unwrap());
    let joined = join(&mut store, &mut hsm, "hsm-8");
    hsm.sync(&mut store).unwrap();
    assert_agreement(&mut [hsm, joined]);
    // Whoever was taken for lost finds no place for what it writes.
    let late = hsms[1].replica().propose(&[command(4)], NOW).unwrap().entry.unwrap();
    assert!(!store.append(&late));
}

#[test]
fn a_restore_that_was_lost_is_made_again_from_the_same_backup() {
    let (mut store, mut hsms) = cluster(1);
    let bytes = backup(&mut hsms[0]);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let mut former = None;
    for incarnation in 2..=4 {
        let mut archive = archive(&bytes);
        let from = archive.head().sequence + 1;
        let replayed = archive.replay(from, store.from(from));
        match incarnation {
            2 => assert_eq!(replayed, Ok(1)),
            _ => assert_eq!(replayed, Err(ClusterError::LaterIncarnation { incarnation: 2 })),
        }
        let (replica, entry) = restore_in_place(&store, &bytes, &format!("hsm-{incarnation}"));
        let mut hsm = Hsm::new(replica);
        assert!(hsm.append(&mut store, &entry).unwrap());
        assert_eq!(hsm.replica().head().incarnation, incarnation);
        assert_eq!(hsm.diary().count(&effects(1)), 1);
        if let Some(mut former) = former.replace(hsm) {
            assert!(matches!(halted(former.sync(&mut store)), Halt::OtherIncarnation { .. }));
        }
        former.as_mut().unwrap().write(&mut store, &[command(incarnation)], NOW).unwrap();
    }
}

#[test]
fn a_restore_whose_place_is_taken_is_thrown_away_and_does_not_halt() {
    let (mut store, mut hsms) = cluster(1);
    let bytes = backup(&mut hsms[0]);
    let mut late = Hsm::new(restore_in_place(&store, &bytes, "hsm-7").0);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    for restarts in [false, true] {
        if restarts {
            late.crash(0);
            late.restart();
        }
        assert_eq!(late.sync(&mut store).unwrap_err(), ClusterError::Superseded);
        assert_eq!(late.replica().halted(), None);
    }
    // Nor does it wait for a log that has become shorter, or begins later.
    for extent in [Extent { first: 1, last: 0 }, Extent { first: 9, last: 9 }] {
        let standing = late.replica().observe(extent);
        assert_eq!(standing == Err(ClusterError::Superseded), extent.last > 0, "{extent:?}");
    }
    // An entry that says it is of the last incarnation that there can be does not make the next one impossible.
    let mut boast = store.at(store.last()).to_vec();
    boast[1..5].fill(0xff);
    let mut archive = archive(&bytes);
    archive.begin_after(store.last(), &boast);
    let (replica, _) = archive.begin(identity("hsm-8"), restored(partition()), NOW).unwrap();
    assert!(replica.head().incarnation < 2_000);
}

#[test]
fn members_join_a_restored_cluster_on_a_snapshot() {
    let (_, mut hsms) = cluster(1);
    let mut store = Store::default();
    let archive = archive(&backup(&mut hsms[0]));
    let same_root = Founding { device_root: founding().device_root, ..restored(partition()) };
    let (replica, entry) = archive.begin(identity("hsm-7"), same_root, NOW).unwrap();
    let mut hsm = Hsm::new(replica);
    assert!(hsm.append(&mut store, &entry).unwrap());

    let joiner = identity("hsm-8");
    let request = JoinRequest::new(&joiner, partition(), |_| Ok(Vec::new())).unwrap();
    let admission = hsm.replica().propose_join(&request, NOW, |_, _| true).unwrap();
    hsm.append(&mut store, &admission.entry).unwrap();
    let snapshot = hsm.replica().sealed_snapshot().unwrap();
    let replica =
        Replica::join(joiner, partition(), &admission.invitation, Some(&snapshot), Diary::default()).unwrap();
    let mut joined = Hsm::new(replica);
    joined.sync(&mut store).unwrap();
    assert!(joined.replica().is_member());
    assert_eq!(joined.diary().epochs, [(1, 1), (2, 1)]);
    let mut both = [hsm, joined];
    assert_agreement(&mut both);
}

#[test]
fn a_restored_log_alone_is_not_enough_for_a_joiner() {
    let (old, mut hsms) = cluster(1);
    let (mut store, mut clone) = clone_of(&mut hsms[0]);
    let joiner = identity("hsm-8");
    let partition = PartitionId::named("cluster-2");
    let request = JoinRequest::new(&joiner, partition, |_| Ok(Vec::new())).unwrap();
    let admission = clone.replica().propose_join(&request, NOW, |_, _| true).unwrap();
    clone.append(&mut store, &admission.entry).unwrap();
    let mut replica =
        Replica::join(joiner, partition, &admission.invitation, None, Diary::default()).unwrap();
    let needed = ClusterError::NeedsSnapshot { expected: 1 };
    assert_eq!(replica.observe(store.extent()), Err(needed.clone()));
    assert_eq!(replica.replay(1, &store.entries), Err(needed.clone()));
    assert_eq!(replica.replay(1, &old.entries), Err(needed), "what was before a restore is not looked at");
    let snapshot = clone.replica().sealed_snapshot().unwrap();
    assert_eq!(replica.catch_up(&snapshot), Ok(()));
    assert!(replica.is_member());
}

#[test]
fn both_halves_and_the_name_open_a_backup() {
    let (_, mut hsms) = cluster(1);
    let bytes = backup(&mut hsms[0]);
    let open = |bytes: &[u8], key: &BackupKey| Archive::open(bytes, key, 1, Diary::default()).map(|_| ());
    assert_eq!(open(&bytes, &key()), Ok(()));
    for wrong in [
        BackupKey { backup_id: "backup-2".to_owned(), ..key() },
        BackupKey { fleet_half: Key256::new([0; 32]), ..key() },
        BackupKey { service_half: Key256::new([0; 32]), ..key() },
        BackupKey { service_half: key().fleet_half, fleet_half: key().service_half, ..key() },
    ] {
        assert_eq!(open(&bytes, &wrong), Err(ClusterError::Backup));
    }
    for index in (0..bytes.len()).step_by(9) {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        assert_eq!(open(&changed, &key()), Err(ClusterError::Backup));
    }
    for length in [0, 1, 64, bytes.len() - 1] {
        assert_eq!(open(&bytes[..length], &key()), Err(ClusterError::Backup));
    }
}

#[test]
fn an_archive_reads_the_log_until_the_epoch_turns() {
    let (mut store, mut hsms) = cluster(2);
    let bytes = backup(&mut hsms[0]);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[0].append(&mut store, &turn).unwrap();
    hsms[0].write(&mut store, &[command(2)], NOW).unwrap();
    let mut archive = archive(&bytes);
    let from = archive.head().sequence + 1;
    assert_eq!(archive.replay(from, store.from(from)), Err(ClusterError::NoKey { epoch: 2 }));
    assert_eq!(archive.head().sequence, from);
    assert_eq!(archive.machine().count(&effects(1)), 1);
    assert!(archive.begin(identity("hsm-7"), restored(PartitionId::named("cluster-2")), NOW).is_ok());
}

#[test]
fn an_archive_does_not_believe_the_store_either() {
    let (mut store, mut hsms) = cluster(2);
    let bytes = backup(&mut hsms[0]);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let mut archive = archive(&bytes);
    let sequence = store.last();
    let mut forged = store.at(sequence).to_vec();
    forged[70] ^= 1;
    assert_eq!(halted(archive.replay(sequence, &[forged])), Halt::Forged { sequence });
    assert_eq!(halted(archive.replay(sequence, &[store.at(sequence)])), Halt::Forged { sequence });
    let begun = archive.begin(identity("hsm-7"), restored(partition()), NOW).map(|_| ());
    assert_eq!(halted(begun), Halt::Forged { sequence });
}
