//! The program under measurement, as a process.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// A `strongroom dev` of its own, killed when dropped.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first answer that it is healthy.
    pub(crate) started_in: Duration,
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it on a data folder, which it makes if need be.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        Self::start_with(data, &[])
    }

    /// Starts it with more in its environment; or another build of it, which `STRONGROOM_BENCH_PROGRAM` names.
    pub(crate) fn start_with(data: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let begun = Instant::now();
        let other = std::env::var_os("STRONGROOM_BENCH_PROGRAM");
        let mut child = Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_strongroom").into()))
            .envs(environment.iter().copied())
            .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .env("STRONGROOM_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let address = announced(&mut output)?;
        wait_for("strongroom", || health(address))?;
        Ok(Self { address, started_in: begun.elapsed(), child, _output: output })
    }

    /// The id of its process.
    #[allow(dead_code, reason = "not every bench measures processes")]
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
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

/// Reads the address out of the first line that has one.
pub(crate) fn announced(output: &mut impl BufRead) -> Result<SocketAddr> {
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

/// Calls `ready` until it answers, at most a minute.
fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(1) {
        if let Some(value) = ready() {
            return Ok(value);
        }
        std::thread::yield_now();
    }
    anyhow::bail!("{what} was not ready within a minute")
}
