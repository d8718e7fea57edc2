//! Reading attestation documents never panics, whoever made them, and none is believed but as it was signed. The moment is
//! one at which the seed is valid.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_attestation::{Attestation, MAX_LENGTH, aws_root};

const SEED: &[u8] = include_bytes!("../seeds/attestation_read/nitro");
const THEN: i64 = 1_695_049_500;

fuzz_target!(|data: &[u8]| {
    let root = aws_root().expect("the root is in the crate");
    match Attestation::believed(data, &[root], THEN) {
        // The only bytes that are not signed are those around the envelope: a tag, and headers that nobody reads.
        Ok(attestation) => {
            let seed = Attestation::believed(SEED, &[aws_root().expect("the root is in the crate")], THEN);
            let seed = seed.expect("the seed is believed");
            assert_eq!(attestation.module_id(), seed.module_id());
            assert!(attestation.registers().eq(seed.registers()) && data.len() <= MAX_LENGTH);
        }
        Err(reason) => drop(reason.to_string()),
    }
});
