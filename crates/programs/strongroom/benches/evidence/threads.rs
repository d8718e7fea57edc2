//! The processor's time that a process has taken, and its journal's thread.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How the thread is called that writes the journal.
const JOURNAL: &str = "journal";

/// Time in steps of the kernel's clock (10 ms).
pub(crate) struct Usage {
    pub(crate) all: Duration,
    pub(crate) journal: Duration,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let all = time_of(&format!("/proc/{process}/stat"))?;
        let mut journal = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?.path();
            // One that has ended meanwhile is none.
            let name = fs::read_to_string(thread.join("comm")).unwrap_or_default();
            if name.trim_end() == JOURNAL {
                journal += time_of(&thread.join("stat").display().to_string())?;
            }
        }
        Ok(Self { all, journal })
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            all: self.all.saturating_sub(before.all),
            journal: self.journal.saturating_sub(before.journal),
        }
    }
}

fn time_of(stat: &str) -> Result<Duration> {
    let stat = fs::read_to_string(stat)?;
    // Behind the name, which may hold anything: utime and stime are the 12th and 13th (proc(5)).
    let fields: Vec<_> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|field| field.parse::<u64>().ok()));
    let ticks = user.context("no utime")? + system.context("no stime")?;
    Ok(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()))
}
