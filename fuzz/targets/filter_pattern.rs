//! Reading a filter pattern of CloudWatch Logs, and having it look at an event, never panics, and whether the event fits does
//! not change. The first line is the pattern, the rest the event.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_logs::grammars::fit_pattern;

fuzz_target!(|text: &str| {
    let (pattern, event) = text.split_once('\n').unwrap_or((text, ""));
    assert_eq!(fit_pattern(pattern, event), fit_pattern(pattern, event));
});
