//! Reading CBOR never panics, and what was read survives being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz::choose;
use strongroom_protocols::{Limits, cbor};

fuzz_target!(|data: &[u8]| {
    let Some((choice, message)) = choose(data) else { return };
    let mut read = choice.input();
    if cbor::read(message, &mut *read, &Limits::default()).is_err() {
        return;
    }
    let written = cbor::write(&*read);
    let mut again = choice.input();
    cbor::read(written.expose(), &mut *again, &Limits::default()).expect("what was written can be read");
    assert_eq!(cbor::write(&*again).expose(), written.expose());
});
