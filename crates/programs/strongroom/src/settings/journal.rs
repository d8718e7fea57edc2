//! `[journal]`: what is recorded, and how surely.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use strongroom_journal::{Durability, JournalOptions};

use super::values::{AbsolutePath, Whole};
use crate::journal_keeping::KeepingChoices;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How a server keeps its journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct JournalSettings {
    /// When a call counts as recorded, and is answered.
    pub(crate) durability: Recorded,
    /// How long a call's record waits for others to be written with it, in microseconds.
    gather_microseconds: Option<Whole<0, 10_000>>,
    /// How long records are kept, in days of domain time.
    retention_days: Whole<1, 36_500>,
    /// How often it is signed how far the journal is, in seconds.
    checkpoint_seconds: Whole<1, 3600>,
    /// Folders that have a copy of all checkpoints. Each must be there.
    checkpoint_copies: Vec<AbsolutePath>,
    /// The size of a file of the journal, in mebibytes.
    segment_mebibytes: Whole<1, 64>,
    /// Whether records tell how decisions were made that allowed something, too.
    pub(crate) explain_allowed: bool,
}

/// When a record counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Recorded {
    /// Once it is on the disk.
    #[default]
    Sync,
    /// Once the kernel has it: survives the end of the process, not that of the machine.
    Written,
}

impl Recorded {
    /// What the journal calls it.
    pub(crate) fn durability(self) -> Durability {
        match self {
            Self::Sync => Durability::Sync,
            Self::Written => Durability::Written,
        }
    }
}

impl JournalSettings {
    /// Folders that have a copy of all checkpoints.
    pub(crate) fn copies(&self) -> Vec<PathBuf> {
        self.checkpoint_copies.iter().map(|folder| folder.as_path().to_owned()).collect()
    }

    /// How the journal is opened and kept.
    pub(crate) fn options(&self) -> JournalChoices {
        let durability = self.durability.durability();
        let segment_bytes = self.segment_mebibytes.get() << 20;
        let gather = self.gather_microseconds.map(|microseconds| Duration::from_micros(microseconds.get()));
        let options = JournalOptions { durability, gather, segment_bytes, ..JournalOptions::default() };
        let keeping = KeepingChoices {
            checkpoint_every: Duration::from_secs(self.checkpoint_seconds.get()),
            retention_ms: i64::try_from(self.retention_days.get()).unwrap_or(i64::MAX).saturating_mul(DAY_MS),
            copies: self.copies(),
        };
        JournalChoices { options, keeping }
    }
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            durability: Recorded::default(),
            gather_microseconds: None,
            retention_days: Whole::new(90),
            checkpoint_seconds: Whole::new(60),
            checkpoint_copies: Vec::new(),
            segment_mebibytes: Whole::new(16),
            explain_allowed: false,
        }
    }
}

/// How a journal is opened and kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct JournalChoices {
    pub(crate) options: JournalOptions,
    pub(crate) keeping: KeepingChoices,
}
