//! Unsafe code stays in the crates that exist to hold it.

use std::path::Path;

use anyhow::Result;

use super::source::{code_only, is_word};
use super::{Report, tree};

/// The crates in which `unsafe` may stand: those that speak with C or with the kernel about memory.
const MAY_HOLD_UNSAFE: &[&str] =
    &["crates/base/crypto", "crates/base/secret", "crates/hsm/pkcs11", "crates/hsm/pkcs11-module"];

/// Looks for the keyword in every hand-written file.
pub(super) fn check(root: &Path) -> Result<Report> {
    let (mut failures, mut blocks) = (Vec::new(), 0);
    for file in tree::hand_written(root)? {
        let lines = lines_with_unsafe(&tree::read(root, &file)?);
        if MAY_HOLD_UNSAFE.iter().any(|folder| file.starts_with(folder)) {
            blocks += lines.len();
            continue;
        }
        failures.extend(lines.into_iter().map(|line| {
            let home = MAY_HOLD_UNSAFE.join(", ");
            format!("{}:{line} is unsafe: such code lives in {home} behind a safe interface", file.display())
        }));
    }
    Ok(Report::of(failures).noting(format!("{blocks} line(s) with unsafe, where they may be")))
}

/// The numbers of the lines that hold the keyword, as code.
fn lines_with_unsafe(source: &str) -> Vec<usize> {
    let code = code_only(source);
    let has_keyword = |line: &str| line.split(|c| !is_word(c)).any(|word| word == "unsafe");
    code.lines().enumerate().filter(|(_, line)| has_keyword(line)).map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyword_counts_and_mentions_do_not() {
        let source =
            "#![deny(unsafe_code)]\n// unsafe\nlet a = \"unsafe\";\nunsafe { f() }\npub unsafe fn g() {}\n";
        assert_eq!(lines_with_unsafe(source), [4, 5]);
    }
}
