//! What clients have seen.

use strongroom_hsm_cluster::{Admit, CURSOR_LENGTH, ClusterError, Halt, MemberId, TRAIL};

use crate::cluster::{NOW, Store, cluster, command, found, halted};
use crate::insider::Insider;

#[test]
fn a_client_reads_its_writes_at_every_hsm() {
    let (mut store, mut hsms) = cluster(2);
    let old = hsms[0].replica().cursor().unwrap();
    assert_eq!(old.len(), CURSOR_LENGTH);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let cursor = hsms[0].replica().cursor().unwrap();
    assert_eq!(hsms[1].replica().admit(&cursor), Ok(Admit::Behind(store.last())));
    assert_eq!(hsms[1].replica().admit(&old), Ok(Admit::Served));
    hsms[1].sync(&mut store).unwrap();
    assert_eq!(hsms[1].replica().admit(&cursor), Ok(Admit::Served));
    assert_eq!(hsms[1].replica().admit(&[]), Ok(Admit::Served));
    assert_eq!(hsms[1].replica().cursor().unwrap(), cursor, "the same at every HSM");
}

#[test]
fn a_client_that_saw_one_branch_is_not_served_on_another() {
    let (mut store, mut hsms) = cluster(2);
    let mut branch = store.clone();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let cursor = hsms[0].replica().cursor().unwrap();
    let sequence = store.last();
    hsms[1].write(&mut branch, &[command(2)], NOW).unwrap();
    hsms[1].write(&mut branch, &[command(3)], NOW).unwrap();
    assert_eq!(hsms[1].replica().admit(&cursor), Ok(Admit::Forked));
    assert_eq!(halted(hsms[1].replica().admit(&[])), Halt::Forked { sequence });
    assert!(hsms[1].replica().checkpoint_due());
    hsms[1].write_checkpoint();
    hsms[1].crash(0);
    hsms[1].restart();
    assert_eq!(halted(hsms[1].replica().cursor()), Halt::Forked { sequence });
}

#[test]
fn cursors_cannot_be_made_up() {
    let (mut store, mut hsms) = cluster(2);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let cursor = hsms[0].replica().cursor().unwrap();
    let behind = &mut hsms[1];
    for index in 0..cursor.len() {
        let mut changed = cursor.clone();
        changed[index] ^= 4;
        // A later epoch cannot be checked yet, and only makes the HSM look for the log.
        let expected =
            if (5..9).contains(&index) { Ok(Admit::Behind(store.last())) } else { Err(ClusterError::Cursor) };
        assert_eq!(behind.replica().admit(&changed), expected, "byte {index}");
    }
    for length in 1..cursor.len() {
        assert_eq!(behind.replica().admit(&cursor[..length]), Err(ClusterError::Cursor));
    }
    assert_eq!(behind.replica().admit(&[&cursor[..], &[0]].concat()), Err(ClusterError::Cursor));
    assert_eq!(behind.replica().halted(), None);
}

#[test]
fn cursors_of_another_cluster_are_none() {
    let (mut one, mut other) = (Store::default(), Store::default());
    let (mut hsm, mut stranger) = (found(&mut one), found(&mut other));
    let cursor = stranger.replica().cursor().unwrap();
    assert_eq!(hsm.replica().admit(&cursor), Err(ClusterError::Cursor));
}

#[test]
fn cursors_of_earlier_epochs_count_until_these_are_retired() {
    let (mut store, mut hsms) = cluster(1);
    let old = hsms[0].replica().cursor().unwrap();
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[0].append(&mut store, &turn).unwrap();
    assert_ne!(hsms[0].replica().cursor().unwrap(), old);
    assert_eq!(hsms[0].replica().admit(&old), Ok(Admit::Served));
    let retire = hsms[0].replica().propose_retire(1, 2, NOW).unwrap();
    hsms[0].append(&mut store, &retire).unwrap();
    assert_eq!(hsms[0].replica().admit(&old), Err(ClusterError::Cursor));
}

#[test]
fn a_client_that_was_away_for_too_long_is_told_so() {
    let (mut store, mut hsms) = cluster(1);
    let old = hsms[0].replica().cursor().unwrap();
    for number in 0..=TRAIL as u32 {
        if number == TRAIL as u32 - 1 {
            assert_eq!(hsms[0].replica().admit(&old), Ok(Admit::Served));
        }
        let entry = hsms[0].replica().propose(&[command(number)], NOW).unwrap().entry.unwrap();
        assert_eq!(hsms[0].replica().appended().unwrap().applied, 1);
        store.before = entry.sequence;
    }
    assert_eq!(hsms[0].replica().admit(&old), Ok(Admit::Expired));
    assert_eq!(hsms[0].replica().halted(), None);
}

#[test]
fn an_hsm_that_left_cannot_stop_the_others_with_a_cursor() {
    let (mut store, mut hsms) = cluster(2);
    let insider = Insider::join(&mut store, &mut hsms[0]);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let genuine = hsms[0].replica().cursor().unwrap();
    let head = hsms[0].replica().head();
    assert_eq!(
        insider.cursor(head.sequence, head.hash),
        genuine,
        "while it is a member it can say what it likes"
    );
    let leave = hsms[0].replica().propose_leave(&MemberId::new("insider").unwrap(), NOW).unwrap();
    hsms[0].append(&mut store, &leave).unwrap();
    hsms[0].write(&mut store, &[command(2)], NOW).unwrap();
    hsms[1].sync(&mut store).unwrap();
    hsms[1].write_checkpoint();
    hsms[1].crash(0);
    hsms[1].restart();
    for hsm in &mut hsms {
        for sequence in 1..leave.sequence {
            assert_eq!(hsm.replica().admit(&insider.cursor(sequence, [7; 32])), Ok(Admit::Disputed));
        }
        // The epoch was over by then; such a cursor would be served, or would send the HSM looking for the log.
        for sequence in [leave.sequence, leave.sequence + 1, leave.sequence + 9] {
            assert_eq!(hsm.replica().admit(&insider.cursor(sequence, [7; 32])), Err(ClusterError::Cursor));
        }
        assert_eq!(hsm.replica().halted(), None);
        assert_eq!(hsm.replica().admit(&genuine), Ok(Admit::Served));
    }
}

#[test]
fn a_fork_before_an_epoch_that_turned_without_a_leaver_is_one() {
    let (mut store, mut hsms) = cluster(1);
    let insider = Insider::join(&mut store, &mut hsms[0]);
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[0].append(&mut store, &turn).unwrap();
    assert_eq!(hsms[0].replica().admit(&insider.cursor(2, [7; 32])), Ok(Admit::Forked));
    assert_eq!(hsms[0].replica().halted(), Some(&Halt::Forked { sequence: 2 }));
}
