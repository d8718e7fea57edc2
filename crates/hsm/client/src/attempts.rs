//! The attempts of one call: whom to ask next, when to wait, when to give up. No input, no output.

use strongroom_hsm_proto::command::{Call, Failure, FailureCode};

use crate::ClientError;
use crate::error::Reason;
use crate::limits::{FIRST_PAUSE_MS, LONGEST_PAUSE_MS};
use crate::roster::{MemberId, Roster};
use crate::verdict::Verdict;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask this HSM.
    Ask(MemberId),
    /// Wait so many milliseconds, then ask for the next step.
    Wait(u64),
    /// Nothing more can be done.
    GiveUp,
}

/// Whether a call that fails at one HSM is tried at others (`default-retry-mode` of AWS's configuration).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryMode {
    /// One attempt at one HSM.
    Off,
    /// As many as the time allows.
    #[default]
    Standard,
}

/// The state of one call.
#[derive(Debug)]
pub(crate) struct Attempts {
    retry: RetryMode,
    deadline_ms: u64,
    /// The only HSM that can do it.
    only: Option<MemberId>,
    tried: Vec<MemberId>,
    /// Nobody who was asked in this round may do better later.
    hopeless: bool,
    /// Nothing listens where those are who were asked in this round.
    absent: bool,
    /// For how long it is worth asking when nothing listens anywhere.
    patience_ms: u64,
    pause_ms: u64,
    asked: u32,
    last: Option<Last>,
    /// The call changes something.
    is_change: bool,
    /// An HSM may have made the change, or may make it yet.
    is_unknown: bool,
}

#[derive(Debug)]
enum Last {
    Refused(Failure),
    Broken(String),
    LoginLost,
}

impl Attempts {
    pub(crate) fn new(retry: RetryMode, deadline_ms: u64, only: Option<MemberId>) -> Self {
        Self {
            retry,
            deadline_ms,
            only,
            tried: Vec::new(),
            hopeless: true,
            absent: true,
            patience_ms: u64::MAX,
            pause_ms: FIRST_PAUSE_MS,
            asked: 0,
            last: None,
            is_change: false,
            is_unknown: false,
        }
    }

    /// Those of this call. One with a command id is a change, of which callers are told whether it was made, or
    /// that nobody knows.
    pub(crate) fn of(self, call: &Call) -> Self {
        Self { is_change: !call.command_id.is_empty(), ..self }
    }

    /// Those that end after so many milliseconds in which nothing listens at any HSM's address.
    pub(crate) fn patient_for(self, patience_ms: u64) -> Self {
        Self { patience_ms, ..self }
    }

    /// What to do now.
    pub(crate) fn next(&mut self, roster: &mut Roster, now_ms: u64) -> Step {
        if self.asked > 0 && (self.retry == RetryMode::Off || now_ms >= self.deadline_ms) {
            return Step::GiveUp;
        }
        let choice = match self.only {
            Some(only) if self.tried.contains(&only) => None,
            Some(only) => Some(only),
            None => roster.choose(&self.tried, now_ms),
        };
        if let Some(member) = choice {
            self.tried.push(member);
            self.asked += 1;
            return Step::Ask(member);
        }
        if self.hopeless || self.tried.is_empty() {
            return Step::GiveUp;
        }
        if self.absent && roster.silent_ms(now_ms) >= self.patience_ms {
            return Step::GiveUp;
        }
        self.tried.clear();
        self.hopeless = true;
        self.absent = true;
        let pause = self.pause_ms.min(self.deadline_ms.saturating_sub(now_ms));
        self.pause_ms = (self.pause_ms * 2).min(LONGEST_PAUSE_MS);
        Step::Wait(pause)
    }

