//! The rivals, as processes, and the disk under all of them.

use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::program::announced;
use crate::table::Server;

/// A rival server: this program with other arguments.
pub(crate) struct Peer {
    address: SocketAddr,
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start(kind: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).args(kind).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let address = announced(&mut output)?;
        Ok(Self { address, child, _output: output })
    }

    pub(crate) fn server(&self) -> Server {
        Server { address: self.address, process: self.child.id() }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The processor's time that a process has taken, in steps of the kernel's clock (10 ms).
pub(crate) fn time_of(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // Behind the program's name, which may hold anything: utime and stime are the 12th and 13th (proc(5)).
    let fields: Vec<_> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|field| field.parse::<u64>().ok()));
    let ticks = user.context("no utime")? + system.context("no stime")?;
    Ok(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()))
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
