//! Groups of users.

use serde::{Deserialize, Serialize};

use super::permissions::Permissions;

/// A group. Its members name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) permissions: Permissions,
}
