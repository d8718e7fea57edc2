//! Commands: batches, races, retries, bounds.

use strongroom_hsm_cluster::{
    ClusterError, Command, KNOWN_AT_LEAST, KNOWN_MS, KNOWN_REPLY_BYTES, MAX_BATCH, MAX_EFFECTS, MAX_ENTRY,
    MAX_REPLY, Own,
};

use crate::cluster::{NOW, Store, assert_agreement, cluster, command, effects, found};

#[test]
fn a_batch_is_applied_in_order_everywhere() {
    let (mut store, mut hsms) = cluster(3);
    let replies = hsms[1].write(&mut store, &[command(1), command(2)], NOW + 5).unwrap();
    assert_eq!(replies, [b"reply 1", b"reply 2"]);
    for hsm in &mut hsms {
        hsm.sync(&mut store).unwrap();
        assert_eq!(hsm.diary().effects(), [b"founded".as_slice(), &effects(1), &effects(2)]);
        assert_eq!(hsm.diary().lines[1].0, NOW + 5);
    }
    assert_agreement(&mut hsms);
}

#[test]
fn the_loser_of_a_race_replays_and_proposes_again() {
    let (mut store, mut hsms) = cluster(2);
    let first = hsms[0].replica().propose(&[command(1)], NOW).unwrap().entry.unwrap();
    let second = hsms[1].replica().propose(&[command(2)], NOW).unwrap().entry.unwrap();
    assert_eq!(first.sequence, second.sequence);
    assert!(hsms[0].append(&mut store, &first).unwrap());
    assert!(!store.append(&second));
    let progress = hsms[1].sync(&mut store).unwrap();
    assert_eq!((progress.applied, progress.own), (1, Some(Own::Lost)));
    assert_eq!(hsms[1].replica().known(&command(2).id), None);
    assert_eq!(hsms[1].write(&mut store, &[command(2)], NOW).unwrap(), [b"reply 2"]);
    hsms[0].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);
}

#[test]
fn an_append_whose_answer_was_lost_is_recognised() {
    let (mut store, mut hsms) = cluster(1);
    let entry = hsms[0].replica().propose(&[command(1)], NOW).unwrap().entry.unwrap();
    assert!(store.append(&entry));
    let progress = hsms[0].sync(&mut store).unwrap();
    assert_eq!((progress.applied, progress.own), (1, Some(Own::Landed)));
}

#[test]
fn a_proposal_that_was_given_up_and_lands_all_the_same_counts_once() {
    let (mut store, mut hsms) = cluster(1);
    let given_up = hsms[0].replica().propose(&[command(1)], NOW).unwrap().entry.unwrap();
    let next = hsms[0].replica().propose(&[command(1), command(2)], NOW).unwrap().entry.unwrap();
    assert!(store.append(&given_up));
    assert!(!store.append(&next));
    assert_eq!(hsms[0].sync(&mut store).unwrap().own, Some(Own::Lost));
    let proposed = hsms[0].replica().propose(&[command(1), command(2)], NOW).unwrap();
    assert_eq!(proposed.answered.len(), 1);
    assert_eq!(proposed.answered[0].reply, b"reply 1");
    assert_eq!(proposed.taken, 2);
    hsms[0].append(&mut store, &proposed.entry.unwrap()).unwrap();
    assert_eq!((hsms[0].diary().count(&effects(1)), hsms[0].diary().count(&effects(2))), (1, 1));
}

#[test]
fn a_retry_at_another_hsm_gets_the_first_reply() {
    let (mut store, mut hsms) = cluster(2);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let again = Command { effects: b"planned anew".to_vec(), reply: b"another".to_vec(), ..command(1) };
    let last = store.last();
    assert_eq!(hsms[1].write(&mut store, &[again], NOW).unwrap(), [b"reply 1"]);
    assert_eq!(store.last(), last, "nothing was written");
    assert_eq!(hsms[1].diary().count(b"planned anew"), 0);
}

#[test]
fn an_id_twice_in_a_batch_takes_effect_once() {
    let (mut store, mut hsms) = cluster(1);
    let twin = Command { effects: b"twin".to_vec(), ..command(1) };
    assert_eq!(hsms[0].write(&mut store, &[command(1), twin], NOW).unwrap(), [b"reply 1", b"reply 1"]);
    assert_eq!(hsms[0].diary().count(b"twin"), 0);
}

