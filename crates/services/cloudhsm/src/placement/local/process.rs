//! A process that may have been started by another server: known by its id and the moment it began.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::super::PlacementError;
use super::io;

/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How many looks a process has to end in before it is killed: to finish what is under way, or only to say that
/// it goes, where nothing of it is needed any more.
pub(super) const LOOKS_TO_FINISH: u32 = 1_000;
pub(super) const LOOKS_TO_GO: u32 = 50;

/// How many looks a process that was killed has to be gone in.
const LOOKS_TO_DIE: u32 = 250;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    /// When it began, in the kernel's count: another process with the same id has begun later.
    began: u64,
}

impl Process {
    /// The process of that id, if it runs.
    pub(super) fn of(pid: u32) -> Option<Self> {
        began(pid).map(|began| Self { pid, began })
    }

    /// The process that a file names.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let (pid, began) = text.trim().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, began: began.parse().ok()? })
    }

    /// Writes what [`read`](Self::read) reads.
    pub(super) fn write(self, path: &Path) -> Result<(), PlacementError> {
        let written = std::fs::write(path, format!("{} {}\n", self.pid, self.began));
        written.map_err(|source| io(format!("{} cannot be written", path.display()), source))
    }

    /// Whether it runs.
    pub(super) fn is_alive(&self) -> bool {
        began(self.pid) == Some(self.began)
    }

    /// Asks it to end, and kills it if it has not after so many looks.
    pub(super) async fn end(self, looks: u32) -> Result<(), PlacementError> {
        if self.ends_by(Signal::TERM, looks).await? { Ok(()) } else { self.kill().await }
    }

    /// Kills it.
    pub(super) async fn kill(self) -> Result<(), PlacementError> {
        if self.ends_by(Signal::KILL, LOOKS_TO_DIE).await? {
            return Ok(());
        }
        let source = std::io::Error::from(ErrorKind::TimedOut);
        Err(io(format!("process {} does not end", self.pid), source))
    }

    /// Sends a signal. Answers whether the process has ended within so many looks.
    async fn ends_by(self, signal: Signal, looks: u32) -> Result<bool, PlacementError> {
        self.signal(signal)?;
        for _ in 0..looks {
            if !self.is_alive() {
                return Ok(true);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(!self.is_alive())
    }

    fn signal(self, signal: Signal) -> Result<(), PlacementError> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(()) };
        // Held by its descriptor, the process cannot be another one when the signal is sent.
        let sent = pidfd_open(pid, PidfdFlags::empty()).and_then(|descriptor| {
            if self.is_alive() { pidfd_send_signal(&descriptor, signal) } else { Ok(()) }
        });
        match sent {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            sent => sent.map_err(|error| io(format!("process {} cannot be ended", self.pid), error.into())),
        }
    }
}

/// When the process of that id began; `None` if there is none, or none that still runs (proc(5), `stat`).
fn began(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_known_by_its_beginning_and_ends_when_asked() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::of(child.id()).unwrap();
        assert!(process.is_alive());
        assert!(!Process { began: process.began + 1, ..process }.is_alive());

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("process");
        process.write(&file).unwrap();
        assert_eq!(Process::read(&file), Some(process));

        process.end(LOOKS_TO_GO).await.unwrap();
        assert!(!process.is_alive());
        child.wait().unwrap();
        process.end(LOOKS_TO_GO).await.unwrap();
    }

    #[test]
    fn what_is_no_process_file_names_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("process");
        assert_eq!(Process::read(&file), None);
        for text in ["", "1", "a b", "1 2 3"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(Process::read(&file), None, "{text}");
        }
    }
}
