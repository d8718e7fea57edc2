//! Files that are cut short, changed, or of another time.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_seal::{Root, SealError, Unlock};
use strongroom_secret::SecretString;
use tempfile::TempDir;

fn seal() -> (TempDir, Root) {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    (directory, root)
}

fn write(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_file_cut_at_any_byte_is_refused_and_left_alone() {
    let (directory, _) = seal();
    for name in ["slot-file.key", "root.slots"] {
        let path = directory.path().join(name);
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            write(&path, &whole[..length]);
            let opened = Root::open_or_create(directory.path());
            assert!(matches!(opened, Err(SealError::Corrupt { .. })), "{name} cut at {length}: {opened:?}");
            assert_eq!(fs::read(&path).unwrap().len(), length);
        }
        write(&path, &[whole.as_slice(), b"\n"].concat());
        assert!(matches!(Root::open(directory.path()), Err(SealError::Corrupt { .. })), "{name}, longer");
        write(&path, &whole);
    }
    Root::open(directory.path()).unwrap();
}

#[test]
fn a_file_with_any_bit_changed_is_refused() {
    let (directory, _) = seal();
    for name in ["slot-file.key", "root.slots"] {
        let path = directory.path().join(name);
        let whole = fs::read(&path).unwrap();
        for (position, bit) in (0..whole.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut changed = whole.clone();
            changed[position] ^= 1 << bit;
            write(&path, &changed);
            let opened = Root::open(directory.path());
            assert!(
                matches!(opened, Err(SealError::Corrupt { .. } | SealError::UnsupportedFormat { .. })),
                "{name}, byte {position}, bit {bit}: {opened:?}"
            );
        }
        write(&path, &whole);
    }
}

#[test]
fn a_file_that_is_far_too_long_is_not_read() {
    let (directory, _) = seal();
    write(&directory.path().join("root.slots"), &vec![b' '; 262_145]);
    assert!(matches!(Root::open(directory.path()), Err(SealError::Corrupt { .. })));
}

#[test]
fn later_formats_are_named() {
    let (directory, _) = seal();
    let path = directory.path().join("slot-file.key");
    let mut later = fs::read(&path).unwrap();
    later[15] = 2;
    write(&path, &later);
    let error = Root::open(directory.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} has format 2, which this version does not know", path.display())
    );

    write(&directory.path().join("root.slots"), b"strongroom-root 7\nanything\n");
    let later = Root::open(directory.path());
    assert!(matches!(later, Err(SealError::UnsupportedFormat { format: 7, .. })));
}

/// Writes `lines` into the slots file, under a check sum that fits.
fn write_slots(directory: &Path, lines: &str) {
    let text = format!("strongroom-root 3\nepoch 1\nlineage 00\n{lines}mac 00\n");
    let sum = hex::encode(&sha256(text.as_bytes()));
    write(&directory.join("root.slots"), format!("{text}sum {sum}\n").as_bytes());
}

#[test]
fn the_kinds_that_there_are_are_named() {
    let (directory, _) = seal();
    let other =
        "slot tpm 0011223344556677 pcr=7 3 PUBLIC 00 00\nslot passphrase 0011223344556678 - 3 PUBLIC 00 00\n";
    write_slots(directory.path(), &other.replace("PUBLIC", &"04".repeat(65)));
    let error = Root::open(directory.path()).unwrap_err();
    assert!(error.to_string().ends_with("no slot of the kind file, but: tpm, passphrase"), "{error}");
}

#[test]
fn a_slot_with_another_private_key_is_the_wrong_seal() {
    let (directory, _) = seal();
    let text = fs::read_to_string(directory.path().join("root.slots")).unwrap();
    let own = text.lines().nth(3).unwrap();
    let words: Vec<_> = own.split(' ').collect();
    let [_, kind, id, parameters, since, public, private, root] = words.as_slice() else { panic!("{own}") };
    for private in [&private[..private.len() - 2], &private[..2]] {
        let line = format!("slot {kind} {id} {parameters} {since} {public} {private} {root}\n");
        write_slots(directory.path(), &line);
        assert!(matches!(Root::open(directory.path()), Err(SealError::WrongSeal)), "{private}");
    }
}

