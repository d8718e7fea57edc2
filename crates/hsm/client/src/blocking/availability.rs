//! Keys on at least two HSMs (CloudHSM User Guide, "Key synchronization and durability").

use std::thread::sleep;
use std::time::Duration;

use strongroom_hsm_proto::command::{Call, Command, ConfirmKey, FailureCode, Result as Done};

use super::cluster::Cluster;
use super::link::Trouble;
use crate::ClientError;
use crate::error::KeyReference;
use crate::limits::{FIRST_PAUSE_MS, LONGEST_PAUSE_MS};
use crate::moment::now_ms;
use crate::roster::MemberId;

/// On how many HSMs a key must be.
const ENOUGH: usize = 2;

impl Cluster {
    /// Keys were made at `maker`: another HSM must have them too before anybody relies on them.
    pub(super) fn make_available(
        &mut self,
        keys: &[u64],
        maker: MemberId,
        until: u64,
    ) -> Result<(), ClientError> {
        if !self.options.check_key_availability {
            return Ok(());
        }
        self.confirm(keys, vec![maker], until)
    }

    /// Keys are about to be used.
    pub(super) fn check_available(&mut self, keys: &[u64], until: u64) -> Result<(), ClientError> {
        if !self.options.check_key_availability {
            return Ok(());
        }
        let unknown = |key: &&u64| !self.session_keys.contains(**key) && !self.confirmed.contains(**key);
        let unknown: Vec<u64> = keys.iter().filter(unknown).copied().collect();
        if unknown.is_empty() { Ok(()) } else { self.confirm(&unknown, Vec::new(), until) }
    }

    /// Asks HSM after HSM until enough have the keys. One that is behind is waited for, one that is gone is not.
    fn confirm(&mut self, keys: &[u64], mut having: Vec<MemberId>, until: u64) -> Result<(), ClientError> {
        let confirm = Command::ConfirmKey(ConfirmKey { keys: keys.to_vec() });
        let mut pause = FIRST_PAUSE_MS;
        loop {
            let mut worth_waiting = false;
            let mut missing = false;
            let mut asked = having.clone();
            while let Some(id) = self.roster.choose(&asked, now_ms(&self.clocks)) {
                asked.push(id);
                let mut call = Call { command: Some(confirm.clone()), ..Call::default() };
                match self.attempt_at(id, &mut call, until) {
                    Ok(reply) => match reply.result {
                        Some(Done::Confirmed(confirmed)) if confirmed.there => having.push(id),
                        _ => missing = true,
                    },
                    Err(Trouble::Refused(failure)) => match failure.code() {
                        FailureCode::Behind | FailureCode::Busy | FailureCode::DeadlineExceeded => {
                            worth_waiting = true;
                        }
                        // Who may not ask, or has no such key, is told by the call itself.
                        FailureCode::NotLoggedIn | FailureCode::Forbidden => return Ok(()),
                        FailureCode::NoSuchKey => missing = true,
                        _ => {}
                    },
                    Err(Trouble::Broken(_) | Trouble::SecondFactorAgain) => {}
                }
                if having.len() >= ENOUGH {
                    for key in keys {
                        self.confirmed.add(*key);
                    }
                    return Ok(());
                }
            }
            if having.is_empty() && missing && !worth_waiting {
                // Nobody has it: that is for the call to say.
                return Ok(());
            }
            if !worth_waiting || now_ms(&self.clocks) >= until {
                let key = keys.first().copied().unwrap_or_default();
                return Err(ClientError::NotAvailable(KeyReference(key)));
            }
            sleep(Duration::from_millis(pause));
            pause = (pause * 2).min(LONGEST_PAUSE_MS);
        }
    }
}
