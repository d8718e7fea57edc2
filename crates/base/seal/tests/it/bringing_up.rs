//! Files of earlier formats, brought up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_seal::{Epoch, Purpose, Root, SealError, SlotInfo, Unlock, slots_in};
use strongroom_secret::SecretString;
use tempfile::TempDir;

const SLOT_KEY: &[u8] = include_bytes!("../../testdata/slot-file.key");
const FORMAT_1: &[u8] = include_bytes!("../../testdata/root.slots");
const FORMAT_2: &[u8] = include_bytes!("../../testdata/format-2/root.slots");

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn seal(slots: &[u8]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    put(&directory.path().join("slot-file.key"), SLOT_KEY);
    put(&directory.path().join("root.slots"), slots);
    directory
}

fn passphrase() -> Unlock {
    Unlock::Passphrase(SecretString::new("correct horse battery".to_owned()))
}

fn title(directory: &Path) -> String {
    fs::read_to_string(directory.join("root.slots")).unwrap().lines().next().unwrap().to_owned()
}

fn slot(directory: &Path, kind: &str) -> SlotInfo {
    slots_in(directory).unwrap().1.into_iter().find(|slot| slot.kind == kind).unwrap()
}

#[test]
fn opening_alone_writes_nothing() {
    let directory = seal(FORMAT_2);
    Root::open(directory.path()).unwrap();
    assert_eq!(fs::read(directory.path().join("root.slots")).unwrap(), FORMAT_2);
}

#[test]
fn all_slots_of_format_2_come_along_and_say_whose_keys_may_be_known() {
    let directory = seal(FORMAT_2);
    let root = Root::open(directory.path()).unwrap();
    assert!(root.bring_up(&Unlock::File).unwrap());
    assert!(!root.bring_up(&Unlock::File).unwrap(), "once is enough");
    assert_eq!(title(directory.path()), "strongroom-root 3");
    assert_eq!(fs::read(directory.path().join("slot-file.key")).unwrap(), SLOT_KEY);
    for unlock in [Unlock::File, passphrase()] {
        let opened = Root::open_with(directory.path(), &unlock).unwrap();
        assert_eq!(opened.check_value(), root.check_value());
        assert_eq!(opened.epochs(), [6, 7].map(Epoch::new));
        assert!(opened.subkey(Purpose::JournalMac, Epoch::new(3)).is_ok());
        assert!(slot(directory.path(), unlock.kind()).key_was_shared);
    }
}

#[test]
fn a_passphrase_gets_another_key_when_it_opens_its_slot() {
    let directory = seal(FORMAT_2);
    Root::open(directory.path()).unwrap().bring_up(&Unlock::File).unwrap();
    let before = slot(directory.path(), "passphrase");
    let root = Root::open_with(directory.path(), &passphrase()).unwrap();
    assert!(root.bring_up(&passphrase()).unwrap());
    let after = slot(directory.path(), "passphrase");
    assert_eq!((&after.id, after.key_was_shared), (&before.id, false));
    assert_ne!(after.parameters, before.parameters);
    assert!(!root.bring_up(&passphrase()).unwrap());
    assert_eq!(root.opened_by().as_ref(), Some(&after.id));
    let again = Root::open_with(directory.path(), &passphrase()).unwrap();
    assert_eq!(again.check_value(), root.check_value());
}

#[test]
fn format_2_becomes_3_also_by_a_change() {
    let directory = seal(FORMAT_2);
    let root = Root::open(directory.path()).unwrap();
    root.select(root.prepare_next().unwrap()).unwrap();
    assert_eq!(title(directory.path()), "strongroom-root 3");
    let opened = Root::open_with(directory.path(), &passphrase()).unwrap();
    assert_eq!(opened.check_value(), root.check_value());
}

#[test]
fn the_key_of_a_slot_of_format_1_was_never_shared() {
    let directory = seal(FORMAT_1);
    let root = Root::open(directory.path()).unwrap();
    assert!(root.bring_up(&Unlock::File).unwrap());
    assert!(!slot(directory.path(), "file").key_was_shared);
    assert_eq!(Root::open(directory.path()).unwrap().check_value(), root.check_value());
}

/// A key that lay there before its slot was made may be anybody's.
#[test]
fn a_key_file_that_was_there_already_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory.path().join("slot-file.key"), SLOT_KEY);
    let root = Root::create_with(directory.path(), &passphrase()).unwrap();
    root.add_slot(&Unlock::File).unwrap();
    assert!(slot(directory.path(), "file").key_was_shared);
    let id = slot(directory.path(), "file").id;
    root.remove_slot(&id).unwrap();
    fs::remove_file(directory.path().join("slot-file.key")).unwrap();
    root.add_slot(&Unlock::File).unwrap();
    root.add_slot(&Unlock::File).unwrap();
    assert!(!slot(directory.path(), "file").key_was_shared);
}

/// Of format 1, slots whose keys are not there cannot come along; they do not keep the seal shut, and can be removed.
#[test]
fn a_slot_that_cannot_come_along_can_be_removed() {
    let text = String::from_utf8(FORMAT_1.to_vec()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("sum ")).collect();
    let text = format!("{}\nslot tpm 0011223344556677 00ff\n", lines.join("\n"));
    let directory = seal(format!("{text}sum {}\n", hex::encode(&sha256(text.as_bytes()))).as_bytes());
    let root = Root::open(directory.path()).unwrap();
    for refused in [root.bring_up(&Unlock::File).map(drop), root.prepare_next().map(drop)] {
        let error = refused.unwrap_err();
        assert!(matches!(error, SealError::SlotStaysBehind { .. }), "{error}");
        assert!(error.to_string().ends_with("strongroom seal slots remove 0011223344556677"), "{error}");
    }
    root.remove_slot("0011223344556677").unwrap();
    root.prepare_next().unwrap();
}
