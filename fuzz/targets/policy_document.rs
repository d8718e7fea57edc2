//! A policy as anybody may send it: read as every kind, and what was read asked about.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_identity::Principal;
use strongroom_policy::document::{Document, Kind};

const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fuzz_target!(|text: &str| {
    let Ok(account) = "111122223333".parse() else { return };
    let caller = Principal::Root(account);
    for kind in [Kind::Identity, Kind::Resource, Kind::Trust, Kind::Key] {
        match Document::parse(text, kind) {
            Ok(document) => drop(document.may(&caller, "kms:PutKeyPolicy", ARN)),
            // A refusal can always be told.
            Err(error) => drop(error.to_string()),
        }
    }
});
