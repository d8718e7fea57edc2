//! Where `up` and `down` are at work: a server, seen through its public API, and a folder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use strongroom_client::{Aws, CLOUDHSM, CallError, Credentials, Endpoint, KMS, STS};
use strongroom_runtime::Clocks;
use strongroom_secret::SecretString;

use super::progress::Progress;

/// How long is waited before the second look; each further wait is a fifth longer.
const FIRST_LOOK: Duration = Duration::from_millis(10);
/// The longest wait between two looks.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// How long is waited in all: what KMS may take to connect a key store, according to its guide.
pub(crate) const PATIENCE_MS: i64 = 20 * 60 * 1_000;
/// How often a person is told what is waited for.
const TELL_MS: i64 = 5_000;
/// The credentials that everybody knows a development server by.
const WELL_KNOWN: &str = "test";

/// A server and who calls it.
pub(crate) struct Site {
    pub(crate) aws: Aws,
    pub(crate) account: String,
    /// Whether the server is one for development, whose credentials are no secret.
    pub(crate) is_dev: bool,
    /// Whether the calls are made with the credentials that everybody knows.
    pub(crate) is_well_known: bool,
    pub(crate) progress: Progress,
    pub(crate) clocks: Clocks,
    stopped: Arc<AtomicBool>,
}

impl Site {
    /// The server at `endpoint`, called with the environment's credentials, or those that everybody knows a
    /// development server by.
    pub(crate) fn reach(
        endpoint: Endpoint,
        region: String,
        is_own: bool,
        progress: Progress,
        clocks: Clocks,
        stopped: Arc<AtomicBool>,
    ) -> Result<Self> {
        let is_dev = is_own
            || match endpoint.dev_get("/_strongroom/clock") {
                Ok(_) => true,
                Err(CallError::Refused(_)) => false,
                Err(error) => return Err(unreachable(&endpoint, error)),
            };
        let well_known = || Credentials::new(WELL_KNOWN, SecretString::new(WELL_KNOWN.to_owned()));
        let credentials = if is_own {
            well_known()
        } else {
            match Credentials::find() {
                Err(CallError::NoCredentials { .. }) if is_dev => well_known(),
                found => found?,
            }
        };
        let is_well_known = is_dev && credentials.secret_access_key.expose() == WELL_KNOWN;
        let aws = Aws::new(endpoint, region, credentials, clocks.clone());
        let identity = aws.query(STS, "GetCallerIdentity", &[])?;
        let account = identity.text_of("Account").unwrap_or_default().to_owned();
        Ok(Self { aws, account, is_dev, is_well_known, progress, clocks, stopped })
    }

    /// Ends all waiting.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Calls CloudHSM.
    pub(crate) fn cloudhsm(&self, operation: &str, input: &Value) -> Result<Value, CallError> {
        self.aws.json(CLOUDHSM, operation, input)
    }

    /// Calls KMS.
    pub(crate) fn kms(&self, operation: &str, input: &Value) -> Result<Value, CallError> {
        self.aws.json(KMS, operation, input)
    }

    /// All of a KMS list.
    pub(crate) fn kms_list(
        &self,
        operation: &str,
        input: &Value,
        list: &str,
    ) -> Result<Vec<Value>, CallError> {
        self.aws.json_list(KMS, operation, input, list)
    }

    /// Looks until there is what is waited for, or the patience ends. `look` also says what it sees instead.
    pub(crate) fn wait<T>(&self, what: &str, look: impl FnMut() -> Result<Seen<T>>) -> Result<T> {
        self.wait_within(PATIENCE_MS, what, look)
    }

    /// The same, with another patience, in milliseconds.
    pub(crate) fn wait_within<T>(
        &self,
        patience_ms: i64,
        what: &str,
        mut look: impl FnMut() -> Result<Seen<T>>,
    ) -> Result<T> {
        let begun_ms = self.clocks.real_now();
        let mut told_ms = begun_ms;
        let mut pause = FIRST_LOOK;
        loop {
            let instead = match look()? {
                Seen::Reached(found) => return Ok(found),
                Seen::NotYet(instead) => instead,
            };
            let now_ms = self.clocks.real_now();
            if self.stopped.load(Ordering::Relaxed) {
                bail!("stopped; run `strongroom up` again to go on from here");
            }
            if now_ms - begun_ms > patience_ms {
                bail!("{what}: not within {} minutes; it is {instead}", patience_ms / 60_000);
            }
            if now_ms - told_ms > TELL_MS {
                told_ms = now_ms;
                self.progress.waiting(&format!("waiting for {what}, which is {instead}"));
            }
            sleep(pause);
            pause = pause.mul_f64(1.2).min(LAST_LOOK);
        }
    }
}

/// What a look shows.
pub(crate) enum Seen<T> {
    /// What was waited for.
    Reached(T),
    /// Something else, in words.
    NotYet(String),
}

/// What to do where nobody answers.
fn unreachable(endpoint: &Endpoint, error: CallError) -> anyhow::Error {
    anyhow::Error::new(error).context(format!(
        "there is no server at {endpoint}; start one with `strongroom dev`, or leave out --endpoint"
    ))
}
