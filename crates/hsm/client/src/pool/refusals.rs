//! HSMs that refuse the user: when one is asked again. No input, no output.

use std::collections::HashMap;

use strongroom_hsm_proto::command::{Cursor, Failure, FailureCode};

use crate::limits::{LOOK_AGAIN_MS, MOST_REPEATED_LOGINS};
use crate::roster::MemberId;

/// The refusals that stand.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<MemberId, Refusal>);

#[derive(Debug)]
struct Refusal {
    failure: Failure,
    /// The state in which the HSM refused. In the same state it would refuse again.
    state: Option<Cursor>,
    look_again_ms: u64,
    /// How often the password may still be shown to it.
    repeats_left: u32,
}

impl Refusals {
    /// What the HSM has said, if it is too soon to look at it again.
    pub(super) fn standing(&self, id: MemberId, now_ms: u64) -> Option<Failure> {
        let refusal = self.0.get(&id).filter(|refusal| now_ms < refusal.look_again_ms)?;
        Some(refusal.failure.clone())
    }

    /// What the HSM has said, if it is still in the state in which it said so, or has heard the password too often.
    pub(super) fn still_standing(
        &mut self,
        id: MemberId,
        state: Option<&Cursor>,
        now_ms: u64,
    ) -> Option<Failure> {
        let refusal = self.0.get_mut(&id)?;
        if refusal.state.as_ref() != state && refusal.repeats_left > 0 {
            return None;
        }
        refusal.look_again_ms = now_ms.saturating_add(LOOK_AGAIN_MS);
        Some(refusal.failure.clone())
    }

    /// The HSM has refused the user, in this state.
    pub(super) fn note(&mut self, id: MemberId, failure: &Failure, state: Option<&Cursor>, now_ms: u64) {
        let left =
            self.0.get(&id).map_or(MOST_REPEATED_LOGINS, |before| before.repeats_left.saturating_sub(1));
        // Of a locked user no password is looked at, and so none is wrong.
        let repeats_left = if failure.code() == FailureCode::Locked { left.max(1) } else { left };
        let refusal = Refusal {
            failure: failure.clone(),
            state: state.cloned(),
            look_again_ms: now_ms.saturating_add(LOOK_AGAIN_MS),
            repeats_left,
        };
        self.0.insert(id, refusal);
    }

    /// The HSM has let the user in.
    pub(super) fn end(&mut self, id: MemberId) {
        self.0.remove(&id);
    }

    /// The user is to be tried anew everywhere.
    pub(super) fn clear(&mut self) {
        self.0.clear();
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

    #[test]
    fn the_same_state_refuses_again_and_is_not_asked() {
        let mut refusals = Refusals::default();
        assert!(refusals.still_standing(HSM, None, 0).is_none());
        refusals.note(HSM, &failure(FailureCode::LoginFailed), Some(&state(1)), 0);
        assert!(refusals.standing(HSM, LOOK_AGAIN_MS - 1).is_some());
        assert!(refusals.standing(HSM, LOOK_AGAIN_MS).is_none());
        assert!(refusals.standing(MemberId(1), 0).is_none());
        assert!(refusals.still_standing(HSM, Some(&state(1)), LOOK_AGAIN_MS).is_some());
        assert!(refusals.standing(HSM, LOOK_AGAIN_MS).is_some(), "looked at a moment ago");
        assert!(refusals.still_standing(HSM, Some(&state(2)), 2 * LOOK_AGAIN_MS).is_none());
        refusals.end(HSM);
        assert!(refusals.still_standing(HSM, Some(&state(2)), 0).is_none());
    }

    #[test]
    fn a_wrong_password_is_shown_a_few_times_only_however_often_the_state_changes() {
        let mut refusals = Refusals::default();
        let mut shown = 0;
        for sequence in 0..100 {
            if refusals.still_standing(HSM, Some(&state(sequence)), 0).is_none() {
                shown += 1;
                refusals.note(HSM, &failure(FailureCode::LoginFailed), Some(&state(sequence)), 0);
            }
        }
        assert_eq!(shown, 1 + MOST_REPEATED_LOGINS);
        refusals.clear();
        assert!(refusals.still_standing(HSM, Some(&state(100)), 0).is_none());
    }

    #[test]
    fn one_that_is_locked_comes_back_however_long_that_takes() {
        let mut refusals = Refusals::default();
        for sequence in 0..100 {
            assert!(refusals.still_standing(HSM, Some(&state(sequence)), 0).is_none());
            refusals.note(HSM, &failure(FailureCode::Locked), Some(&state(sequence)), 0);
        }
    }
}
