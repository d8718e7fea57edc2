//! Failed authentication: into the log, never into the journal, and never more than a little of it.
//!
//! Anyone who reaches the port can fail to authenticate, as often as they like; so the lines are limited,
//! and say how many were left out.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Lines in one window.
const LINES: u32 = 20;

/// The length of a window, milliseconds.
const WINDOW_MS: i64 = 10_000;

/// Counts lines by window of time.
#[derive(Debug, Default)]
pub(crate) struct SecurityLog(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    started_ms: i64,
    written: u32,
    left_out: u64,
}

impl SecurityLog {
    /// Notes a refusal. `access_key_id` is what the request claimed.
    pub(crate) fn refused(&self, now_ms: i64, source: IpAddr, access_key_id: Option<&str>, code: &str) {
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
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
