//! `[compat]`: how close to AWS.

use serde::Deserialize;

/// Where AWS refuses what Strongroom could do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CompatSettings {
    /// Refuse what AWS refuses: rotation and other than symmetric keys in custom key stores, to begin with.
    pub(crate) strict: bool,
}
