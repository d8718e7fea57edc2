//! New root keys beside old ones.

use std::fs;
use std::path::Path;

use strongroom_seal::{Epoch, Purpose, Root, SealError, Sealer, Unlock, slots_in};
use strongroom_secret::SecretString;

fn sealer(root: &Root) -> Sealer {
    Sealer::new(root, Purpose::Secrets)
}

fn opens(root: &Root, sealed: &[u8]) -> bool {
    sealer(root).open(b"", sealed).is_ok()
}

fn rotate(root: &Root) -> Epoch {
    let next = root.prepare_next().unwrap();
    root.select(next).unwrap();
    next
}

#[test]
fn what_a_clone_learns_all_know() {
    let root = Root::ephemeral().unwrap();
    let clone = root.clone();
    rotate(&root);
    assert_eq!(clone.current_epoch(), Epoch::new(2));
    assert!(opens(&clone, &sealer(&root).seal(b"", b"value").unwrap()));
}

#[test]
fn every_slot_gets_the_new_root_key() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let passphrase = Unlock::Passphrase(SecretString::new("correct horse battery".to_owned()));
    root.add_slot(&passphrase).unwrap();
    let mut sealed = vec![sealer(&root).seal(b"", b"1").unwrap()];
    for _ in 0..2 {
        rotate(&root);
        sealed.push(sealer(&root).seal(b"", b"later").unwrap());
    }
    for unlock in [Unlock::File, passphrase] {
        let opened = Root::open_with(directory.path(), &unlock).unwrap();
        assert_eq!(opened.check_value(), root.check_value());
        assert_eq!(opened.epochs(), [1, 2, 3].map(Epoch::new));
        assert!(sealed.iter().all(|sealed| opens(&opened, sealed)));
    }
}

#[test]
fn a_root_key_that_was_made_and_not_used_is_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let next = root.prepare_next().unwrap();
    let check = root.check_value_of(next).unwrap();
    // The server that made it is gone before the store knew.
    let root = Root::open(directory.path()).unwrap();
    root.select(Epoch::FIRST).unwrap();
    assert_eq!(root.prepare_next().unwrap(), next);
    assert_eq!(root.check_value_of(next), Some(check));
}

#[test]
fn another_server_takes_the_new_root_key_over() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = Root::create(here.path()).unwrap();
    for name in ["root.slots", "slot-file.key"] {
        fs::copy(here.path().join(name), there.path().join(name)).unwrap();
    }
    let other = Root::open(there.path()).unwrap();
    // It was about to rotate too, and came second.
    let lost = other.prepare_next().unwrap();
    let lost = other.check_value_of(lost).unwrap();
    let next = rotate(&root);
    let handed = root.hand_over(next).unwrap();
    other.take_over(next, &handed).unwrap();
    assert_eq!(other.check_value_of(next), root.check_value_of(next));
    assert_ne!(other.check_value_of(next), Some(lost));
    other.select(next).unwrap();
    assert_eq!(Root::open(there.path()).unwrap().check_value(), root.check_value());

    // It opens for nobody else, as no other epoch, and not a second time.
    let stranger = Root::ephemeral().unwrap();
    assert!(matches!(stranger.take_over(next, &handed), Err(SealError::WrongSeal)));
    assert!(matches!(other.take_over(next, &handed), Err(SealError::WrongSeal)));
    assert!(matches!(other.take_over(Epoch::new(3), &handed), Err(SealError::WrongSeal)));
    for cut in 0..handed.len() {
        assert!(root.take_over(Epoch::new(3), &handed[..cut]).is_err());
    }
}

#[test]
fn a_root_key_let_go_is_gone_from_memory_and_disk() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let old = sealer(&root).seal(b"", b"old").unwrap();
    let journal = root.subkey(Purpose::JournalMac, Epoch::FIRST).unwrap();
    rotate(&root);
    let stays = |_, purpose| purpose == Purpose::JournalMac;
    root.retire_before(Epoch::new(2), stays).unwrap();
    let opened = Root::open(directory.path()).unwrap();
    for root in [&root, &opened] {
        assert!(!opens(root, &old));
        assert_eq!(root.epochs(), [Epoch::new(2)]);
        assert_eq!(root.subkey(Purpose::JournalMac, Epoch::FIRST).unwrap().expose(), journal.expose());
        assert!(root.subkey(Purpose::SessionTokens, Epoch::FIRST).is_err());
    }
    // What was kept goes later; what is in use never does.
    assert!(root.retire_before(Epoch::new(3), |_, _| true).is_err());
    rotate(&opened);
    opened.retire_before(Epoch::new(2), |_, _| false).unwrap();
    let opened = Root::open(directory.path()).unwrap();
    assert!(opened.subkey(Purpose::JournalMac, Epoch::FIRST).is_err());
    assert_eq!(opened.epochs(), [2, 3].map(Epoch::new));
}

