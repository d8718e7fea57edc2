//! `[trails]`: how what trails log is delivered.

use std::time::Duration;

use serde::Deserialize;

use super::Whole;

/// How trails deliver.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TrailSettings {
    /// How often, in seconds.
    delivery_seconds: Whole<1, 3600>,
}

impl TrailSettings {
    /// The same for the service.
    pub(crate) fn choices(&self) -> strongroom_cloudtrail::Settings {
        strongroom_cloudtrail::Settings { every: Duration::from_secs(self.delivery_seconds.get()) }
    }
}

impl Default for TrailSettings {
    /// About every five minutes, as AWS.
    fn default() -> Self {
        Self { delivery_seconds: Whole::new(300) }
    }
}
