//! What a key is like, for those who made it and for those who look.

use std::collections::{BTreeMap, BTreeSet};

/// Keys by their descriptions, which are given once.
pub(super) type Keys = BTreeMap<String, Key>;

pub(super) const ENABLED: &str = "Enabled";
pub(super) const DISABLED: &str = "Disabled";
pub(super) const PENDING_DELETION: &str = "PendingDeletion";

/// All that can be seen of a key and that it does not change by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) state: String,
    /// When it is deleted, milliseconds since 1970.
    pub(super) deletion_ms: Option<i64>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) aliases: BTreeSet<String>,
    /// The `Id` of its policy.
    pub(super) policy: String,
    pub(super) rotation_days: Option<u64>,
    /// Rotations on demand so far.
    pub(super) on_demand: usize,
}

impl Key {
    /// A key as it is made.
    pub(super) fn new() -> Self {
        Self {
            state: ENABLED.to_owned(),
            deletion_ms: None,
            tags: BTreeMap::new(),
            aliases: BTreeSet::new(),
            policy: "key-default-1".to_owned(),
            rotation_days: None,
            on_demand: 0,
        }
    }

    pub(super) fn is(&self, state: &str) -> bool {
        self.state == state
    }

    /// Whether its time has come.
    pub(super) fn is_deleted(&self, now_ms: i64) -> bool {
        self.deletion_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// The key as it is shown: one that is to be deleted does not rotate.
    pub(super) fn shown(&self) -> Self {
        let rotation_days = self.rotation_days.filter(|_| self.deletion_ms.is_none());
        Self { rotation_days, ..self.clone() }
    }
}

/// The keys that there are at a time, as they are shown.
pub(super) fn shown_at(keys: &Keys, now_ms: i64) -> Keys {
    let alive = keys.iter().filter(|(_, key)| !key.is_deleted(now_ms));
    alive.map(|(description, key)| (description.clone(), key.shown())).collect()
}
