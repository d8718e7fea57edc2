//! What `openssl speed` gets from the same cores.

use std::fmt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// Operations per second, on all cores together.
pub(crate) struct Speeds {
    pub(crate) rsa: f64,
    pub(crate) p256: f64,
    pub(crate) gcm: f64,
    cores: usize,
}

impl Speeds {
    /// Runs it, each kind for `time`.
    pub(crate) fn measure(time: Duration) -> Result<Self> {
        let cores = thread::available_parallelism()?.get();
        let signatures = run(time, cores, &["rsa2048", "ecdsap256"])?;
        let encryption = run(time, cores, &["-bytes", "1024", "-evp", "aes-256-gcm"])?;
        // rsa 2048 bits 0.000603s 0.000028s   1657.7  36261.0
        // 256 bits ecdsa (nistp256)   0.0000s   0.0001s  25578.3  13167.0
        let per_second = |line: &str, before: usize| number(&signatures, line, before);
        // AES-256-GCM    1114970.58k
        let thousand_bytes = number(&encryption, "aes-256-gcm", 1)?;
        Ok(Self {
            rsa: per_second("rsa 2048", 2)?,
            p256: per_second("256 bits ecdsa", 2)?,
            gcm: thousand_bytes * 1_000.0 / 1_024.0,
            cores,
        })
    }
}

impl fmt::Display for Speeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rsa, p256, gcm, cores } = self;
        write!(
            f,
            "openssl speed -elapsed -multi {cores}: RSA-2048 {rsa:.0}/s, P-256 {p256:.0}/s, AES-256-GCM of 1 KiB \
             {gcm:.0}/s"
        )
    }
}

fn run(time: Duration, cores: usize, what: &[&str]) -> Result<String> {
    let output = Command::new("openssl")
        .args(["speed", "-elapsed", "-multi", &cores.to_string(), "-seconds", &time.as_secs().to_string()])
        .args(what)
        .stdin(Stdio::null())
        .output()
        .context("running openssl")?;
    ensure!(output.status.success(), "openssl speed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).to_lowercase())
}

/// The number that is so many words before the end of the last line that begins so.
fn number(table: &str, line: &str, before: usize) -> Result<f64> {
    let found = table.lines().map(str::trim).rfind(|found| found.starts_with(line));
    let word = found.and_then(|found| found.split_whitespace().nth_back(before - 1));
    let word = word.with_context(|| format!("no {line} in: {table}"))?;
    Ok(word.trim_end_matches('k').parse()?)
}
