//! Whatever is wrong with the log is found out, has a name, and stays.

use strongroom_hsm_cluster::{ClusterError, Command, Extent, Halt, Head, MAX_EFFECTS, MAX_ENTRY, MemberId};

use crate::cluster::{Hsm, NOW, Store, assert_agreement, cluster, command, halted};
use crate::insider::{Insider, content};
use crate::machine::POISON;

/// Two HSMs; the second one is behind by the entries of commands 1 to 3.
fn behind() -> (Store, Hsm, Head) {
    let (mut store, mut hsms) = cluster(2);
    for number in 1..=3 {
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    let mut hsm = hsms.remove(1);
    let head = hsm.replica().head();
    (store, hsm, head)
}

/// Gives the HSM one entry for its next place; it must halt for that reason, for ever.
fn assert_halts(mut hsm: Hsm, entry: &[u8], reason: &Halt) {
    let (head, digest) = (hsm.replica().head(), hsm.replica().digest());
    let progress = hsm.replica().replay(head.sequence + 1, &[entry]);
    assert_eq!(halted(hsm.persist(progress)), *reason);
    assert_stands_still(&mut hsm, reason);
    assert_eq!((hsm.replica().head(), hsm.replica().digest()), (head, digest), "nothing of it was applied");
    hsm.crash(0);
    hsm.restart();
    assert_stands_still(&mut hsm, reason);
}

fn assert_stands_still(hsm: &mut Hsm, reason: &Halt) {
    let replica = hsm.replica();
    let still: ClusterError = reason.clone().into();
    assert_eq!(replica.halted(), Some(reason));
    let next = replica.head().sequence + 1;
    assert_eq!(replica.replay(next, &[b"anything"]), Err(still.clone()));
    assert_eq!(replica.propose(&[command(9)], NOW), Err(still.clone()));
    assert_eq!(replica.appended(), Err(still.clone()));
    assert_eq!(replica.observe(Extent { first: 1, last: 1 }), Err(still.clone()));
    assert_eq!(replica.cursor(), Err(still.clone()));
    assert_eq!(replica.admit(&[]), Err(still.clone()));
    assert_eq!(replica.sealed_snapshot(), Err(still.clone()));
    assert_eq!(replica.catch_up(&[]), Err(still.clone()));
    assert_eq!(replica.propose_turn(NOW), Err(still));
}

#[test]
fn forged_entries() {
    type Forge = Box<dyn Fn(&[u8]) -> Vec<u8>>;
    let changed = |index: usize| {
        move |entry: &[u8]| {
            let mut forged = entry.to_vec();
            forged[index] ^= 0x80;
            forged
        }
    };
    let forgeries: [Forge; 10] = [
        Box::new(changed(17)),
        Box::new(changed(48)),
        Box::new(changed(49)),
        Box::new(changed(80)),
        Box::new(changed(81)),
        Box::new(|entry| [entry, &[0]].concat()),
        Box::new(|entry| entry[..entry.len() - 1].to_vec()),
        Box::new(|entry| entry[..60].to_vec()),
        Box::new(|_| Vec::new()),
        Box::new(|_| vec![1; MAX_ENTRY + 1]),
    ];
    for forge in forgeries {
        let (store, hsm, head) = behind();
        let sequence = head.sequence + 1;
        assert_halts(hsm, &forge(store.at(sequence)), &Halt::Forged { sequence });
    }
}

#[test]
fn entries_of_another_cluster() {
    let (others, _, _) = behind();
    let (_, hsm, head) = behind();
    let sequence = head.sequence + 1;
    assert_halts(hsm, others.at(sequence), &Halt::Forged { sequence });
}

#[test]
fn dropped_swapped_and_repeated_entries() {
    for given in [2, 3, 0] {
        let (store, hsm, head) = behind();
        let (expected, found) = (head.sequence + 1, head.sequence + given);
        assert_halts(hsm, store.at(found), &Halt::Reordered { expected, found });
    }
}

#[test]
fn an_entry_in_the_place_of_one_that_is_known() {
    /// What the store says of a place that the HSM knows, given its own entries and those of a branch.
    type Given = fn(own: &Store, branch: &Store, sequence: u64) -> Vec<u8>;
    type Reason = fn(sequence: u64) -> Halt;
    let cases: [(Given, Reason); 3] = [
        (|_, branch, sequence| branch.at(sequence).to_vec(), |sequence| Halt::Forked { sequence }),
        (|own, _, _| own.at(1).to_vec(), |sequence| Halt::Reordered { expected: sequence, found: 1 }),
        (
            |own, _, sequence| {
                let mut forged = own.at(sequence).to_vec();
                forged[60] ^= 1;
                forged
            },
            |sequence| Halt::Forged { sequence },
        ),
    ];
    for (given, reason) in cases {
        let (mut store, mut hsms) = cluster(2);
        let mut branch = store.clone();
        hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
        hsms[1].write(&mut branch, &[command(2)], NOW).unwrap();
        let sequence = store.last();
        let known = [store.at(sequence).to_vec()];
        assert_eq!(hsms[0].replica().replay(sequence, &known).unwrap().applied, 0);
        let other = [given(&store, &branch, sequence)];
        assert_eq!(halted(hsms[0].replica().replay(sequence, &other)), reason(sequence));
    }
}

#[test]
fn an_entry_on_another_past() {
    let (mut store, mut hsms) = cluster(2);
    let mut branch = store.clone();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    for number in 2..=3 {
        hsms[1].write(&mut branch, &[command(number)], NOW).unwrap();
    }
    let hsm = hsms.remove(0);
    let sequence = store.last();
    assert_halts(hsm, branch.at(sequence + 1), &Halt::Forked { sequence });
}

#[test]
fn a_store_from_an_old_dump_gets_back_what_it_lost() {
    let (mut store, mut hsms) = cluster(2);
    let dump = store.clone();
    for number in 1..=5 {
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    hsms[0].crash(0);
    hsms[0].restart();
    let lost = store;
    let mut store = dump;
    hsms[0].sync(&mut store).unwrap();
    assert_eq!(store.entries, lost.entries);
    hsms[1].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);

    store.entries.clear();
    store.before = 0;
    hsms[1].write_checkpoint();
    hsms[1].crash(0);
    hsms[1].restart();
    hsms[1].sync(&mut store).unwrap();
    assert_eq!(store.last(), lost.last(), "what is in the checkpoint counts, too");
}

#[test]
fn a_dump_that_was_written_to_meanwhile_is_a_fork() {
    let (mut store, mut hsms) = cluster(2);
    let mut dump = store.clone();
    for number in 1..=3 {
        hsms[0].write(&mut store, &[command(number)], NOW).unwrap();
    }
    hsms[1].write(&mut dump, &[command(9)], NOW).unwrap();
    let (sequence, length) = (dump.last(), dump.last());
    assert_eq!(halted(hsms[0].sync(&mut dump)), Halt::Forked { sequence });
    assert_eq!(dump.last(), length, "nothing was appended to it");
}

#[test]
fn a_log_that_lost_more_than_an_hsm_keeps() {
    let (mut store, mut hsms) = cluster(1);
    for number in 1..=9 {
        let large = Command { effects: vec![7; MAX_EFFECTS], ..command(number) };
        hsms[0].write(&mut store, &[large], NOW).unwrap();
    }
    store.truncate(1);
    let mut hsm = hsms.remove(0);
    let reason = Halt::Truncated { own: 10, log: 1 };
    assert_eq!(halted(hsm.sync(&mut store)), reason);
    assert_stands_still(&mut hsm, &reason);
    let half = strongroom_secret::Key256::new([5; 32]);
    assert!(hsm.replica().backup("rescue", &half).is_ok(), "its state is sound");
}

#[test]
fn other_incarnations_epochs_and_formats() {
    for (index, reason) in [
        (4, (|sequence| Halt::OtherIncarnation { sequence, own: 1, found: 2 }) as fn(u64) -> Halt),
        (8, |sequence| Halt::OtherEpoch { sequence, own: 1, found: 2 }),
        (0, |sequence| Halt::UnknownFormat { sequence, format: 2 }),
    ] {
        let (store, hsm, head) = behind();
        let sequence = head.sequence + 1;
        let mut entry = store.at(sequence).to_vec();
        entry[index] = 2;
        assert_halts(hsm, &entry, &reason(sequence));
    }
}

#[test]
fn an_entry_under_the_key_of_an_epoch_that_is_over() {
    let (mut store, mut hsms) = cluster(1);
    let insider = Insider::join(&mut store, &mut hsms[0]);
    let old = hsms[0].replica().head();
    let leave = hsms[0].replica().propose_leave(&MemberId::new("insider").unwrap(), NOW).unwrap();
    hsms[0].append(&mut store, &leave).unwrap();
    let hsm = hsms.remove(0);
    let sequence = old.sequence + 2;
    let entry = insider.seal(&Head { sequence: old.sequence + 1, ..old }, &content(7, NOW, &[0, 0, 0, 2]));
    assert_halts(hsm, &entry, &Halt::OtherEpoch { sequence, own: 2, found: 1 });
}

/// What a member sealed that breaks the rules.
fn assert_insider_is_caught(content: &[u8], reason: fn(u64) -> Halt) {
    let (mut store, mut hsms) = cluster(1);
    let insider = Insider::join(&mut store, &mut hsms[0]);
    let hsm = hsms.remove(0);
    let head = hsm.replica.as_ref().unwrap().head();
    assert_halts(hsm, &insider.seal(&head, content), &reason(head.sequence + 1));
}

#[test]
fn unknown_kinds() {
    for kind in [0, 10, 255] {
        let (mut store, mut hsms) = cluster(1);
        let insider = Insider::join(&mut store, &mut hsms[0]);
        let hsm = hsms.remove(0);
        let head = hsm.replica.as_ref().unwrap().head();
        let entry = insider.seal(&head, &content(kind, NOW, b""));
        assert_halts(hsm, &entry, &Halt::UnknownKind { sequence: head.sequence + 1, kind });
    }
}

#[test]
fn entries_that_break_a_rule() {
    fn unsound(rule: &'static str) -> impl Fn(u64) -> Halt {
        move |sequence| Halt::Unsound { sequence, rule: rule.into() }
    }
    let level = |level: u32| level.to_be_bytes();
    let no_batch = [0_u8; 4];
    let support = [&7_u32.to_be_bytes()[..], b"no-such", &level(1)].concat();
    let turn = |epoch: u32| [&[0][..], &epoch.to_be_bytes(), &no_batch].concat();
    let found = [
        &level(1)[..],
        &no_batch,
        &5_u32.to_be_bytes(),
        b"hsm-9",
        &no_batch,
        &no_batch,
        &level(1),
        &no_batch,
    ]
    .concat();
    for (content, reason) in [
        (content(2, NOW, b"?"), unsound("its form")),
        (content(2, NOW, &[&no_batch[..], b"more"].concat()), unsound("its form")),
        (content(2, NOW - 1, &no_batch), unsound("time goes on")),
        (content(1, NOW, &found), unsound("a partition begins once")),
        (content(6, NOW, &support), unsound("members support the feature level")),
        (content(7, NOW, &level(1)), unsound("the feature level rises to what every member supports")),
        (content(7, NOW, &level(2)), unsound("the feature level rises to what every member supports")),
        (
            content(4, NOW, &turn(2)),
            unsound("a new epoch follows the old one and is for all remaining members"),
        ),
        (
            content(4, NOW, &turn(3)),
            unsound("a new epoch follows the old one and is for all remaining members"),
        ),
    ] {
        let (mut store, mut hsms) = cluster(1);
        let insider = Insider::join(&mut store, &mut hsms[0]);
        let hsm = hsms.remove(0);
        let head = hsm.replica.as_ref().unwrap().head();
        assert_halts(hsm, &insider.seal(&head, &content), &reason(head.sequence + 1));
    }
}

#[test]
fn states_that_differ() {
    assert_insider_is_caught(&content(5, NOW, &[0; 32]), |sequence| Halt::DigestMismatch { sequence });
}

#[test]
fn effects_that_the_machine_refuses() {
    let batch = [&1_u32.to_be_bytes()[..], &[9; 16], &6_u32.to_be_bytes(), POISON, &[0; 4]].concat();
    assert_insider_is_caught(&content(2, NOW, &batch), |sequence| Halt::MachineRefused { sequence });
}

#[test]
fn a_member_that_proposes_a_command_again_changes_nothing() {
    let (mut store, mut hsms) = cluster(1);
    let insider = Insider::join(&mut store, &mut hsms[0]);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let head = hsms[0].replica().head();
    let again = [
        &2_u32.to_be_bytes()[..],
        &[&command(1).id[..], &3_u32.to_be_bytes(), b"two", &3_u32.to_be_bytes(), b"new"].concat(),
        &[&command(2).id[..], &5_u32.to_be_bytes(), b"three", &0_u32.to_be_bytes()].concat(),
    ]
    .concat();
    let entry = insider.seal(&head, &content(2, NOW, &again));
    assert_eq!(hsms[0].replica().replay(head.sequence + 1, &[entry]).unwrap().applied, 1);
    assert_eq!((hsms[0].diary().count(b"two"), hsms[0].diary().count(b"three")), (0, 1));
    assert_eq!(hsms[0].replica().known(&command(1).id), Some(&b"reply 1"[..]));
}

#[test]
fn gaps_are_asked_for_and_nothing_is_lost_by_them() {
    let (mut store, mut hsm, head) = behind();
    let expected = head.sequence + 1;
    let later = store.from(expected + 1).to_vec();
    assert_eq!(hsm.replica().replay(expected + 1, &later), Err(ClusterError::Gap { expected }));
    assert_eq!(hsm.replica().replay(0, &later), Err(ClusterError::Gap { expected }));
    assert_eq!(hsm.sync(&mut store).unwrap().applied, 3);
}

#[test]
fn what_came_before_the_bad_entry_is_kept() {
    let (store, mut hsm, head) = behind();
    let first = head.sequence + 1;
    let mut entries = store.from(first).to_vec();
    entries[2][100] ^= 1;
    let progress = hsm.replica().replay(first, &entries);
    assert_eq!(halted(hsm.persist(progress)), Halt::Forged { sequence: first + 2 });
    hsm.crash(0);
    hsm.restart();
    assert_eq!(hsm.replica().head().sequence, first + 1);
}
