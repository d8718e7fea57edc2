//! Reading the rule of a composite alarm, and asking whether it holds, never panics and says the same twice.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_cloudwatch::grammars::judge_rule;

fuzz_target!(|text: &str| {
    assert_eq!(judge_rule(text), judge_rule(text));
});
