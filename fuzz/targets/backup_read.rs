//! Reading a backup never panics, whoever made it: neither the file as it is, nor what is in one that opens.
//!
//! The data is a whole file; and, after its first byte, the content of one that is sealed here.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_backup::container::Sealing;
use strongroom_backup::{Backup, BackupError, Item};
use strongroom_secret::{Key256, Secret};

fuzz_target!(|data: &[u8]| {
    let key: Key256 = Secret::new([7; 32]);
    drop(read(data, &key).map_err(|error| error.to_string()));
    let Some((_, content)) = data.split_first() else { return };
    let mut file = Vec::new();
    let mut sealing = Sealing::begin(&key, b"", &mut file).expect("a file begins");
    sealing.push(content, &mut file).expect("content is sealed");
    sealing.finish(&mut file).expect("a file ends");
    match read(&file, &key) {
        // What has come to its end is a backup, and its end is the last of it.
        Ok(items) => assert!(matches!(items.last(), Some(Item::End(_)))),
        Err(error) => assert!(matches!(error, BackupError::Content(_)), "{error}"),
    }
});

fn read(file: &[u8], key: &Key256) -> Result<Vec<Item>, BackupError> {
    let mut reading = Backup::read(file)?.open(key)?;
    let mut items = Vec::new();
    while let Some(item) = reading.next_item()? {
        items.push(item);
    }
    Ok(items)
}
