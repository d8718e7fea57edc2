//! `strongroom audit verify`.

use std::fs;

use serde_json::json;

use crate::program::Place;

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
    // In the last frame, whose end is the file's but for zeros written ahead.
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end - 40] ^= 1;
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
    // Neither intact nor altered: not verified.
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("strongroom: the journal was not verified: "), "{said}");
    assert!(!data.exists());
}
