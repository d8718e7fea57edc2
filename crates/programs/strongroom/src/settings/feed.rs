//! `[feed]`: how several servers on one store follow what each of them changes.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use strongroom_runtime::uptime;
use strongroom_store::FeedOptions;

use super::Whole;

/// How old what a server keeps in memory of the store may be. On SQLite, which has one server, it does not age.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FeedSettings {
    /// The age, in seconds, beyond which calls are refused.
    stale_after_seconds: Whole<1, 60>,
}

impl FeedSettings {
    /// How the store's changes are followed.
    pub(crate) fn options(&self) -> FeedOptions {
        let stale_after = Duration::from_secs(self.stale_after_seconds.get());
        FeedOptions { stale_after, ..FeedOptions::new(Arc::new(uptime)) }
    }
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self { stale_after_seconds: Whole::new(5) }
    }
}
