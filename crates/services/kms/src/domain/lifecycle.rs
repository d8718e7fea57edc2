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
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(Refusal::Disabled(self.arn.clone())),
            KeyState::PendingImport => Err(self.pending_import()),
            KeyState::PendingDeletion { .. } => Err(self.pending_deletion()),
        }
    }

    /// Refuses to let a key be used, or not be used, that cannot be used anyhow.
    fn expect_switchable(&self) -> Result<(), Refusal> {
        match self.state {
            KeyState::Enabled | KeyState::Disabled => Ok(()),
            KeyState::PendingImport => Err(self.pending_import()),
            KeyState::PendingDeletion { .. } => Err(self.pending_deletion()),
        }
    }

    /// Refuses changes to a key that is to be deleted.
    pub(crate) fn expect_staying(&self) -> Result<(), Refusal> {
        match self.state {
            KeyState::Enabled | KeyState::Disabled | KeyState::PendingImport => Ok(()),
            KeyState::PendingDeletion { .. } => Err(self.pending_deletion()),
        }
    }

    fn pending_deletion(&self) -> Refusal {
        Refusal::InvalidState(format!("{} is pending deletion.", self.arn))
    }

    /// What is said of a key that lacks a material: while none was imported, and after one was deleted or has expired.
    pub(crate) fn pending_import(&self) -> Refusal {
        Refusal::InvalidState(format!("{} is pending import.", self.arn))
    }

    /// Lets the key be used. A rotation that fell due while it could not be used is due now, once.
    pub(crate) fn enable(&mut self, now_ms: i64) -> Result<(), Refusal> {
        self.expect_switchable()?;
        // What is enabled already misses nothing: whatever is due is still to be done, each in its turn.
        if let Some(schedule) = self.rotation.as_mut().filter(|_| self.state == KeyState::Disabled) {
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

    /// Begins the time after which the key is deleted.
    pub(crate) fn schedule_deletion(&mut self, now_ms: i64, window_days: i32) -> Result<(), Refusal> {
        self.expect_staying()?;
        let due_ms = now_ms.saturating_add(i64::from(window_days) * DAY_MS);
        self.state = KeyState::PendingDeletion { due_ms };
        Ok(())
    }

    /// Keeps a key that was to be deleted. It is disabled then, or still without a material.
    pub(crate) fn cancel_deletion(&mut self) -> Result<(), Refusal> {
        match self.state {
            KeyState::PendingDeletion { .. } => {
                let lacks_material = self.import.is_some_and(|import| !import.is_complete);
                self.state = if lacks_material { KeyState::PendingImport } else { KeyState::Disabled };
                Ok(())
            }
            KeyState::Enabled | KeyState::Disabled | KeyState::PendingImport => {
                Err(Refusal::InvalidState(format!("{} is not pending deletion.", self.arn)))
            }
        }
    }
}

/// The days until a key is deleted, checked.
pub(crate) fn deletion_window(days: Option<i32>) -> Result<i32, Refusal> {
    let days = days.unwrap_or(DEFAULT_WINDOW_DAYS);
    let (least, most) = WINDOW_DAYS.into_inner();
    if days < least {
        return Err(Refusal::out_of_range("pendingWindowInDays", days, "greater", least));
    }
    if days > most {
        return Err(Refusal::out_of_range("pendingWindowInDays", days, "less", most));
    }
    Ok(days)
}
