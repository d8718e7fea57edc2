//! Rotation: a key gets another material to encrypt with and keeps the former ones to decrypt (KMS Developer
//! Guide, "Rotate AWS KMS keys").

use super::DAY_MS;
use super::key::{Key, KeyState, Material};
use crate::error::Refusal;

/// Days between rotations, unless the caller says otherwise.
pub(crate) const DEFAULT_DAYS: u32 = 365;

/// Rotations on demand that one key may have in its life.
pub(crate) const MOST_ON_DEMAND: u32 = 25;

/// How close an automatic rotation must not be for one on demand, in milliseconds (KMS API Reference,
/// RotateKeyOnDemand, `ConflictException`).
const TOO_CLOSE_MS: i64 = 20 * 60 * 1000;

/// When a key rotates by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Days from one rotation to the next.
    pub(crate) days: u32,
    /// The next one, milliseconds since 1970.
    pub(crate) next_ms: i64,
}

impl Schedule {
    /// A schedule that begins now.
    pub(crate) fn from(now_ms: i64, days: u32) -> Self {
        Self { days, next_ms: now_ms.saturating_add(i64::from(days) * DAY_MS) }
    }

    /// The schedule of the keys that AWS services keep.
    pub(crate) fn yearly(now_ms: i64) -> Self {
        Self::from(now_ms, DEFAULT_DAYS)
    }
}

/// What brought a rotation about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RotationKind {
    Automatic,
    OnDemand,
}

impl RotationKind {
    /// The kind as the API and the store write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::OnDemand => "ON_DEMAND",
        }
    }

    /// Reads a stored kind.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Automatic, Self::OnDemand].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Key {
    /// Refuses rotation to keys that do not rotate. With `strict` those are AWS's: none in a custom key store does.
    pub(crate) fn expect_rotating(&self, strict: bool) -> Result<(), Refusal> {
        if !self.spec.is_symmetric() {
            return Err(Refusal::Unsupported(None));
        }
        // Replicas rotate with their primary key, and as it says.
        if self.is_replica() {
            return self.expect_primary();
        }
        self.expect_rotation_shown(strict)
    }

    /// Refuses automatic rotation to keys that do not rotate by themselves: among AWS's are those whose materials their
    /// owners bring.
    pub(crate) fn expect_rotating_by_itself(&self, strict: bool) -> Result<(), Refusal> {
        self.expect_rotating(strict)?;
        self.expect_schedule_shown(strict)
    }

    /// Refuses to tell when a key rotates of which AWS does not tell (measured: issues of several public tools quote the
    /// text for enabled keys too).
    pub(crate) fn expect_schedule_shown(&self, strict: bool) -> Result<(), Refusal> {
        if self.import.is_some() && self.spec.is_symmetric() {
            return Err(self.wrong_origin());
        }
        self.expect_rotation_shown(strict)
    }

    /// Refuses to tell of the rotation of a key of which AWS tells none.
    pub(crate) fn expect_rotation_shown(&self, strict: bool) -> Result<(), Refusal> {
        if !strict || self.store.is_none() || !self.spec.is_symmetric() {
            return Ok(());
        }
        Err(self.wrong_origin())
    }

    /// What is said of a key whose materials come from where the operation has no business.
    pub(super) fn wrong_origin(&self) -> Refusal {
        let origin = self.origin().as_str();
        Refusal::Unsupported(Some(format!(
            "{} origin is {origin} which is not valid for this operation.",
            self.arn
        )))
    }

    /// Turns automatic rotation on, or gives it another period. Either way the first rotation is a whole
    /// period from now; a period that is in force already changes nothing.
    pub(crate) fn enable_rotation(&mut self, now_ms: i64, days: Option<i32>) -> Result<(), Refusal> {
        self.expect_enabled()?;
        let days = days.and_then(|days| u32::try_from(days).ok()).unwrap_or(DEFAULT_DAYS);
        if self.rotation.is_none_or(|schedule| schedule.days != days) {
            self.rotation = Some(Schedule::from(now_ms, days));
        }
        Ok(())
    }

    /// Turns automatic rotation off.
    pub(crate) fn disable_rotation(&mut self) -> Result<(), Refusal> {
        self.expect_enabled()?;
        self.rotation = None;
        Ok(())
    }

    /// The schedule as it shows: a key that is to be deleted does not rotate.
    pub(crate) fn rotation_status(&self) -> Option<Schedule> {
        match self.state {
            KeyState::PendingImport
            | KeyState::PendingDeletion { .. }
            | KeyState::PendingReplicaDeletion { .. } => None,
            _ => self.rotation,
        }
    }

    /// Refuses a rotation on demand that a key cannot have now.
    pub(crate) fn expect_rotatable(&self, now_ms: i64) -> Result<(), Refusal> {
        self.expect_enabled()?;
        if self.rotation.is_some_and(|schedule| schedule.next_ms < now_ms.saturating_add(TOO_CLOSE_MS)) {
            return Err(Refusal::RotationConflict(self.arn.clone()));
        }
        if self.on_demand_rotations >= MOST_ON_DEMAND {
            return Err(Refusal::LimitExceeded(format!(
                "The on-demand rotations limit has been reached for {}. A key can be rotated on demand at most \
                 {MOST_ON_DEMAND} times.",
                self.arn
            )));
        }
        Ok(())
    }

    /// Takes `material` as the result of a rotation on demand. The schedule stays as it is.
    pub(crate) fn rotate_on_demand(&mut self, now_ms: i64, material: &Material) -> Result<(), Refusal> {
        self.expect_rotatable(now_ms)?;
        self.on_demand_rotations += 1;
        self.current_material = Some(material.id);
        Ok(())
    }

    /// Whether the automatic rotation that was due at `due_ms` still is.
    pub(crate) fn rotates_at(&self, due_ms: i64) -> bool {
        let rotates = self.state == KeyState::Enabled && !self.is_replica();
        rotates && self.rotation.is_some_and(|schedule| schedule.next_ms == due_ms)
    }

    /// Takes `material`, made at `done_ms`, as the result of the automatic rotation that was due at `due_ms`. `false`
    /// if none is due then (any more). The next one is a whole period later.
    pub(crate) fn rotate_when_due(&mut self, due_ms: i64, done_ms: i64, material: &Material) -> bool {
        if !self.rotates_at(due_ms) {
            return false;
        }
        if let Some(schedule) = &mut self.rotation {
            *schedule = Schedule::from(done_ms, schedule.days);
        }
        self.current_material = Some(material.id);
        true
    }
}
