//! Reading the files that people sign never panics; what is read keeps to its bounds, and a token is what its digest
//! says.
//!
//! The first byte chooses: a token that others approve, or challenges.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_cloudhsm_cli::{parse_challenges, parse_token};

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    if choice % 2 == 0 {
        match parse_token(text) {
            Ok(approval) => {
                assert!(approval.approval_data.len() < text.len() && approval.signatures.len() <= 64);
            }
            Err(error) => drop(error.to_string()),
        }
    } else {
        match parse_challenges(text) {
            Ok(signed) => assert!((1..=64).contains(&signed.len())),
            Err(error) => drop(error.to_string()),
        }
    }
});
