//! Who can write into the seal's folder, or hand a file in, and has no root key.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::{hex, hpke, salted};
use strongroom_seal::{Epoch, Root, SealError, Unlock, slots_in};
use strongroom_secret::{Key256, Secret, SecretString};

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(SecretString::new(text.to_owned()))
}

fn slots(directory: &Path) -> String {
    fs::read_to_string(directory.join("root.slots")).unwrap()
}

/// Writes lines under a check sum that fits.
fn put(directory: &Path, lines: &[String]) {
    let text = lines.join("\n") + "\n";
    let path = directory.join("root.slots");
    fs::write(&path, format!("{text}sum {}\n", hex::encode(&sha256(text.as_bytes())))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.starts_with("sum ")).map(str::to_owned).collect()
}

fn is_altered<T>(result: &Result<T, SealError>) -> bool {
    matches!(result, Err(SealError::AlteredSlots { .. }))
}

/// A slot of somebody's own among the others would get the next root key.
#[test]
fn a_planted_slot_is_seen_before_it_gets_anything() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = Root::create(ours.path()).unwrap();
    Root::create(theirs.path()).unwrap();
    let planted = lines(&slots(theirs.path())).into_iter().find(|line| line.starts_with("slot ")).unwrap();
    let before = slots(ours.path());
    let mut forged = lines(&before);
    forged.insert(3, planted);
    put(ours.path(), &forged);

    let error = root.prepare_next().unwrap_err();
    let told = error.to_string();
    assert!(told.contains("was altered, or is not of this seal") && told.contains("Put back"), "{told}");
    assert!(is_altered(&root.add_slot(&passphrase("the passphrase of bob"))));
    assert!(is_altered(&Root::open(ours.path())));
    assert_eq!(root.epochs(), [Epoch::FIRST]);
    assert_eq!(slots(ours.path()).lines().count(), before.lines().count() + 1, "nothing was written");
}

#[test]
fn a_line_taken_away_or_put_elsewhere_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    root.add_slot(&passphrase("the passphrase of bob")).unwrap();
    root.select(root.prepare_next().unwrap()).unwrap();
    let whole = lines(&slots(directory.path()));
    // epoch, lineage, two slots, the past, the MAC.
    assert_eq!(whole.len(), 7);
    for gone in 4..6 {
        let mut forged = whole.clone();
        forged.remove(gone);
        put(directory.path(), &forged);
        assert!(is_altered(&Root::open(directory.path())), "{gone}");
    }
    let mut forged = whole.clone();
    forged.swap(3, 4);
    put(directory.path(), &forged);
    assert!(is_altered(&Root::open(directory.path())));
    put(directory.path(), &whole);
    Root::open(directory.path()).unwrap();
}

/// Files of the first format are signed by nothing. A slot of such a file, with a key file that goes with it, both put there.
#[test]
fn a_planted_file_of_the_first_format_gets_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let planted = ["root.slots", "slot-file.key"].map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
        fs::write(directory.path().join(name), fs::read(&path).unwrap()).unwrap();
        fs::read(directory.path().join(name)).unwrap()
    });
    assert!(matches!(root.prepare_next(), Err(SealError::SlotStaysBehind { .. })));
    assert!(root.add_slot(&passphrase("the passphrase of bob")).is_err());
    assert_eq!(fs::read(directory.path().join("root.slots")).unwrap(), planted[0]);
}

/// The file of before a rotation, of which somebody may have the root key, put in the place of the newer one.
#[test]
fn an_older_file_gets_no_newer_root_key() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let before = lines(&slots(directory.path()));
    root.select(root.prepare_next().unwrap()).unwrap();
    put(directory.path(), &before);
    let error = root.prepare_next().unwrap_err();
    assert!(matches!(error, SealError::OlderSlots { found: 1, known: 2, .. }), "{error}");
    assert!(root.retire_before(Epoch::new(2), |_, _| false).is_err());
    assert_eq!(slots_in(directory.path()).unwrap().0, Epoch::FIRST, "nothing was written");
}

/// Public keys are anybody's. Without more, a stranger who has seen one file (in a backup, say) could hand in another, under
/// a root key of his own, that opens with the slots of the first.
#[test]
fn a_file_under_a_strangers_root_key_does_not_open() {
    let directory = tempfile::tempdir().unwrap();
    Root::create(directory.path()).unwrap();
    let seen = slots(directory.path());
    let words: Vec<_> = seen.lines().nth(3).unwrap().split(' ').collect();
    let ["slot", kind, id, parameters, since, public, private, _] = words.as_slice() else {
        panic!("{seen}")
    };

    let (own, lineage): (Key256, Key256) = (Secret::new([7; 32]), Secret::new([8; 32]));
    let newest = Epoch::FIRST.number().to_be_bytes();
    let aad = [hex::decode(id).unwrap().as_slice(), &newest].concat();
    let root =
        hpke::seal(&hex::decode(public).unwrap(), b"strongroom/slot-root", &aad, own.expose()).unwrap();
    let mut wrapped = Vec::new();
    let aad = [newest, newest].concat();
    salted::seal_into(&own, b"strongroom/lineage", &aad, lineage.expose(), &mut wrapped).unwrap();
    let mut forged = vec![
        "strongroom-root 3".to_owned(),
        "epoch 1".to_owned(),
        format!("lineage {}", hex::encode(&wrapped)),
        format!("slot {kind} {id} {parameters} {since} {public} {private} {}", hex::encode(&root)),
    ];
    let text = forged.join("\n") + "\n";
    let key = Key256::filled(|bytes| {
        sp800_108_counter_hmac_sha256(own.expose(), b"strongroom/slots-mac", b"", bytes)
    });
    let mac = HmacSha256::new(key.unwrap().expose()).sign(&[text.as_bytes()]);
    forged.push(format!("mac {}", hex::encode(&mac)));
    put(directory.path(), &forged);
    assert!(is_altered(&Root::open(directory.path())));
}
