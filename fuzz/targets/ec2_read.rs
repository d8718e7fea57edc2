//! Reading EC2's form never panics, says the same wherever the parameters stand, lets nothing through that the model
//! refuses, and what it says of a form is short.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz::choose;
use strongroom_protocols::query::Form;
use strongroom_protocols::{Limits, Missing, ec2, json, validate};

fuzz_target!(|data: &[u8]| {
    let Some((choice, message)) = choose(data) else { return };
    let limits = Limits::default();
    let read = |query: &[u8], body: &[u8]| {
        let form = Form::parse(query, body, &limits).ok()?;
        let mut input = choice.input();
        match ec2::read(&form, &mut *input) {
            Ok(()) => {
                validate(&*input, &Missing::default()).expect("what was taken satisfies the model");
                Some(json::write(&*input).expose().clone())
            }
            Err(refusal) => {
                let message = refusal.view().message.unwrap_or_default().to_owned();
                assert!(message.len() < 2_048);
                Some(message.into_bytes())
            }
        }
    };
    assert_eq!(read(b"", message), read(message, b""));
});
