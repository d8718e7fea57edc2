//! Reading an expression of metric math, and computing it, never panics, and whether it has a value does not change.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_cloudwatch::grammars::compute_expression;

fuzz_target!(|text: &str| {
    assert_eq!(compute_expression(text), compute_expression(text));
});
