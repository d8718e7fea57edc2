//! `[seal]`: the root of trust.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::AbsolutePath;

/// Where the seal is, and what opens it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SealSettings {
    /// The folder of the seal [default: `seal` in the data folder]. Apart from the data it is worth more.
    pub(crate) dir: Option<AbsolutePath>,
    /// Which slot opens it.
    pub(crate) slot: Slot,
    /// The file with the passphrase of the slot `passphrase`.
    pub(crate) passphrase_file: Option<AbsolutePath>,
}

/// A kind of slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Slot {
    /// A key file in the folder of the seal.
    #[default]
    File,
    /// A passphrase.
    Passphrase,
}

impl SealSettings {
    /// Whether what opens the seal is said once, and only where it is needed.
    pub(super) fn check(&self) -> Result<()> {
        match (self.slot, &self.passphrase_file) {
            (Slot::File, Some(_)) => bail!(
                "[seal] names a passphrase_file, and its slot is \"file\"; say slot = \"passphrase\", or leave it out"
            ),
            _ => Ok(()),
        }
    }
}
