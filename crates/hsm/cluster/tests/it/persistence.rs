//! The HSM's own files.

use strongroom_hsm_cluster::{CHECKPOINT_ENTRIES, ClusterError, Replica};
use strongroom_secret::Key256;

use crate::cluster::{NOW, assert_agreement, cluster, command, effects};
use crate::machine::Diary;

#[test]
fn an_hsm_finds_all_that_it_acknowledged() {
    let (mut store, mut hsms) = cluster(2);
    for number in 1..=5 {
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    let head = hsms[0].replica().head();
    hsms[0].crash(0);
    hsms[0].restart();
    assert_eq!(hsms[0].replica().head(), head);
    assert_eq!(hsms[0].diary().effects().len(), 6);
    assert!(hsms[0].replica().known(&command(5).id).is_some());
    assert!(hsms[0].replica().is_member());
    assert_eq!(hsms[0].replica().id().as_str(), "hsm-1");
    for hsm in &mut hsms {
        hsm.sync(&mut store).unwrap();
    }
    assert_agreement(&mut hsms);
}

#[test]
fn a_torn_record_is_found_and_the_rest_counts() {
    let (mut store, mut hsms) = cluster(1);
    hsms[0].write_checkpoint();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let whole = hsms[0].tail.len();
    hsms[0].write(&mut store, &[command(2)], NOW).unwrap();
    let record = hsms[0].tail.len() - whole;
    for torn in 1..=record {
        let tail = hsms[0].tail[..whole + record - torn].to_vec();
        let (replica, recovered) =
            Replica::recover(&hsms[0].device_key, &hsms[0].checkpoint, &tail, 1, Diary::default()).unwrap();
        assert_eq!(recovered.torn, record - torn);
        assert_eq!(replica.machine().count(&effects(1)), 1);
        assert_eq!(replica.machine().count(&effects(2)), 0);
    }
    hsms[0].crash(3);
    hsms[0].restart();
    assert_eq!(hsms[0].sync(&mut store).unwrap().applied, 1);
    hsms[0].crash(0);
    hsms[0].restart();
    assert_eq!(hsms[0].diary().count(&effects(2)), 1);
}

#[test]
fn a_crash_between_checkpoint_and_a_new_tail_does_no_harm() {
    let (mut store, mut hsms) = cluster(1);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let old_tail = hsms[0].tail.clone();
    assert!(!old_tail.is_empty());
    hsms[0].write_checkpoint();
    hsms[0].tail = old_tail;
    hsms[0].crash(0);
    hsms[0].restart();
    assert_eq!(hsms[0].diary().count(&effects(1)), 1);
    hsms[0].write(&mut store, &[command(2)], NOW).unwrap();
    hsms[0].crash(0);
    hsms[0].restart();
    assert_eq!(hsms[0].diary().count(&effects(2)), 1);
}

#[test]
fn a_tail_that_does_not_follow_its_checkpoint_is_refused() {
    let (mut store, mut hsms) = cluster(1);
    let old = hsms[0].checkpoint.clone();
    hsms[0].write_checkpoint();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    hsms[0].write_checkpoint();
    hsms[0].write(&mut store, &[command(2)], NOW).unwrap();
    let recovered = Replica::recover(&hsms[0].device_key, &old, &hsms[0].tail, 1, Diary::default());
    assert_eq!(recovered.map(|_| ()), Err(ClusterError::Checkpoint));
}

#[test]
fn checkpoints_open_for_their_device_only() {
    let (_, mut hsms) = cluster(1);
    hsms[0].write_checkpoint();
    let recover = |key: &Key256, checkpoint: &[u8]| {
        Replica::recover(key, checkpoint, &[], 1, Diary::default()).map(|_| ())
    };
    let (key, checkpoint) = (hsms[0].device_key.clone(), hsms[0].checkpoint.clone());
    assert_eq!(recover(&key, &checkpoint), Ok(()));
    assert_eq!(recover(&Key256::new([1; 32]), &checkpoint), Err(ClusterError::Checkpoint));
    for index in (0..checkpoint.len()).step_by(13) {
        let mut changed = checkpoint.clone();
        changed[index] ^= 1;
        assert_eq!(recover(&key, &changed), Err(ClusterError::Checkpoint));
    }
    for length in [0, 1, 30, checkpoint.len() - 1] {
        assert_eq!(recover(&key, &checkpoint[..length]), Err(ClusterError::Checkpoint));
    }
}

#[test]
fn checkpoints_are_due_before_the_tail_is_long() {
    let (mut store, mut hsms) = cluster(1);
    hsms[0].write_checkpoint();
    assert!(!hsms[0].replica().checkpoint_due());
    for number in 0..CHECKPOINT_ENTRIES as u32 {
        assert!(!hsms[0].replica().checkpoint_due());
        let entry = hsms[0].replica().propose(&[command(number)], NOW).unwrap().entry.unwrap();
        assert!(store.append(&entry));
        assert_eq!(hsms[0].replica().appended().unwrap().applied, 1);
    }
    assert!(hsms[0].replica().checkpoint_due());
}
