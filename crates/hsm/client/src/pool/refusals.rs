//! HSMs that refuse the user, or do not say: when one is asked again. No input, no output.

use std::collections::HashMap;

use strongroom_hsm_proto::command::{Cursor, Failure, FailureCode};

use crate::limits::{LOOK_AGAIN_MS, MOST_REPEATED_LOGINS, UNANSWERED_AGAIN_MS};
use crate::roster::MemberId;

/// The refusals that stand.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    of: HashMap<MemberId, Refusal>,
    /// Counts the passwords: what is said of one is not said of the next.
    password: Password,
    /// The last HSM that said anything of the password let the user in with it.
    is_good: bool,
}

/// Names one of the passwords that the user had, for as long as the client lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Password(u64);

/// Why the password is not shown to an HSM.
#[derive(Debug, PartialEq)]
pub(super) enum LeftOut {
    /// It has refused the user and would again.
    Refused(Failure),
    /// It has not answered as many log-ins as may all have been wrong.
    Unanswered,
}

#[derive(Debug, Default)]
struct Refusal {
    /// What the HSM has said, and the state in which it did. In the same state it would refuse again.
    said: Option<(Failure, Option<Cursor>)>,
    look_again_ms: u64,
    /// How often it has found the password wrong, or may have: a log-in that is not answered may have been counted.
    counted: u32,
    /// When the password was shown to it last.
    shown_ms: u64,
}

impl Refusals {
    /// What the HSM has said, if it is too soon to look at it again.
    pub(super) fn standing(&self, id: MemberId, now_ms: u64) -> Option<Failure> {
        let refusal = self.of.get(&id).filter(|refusal| now_ms < refusal.look_again_ms)?;
        refusal.said.as_ref().map(|(failure, _)| failure.clone())
    }

    /// Why the password is not to be shown to the HSM: it is still in the state in which it refused, or may have
    /// counted the password too often. One that is known to be right nobody counts.
    pub(super) fn still_standing(
        &mut self,
        id: MemberId,
        state: Option<&Cursor>,
        now_ms: u64,
    ) -> Option<LeftOut> {
        let refusal = self.of.get_mut(&id)?;
        let is_too_often = refusal.counted > MOST_REPEATED_LOGINS;
        match &refusal.said {
            Some((failure, before)) if before.as_ref() == state || is_too_often => {
                refusal.look_again_ms = now_ms.saturating_add(LOOK_AGAIN_MS);
                Some(LeftOut::Refused(failure.clone()))
            }
            None if is_too_often
                && !self.is_good
                && now_ms < refusal.shown_ms.saturating_add(UNANSWERED_AGAIN_MS) =>
            {
                Some(LeftOut::Unanswered)
            }
            _ => None,
        }
    }

    /// The password is about to be shown. Whatever comes of it is to be told with the answer.
    pub(super) fn show(&mut self, id: MemberId, now_ms: u64) -> Password {
        let refusal = self.of.entry(id).or_default();
        refusal.counted = refusal.counted.saturating_add(1);
        refusal.shown_ms = now_ms;
        self.password
    }

    /// The HSM has not looked at the password that was shown.
    pub(super) fn unseen(&mut self, id: MemberId, password: Password) {
        if password == self.password
            && let Some(refusal) = self.of.get_mut(&id)
        {
            refusal.counted = refusal.counted.saturating_sub(1);
        }
    }

    /// The HSM has refused the user who showed that password, in this state. `false` when the user has another one
    /// by now, of which that says nothing.
    pub(super) fn note(
        &mut self,
        id: MemberId,
        password: Password,
        failure: &Failure,
        state: Option<&Cursor>,
        now_ms: u64,
    ) -> bool {
        if password != self.password {
            return false;
        }
        self.is_good = false;
        let refusal = self.of.entry(id).or_default();
        // Of a locked user no password is looked at, and so none is wrong.
        if failure.code() == FailureCode::Locked {
            refusal.counted = refusal.counted.min(MOST_REPEATED_LOGINS);
        }
        refusal.said = Some((failure.clone(), state.cloned()));
        refusal.look_again_ms = now_ms.saturating_add(LOOK_AGAIN_MS);
        true
    }

    /// The HSM has let the user in.
    pub(super) fn end(&mut self, id: MemberId, password: Password) {
        if password == self.password {
            self.of.remove(&id);
            self.is_good = true;
        }
    }

    /// That id is another HSM's now.
    pub(super) fn forget(&mut self, id: MemberId) {
        self.of.remove(&id);
    }

    /// The user is to be tried anew everywhere.
    pub(super) fn clear(&mut self) {
        self.of.clear();
    }