    /// The HSM that was asked could not be reached, or the connection broke.
    pub(crate) fn broke(&mut self, reason: Reason) {
        // The HSM may be on its way back.
        self.hopeless &= reason.lasts;
        self.absent &= reason.is_absent;
        self.is_unknown |= self.is_change && reason.was_sent;
        // What an HSM said is a better answer than that another did not say anything.
        if !matches!(self.last, Some(Last::Refused(_) | Last::LoginLost)) {
            self.last = Some(Last::Broken(reason.text));
        }
    }

    /// The HSM that was asked can do nothing before the user logs in anew.
    pub(crate) fn login_lost(&mut self) {
        if !matches!(self.last, Some(Last::Refused(_))) {
            self.last = Some(Last::LoginLost);
        }
    }

    /// The HSM that was asked does not let the user in. Another may.
    pub(crate) fn not_let_in(&mut self, failure: Failure) {
        self.last = Some(Last::Refused(failure));
    }

    /// The HSM that was asked refused. Answers the failure back if the caller must be told at once.
    pub(crate) fn refused(&mut self, failure: Failure) -> Result<Verdict, ClientError> {
        let verdict = Verdict::on(failure.code());
        self.absent = false;
        self.is_unknown |= self.is_change && failure.code() == FailureCode::DeadlineExceeded;
        match verdict {
            // What one HSM refuses, another may have done before.
            Verdict::Final if self.is_unknown => return Err(not_known(&failure.text)),
            Verdict::Final => return Err(failure.into()),
            Verdict::Elsewhere | Verdict::NewSession => self.hopeless = false,
            Verdict::ElsewhereOnce => {}
        }
        self.last = Some(Last::Refused(failure));
        Ok(verdict)
    }

    /// The same HSM is to be asked once more, in a new session.
    pub(crate) fn again(&mut self, member: MemberId) {
        self.tried.retain(|tried| *tried != member);
    }

    /// What the caller is told when all attempts have failed.
    pub(crate) fn give_up(self, now_ms: u64) -> ClientError {
        if self.is_unknown {
            return not_known(match &self.last {
                Some(Last::Refused(failure)) => &failure.text,
                Some(Last::Broken(reason)) => reason,
                Some(Last::LoginLost) => "the user would have to log in again",
                None => "",
            });
        }
        match self.last {
            Some(Last::Refused(failure)) if failure.code() == FailureCode::DeadlineExceeded => {
                ClientError::DeadlineExceeded(failure.text)
            }
            Some(Last::Refused(failure)) => failure.into(),
            Some(Last::LoginLost) => ClientError::LoginLost,
            Some(Last::Broken(reason)) if now_ms >= self.deadline_ms => ClientError::DeadlineExceeded(reason),
            Some(Last::Broken(reason)) => ClientError::Unreachable(reason),
            None => ClientError::Unreachable("no address of an HSM is known".to_owned()),
        }
    }
}