#[test]
fn time_never_goes_back() {
    let (mut store, mut hsms) = cluster(2);
    hsms[0].write(&mut store, &[command(1)], NOW + 1_000).unwrap();
    hsms[1].write(&mut store, &[command(2)], NOW + 10).unwrap();
    let times: Vec<_> = hsms[1].diary().lines.iter().map(|(time, _)| *time).collect();
    assert_eq!(times, [NOW, NOW + 1_000, NOW + 1_000]);
    assert_eq!(hsms[1].replica().time_ms(), NOW + 1_000);
}

#[test]
fn a_batch_is_cut_where_an_entry_is_full() {
    let mut store = Store::default();
    let mut hsm = found(&mut store);
    let many: Vec<_> = (0..=MAX_BATCH as u32).map(command).collect();
    assert_eq!(hsm.replica().propose(&many, NOW).unwrap().taken, MAX_BATCH);

    let large: Vec<_> = (0..4).map(|n| Command { effects: vec![7; MAX_EFFECTS], ..command(n) }).collect();
    let proposed = hsm.replica().propose(&large, NOW).unwrap();
    assert_eq!(proposed.taken, 1);
    assert!(proposed.entry.unwrap().bytes.len() <= MAX_ENTRY);

    for too_large in [
        Command { effects: vec![7; MAX_EFFECTS + 1], ..command(1) },
        Command { reply: vec![7; MAX_REPLY + 1], ..command(1) },
    ] {
        assert!(!too_large.fits());
        assert_eq!(hsm.replica().propose(&[command(9), too_large], NOW), Err(ClusterError::TooLarge));
    }
    assert_eq!(hsm.replica().propose(&[], NOW).unwrap().entry, None);
}

#[test]
fn commands_are_known_for_minutes_and_the_latest_for_longer() {
    let (mut store, mut hsms) = cluster(1);
    let total = (KNOWN_AT_LEAST + MAX_BATCH) as u32;
    for start in (0..total).step_by(MAX_BATCH) {
        let batch: Vec<_> = (start..start + MAX_BATCH as u32).map(command).collect();
        hsms[0].write(&mut store, &batch, NOW).unwrap();
    }
    let replica = hsms[0].replica();
    assert_eq!(replica.known(&command(0).id), Some(&b""[..]), "its reply went first");
    assert_eq!(replica.known(&command(total - 1).id), Some(command(total - 1).reply.as_slice()));
    hsms[0].write(&mut store, &[command(total)], NOW + KNOWN_MS).unwrap();
    assert!(hsms[0].replica().known(&command(0).id).is_some());
    hsms[0].write(&mut store, &[command(total + 1)], NOW + KNOWN_MS + 1).unwrap();
    let forgotten = MAX_BATCH as u32 + 2;
    assert_eq!(hsms[0].replica().known(&command(forgotten - 1).id), None);
    assert!(hsms[0].replica().known(&command(forgotten).id).is_some());
}

#[test]
fn a_retry_does_not_take_effect_twice_although_its_reply_is_not_kept_any_more() {
    let (mut store, mut hsms) = cluster(2);
    let many = (KNOWN_REPLY_BYTES / MAX_REPLY) as u32 + 1;
    let large = |number| Command { reply: vec![7; MAX_REPLY], ..command(number) };
    for number in 0..many {
        hsms[0].write(&mut store, &[large(number)], NOW).unwrap();
    }
    hsms[0].write_checkpoint();
    hsms[0].crash(0);
    hsms[0].restart();
    hsms[1].sync(&mut store).unwrap();
    for hsm in &mut hsms {
        let proposed = hsm.replica().propose(&[large(0), large(1)], NOW).unwrap();
        assert_eq!((proposed.taken, proposed.entry), (2, None));
        let replies: Vec<_> = proposed.answered.iter().map(|answer| answer.reply.len()).collect();
        assert_eq!(replies, [0, MAX_REPLY]);
        assert_eq!(hsm.diary().count(&effects(0)), 1);
    }
    assert_agreement(&mut hsms);
}
