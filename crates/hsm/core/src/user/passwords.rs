//! Passwords: their form, and the bounded queue in which they are hashed.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use strongroom_crypto::password::PasswordHasher;

use crate::hsm::{BUSY, Hsm};
use crate::refusal::Refusal;

const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 32;

/// Checks the form of a new password.
pub(super) fn check(password: &str) -> Result<(), Refusal> {
    let length = password.chars().count();
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
        return Err(Refusal::invalid_request("A password has 8 to 32 characters"));
    }
    if password.contains(':') {
        return Err(Refusal::invalid_request("A password cannot contain a colon"));
    }
    Ok(())
}

/// A place in the queue for the one password that is hashed at a time.
pub(super) struct Place<'a> {
    hsm: &'a Hsm,
    hasher: OnceCell<Arc<PasswordHasher>>,
}

impl<'a> Place<'a> {
    /// Takes a place, if one is free.
    pub(super) fn take(hsm: &'a Hsm) -> Result<Self, Refusal> {
        let most = hsm.options.waiting_logins;
        let taken = hsm.waiting_logins.fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| {
            (waiting < most).then_some(waiting + 1)
        });
        if taken.is_err() {
            return Err(BUSY);
        }
        Ok(Self { hsm, hasher: OnceCell::new() })
    }

    /// Gives the PHC string of a password.
    pub(super) fn hash(&self, password: &str) -> Result<String, Refusal> {
        Ok(self.hasher().hash(password.as_bytes())?)
    }

    /// Tells whether a password is the one of a PHC string.
    pub(super) fn is_right(&self, password: &str, phc: &str) -> bool {
        !phc.is_empty() && self.hasher().verify(password.as_bytes(), phc).is_ok()
    }

    fn hasher(&self) -> &PasswordHasher {
        self.hasher.get_or_init(|| self.hsm.hasher())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.hsm.waiting_logins.fetch_sub(1, Ordering::AcqRel);
    }
}
