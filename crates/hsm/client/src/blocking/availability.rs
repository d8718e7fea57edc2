//! Keys on at least two HSMs (CloudHSM User Guide, "Key synchronization and durability").

use std::thread::sleep;
use std::time::Duration;

use super::cluster::Cluster;
use super::link::Trouble;
use crate::ClientError;
use crate::availability::{Availability, Next};
use crate::moment::now_ms;
use crate::roster::MemberId;

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
        self.confirm(keys, Some(maker), until)
    }

    /// Keys are about to be used.
    pub(super) fn check_available(&mut self, keys: &[u64], until: u64) -> Result<(), ClientError> {
        if !self.options.check_key_availability {
            return Ok(());
        }
        let unknown = |key: &&u64| !self.session_keys.contains(**key) && !self.confirmed.contains(**key);
        let unknown: Vec<u64> = keys.iter().filter(unknown).copied().collect();
        if unknown.is_empty() { Ok(()) } else { self.confirm(&unknown, None, until) }
    }

    /// Asks HSM after HSM until enough have the keys.
    fn confirm(&mut self, keys: &[u64], maker: Option<MemberId>, until: u64) -> Result<(), ClientError> {
        let mut search = Availability::of(keys, maker, until);
        loop {
            match search.next(&mut self.roster, now_ms(&self.clocks)) {
                Next::Ask(id) => match self.attempt_at(id, &mut search.call(), until) {
                    Ok(reply) => search.answered(id, &reply),
                    Err(Trouble::Refused(failure)) => search.refused(failure.code()),
                    Err(Trouble::Broken(_)) => search.broke(),
                    Err(Trouble::SecondFactorAgain) => search.login_lost(),
                },
                Next::Wait(ms) => sleep(Duration::from_millis(ms)),
                Next::Enough => {
                    for key in keys {
                        self.confirmed.add(*key);
                    }
                    return Ok(());
                }
                Next::LeftToTheCall => return Ok(()),
                Next::TooFew => return Err(search.too_few()),
            }
        }
    }
}
