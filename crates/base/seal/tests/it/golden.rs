//! A seal and sealed values from long ago (`testdata/SOURCE.md`): formats and derivations never drift.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use strongroom_crypto::hex;
use strongroom_seal::{Epoch, Purpose, Root, Sealer};

fn golden() -> HashMap<&'static str, Vec<u8>> {
    let lines = include_str!("../../testdata/golden.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(" = ").unwrap()).map(|(k, v)| (k, hex::decode(v).unwrap())).collect()
}

fn root() -> Root {
    let directory = tempfile::tempdir().unwrap();
    let files: [(&str, &[u8]); 2] = [
        ("slot-file.key", include_bytes!("../../testdata/slot-file.key")),
        ("root.slots", include_bytes!("../../testdata/root.slots")),
    ];
    for (name, bytes) in files {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    Root::open(directory.path()).unwrap()
}

#[test]
fn the_check_value_and_all_subkeys_stay() {
    let (root, golden) = (root(), golden());
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
        assert_eq!(root.subkey(purpose, Epoch::new(1)).unwrap().expose().as_slice(), golden[name], "{name}");
    }
}

#[test]
fn old_sealed_values_open() {
    let golden = golden();
    let sealer = Sealer::new(&root(), Purpose::Secrets).unwrap();
    for (name, epoch) in [("sealed-epoch-1", 1), ("sealed-epoch-7", 7)] {
        let opened = sealer.open(b"access-key/AKIAEXAMPLE", &golden[name]).unwrap();
        assert_eq!(opened.expose(), b"golden plaintext", "{name}");
        assert_eq!(Sealer::epoch_of(&golden[name]).unwrap(), Epoch::new(epoch));
    }
}