fn not_known(last: &str) -> ClientError {
    ClientError::DeadlineExceeded(format!("{last}; whether the change was made is not known"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    fn roster(count: usize) -> Roster {
        let servers: Vec<_> =
            (0..count).map(|n| (Server { host: format!("hsm{n}"), port: 2223 }, false)).collect();
        Roster::new(&servers, 0)
    }

    fn failure(code: FailureCode) -> Failure {
        Failure { code: code.into(), text: format!("{code:?}") }
    }

    fn asked(step: &Step) -> MemberId {
        match step {
            Step::Ask(id) => *id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_hsm_is_asked_before_any_is_asked_twice() {
        let mut roster = roster(3);
        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None);
        let mut seen = Vec::new();
        for _ in 0..3 {
            let id = asked(&attempts.next(&mut roster, 0));
            roster.failed(id, 0, 0);
            attempts.broke("refused".into());
            seen.push(id.0);
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
        assert_eq!(attempts.next(&mut roster, 0), Step::Wait(20));
        asked(&attempts.next(&mut roster, 20));
        attempts.broke("refused".into());
        assert_eq!(attempts.next(&mut roster, 1_000), Step::GiveUp);
        assert!(matches!(attempts.give_up(1_000), ClientError::DeadlineExceeded(_)));
    }

    #[test]
    fn where_nothing_listens_for_long_nobody_waits() {
        let mut roster = roster(2);
        let absent = || Reason { is_absent: true, ..Reason::from("refused") };
        let round = |roster: &mut Roster, now_ms, reason: Reason| {
            let mut attempts = Attempts::new(RetryMode::Standard, 60_000, None).patient_for(3_000);
            for _ in 0..2 {
                let id = asked(&attempts.next(roster, now_ms));
                roster.failed(id, now_ms, now_ms);
                attempts.broke(reason.clone());
            }
            attempts.next(roster, now_ms)
        };
        assert_eq!(round(&mut roster, 1_000, absent()), Step::Wait(20), "it may be on its way back");
        assert_eq!(round(&mut roster, 3_999, absent()), Step::Wait(20));
        assert_eq!(round(&mut roster, 4_000, absent()), Step::GiveUp);
        assert_eq!(round(&mut roster, 4_000, Reason::from("reset")), Step::Wait(20), "something is there");
        roster.answered(MemberId(0), 0);
        assert_eq!(round(&mut roster, 4_000, absent()), Step::Wait(20), "it was there a moment ago");
    }

    #[test]
    fn one_that_does_not_let_the_user_in_stops_nobody() {
        let mut roster = roster(2);
        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None);
        asked(&attempts.next(&mut roster, 0));
        attempts.not_let_in(failure(FailureCode::Locked));
        asked(&attempts.next(&mut roster, 0));
        attempts.refused(failure(FailureCode::Busy)).unwrap();
        assert_eq!(attempts.next(&mut roster, 0), Step::Wait(20), "the other one lets it in");

        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None);
        for _ in 0..2 {
            asked(&attempts.next(&mut roster, 0));
            attempts.not_let_in(failure(FailureCode::LoginFailed));
        }
        assert_eq!(attempts.next(&mut roster, 0), Step::GiveUp);
        assert_eq!(attempts.give_up(0).code(), Some(FailureCode::LoginFailed));
    }

    #[test]
    fn a_failure_that_will_last_is_told_after_one_round() {
        let mut roster = roster(2);
        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None);
        for _ in 0..2 {
            asked(&attempts.next(&mut roster, 0));
            assert_eq!(attempts.refused(failure(FailureCode::ReadOnly)).unwrap(), Verdict::ElsewhereOnce);
        }
        assert_eq!(attempts.next(&mut roster, 0), Step::GiveUp);
        assert_eq!(attempts.give_up(0).code(), Some(FailureCode::ReadOnly));
    }

    #[test]
    fn certificates_that_do_not_fit_are_told_after_one_round() {
        let mut roster = roster(2);
        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None);
        for _ in 0..2 {
            asked(&attempts.next(&mut roster, 0));
            attempts.broke(Reason::lasting("not trusted"));
        }
        assert_eq!(attempts.next(&mut roster, 0), Step::GiveUp);
    }

    #[test]
    fn one_that_is_behind_is_worth_waiting_for() {
        let mut roster = roster(2);
        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None);
        asked(&attempts.next(&mut roster, 0));
        attempts.refused(failure(FailureCode::Halted)).unwrap();
        asked(&attempts.next(&mut roster, 0));
        attempts.refused(failure(FailureCode::Behind)).unwrap();
        assert_eq!(attempts.next(&mut roster, 0), Step::Wait(20));
    }

    #[test]
    fn what_every_hsm_would_say_is_told_at_once() {
        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None);
        asked(&attempts.next(&mut roster(2), 0));
        let error = attempts.refused(failure(FailureCode::NoSuchKey)).unwrap_err();
        assert_eq!(error.code(), Some(FailureCode::NoSuchKey));
    }

    #[test]
    fn an_outcome_that_nobody_knows_is_never_told_as_a_no() {
        let change = Call { command_id: vec![1; 16], ..Call::default() };
        let lost = |call: &Call| {
            let mut attempts = Attempts::new(RetryMode::Standard, 1_000, None).of(call);
            asked(&attempts.next(&mut roster(2), 0));
            attempts.broke(Reason::after_sending("gone"));
            attempts
        };
        let is_unknown = |error: &ClientError| matches!(error, ClientError::DeadlineExceeded(text) if text.ends_with("is not known"));
        let refused = |mut attempts: Attempts, code| attempts.refused(failure(code)).map(|_| attempts);
        assert!(is_unknown(&refused(lost(&change), FailureCode::Forbidden).unwrap_err()));
        assert!(is_unknown(&refused(lost(&change), FailureCode::Halted).unwrap().give_up(0)));
        assert!(is_unknown(&lost(&change).give_up(0)));
        let attempts = Attempts::new(RetryMode::Off, 1_000, None).of(&change);
        assert!(is_unknown(&refused(attempts, FailureCode::DeadlineExceeded).unwrap().give_up(0)));
        // What was not sent, or changes nothing, is no matter of doubt.
        let mut attempts = Attempts::new(RetryMode::Off, 1_000, None).of(&change);
        attempts.broke("not reached".into());
        assert!(matches!(attempts.give_up(0), ClientError::Unreachable(_)));
        let error = refused(lost(&Call::default()), FailureCode::Forbidden).unwrap_err();
        assert_eq!(error.code(), Some(FailureCode::Forbidden));
    }

    #[test]
    fn without_retries_one_hsm_is_asked_once() {
        let mut roster = roster(2);
        let mut attempts = Attempts::new(RetryMode::Off, 1_000, None);
        asked(&attempts.next(&mut roster, 0));
        attempts.broke("gone".into());
        assert_eq!(attempts.next(&mut roster, 0), Step::GiveUp);
        assert!(matches!(attempts.give_up(0), ClientError::Unreachable(reason) if reason == "gone"));
    }

    #[test]
    fn a_pinned_call_goes_nowhere_else() {
        let mut roster = roster(3);
        let mut attempts = Attempts::new(RetryMode::Standard, 1_000, Some(MemberId(2)));
        assert_eq!(attempts.next(&mut roster, 0), Step::Ask(MemberId(2)));
        attempts.refused(failure(FailureCode::Busy)).unwrap();
        assert_eq!(attempts.next(&mut roster, 0), Step::Wait(20));
        assert_eq!(attempts.next(&mut roster, 20), Step::Ask(MemberId(2)));
    }

    #[test]
    fn the_least_loaded_is_asked_and_equals_take_turns() {
        let mut roster = roster(3);
        for (member, load) in [(0, 5), (1, 2), (2, 2)] {
            roster.answered(MemberId(member), load);
        }
        let mut choices = Vec::new();
        for _ in 0..4 {
            choices.push(roster.choose(&[], 0).unwrap().0);
        }
        assert_eq!(choices, [1, 2, 1, 2]);
        roster.failed(MemberId(1), 0, 0);
        roster.failed(MemberId(2), 0, 0);
        assert_eq!(roster.choose(&[], 10), Some(MemberId(0)), "loaded but well");
        assert_eq!(roster.choose(&[MemberId(0)], 10), Some(MemberId(1)), "nobody else is left");
        assert_eq!(roster.choose(&[], 10_000), Some(MemberId(2)), "all are forgiven by now");

        roster.failed(MemberId(0), 10_000, 12_000);
        assert!(roster.is_out(MemberId(0), 15_999), "it took two seconds to find out");
        assert!(!roster.is_out(MemberId(0), 16_000));
        for _ in 0..9 {
            roster.failed(MemberId(0), 11_000, 12_000);
        }
        assert!(
            !roster.is_out(MemberId(0), 16_000),
            "calls that were under way then hear of the same failure"
        );
    }
}
