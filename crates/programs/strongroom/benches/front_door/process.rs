//! The processes under measurement.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::wait_for;

/// A `strongroom dev` of its own.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    pub(crate) started_in: Duration,
    child: Child,
    _output: BufReader<ChildStdout>,
    data: TempDir,
}

impl Program {
    /// Starts it on a new folder.
    pub(crate) fn start() -> Result<Self> {
        Self::on(TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?)
    }

    /// Kills it and starts it on the same folder.
    pub(crate) fn restart(mut self) -> Result<Self> {
        self.child.kill()?;
        self.child.wait()?;
        let data = std::mem::replace(&mut self.data, TempDir::new()?);
        Self::on(data)
    }

    fn on(data: TempDir) -> Result<Self> {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path().join("data"))
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let address = announced(&mut output)?;
        wait_for("strongroom", || health(address))?;
        Ok(Self { address, started_in: begun.elapsed(), child, _output: output, data })
    }

    /// Memory in use, kibibytes.
    pub(crate) fn resident_kb(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

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

/// Reads the address out of the first line that has one.
fn announced(output: &mut impl BufRead) -> Result<SocketAddr> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some(address) = line.trim().rsplit("http://").next().and_then(|text| text.parse().ok()) {
            return Ok(address);
        }
        line.clear();
    }
    anyhow::bail!("a server ended before it said where it listens")
}

fn health(address: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .write_all(b"GET /_strongroom/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(())
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
