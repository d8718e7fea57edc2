//! `cargo xtask check`.

use std::path::Path;

use anyhow::Result;

pub(crate) fn run(_root: &Path, _quick: bool) -> Result<()> {
    Ok(())
}

pub(crate) fn fuzz(_root: &Path, _target: Option<&str>, _seconds: u32) -> Result<()> {
    Ok(())
}
