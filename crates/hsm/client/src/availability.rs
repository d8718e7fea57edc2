//! Keys on at least two HSMs (CloudHSM User Guide, "Key synchronization and durability"): whom to ask for them, and
//! what the answers mean. No input, no output.

use strongroom_hsm_proto::command::{Call, Command, ConfirmKey, FailureCode, Reply, Result as Done};

use crate::ClientError;
use crate::error::KeyReference;
use crate::limits::{FIRST_PAUSE_MS, LONGEST_PAUSE_MS};
use crate::login::is_about_the_user;
use crate::roster::{MemberId, Roster};

/// On how many HSMs a key must be.
const ENOUGH: usize = 2;

/// How long HSMs are asked once more that could not be reached, in milliseconds: connections break that were idle,
/// and others than this call find it out. One that is gone is not waited for longer.
const SECOND_CHANCES_MS: u64 = 500;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Ask this HSM.
    Ask(MemberId),
    /// Wait so many milliseconds, then ask for the next step.
    Wait(u64),
    /// Enough HSMs have the keys.
    Enough,
    /// No HSM has them, or tells: what that means is for the call to say that uses them.
    LeftToTheCall,
    /// Too few HSMs have them.
    TooFew,
}

/// The search for enough HSMs that have some keys.
#[derive(Debug)]
pub(crate) struct Availability {
    keys: Vec<u64>,
    deadline_ms: u64,
    having: Vec<MemberId>,
    asked: Vec<MemberId>,
    /// One that was asked in this round may have the keys soon.
    is_worth_waiting: bool,
    /// One that was asked does not have them, or does not tell this user.
    is_missing: bool,
    is_broken: bool,
    begun_ms: Option<u64>,
    pause_ms: u64,
}

impl Availability {
    /// For these keys, which an HSM has made, or which are about to be used.
    pub(crate) fn of(keys: &[u64], maker: Option<MemberId>, deadline_ms: u64) -> Self {
        Self {
            keys: keys.to_vec(),
            deadline_ms,
            having: maker.into_iter().collect(),
            asked: maker.into_iter().collect(),
            is_worth_waiting: false,
            is_missing: false,
            is_broken: false,
            begun_ms: None,
            pause_ms: FIRST_PAUSE_MS,
        }
    }

    /// What HSMs are asked.
    pub(crate) fn call(&self) -> Call {
        let command = Command::ConfirmKey(ConfirmKey { keys: self.keys.clone() });
        Call { command: Some(command), ..Call::default() }
    }

    /// What to do now.
    pub(crate) fn next(&mut self, roster: &mut Roster, now_ms: u64) -> Next {
        let begun_ms = *self.begun_ms.get_or_insert(now_ms);
        if self.having.len() >= ENOUGH {
            return Next::Enough;
        }
        if let Some(member) = roster.choose(&self.asked, now_ms) {
            self.asked.push(member);
            return Next::Ask(member);
        }
        let has_chance = self.is_broken && now_ms < begun_ms + SECOND_CHANCES_MS;
        if !has_chance && !self.is_worth_waiting {
            let is_unknown = self.having.is_empty() && self.is_missing;
            return if is_unknown { Next::LeftToTheCall } else { Next::TooFew };
        }
        if now_ms >= self.deadline_ms {
            return Next::TooFew;
        }
        self.asked.clone_from(&self.having);
        (self.is_worth_waiting, self.is_missing, self.is_broken) = (false, false, false);
        let pause = self.pause_ms.min(self.deadline_ms.saturating_sub(now_ms));
        self.pause_ms = (self.pause_ms * 2).min(LONGEST_PAUSE_MS);
        Next::Wait(pause)
    }

    /// The HSM that was asked has answered.
    pub(crate) fn answered(&mut self, member: MemberId, reply: &Reply) {
        match &reply.result {
            Some(Done::Confirmed(confirmed)) if confirmed.there => self.having.push(member),
            _ => self.is_missing = true,
        }
    }

    /// The HSM that was asked has refused.
    pub(crate) fn refused(&mut self, code: FailureCode) {
        match code {
            FailureCode::Behind | FailureCode::Busy | FailureCode::DeadlineExceeded => {
                self.is_worth_waiting = true;
            }
            FailureCode::NoSession => self.is_broken = true,
            FailureCode::NoSuchKey | FailureCode::NotLoggedIn => self.is_missing = true,
            code if is_about_the_user(code) => self.is_missing = true,
            _ => {}
        }
    }

    /// The HSM that was asked could not be reached.
    pub(crate) fn broke(&mut self) {
        self.is_broken = true;
    }

    /// The HSM that was asked can tell nothing before the user logs in anew.
    pub(crate) fn login_lost(&mut self) {
        self.is_missing = true;
    }

    /// What the caller is told when too few HSMs have them.
    pub(crate) fn too_few(&self) -> ClientError {
        ClientError::NotAvailable(KeyReference(self.keys.first().copied().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_proto::command::Confirmed;

    use super::*;
    use crate::Server;

    fn roster(count: usize) -> Roster {
        let servers: Vec<_> =
            (0..count).map(|n| (Server { host: format!("hsm{n}"), port: 2223 }, false)).collect();
        Roster::new(&servers, 0)
    }

    fn confirmed(there: bool) -> Reply {
        Reply { result: Some(Done::Confirmed(Confirmed { there })) }
    }

    #[test]
    fn who_does_not_tell_does_not_have_the_key() {
        for code in [FailureCode::NotLoggedIn, FailureCode::Forbidden, FailureCode::LoginFailed] {
            let mut roster = roster(2);
            let mut made = Availability::of(&[7], Some(MemberId(0)), 1_000);
            assert_eq!(made.next(&mut roster, 0), Next::Ask(MemberId(1)));
            made.refused(code);
            assert_eq!(made.next(&mut roster, 0), Next::TooFew, "{code:?}");

            // A key that one HSM has and another does not tell of is not used; one that nobody tells of is asked
            // for, so that the caller is told why.
            for (first, last) in [(true, Next::TooFew), (false, Next::LeftToTheCall)] {
                let mut used = Availability::of(&[7], None, 1_000);
                let Next::Ask(member) = used.next(&mut roster, 0) else { panic!() };
                used.answered(member, &confirmed(first));
                assert!(matches!(used.next(&mut roster, 0), Next::Ask(_)));
                used.refused(code);
                assert_eq!(used.next(&mut roster, 0), last, "{code:?}");
            }
        }
    }

    #[test]
    fn one_that_is_behind_is_waited_for_and_one_that_is_gone_only_a_little() {
        let mut roster = roster(2);
        let mut search = Availability::of(&[7], Some(MemberId(0)), 10_000);
        for now_ms in 0..9 {
            assert_eq!(search.next(&mut roster, now_ms), Next::Ask(MemberId(1)));
            search.refused(FailureCode::Behind);
            assert!(matches!(search.next(&mut roster, now_ms), Next::Wait(_)));
        }
        assert_eq!(search.next(&mut roster, 100), Next::Ask(MemberId(1)));
        search.broke();
        assert!(matches!(search.next(&mut roster, 100), Next::Wait(_)));
        assert_eq!(search.next(&mut roster, 200), Next::Ask(MemberId(1)));
        search.broke();
        assert_eq!(search.next(&mut roster, 2_200), Next::TooFew, "it took two seconds to find out");
    }
}