    /// The user has another password, which an HSM knows.
    pub(super) fn begin_anew(&mut self) {
        self.of.clear();
        self.password.0 += 1;
        self.is_good = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HSM: MemberId = MemberId(0);

    fn failure(code: FailureCode) -> Failure {
        Failure { code: code.into(), text: String::new() }
    }

    fn state(sequence: u64) -> Cursor {
        Cursor { sequence, ..Cursor::default() }
    }

    /// Shows the password to the HSM in that state, if it may be; the HSM refuses it.
    fn is_refused(refusals: &mut Refusals, code: FailureCode, state: &Cursor) -> bool {
        if refusals.still_standing(HSM, Some(state), 0).is_some() {
            return false;
        }
        let password = refusals.show(HSM, 0);
        refusals.note(HSM, password, &failure(code), Some(state), 0)
    }

    #[test]
    fn the_same_state_refuses_again_and_is_not_asked() {
        let mut refusals = Refusals::default();
        assert!(refusals.still_standing(HSM, None, 0).is_none());
        assert!(is_refused(&mut refusals, FailureCode::LoginFailed, &state(1)));
        assert!(refusals.standing(HSM, LOOK_AGAIN_MS - 1).is_some());
        assert!(refusals.standing(HSM, LOOK_AGAIN_MS).is_none());
        assert!(refusals.standing(MemberId(1), 0).is_none());
        assert!(refusals.still_standing(HSM, Some(&state(1)), LOOK_AGAIN_MS).is_some());
        assert!(refusals.standing(HSM, LOOK_AGAIN_MS).is_some(), "looked at a moment ago");
        assert!(refusals.still_standing(HSM, Some(&state(2)), 2 * LOOK_AGAIN_MS).is_none());
        let password = refusals.show(HSM, 0);
        refusals.end(HSM, password);
        assert!(refusals.still_standing(HSM, Some(&state(2)), 0).is_none());
    }

    #[test]
    fn a_wrong_password_is_shown_a_few_times_only_however_often_the_state_changes() {
        let mut refusals = Refusals::default();
        let shown = (0..100).filter(|at| is_refused(&mut refusals, FailureCode::LoginFailed, &state(*at)));
        assert_eq!(shown.count(), 1 + MOST_REPEATED_LOGINS as usize);
        refusals.clear();
        assert!(refusals.still_standing(HSM, Some(&state(100)), 0).is_none());
    }

    #[test]
    fn one_that_is_locked_comes_back_however_long_that_takes() {
        let mut refusals = Refusals::default();
        for sequence in 0..100 {
            assert!(is_refused(&mut refusals, FailureCode::Locked, &state(sequence)));
        }
    }

    #[test]
    fn a_refusal_of_the_password_before_says_nothing_of_the_new_one() {
        let mut refusals = Refusals::default();
        let before = refusals.show(HSM, 0);
        refusals.begin_anew();
        assert!(!refusals.note(HSM, before, &failure(FailureCode::LoginFailed), Some(&state(1)), 0));
        assert!(refusals.standing(HSM, 0).is_none());
        assert!(refusals.still_standing(HSM, Some(&state(1)), 0).is_none());
        assert!(is_refused(&mut refusals, FailureCode::LoginFailed, &state(1)));
        refusals.end(HSM, before);
        assert!(refusals.standing(HSM, 0).is_some(), "it had let in the one before");
    }

    #[test]
    fn a_log_in_that_is_not_answered_counts_as_if_it_were_refused() {
        let mut refusals = Refusals::default();
        let mut shown = 0;
        while refusals.still_standing(HSM, None, 0).is_none() {
            refusals.show(HSM, 0);
            shown += 1;
        }
        assert_eq!(shown, 1 + MOST_REPEATED_LOGINS);
        assert_eq!(refusals.still_standing(HSM, Some(&state(1)), 0), Some(LeftOut::Unanswered));
        assert!(refusals.still_standing(HSM, None, UNANSWERED_AGAIN_MS).is_none(), "it comes back by itself");
        refusals.show(HSM, UNANSWERED_AGAIN_MS);
        assert_eq!(refusals.still_standing(HSM, None, UNANSWERED_AGAIN_MS), Some(LeftOut::Unanswered));

        refusals.clear();
        for _ in 0..100 {
            assert!(refusals.still_standing(HSM, None, 0).is_none());
            let password = refusals.show(HSM, 0);
            refusals.unseen(HSM, password);
        }
    }

    #[test]
    fn a_password_with_which_another_hsm_lets_the_user_in_is_shown_until_there_is_an_answer() {
        let mut refusals = Refusals::default();
        let good = refusals.show(MemberId(1), 0);
        refusals.end(MemberId(1), good);
        for _ in 0..100 {
            assert!(refusals.still_standing(HSM, None, 0).is_none());
            refusals.show(HSM, 0);
        }
        refusals.show(MemberId(1), 0);
        refusals.note(MemberId(1), good, &failure(FailureCode::LoginFailed), None, 0);
        assert_eq!(refusals.still_standing(HSM, None, 0), Some(LeftOut::Unanswered), "somebody changed it");
    }
}
