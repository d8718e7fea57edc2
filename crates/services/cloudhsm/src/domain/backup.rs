//! Backups and their states (CloudHSM User Guide, "AWS CloudHSM cluster backups").

use super::cluster::{DAY_MS, Installed, Mode};
use super::home::Home;
use super::tags::Tags;
use crate::error::Refusal;

/// Days between the deletion of a backup and its end.
const DELETION_DAYS: i64 = 7;

/// A state of a backup. One that is deleted for good is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BackupState {
    CreateInProgress,
    Ready,
    PendingDeletion,
}

impl BackupState {
    const ALL: [Self; 3] = [Self::CreateInProgress, Self::Ready, Self::PendingDeletion];

    /// AWS's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::Ready => "READY",
            Self::PendingDeletion => "PENDING_DELETION",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Where a copy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CopiedFrom {
    pub(crate) region: String,
    pub(crate) backup: String,
    pub(crate) cluster: String,
    pub(crate) at_ms: i64,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backup {
    pub(crate) home: Home,
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) state: BackupState,
    /// The cluster that it was made of; none for a copy, which no retention holds for.
    pub(crate) cluster_id: Option<String>,
    /// The name of its bytes and of its key: the id of the backup that they were made for.
    pub(crate) blob: String,
    /// The epoch of the seal's half of its key.
    pub(crate) seal_epoch: u32,
    pub(crate) created_ms: i64,
    pub(crate) copied: Option<CopiedFrom>,
    pub(crate) never_expires: bool,
    /// When it is deleted for good; only of one that is pending deletion.
    pub(crate) delete_ms: Option<i64>,
    /// When the retention of its cluster ends; none for the last one of a cluster, and where none holds.
    pub(crate) expires_ms: Option<i64>,
    pub(crate) mode: Mode,
    pub(crate) tags: Tags,
    pub(crate) policy: Option<String>,
    /// What the cluster had installed. A cluster made from the backup has the same.
    pub(crate) installed: Option<Installed>,
}

impl Backup {
    /// The moment at which something happens to it by itself.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        match self.state {
            BackupState::CreateInProgress => None,
            BackupState::Ready => self.expires_ms,
            BackupState::PendingDeletion => self.delete_ms,
        }
    }

    fn in_wrong_state(&self, wanted: &str) -> Refusal {
        Refusal::Invalid(format!(
            "Backup {} is in state {}. This operation needs a backup in state {wanted}.",
            self.id,
            self.state.as_str()
        ))
    }

    /// Refuses what needs a backup that is whole.
    pub(crate) fn expect_ready(&self) -> Result<(), Refusal> {
        match self.state {
            BackupState::Ready => Ok(()),
            _ => Err(self.in_wrong_state(BackupState::Ready.as_str())),
        }
    }

    /// Deletes it, for good in seven days.
    pub(crate) fn delete(&mut self, now_ms: i64) -> Result<(), Refusal> {
        self.expect_ready()?;
        self.state = BackupState::PendingDeletion;
        self.delete_ms = Some(now_ms.saturating_add(DELETION_DAYS * DAY_MS));
        self.expires_ms = None;
        Ok(())
    }

    /// Takes its deletion back.
    pub(crate) fn restore(&mut self) -> Result<(), Refusal> {
        if self.state != BackupState::PendingDeletion {
            return Err(self.in_wrong_state(BackupState::PendingDeletion.as_str()));
        }
        self.state = BackupState::Ready;
        self.delete_ms = None;
        Ok(())
    }

    /// When it expires in a cluster with that retention, whose `newest` backup that one is.
    pub(crate) fn expiry(&self, retention_days: u32, newest: bool) -> Option<i64> {
        let held = self.state == BackupState::Ready && !self.never_expires && !newest;
        held.then(|| self.created_ms.saturating_add(i64::from(retention_days) * DAY_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in BackupState::ALL {
            assert_eq!(BackupState::parse(state.as_str()), Some(state));
        }
        assert_eq!(BackupState::parse("DELETED"), None);
    }
}