#[test]
fn lines_that_are_no_slots_are_damage() {
    let (directory, _) = seal();
    for line in [
        "",
        "slot",
        "slot file",
        "slot file 0011223344556677",
        "slot file 0011223344556677 00",
        "slot file 0011223344556677 - 00 00",
        "slot file 0011223344556677 - 3 00 00 00",
        "slot file 00 - 3 PUBLIC 00 00",
        "slot file x - 3 PUBLIC 00 00",
        "slot file 0011223344556677 - 1 PUBLIC 00 00",
        "slot file 0011223344556677 - 4 PUBLIC 00 00",
        "past 1",
        "past x 00",
        "past 01 00",
        "kept 1 strongroom/nothing 00",
        "anything",
    ] {
        write_slots(directory.path(), &format!("{}\n", line.replace("PUBLIC", &"04".repeat(65))));
        let opened = Root::open(directory.path());
        assert!(matches!(opened, Err(SealError::Corrupt { .. })), "{line:?}: {opened:?}");
    }
}

#[test]
fn a_passphrase_slot_cannot_ask_for_all_the_memory() {
    let (directory, _) = seal();
    let salt = "00112233445566778899aabbccddeeff";
    for parameters in [
        "-".to_owned(),
        format!("argon2id,m=1048577,t=1,s={salt}"),
        format!("argon2id,m=1024,t=65,s={salt}"),
        format!("argon2id,m=0,t=1,s={salt}"),
        format!("argon2id,m=1024,t=1,s={}", &salt[2..]),
        format!("argon2id,m=1024,t=1,s={salt},x=1"),
        format!("scrypt,m=1024,t=1,s={salt}"),
    ] {
        let public = "04".repeat(65);
        let line = format!("slot passphrase 0011223344556677 {parameters} 3 {public} 00 00\n");
        write_slots(directory.path(), &line);
        let unlock = Unlock::Passphrase(SecretString::new("correct horse battery".to_owned()));
        let opened = Root::open_with(directory.path(), &unlock);
        assert!(matches!(opened, Err(SealError::Corrupt { .. })), "{parameters}: {opened:?}");
    }
}

#[test]
fn more_slots_than_there_may_be_are_damage() {
    let (directory, _) = seal();
    let line = format!("slot tpm 0011223344556677 - 3 {} 00 00\n", "04".repeat(65));
    write_slots(directory.path(), &line.repeat(17));
    assert!(matches!(Root::open(directory.path()), Err(SealError::Corrupt { .. })));
}

/// Sixteen slots of a stranger's file, each within what one may ask for, are not worked on for hours.
#[test]
fn passphrase_slots_have_one_bound_together() {
    let (directory, _) = seal();
    let slot = |id: usize, memory: u32, passes: u32| {
        let (public, salt) = ("04".repeat(65), "00112233445566778899aabbccddeeff");
        format!("slot passphrase {id:016x} argon2id,m={memory},t={passes},s={salt} 3 {public} 00 00\n")
    };
    let unlock = Unlock::Passphrase(SecretString::new("correct horse battery".to_owned()));
    let lines: String = (0..16).map(|id| slot(id, 1_048_576, 2)).collect();
    write_slots(directory.path(), &lines);
    let error = Root::open_with(directory.path(), &unlock).unwrap_err();
    assert!(error.to_string().ends_with("more than 16 passes over 1 GiB together"), "{error}");
    let lines: String = (0..16).map(|id| slot(id, 1024, 2)).collect();
    write_slots(directory.path(), &lines);
    let opened = Root::open_with(directory.path(), &unlock);
    assert!(matches!(opened, Err(SealError::WrongPassphrase { .. })), "{opened:?}");
}