#[test]
fn root_keys_are_bounded_in_number() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    for _ in 0..15 {
        rotate(&root);
    }
    assert!(matches!(root.prepare_next(), Err(SealError::TooMany { .. })));
    root.retire_before(root.current_epoch(), |_, _| true).unwrap();
    rotate(&root);
    assert_eq!(Root::open(directory.path()).unwrap().current_epoch(), Epoch::new(17));
}

/// What was being written when a server died: drafts beside the file, which is whole.
#[test]
fn what_a_crash_leaves_beside_the_file_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    fs::write(directory.path().join(".root.slots.0011223344556677"), "strongroom-root 2\nepo").unwrap();
    fs::write(directory.path().join(".notes"), "somebody's").unwrap();
    rotate(&root);
    assert_eq!(Root::open(directory.path()).unwrap().check_value(), root.check_value());
    assert_eq!(slots_in(directory.path()).unwrap().0, Epoch::new(2));
    // Older root keys may stand in it.
    assert!(!directory.path().join(".root.slots.0011223344556677").exists());
    assert!(directory.path().join(".notes").exists());
}

#[test]
fn a_slots_file_of_another_seal_is_not_written_over() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = Root::create(directory.path()).unwrap();
    let stranger = Root::create(other.path()).unwrap();
    rotate(&stranger);
    let copy = |from: &Path, to: &Path| fs::copy(from.join("root.slots"), to.join("root.slots")).unwrap();
    copy(other.path(), directory.path());
    assert!(root.prepare_next().is_err());
    assert_eq!(root.epochs(), [Epoch::FIRST]);
}

#[test]
fn the_file_is_written_only_when_something_goes() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    rotate(&root);
    let stays = |_, purpose| purpose == Purpose::JournalMac;
    root.retire_before(Epoch::new(2), stays).unwrap();
    let before = fs::read(directory.path().join("root.slots")).unwrap();
    root.retire_before(Epoch::new(2), stays).unwrap();
    assert!(fs::read(directory.path().join("root.slots")).unwrap() == before);
}

/// What is left of older root keys must fit into the file: a rotation that could not be finished is not begun.
#[test]
fn a_file_that_is_full_refuses_the_next_root_key_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let refused = loop {
        let next = match root.prepare_next() {
            Ok(next) => next,
            Err(error) => break error,
        };
        root.select(next).unwrap();
        if root.epochs().len() > 12 {
            root.retire_before(next, |_, _| true).unwrap();
        }
        assert!(next < Epoch::new(1000), "nothing was refused");
    };
    assert!(matches!(refused, SealError::NoRoom { kept, .. } if kept > 100), "{refused}");
    let epoch = root.current_epoch();
    assert_eq!(root.newest_epoch(), epoch);
    // What is there can be let go, whatever stays of it.
    root.retire_before(epoch, |_, _| true).unwrap();
    let opened = Root::open(directory.path()).unwrap();
    assert_eq!(opened.check_value(), root.check_value());
    opened.retire_before(epoch, |_, purpose| purpose == Purpose::JournalCheckpoints).unwrap();
    rotate(&opened);
    assert!(opened.subkey(Purpose::JournalCheckpoints, Epoch::FIRST).is_ok());
}

/// Memory has what the file has, also where the file cannot be written.
#[test]
fn what_cannot_be_let_go_on_disk_stays_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let old = sealer(&root).seal(b"", b"old").unwrap();
    rotate(&root);
    let (slots, aside) = (directory.path().join("root.slots"), directory.path().join("aside"));
    fs::rename(&slots, &aside).unwrap();
    assert!(root.retire_before(Epoch::new(2), |_, _| false).is_err());
    assert!(opens(&root, &old));
    fs::rename(&aside, &slots).unwrap();
    root.retire_before(Epoch::new(2), |_, _| false).unwrap();
    assert!(!opens(&root, &old));
}
