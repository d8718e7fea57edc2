//! What lies on the disk.

use std::fs;
use std::path::Path;

use strongroom_testkit::TestDatabase;

use crate::fixture::{KEY_ID, OTHER_KEY_ID, OTHER_SECRET, SECRET, find, make_both, open, secret, start};

/// Whether any file of the directory holds these bytes.
fn holds(directory: &Path, bytes: &str) -> bool {
    let files = fs::read_dir(directory).unwrap();
    files
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .any(|content| content.windows(bytes.len()).any(|window| window == bytes.as_bytes()))
}

#[test]
fn no_file_holds_a_secret() {
    strongroom_testkit::run(async {
        let database = TestDatabase::sqlite();
        let directory = database.directory().unwrap();
        let db = open(&database).await;
        let keys = start(&db);
        make_both(&keys).await;
        // Found, too: what is opened stays in memory.
        assert_eq!(secret(&find(&keys, KEY_ID).await.unwrap()), SECRET);
        // Once in the write-ahead log, once in the database itself.
        for closed in [false, true] {
            if closed {
                db.close().await.unwrap();
            }
            for (id, secret) in [(KEY_ID, SECRET), (OTHER_KEY_ID, OTHER_SECRET)] {
                assert!(holds(directory, id), "the search finds what is there");
                assert!(!holds(directory, secret));
                assert!(!holds(directory, &secret[..16]));
            }
        }
    });
}
