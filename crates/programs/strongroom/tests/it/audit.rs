//! `strongroom audit verify`.

use std::fs;

use serde_json::json;

use crate::program::{Place, refusal};

#[test]
fn a_journal_is_verified_beside_the_server_that_writes_it() {
    let place = Place::new();
    let program = place.start();
    for _ in 0..3 {
        program.client().done("ListKeys", &json!({}));
    }
    let (intact, said) = place.verify_audit();
    assert!(intact, "{said}");
    assert!(said.contains("3 records"), "{said}");
    program.stop();
}

#[test]
fn a_journal_that_was_altered_is_told_from_one_that_was_not() {
    let place = Place::new();
    let program = place.start();
    program.client().done("ListKeys", &json!({}));
    program.stop();
    let files = place.files();
    let path = files.iter().find(|path| path.extension().is_some_and(|it| it == "seg")).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(8).position(|window| window == b"ListKeys").unwrap();
    bytes[at] = b'l';
    fs::write(path, bytes).unwrap();
    let (intact, said) = place.verify_audit();
    assert!(!intact, "{said}");
    assert!(said.contains("THE JOURNAL IS NOT AS IT WAS WRITTEN."), "{said}");
}

#[test]
fn what_is_no_data_folder_is_refused() {
    let place = Place::new();
    let data = place.data();
    let output = place.run(["audit", "verify", "--data-dir", data.to_str().unwrap()]);
    assert!(refusal(&output).contains("the journal is verified with the seal"), "{output:?}");
    assert!(!data.exists());
}
