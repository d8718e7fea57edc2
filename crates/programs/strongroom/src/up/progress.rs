//! A line for each step: when it was done, what it is, what came of it, how long it took.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use strongroom_runtime::Clocks;

/// How wide the names of steps are.
const WIDTH: usize = 14;

/// Tells a person how far it is.
pub(crate) struct Progress {
    clocks: Clocks,
    begun_ms: i64,
    /// Standard output is for one JSON document.
    to_stderr: bool,
}

impl Progress {
    /// Begins to count.
    pub(crate) fn begin(clocks: Clocks, to_stderr: bool) -> Self {
        let begun_ms = clocks.real_now();
        Self { clocks, begun_ms, to_stderr }
    }

    /// Takes a step, which answers what came of it beside its text. Its name says where an error comes from.
    pub(crate) fn step<T>(&self, name: &str, take: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
        let begun_ms = self.clocks.real_now();
        let (value, text) = take().with_context(|| name.to_owned())?;
        self.done(name, begun_ms, &text);
        Ok(value)
    }

    /// Tells of a step that began then and is done now.
    pub(crate) fn done(&self, name: &str, begun_ms: i64, text: &str) {
        let now_ms = self.clocks.real_now();
        let took = format!("{} ms", now_ms - begun_ms);
        self.line(&format!("{name:<WIDTH$}  {text}  ({took})"));
    }

    /// Tells of something that lasts.
    pub(crate) fn waiting(&self, text: &str) {
        self.line(&format!("{:<WIDTH$}  {text}", "..."));
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        (self.clocks.real_now() - self.begun_ms) as f64 / 1_000.0
    }

    fn line(&self, text: &str) {
        let line = format!("{:>7.2} s  {text}\n", self.seconds());
        // Whoever does not listen any more does not stop the work.
        let _ = if self.to_stderr {
            std::io::stderr().write_all(line.as_bytes())
        } else {
            std::io::stdout().write_all(line.as_bytes())
        };
    }
}
