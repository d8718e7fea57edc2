//! What this HSM alone must not forget.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use prost::Message;

use super::Hsm;
use crate::HsmError;
use crate::effect::{FORMAT, UserRef};

/// After more wrong passwords than this a user is locked.
const MOST_FAILURES: u32 = 5;

/// Wrong passwords since the last right one, by user.
#[derive(Default)]
pub(crate) struct Failures(HashMap<UserRef, u32>);

impl Failures {
    pub(crate) fn are_too_many(&self, user: &UserRef) -> bool {
        self.0.get(user).is_some_and(|count| *count > MOST_FAILURES)
    }
}

#[derive(Clone, PartialEq, Message)]
struct Local {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(message, repeated, tag = "2")]
    failures: Vec<Failed>,
    /// The number of the last quorum token.
    #[prost(uint32, tag = "3")]
    last_token: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Failed {
    #[prost(message, required, tag = "1")]
    user: UserRef,
    #[prost(uint32, tag = "2")]
    count: u32,
}

impl Hsm {
    /// What this HSM alone must not forget: how often each user's password was wrong, and how many quorum tokens
    /// it made; if it has changed since it was last asked for. The caller writes it to disk before it sends an answer.
    pub fn unsaved_local(&self) -> Option<Vec<u8>> {
        if !self.unsaved.swap(false, Ordering::AcqRel) {
            return None;
        }
        let last_token = self.tokens().last_number();
        let mut failures: Vec<Failed> = self
            .failures()
            .0
            .iter()
            .map(|(user, count)| Failed { user: user.clone(), count: *count })
            .collect();
        failures.sort_by(|a, b| a.user.cmp(&b.user));
        Some(Local { format: FORMAT, failures, last_token }.encode_to_vec())
    }

    /// Takes over what [`unsaved_local`](Self::unsaved_local) gave.
    pub fn load_local(&self, local: &[u8]) -> Result<(), HsmError> {
        let local = Local::decode(local).map_err(|_| HsmError::InvalidState)?;
        if local.format != FORMAT {
            return Err(HsmError::UnknownEffect);
        }
        self.tokens().go_on_after(local.last_token);
        self.failures().0 = local.failures.into_iter().map(|failed| (failed.user, failed.count)).collect();
        Ok(())
    }

    /// Something that must not be forgotten has changed.
    pub(crate) fn mark_unsaved(&self) {
        self.unsaved.store(true, Ordering::Release);
    }

    /// Counts a wrong password, and tells whether now they are too many.
    pub(crate) fn count_failure(&self, user: &UserRef) -> bool {
        let mut failures = self.failures();
        let count = failures.0.entry(user.clone()).or_default();
        *count = count.saturating_add(1);
        let too_many = *count > MOST_FAILURES;
        drop(failures);
        self.mark_unsaved();
        too_many
    }

    /// Forgets a user's wrong passwords.
    pub(crate) fn forgive(&self, user: &UserRef) {
        if self.failures().0.remove(user).is_some() {
            self.mark_unsaved();
        }
    }
}
