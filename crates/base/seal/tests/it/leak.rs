//! Who could open a slot once, and has a copy of the file of then: what he gets out of the files that come later. Slots
//! stand in the clear in the head of every backup, so that a later file is not hard to come by.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use strongroom_crypto::hpke::PrivateKey;
use strongroom_crypto::{hex, salted};
use strongroom_seal::{CheckValue, Root, Unlock, slots_in};
use strongroom_secret::{Key256, SecretString};

const FORMAT_2: &str = include_str!("../../testdata/format-2/root.slots");

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(SecretString::new(text.to_owned()))
}

fn slots(directory: &Path) -> String {
    fs::read_to_string(directory.join("root.slots")).unwrap()
}

/// The key in a key file.
fn key_in(directory: &Path) -> Key256 {
    Key256::copied_from(&fs::read(directory.join("slot-file.key")).unwrap()[24..56]).unwrap()
}

/// All keys that follow from some, and from files: whatever opens with what is known already is known too, until nothing
/// more opens.
fn follows(known: &[Key256], files: &[&str]) -> Vec<Key256> {
    let mut found: BTreeMap<[u8; 32], Key256> =
        known.iter().map(|key| (*key.expose(), key.clone())).collect();
    loop {
        let before = found.len();
        for key in found.values().cloned().collect::<Vec<_>>() {
            for file in files {
                for opened in opened_with(&key, &found, file) {
                    for piece in opened.chunks_exact(32) {
                        let key = Key256::copied_from(piece).unwrap();
                        found.insert(*key.expose(), key);
                    }
                }
            }
        }
        if found.len() == before {
            return found.into_values().collect();
        }
    }
}

/// What opens in a file of format 2 or 3 with a key, taken for each kind of key that there is. What is sealed to a public key is
/// under another key besides, any of those that are known.
fn opened_with(key: &Key256, known: &BTreeMap<[u8; 32], Key256>, file: &str) -> Vec<Vec<u8>> {
    let epoch_line = file.lines().find_map(|line| line.strip_prefix("epoch ")).unwrap();
    let newest = epoch_line.parse::<u32>().unwrap().to_be_bytes();
    let mut opened = Vec::new();
    let mut salted = |label: &str, aad: &[u8], value: &str| {
        let value = salted::open(key, label.as_bytes(), aad, &hex::decode(value).unwrap());
        opened.extend(value.ok().map(|value| value.expose().clone()));
    };
    let mut sealed = Vec::new();
    for line in file.lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["slot", kind, id, parameters, root, own_key] => {
                let aad = [&hex::decode(id).unwrap(), newest.as_slice(), parameters.as_bytes()].concat();
                salted(&format!("strongroom/slot/{kind}"), &aad, root);
                salted("strongroom/slot-key", &aad, own_key);
            }
            ["slot", kind, id, parameters, since, public, private, root] => {
                let (id, public) = (hex::decode(id).unwrap(), hex::decode(public).unwrap());
                let since = since.parse::<u32>().unwrap().to_be_bytes();
                let aad = [&id, since.as_slice(), &public, parameters.as_bytes()].concat();
                salted(&format!("strongroom/slot-pair/{kind}"), &aad, private);
                if let Ok(private) = PrivateKey::from_bytes(key) {
                    let aad = [id.as_slice(), &newest].concat();
                    let label = b"strongroom/slot-root";
                    let root = private.open(label, &aad, &hex::decode(root).unwrap());
                    let roots = root.iter().flat_map(|root| {
                        known.values().filter_map(|key| salted::open(key, label, &aad, root.expose()).ok())
                    });
                    sealed.extend(roots);
                }
            }
            ["lineage", lineage] => {
                salted("strongroom/lineage", &[newest, newest].concat(), lineage);
            }
            ["past", epoch, past] => {
                let epoch = epoch.parse::<u32>().unwrap().to_be_bytes();
                salted("strongroom/past-root", &[newest, epoch].concat(), past);
            }
            _ => {}
        }
    }
    opened.extend(sealed.iter().map(|root| root.expose().clone()));
    opened
}

fn has(keys: &[Key256], root: CheckValue) -> bool {
    keys.iter().any(|key| Root::from_key(key.clone()).unwrap().check_value() == root)
}

#[test]
fn a_removed_slot_and_an_old_copy_tell_nothing_of_later_root_keys() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let bob = passphrase("the passphrase of bob");
    root.add_slot(&bob).unwrap();
    let (of_alice, first) = (slots_in(directory.path()).unwrap().1[0].id.clone(), root.check_value());
    // What alice takes with her.
    let (key, copy) = (key_in(directory.path()), slots(directory.path()));

    root.remove_slot(&of_alice).unwrap();
    fs::remove_file(directory.path().join("slot-file.key")).unwrap();
    let mut later = Vec::new();
    for _ in 0..3 {
        root.select(root.prepare_next().unwrap()).unwrap();
        root.retire_before(root.current_epoch(), |_, _| false).unwrap();
        later.push((slots(directory.path()), root.check_value()));
    }
    let mut files: Vec<_> = later.iter().map(|(file, _)| file.as_str()).collect();
    files.push(&copy);
    let known = follows(std::slice::from_ref(&key), &files);
    assert!(has(&known, first), "the root key of then is hers");
    for (_, root) in &later {
        assert!(!has(&known, *root));
    }
    // Who is left comes in without anybody having typed a passphrase for it.
    assert_eq!(Root::open_with(directory.path(), &bob).unwrap().check_value(), root.check_value());
}

/// That the reasoning above finds what there is to find: format 2 had the keys of all slots under the root key.
#[test]
fn in_format_2_one_slot_told_the_keys_of_all() {
    let key = Key256::filled(|bytes| {
        bytes.iter_mut().zip(0x40..).for_each(|(byte, value)| *byte = value);
        Ok::<_, ()>(())
    })
    .unwrap();
    let known = follows(&[key], &[FORMAT_2]);
    // The key of its slot, two root keys, and the key of the other slot.
    assert_eq!(known.len(), 4);
}
