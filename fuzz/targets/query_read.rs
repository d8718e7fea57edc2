//! Reading a query form never panics, and says the same wherever the parameters stand.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz::choose;
use strongroom_protocols::query::Form;
use strongroom_protocols::{Limits, envelope, json, xml};

fuzz_target!(|data: &[u8]| {
    let Some((choice, message)) = choose(data) else { return };
    let limits = Limits::default();
    let read = |query: &[u8], body: &[u8]| {
        let form = Form::parse(query, body, &limits).ok()?;
        let _ = envelope::detect_form(&form);
        let mut input = choice.input();
        form.read(&mut *input).ok()?;
        let _ = xml::write(&*input);
        Some(json::write(&*input).expose().clone())
    };
    assert_eq!(read(b"", message), read(message, b""));
});
