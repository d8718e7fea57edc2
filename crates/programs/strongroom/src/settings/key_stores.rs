//! `[key_stores]`: KMS on HSM clusters.

use std::time::Duration;

use serde::Deserialize;

use super::Whole;

/// How KMS treats custom key stores.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeyStoreSettings {
    /// How long a cluster may take for a call before the caller is told that KMS cannot communicate with it.
    timeout_seconds: Whole<1, 300>,
}

impl KeyStoreSettings {
    /// The time that a cluster may take for a call.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get())
    }
}

impl Default for KeyStoreSettings {
    fn default() -> Self {
        Self { timeout_seconds: Whole::new(5) }
    }
}
