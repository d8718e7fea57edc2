//! What a key's state allows, and how it changes (KMS Developer Guide, "Key states of AWS KMS keys").

use super::DAY_MS;
use super::key::{Key, KeyState};
use crate::error::Refusal;

/// Days between the request that a key be deleted and its deletion, unless the caller says otherwise.
pub(crate) const DEFAULT_WINDOW_DAYS: i32 = 30;

/// The days that a caller may choose. The model would allow 1 to 365 (KMS API Reference,
/// ScheduleKeyDeletion).
const WINDOW_DAYS: std::ops::RangeInclusive<i32> = 7..=30;

impl Key {
    /// Refuses cryptography with a key that is not enabled.
    pub(crate) fn expect_enabled(&self) -> Result<(), Refusal> {
        match self.state {
            KeyState::Enabled | KeyState::Updating { .. } => Ok(()),
            KeyState::Disabled => Err(Refusal::Disabled(self.arn.clone())),
            KeyState::PendingImport => Err(self.pending_import()),
            KeyState::Creating { .. } => Err(self.creating()),
            KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. } => {
                Err(self.pending_deletion())
            }
        }
    }

    /// Refuses work on the materials of a replica that is being made.
    pub(crate) fn expect_made(&self) -> Result<(), Refusal> {
        match self.state {
            KeyState::Creating { .. } => Err(self.creating()),
            _ => Ok(()),
        }
    }

    /// Refuses changes that would come between those of a key that is being made, or brought up to date.
    pub(crate) fn expect_settled(&self) -> Result<(), Refusal> {
        match self.state {
            KeyState::Updating { .. } => Err(self.updating()),
            _ => self.expect_made(),
        }
    }

    /// Refuses to let a key be used, or not be used, that cannot be used anyhow.
    fn expect_switchable(&self) -> Result<(), Refusal> {
        match self.state {
            KeyState::Enabled | KeyState::Disabled => Ok(()),
            KeyState::PendingImport => Err(self.pending_import()),
            KeyState::Creating { .. } | KeyState::Updating { .. } => self.expect_settled(),
            KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. } => {
                Err(self.pending_deletion())
            }
        }
    }

    /// Refuses changes to a key that is to be deleted.
    pub(crate) fn expect_staying(&self) -> Result<(), Refusal> {
        match self.state {
            KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. } => {
                Err(self.pending_deletion())
            }
            _ => Ok(()),
        }
    }

    fn pending_deletion(&self) -> Refusal {
        let what = match self.state {
            KeyState::PendingReplicaDeletion { .. } => "replica deletion",
            _ => "deletion",
        };
        Refusal::InvalidState(format!("{} is pending {what}.", self.arn))
    }

    fn creating(&self) -> Refusal {
        Refusal::InvalidState(format!("{} is creating.", self.arn))
    }

    fn updating(&self) -> Refusal {
        Refusal::InvalidState(format!("{} is updating.", self.arn))
    }

    /// What is said of a key that is used while its key store is not connected.
    pub(crate) fn unavailable(&self) -> Refusal {
        Refusal::InvalidState(format!("{} is unavailable.", self.arn))
    }

    /// What is said of a key that lacks a material: while none was imported, and after one was deleted or has expired.
    pub(crate) fn pending_import(&self) -> Refusal {
        Refusal::InvalidState(format!("{} is pending import.", self.arn))
    }

    /// Lets the key be used. A rotation that fell due while it could not be used is due now, once.
    pub(crate) fn enable(&mut self, now_ms: i64) -> Result<(), Refusal> {
        self.expect_switchable()?;
        // What is enabled already misses nothing: whatever is due is still to be done, each in its turn.
        // (What a replica has of it is its primary key's.)
        let misses = self.state == KeyState::Disabled && !self.is_replica();
        if let Some(schedule) = self.rotation.as_mut().filter(|_| misses) {
            schedule.next_ms = schedule.next_ms.max(now_ms);
        }
        self.state = KeyState::Enabled;
        Ok(())
    }

    /// Lets the key not be used.
    pub(crate) fn disable(&mut self) -> Result<(), Refusal> {
        self.expect_switchable()?;
        self.state = KeyState::Disabled;
        Ok(())
    }

    /// Begins the time after which the key is deleted; that of a primary key which has replicas begins when the last of
    /// them is gone.
    pub(crate) fn schedule_deletion(&mut self, now_ms: i64, window_days: u32) -> Result<(), Refusal> {
        self.expect_staying()?;
        if let KeyState::Updating { .. } = self.state {
            return self.expect_settled();
        }
        self.state = if self.has_replicas() && !self.is_replica() {
            KeyState::PendingReplicaDeletion { window_days }
        } else {
            deletion_in(now_ms, window_days)
        };
        Ok(())
    }

    /// Keeps a key that was to be deleted. It is disabled then, or still without a material.
    pub(crate) fn cancel_deletion(&mut self) -> Result<(), Refusal> {
        match self.state {
            KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. } => {
                self.state = if self.lacks_material() { KeyState::PendingImport } else { KeyState::Disabled };
                Ok(())
            }
            _ => Err(Refusal::InvalidState(format!("{} is not pending deletion.", self.arn))),
        }
    }

    /// Whether a material that its owner brings is not there.
    pub(super) fn lacks_material(&self) -> bool {
        self.import.is_some_and(|import| !import.is_complete)
    }
}

/// The state of a key that is deleted so many days from now.
pub(super) fn deletion_in(now_ms: i64, window_days: u32) -> KeyState {
    KeyState::PendingDeletion { due_ms: now_ms.saturating_add(i64::from(window_days) * DAY_MS) }
}

/// The days until a key is deleted, checked.
pub(crate) fn deletion_window(days: Option<i32>) -> Result<u32, Refusal> {
    let days = days.unwrap_or(DEFAULT_WINDOW_DAYS);
    let (least, most) = WINDOW_DAYS.into_inner();
    if days < least {
        return Err(Refusal::out_of_range("pendingWindowInDays", days, "greater", least));
    }
    if days > most {
        return Err(Refusal::out_of_range("pendingWindowInDays", days, "less", most));
    }
    Ok(days.unsigned_abs())
}
