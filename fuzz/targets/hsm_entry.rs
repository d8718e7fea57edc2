//! What an HSM reads of its cluster's log and of those that want to join: nothing panics, nothing is kept beyond
//! the bounds, and what reads is what would be written.
//!
//! The first byte chooses: the opened content of an entry, a sealed entry, or a request to join.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_hsm_cluster::JoinRequest;
use strongroom_hsm_cluster::entry::{Entry, Header};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    match choice % 3 {
        0 => match Entry::decode(bytes) {
            Ok(entry) => assert_eq!(entry.encode(), bytes),
            Err(error) => drop(error.to_string()),
        },
        1 => {
            if let Ok((_, sealed)) = Header::read(bytes) {
                assert_eq!(bytes.len(), Header::LENGTH + sealed.len());
            }
        }
        _ => {
            if let Ok(request) = JoinRequest::decode(bytes) {
                assert_eq!(request.encode(), bytes);
            }
        }
    }
});
