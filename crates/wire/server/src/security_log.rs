//! Failed authentication: told to the log and to the [`FailureLog`], never to the journal.
//!
//! Anyone who reaches the port can fail to authenticate, as often as they like; so the lines are limited,
//! and say how many were left out. The failure log has bounds of its own.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines in one window.
const LINES: u32 = 20;

/// The length of a window, milliseconds.
const WINDOW_MS: i64 = 10_000;

/// A request that nobody is known to have made.
#[derive(Clone, Copy, Debug)]
pub struct FailedAuthentication<'f> {
    /// When, in real time: milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The address that it came from.
    pub source: IpAddr,
    /// The access key id that it claims: anyone's text, of any length.
    pub access_key_id: Option<&'f str>,
    /// The error code of its answer, one of our own.
    pub code: &'f str,
}

/// Keeps failed authentication.
pub trait FailureLog: Send + Sync {
    /// Notes a failure. It is told in the middle of answering it, and so is to wait for nothing.
    fn note(&self, failure: &FailedAuthentication<'_>);
}

/// Counts lines by window of time, and tells the failure log all.
#[derive(Default)]
pub(crate) struct SecurityLog {
    window: Mutex<Window>,
    failures: Option<Arc<dyn FailureLog>>,
}

#[derive(Debug, Default)]
struct Window {
    started_ms: i64,
    written: u32,
    left_out: u64,
}

impl SecurityLog {
    pub(crate) fn new(failures: Option<Arc<dyn FailureLog>>) -> Self {
        Self { window: Mutex::default(), failures }
    }

    /// Notes a refusal. `access_key_id` is what the request claimed.
    pub(crate) fn refused(&self, now_ms: i64, source: IpAddr, access_key_id: Option<&str>, code: &str) {
        if let Some(failures) = &self.failures {
            failures.note(&FailedAuthentication { time_ms: now_ms, source, access_key_id, code });
        }
        let Some(left_out) = self.admit(now_ms) else { return };
        // A claimed id is anyone's text: only what looks like one is shown.
        let id =
            access_key_id.filter(|id| id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        tracing::warn!(%source, access_key_id = id, code, left_out, "a request was not authenticated");
    }

    /// Notes that nobody knows whether an access key is one: the caller cannot be told apart from an attacker,
    /// who could repeat this too.
    pub(crate) fn undecided(&self, now_ms: i64, source: IpAddr, error: &dyn fmt::Display) {
        let Some(left_out) = self.admit(now_ms) else { return };
        tracing::error!(%source, %error, left_out, "an access key could not be looked up");
    }

    /// Whether a line may be written, and how many were left out since the last one.
    fn admit(&self, now_ms: i64) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if !(0..WINDOW_MS).contains(&now_ms.saturating_sub(window.started_ms)) {
            *window = Window { started_ms: now_ms, written: 0, left_out: window.left_out };
        }
        if window.written == LINES {
            window.left_out += 1;
            return None;
        }
        window.written += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_a_few_lines_and_a_count() {
        let log = SecurityLog::default();
        let admitted = (0..1_000).filter(|_| log.admit(5).is_some()).count();
        assert_eq!(admitted, 20);
        assert_eq!(log.admit(5 + WINDOW_MS), Some(980));
        assert_eq!(log.admit(6 + WINDOW_MS), Some(0));
    }
}
