//! The rivals, as processes, and the disk under all of them.

use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::program::announced;

/// A rival server: this program with another first argument.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start(kind: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg(kind).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let address = announced(&mut output)?;
        Ok(Self { address, child, _output: output })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How long this disk takes to make one small write last.
pub(crate) fn flush_time() -> Result<Duration> {
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        file.write_all(&[1; 4096])?;
        rustix::fs::fdatasync(file.as_fd())?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}
