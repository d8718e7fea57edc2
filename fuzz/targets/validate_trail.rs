//! Whatever was read can be checked, in a message of bounded length, and shown, as JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz::choose;
use strongroom_protocols::{Limits, json, trail, validate};
use strongroom_schema::Unit;

fuzz_target!(|data: &[u8]| {
    let Some((choice, message)) = choose(data) else { return };
    let mut read = choice.input();
    let Ok(missing) = json::read(message, &mut *read, &Limits::default()) else { return };
    if let Err(violations) = validate(&*read, &missing) {
        assert!(violations.to_string().len() < 32 * 1024);
    }
    for shown in [trail::write(&*read), trail::write_ec2(&*read)].into_iter().flatten() {
        json::read(shown.as_bytes(), &mut Unit, &Limits::default()).expect("what is shown is JSON");
    }
});
