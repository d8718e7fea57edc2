//! Leaving, and the turn of epochs.

use strongroom_hsm_cluster::{ClusterError, Event, Halt, MAX_EPOCHS, MemberId};

use crate::cluster::{NOW, assert_agreement, cluster, command, halted, join};

fn id(name: &str) -> MemberId {
    MemberId::new(name).unwrap()
}

#[test]
fn who_leaves_gets_no_key_of_what_comes_after() {
    let (mut store, mut hsms) = cluster(3);
    let leave = hsms[0].replica().propose_leave(&id("hsm-3"), NOW).unwrap();
    assert!(hsms[0].append(&mut store, &leave).unwrap());
    let progress = hsms[1].sync(&mut store).unwrap();
    assert_eq!(progress.events, [Event::Left(id("hsm-3")), Event::EpochTurned { epoch: 2 }]);
    assert_eq!(hsms[1].replica().head().epoch, 2);
    assert_eq!(hsms[1].diary().epochs, [(1, 1), (1, 2)]);
    assert_eq!(hsms[1].diary().newest_key, hsms[0].diary().newest_key);

    let sequence = leave.sequence;
    let mut left = hsms.remove(2);
    let key_before = left.diary().newest_key;
    assert_eq!(halted(left.sync(&mut store)), Halt::Left { sequence });
    assert_eq!(left.diary().newest_key, key_before);
    assert_ne!(left.diary().newest_key, hsms[0].diary().newest_key);

    hsms[1].write(&mut store, &[command(1)], NOW).unwrap();
    hsms[0].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);
}

#[test]
fn a_member_takes_out_another_not_itself() {
    let (_, mut hsms) = cluster(2);
    assert_eq!(hsms[0].replica().propose_leave(&id("hsm-1"), NOW), Err(ClusterError::OwnLeave));
    assert_eq!(hsms[0].replica().propose_leave(&id("hsm-9"), NOW), Err(ClusterError::UnknownMember));
}

#[test]
fn an_epoch_turns_for_all_members_also_for_those_that_were_away() {
    let (mut store, mut hsms) = cluster(3);
    for number in 1..=3 {
        let turn = hsms[0].replica().propose_turn(NOW).unwrap();
        assert!(hsms[0].append(&mut store, &turn).unwrap());
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    hsms[1].crash(0);
    hsms[1].restart();
    for hsm in &mut hsms {
        hsm.sync(&mut store).unwrap();
    }
    assert_agreement(&mut hsms);
    assert_eq!(hsms[2].diary().epochs, [(1, 1), (1, 2), (1, 3), (1, 4)]);
    hsms[1].crash(0);
    hsms[1].restart();
    assert_eq!(hsms[1].diary().newest_key, hsms[2].diary().newest_key);

    let late = join(&mut store, &mut hsms[1], "hsm-4");
    assert_eq!(late.diary().epochs, [(1, 1), (1, 2), (1, 3), (1, 4)]);
    hsms.push(late);
    for hsm in &mut hsms {
        hsm.sync(&mut store).unwrap();
    }
    assert_agreement(&mut hsms);
}

#[test]
fn a_turn_that_lost_the_race_is_made_anew() {
    let (mut store, mut hsms) = cluster(2);
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[1].write(&mut store, &[command(1)], NOW).unwrap();
    assert!(!hsms[0].append(&mut store, &turn).unwrap());
    assert_eq!(hsms[0].replica().head().epoch, 1);
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    assert!(hsms[0].append(&mut store, &turn).unwrap());
    hsms[1].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);
}

#[test]
fn old_epochs_are_retired_before_there_are_too_many() {
    let (mut store, mut hsms) = cluster(2);
    for _ in 1..MAX_EPOCHS {
        let turn = hsms[0].replica().propose_turn(NOW).unwrap();
        hsms[0].append(&mut store, &turn).unwrap();
    }
    assert_eq!(hsms[0].replica().propose_turn(NOW), Err(ClusterError::Full("epochs")));
    let retire = hsms[0].replica().propose_retire(1, 60, NOW).unwrap();
    hsms[0].append(&mut store, &retire).unwrap();
    let progress = hsms[1].sync(&mut store).unwrap();
    assert_eq!(progress.events.last(), Some(&Event::Retired));
    assert_eq!(hsms[1].diary().epochs, [(1, 60), (1, 61), (1, 62), (1, 63), (1, 64)]);
    let all = hsms[0].replica().propose_retire(9, 9, NOW).unwrap();
    hsms[0].append(&mut store, &all).unwrap();
    assert_eq!(hsms[0].diary().epochs, [(1, 64)], "the keys in force stay");
    hsms[1].write(&mut store, &[command(1)], NOW).unwrap();
    hsms[0].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);
}
