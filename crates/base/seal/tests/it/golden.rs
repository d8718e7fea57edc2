//! Seals and sealed values from long ago (`testdata/SOURCE.md`): formats and derivations never drift.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use strongroom_crypto::hex;
use strongroom_seal::{Epoch, Purpose, Root, Sealer, Unlock, slots_in};
use strongroom_secret::SecretString;
use tempfile::TempDir;

const SLOT_KEY: &[u8] = include_bytes!("../../testdata/slot-file.key");
const FORMAT_1: &[u8] = include_bytes!("../../testdata/root.slots");
const FORMAT_2: &[u8] = include_bytes!("../../testdata/format-2/root.slots");
const FORMAT_3: &[u8] = include_bytes!("../../testdata/format-3/root.slots");

fn read(text: &'static str) -> HashMap<&'static str, Vec<u8>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(" = ").unwrap()).map(|(k, v)| (k, hex::decode(v).unwrap())).collect()
}

fn golden() -> HashMap<&'static str, Vec<u8>> {
    read(include_str!("../../testdata/golden.txt"))
}

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

#[test]
fn the_check_value_and_all_subkeys_stay() {
    let directory = seal(FORMAT_1);
    let (root, golden) = (Root::open(directory.path()).unwrap(), golden());
    assert_eq!(root.check_value().as_bytes().as_slice(), golden["check"]);
    let purposes = [
        ("row-mac", Purpose::RowMac),
        ("secrets", Purpose::Secrets),
        ("session-tokens", Purpose::SessionTokens),
        ("journal-mac", Purpose::JournalMac),
        ("backup-service-half", Purpose::BackupServiceHalf),
        ("partition", Purpose::Partition),
    ];
    for (name, purpose) in purposes {
        assert_eq!(root.subkey(purpose, Epoch::FIRST).unwrap().expose().as_slice(), golden[name], "{name}");
    }
}

#[test]
fn a_seal_with_a_past_opens_by_each_of_its_slots() {
    // Format 3 has the same keys in it.
    let golden_2 = read(include_str!("../../testdata/format-2/golden.txt"));
    let slots = [(FORMAT_2, Unlock::File), (FORMAT_2, passphrase())];
    for (file, unlock) in slots.into_iter().chain([(FORMAT_3, Unlock::File), (FORMAT_3, passphrase())]) {
        let root = Root::open_with(seal(file).path(), &unlock).unwrap();
        assert_eq!(root.current_epoch(), Epoch::new(7));
        assert_eq!(root.check_value().as_bytes().as_slice(), golden()["check"]);
        let subkeys = [
            ("row-mac-7", Purpose::RowMac, 7),
            ("secrets-6", Purpose::Secrets, 6),
            ("journal-mac-3", Purpose::JournalMac, 3),
        ];
        for (name, purpose, epoch) in subkeys {
            let subkey = root.subkey(purpose, Epoch::new(epoch)).unwrap();
            assert_eq!(subkey.expose().as_slice(), golden_2[name], "{name}");
        }
        assert!(root.subkey(Purpose::Secrets, Epoch::new(3)).is_err());
    }
}

#[test]
fn old_sealed_values_open() {
    let golden = golden();
    let files =
        [(FORMAT_1, "sealed-epoch-1", 1), (FORMAT_2, "sealed-epoch-7", 7), (FORMAT_3, "sealed-epoch-7", 7)];
    for (slots, name, epoch) in files {
        let sealer = Sealer::new(&Root::open(seal(slots).path()).unwrap(), Purpose::Secrets);
        let opened = sealer.open(b"access-key/AKIAEXAMPLE", &golden[name]).unwrap();
        assert_eq!(opened.expose(), b"golden plaintext", "{name}");
        assert_eq!(Sealer::epoch_of(&golden[name]).unwrap(), Epoch::new(epoch));
    }
}

#[test]
fn a_slot_of_format_3_says_whose_key_it_has() {
    let (epoch, slots) = slots_in(seal(FORMAT_3).path()).unwrap();
    let told: Vec<_> = slots.iter().map(|slot| (slot.kind.as_str(), slot.key_was_shared)).collect();
    assert_eq!((epoch, told), (Epoch::new(7), vec![("file", true), ("passphrase", false)]));
}

#[test]
fn a_seal_of_the_first_format_can_be_rotated() {
    let directory = seal(FORMAT_1);
    let root = Root::open(directory.path()).unwrap();
    let sealer = Sealer::new(&root, Purpose::Secrets);
    root.select(root.prepare_next().unwrap()).unwrap();
    root.add_slot(&passphrase()).unwrap();
    let again = Root::open_with(directory.path(), &passphrase()).unwrap();
    assert_eq!(again.check_value(), root.check_value());
    let new = sealer.seal(b"aad", b"new").unwrap();
    let again = Sealer::new(&again, Purpose::Secrets);
    assert_eq!(again.open(b"aad", &new).unwrap().expose(), b"new");
    let old = &golden()["sealed-epoch-1"];
    assert_eq!(again.open(b"access-key/AKIAEXAMPLE", old).unwrap().expose(), b"golden plaintext");
    assert_eq!(slots_in(directory.path()).unwrap().1.len(), 2);
}
