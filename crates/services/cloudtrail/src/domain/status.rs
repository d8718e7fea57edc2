//! How a trail's deliveries went: what GetTrailStatus tells.

use serde::{Deserialize, Serialize};

/// One kind of delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    /// The last that worked.
    pub(crate) done_ms: Option<i64>,
    /// The last, whether it worked or not.
    pub(crate) tried_ms: Option<i64>,
    /// Why the last did not work.
    pub(crate) error: Option<String>,
}

impl Attempts {
    pub(crate) fn done(&mut self, now_ms: i64) {
        *self = Self { done_ms: Some(now_ms), tried_ms: Some(now_ms), error: None };
    }

    pub(crate) fn failed(&mut self, now_ms: i64, code: &str) {
        (self.tried_ms, self.error) = (Some(now_ms), Some(code.to_owned()));
    }
}

/// All kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) files: Attempts,
    pub(crate) digests: Attempts,
    pub(crate) notifications: Attempts,
    pub(crate) logs: Attempts,
}
