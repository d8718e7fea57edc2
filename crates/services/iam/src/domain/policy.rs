//! Customer managed policies and their versions.

use serde::{Deserialize, Serialize};

use super::tags::Tags;
use crate::error::Refusal;

/// Versions that a policy may have.
pub(crate) const MOST_VERSIONS: usize = 5;

/// A managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    #[serde(default)]
    pub(crate) tags: Tags,
    /// Oldest first.
    pub(crate) versions: Vec<Version>,
    /// The number of the version that counts.
    pub(crate) default: u32,
    /// The number of the next version: none is used twice.
    next: u32,
}

/// One version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) text: String,
    pub(crate) created_ms: i64,
}

impl Version {
    /// For example `v1`.
    pub(crate) fn id(&self) -> String {
        version_id(self.number)
    }
}

/// For example `v1`.
pub(crate) fn version_id(number: u32) -> String {
    format!("v{number}")
}

impl Policy {
    /// A policy whose text has been read as one, with its first version.
    pub(crate) fn new(
        id: String,
        path: &str,
        name: &str,
        description: Option<String>,
        tags: Tags,
        text: &str,
        now_ms: i64,
    ) -> Self {
        Self {
            id,
            path: path.to_owned(),
            name: name.to_owned(),
            description,
            created_ms: now_ms,
            updated_ms: now_ms,
            tags,
            versions: vec![Version { number: 1, text: text.to_owned(), created_ms: now_ms }],
            default: 1,
            next: 2,
        }
    }

    /// The version of that id.
    pub(crate) fn version(&self, arn: &str, id: &str) -> Result<&Version, Refusal> {
        self.versions.iter().find(|version| version.id() == id).ok_or_else(|| no_version(arn, id))
    }

    /// The text of the version that counts.
    pub(crate) fn default_text(&self) -> Option<&str> {
        let counts = self.versions.iter().find(|version| version.number == self.default)?;
        Some(&counts.text)
    }

    /// Adds a version, whose text has been read as a policy.
    pub(crate) fn add_version(
        &mut self,
        text: &str,
        as_default: bool,
        now_ms: i64,
    ) -> Result<Version, Refusal> {
        if self.versions.len() >= MOST_VERSIONS {
            return Err(Refusal::limit(format!(
                "A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, you \
                 must delete an existing version."
            )));
        }
        let version = Version { number: self.next, text: text.to_owned(), created_ms: now_ms };
        self.versions.push(version.clone());
        self.next += 1;
        if as_default {
            self.default = version.number;
        }
        self.updated_ms = now_ms;
        Ok(version)
    }

    /// Makes another version the one that counts.
    pub(crate) fn set_default(&mut self, arn: &str, id: &str, now_ms: i64) -> Result<(), Refusal> {
        self.default = self.version(arn, id)?.number;
        self.updated_ms = now_ms;
        Ok(())
    }

    /// Takes a version away that does not count.
    pub(crate) fn delete_version(&mut self, arn: &str, id: &str) -> Result<(), Refusal> {
        let number = self.version(arn, id)?.number;
        if number == self.default {
            return Err(Refusal::conflict("Cannot delete the default version of a policy."));
        }
        self.versions.retain(|version| version.number != number);
        Ok(())
    }
}

/// The refusal of a version that a policy does not have.
pub(crate) fn no_version(arn: &str, id: &str) -> Refusal {
    Refusal::no_such(format!("Policy {arn} version {id} does not exist or is not attachable."))
}
