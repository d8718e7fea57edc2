//! Virtual MFA devices.

use serde::{Deserialize, Serialize};

use super::tags::Tags;
use super::totp::{Seed, step_of};
use crate::error::Refusal;

/// The characters of a seed, in base 32.
pub(crate) const SEED_LENGTH: usize = 64;

/// A virtual device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) tags: Tags,
    /// The seed, sealed and in base 64.
    pub(crate) sealed_seed: String,
    /// Whose it is, and how it runs.
    #[serde(default)]
    pub(crate) enabled: Option<Enabled>,
    /// The last step whose code was taken while somebody had it before.
    #[serde(default)]
    pub(crate) spent: i64,
}

/// One moment by both clocks, in milliseconds since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    /// What dates are of.
    pub(crate) domain_ms: i64,
    /// What codes are of: the device knows no other time.
    pub(crate) real_ms: i64,
}

/// What there is of a device that a user has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enabled {
    /// The user's id; the account's, for its root user.
    pub(crate) user: String,
    pub(crate) since_ms: i64,
    /// By how many steps its clock is ahead of ours.
    pub(crate) drift: i64,
    /// The last step whose code was taken: neither it nor any before counts again.
    pub(crate) used: i64,
}

impl Device {
    /// Gives the device to a user who shows two codes that follow each other.
    pub(crate) fn enable(
        &mut self,
        seed: &Seed,
        user: &str,
        codes: [&str; 2],
        now: Now,
    ) -> Result<(), Refusal> {
        let [first, second] = codes;
        let step = seed.find_pair(now.real_ms, first, second).ok_or_else(Refusal::invalid_code)?;
        let (drift, used) = (step - step_of(now.real_ms), step.max(self.spent));
        self.enabled = Some(Enabled { user: user.to_owned(), since_ms: now.domain_ms, drift, used });
        Ok(())
    }

    /// Takes the device away from whoever has it.
    pub(crate) fn disable(&mut self) {
        if let Some(enabled) = self.enabled.take() {
            self.spent = self.spent.max(enabled.used);
        }
    }

    /// Puts the device right by two codes that follow each other.
    pub(crate) fn resync(&mut self, seed: &Seed, codes: [&str; 2], real_ms: i64) -> Result<(), Refusal> {
        let [first, second] = codes;
        let used = seed.find_pair_far(real_ms, first, second).ok_or_else(Refusal::invalid_code)?;
        if let Some(enabled) = &mut self.enabled {
            enabled.drift = used - step_of(real_ms);
            enabled.used = enabled.used.max(used);
        }
        Ok(())
    }

    /// What a sealed seed is bound to: moved to another device, it does not open.
    pub(crate) fn sealing_context(id: &str) -> Vec<u8> {
        format!("mfa-device/{id}").into_bytes()
    }
}
