//! The seal and the store belong together.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

use serde_json::json;

use crate::program::{Place, copy_folder};

/// A place where a key was made and a server properly stopped, and a ciphertext under that key.
fn used() -> (Place, String) {
    let place = Place::new();
    let program = place.start();
    let mut client = program.client();
    let key = client.done("CreateKey", &json!({}))["KeyMetadata"]["KeyId"].clone();
    let encrypted = client.done("Encrypt", &json!({"KeyId": key, "Plaintext": "c2VjcmV0"}));
    program.stop();
    (place, encrypted["CiphertextBlob"].as_str().unwrap().to_owned())
}

fn decrypts(place: &Place, blob: &str) {
    let program = place.start();
    let decrypted = program.client().done("Decrypt", &json!({"CiphertextBlob": blob}));
    assert_eq!(decrypted["Plaintext"], "c2VjcmV0");
    program.stop();
}

#[test]
fn another_seal_is_refused_before_anything_is_touched() {
    let ((place, blob), (other, _)) = (used(), used());
    let seal = place.data().join("seal");
    let kept = place.data().with_file_name("kept");
    fs::rename(&seal, &kept).unwrap();
    copy_folder(&other.data().join("seal"), &seal);

    let before = place.contents();
    let said = place.refusal();
    let expected = format!(
        "{} is not the seal that this store was made under; put back the folder that was beside it",
        seal.display()
    );
    assert!(said.starts_with(&expected), "{said}");
    assert_eq!(place.contents(), before);

    fs::remove_dir_all(&seal).unwrap();
    fs::rename(&kept, &seal).unwrap();
    decrypts(&place, &blob);
}

#[test]
fn a_store_without_its_seal_is_refused_and_gets_no_new_one() {
    let (place, blob) = used();
    let (seal, kept) = (place.data().join("seal"), place.data().with_file_name("kept"));
    fs::rename(&seal, &kept).unwrap();
    let before = place.contents();
    let said = place.refusal();
    let expected = "the store holds keys, and without the seal they were made under they cannot be used: ";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.contains(seal.to_str().unwrap()), "{said}");
    assert_eq!(place.contents(), before);
    assert!(!seal.exists());

    fs::rename(&kept, &seal).unwrap();
    decrypts(&place, &blob);
}

#[test]
fn half_a_seal_is_refused() {
    let (place, blob) = used();
    for part in ["root.slots", "slot-file.key"] {
        let path = place.data().join("seal").join(part);
        let kept = fs::read(&path).unwrap();
        let permissions = fs::metadata(&path).unwrap().permissions();
        fs::remove_file(&path).unwrap();
        let before = place.contents();
        assert!(place.refusal().starts_with("the store holds keys"));
        assert_eq!(place.contents(), before);
        fs::write(&path, kept).unwrap();
        fs::set_permissions(&path, permissions).unwrap();
    }
    decrypts(&place, &blob);
}

/// A seal that a version of before has made, without anything sealed under it yet.
#[test]
fn a_seal_of_an_early_version_is_brought_up_at_the_start() {
    const SLOTS: &[u8] = include_bytes!("../../../../base/seal/testdata/root.slots");
    const KEY: &[u8] = include_bytes!("../../../../base/seal/testdata/slot-file.key");
    let place = Place::new();
    let seal = place.data().join("seal");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&seal).unwrap();
    for (name, bytes) in [("root.slots", SLOTS), ("slot-file.key", KEY)] {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(seal.join(name));
        file.as_mut().unwrap().write_all(bytes).unwrap();
    }
    place.start().stop();
    let brought_up = fs::read_to_string(seal.join("root.slots")).unwrap();
    assert!(brought_up.starts_with("strongroom-root 3\nepoch 1\n"), "{brought_up}");
    assert_eq!(fs::read(seal.join("slot-file.key")).unwrap(), KEY);
    place.start().stop();
    assert_eq!(fs::read_to_string(seal.join("root.slots")).unwrap(), brought_up, "once");
}
