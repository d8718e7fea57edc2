//! What becomes of a call.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use strongroom_hsm_proto::command::{self, Attribute, Failure, FailureCode, Reply, Result as Answered};

use crate::audit::Slot;
use crate::effect::Kind;
use crate::keyring::Place;
use crate::quorum::Signatures;
use crate::state::{KeyEntry, Resource};

/// What becomes of a call.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is made once for a call and taken apart at once")]
pub enum Outcome {
    /// It is done: something was read, computed, or changed on this HSM alone.
    Done(Reply),
    /// It is not, and nothing of it.
    Refused(Failure),
    /// It changes what all HSMs of the cluster share: it is done once the log has it.
    Change(Planned),
}

/// A change that is worked out but not made. The caller puts `effects` into the cluster's log; once it is there,
/// it applies them ([`Hsm::apply`](crate::Hsm::apply)), settles the plan ([`Hsm::settle`](crate::Hsm::settle)) and
/// sends the answer. If other changes came first, [`Hsm::still_holds`](crate::Hsm::still_holds) says whether
/// the plan is good as it is; if not, the call is executed again.
///
/// A plan that is dropped without being settled leaves nothing behind.
pub struct Planned {
    /// What is appended to the log.
    pub effects: Vec<u8>,
    /// What the client gets once it is there. A failure where the change is a refusal's consequence: the
    /// lock of a user whose password was wrong too often.
    pub answer: command::Outcome,
    /// How old the state is that it was worked out from.
    pub(crate) revision: u64,
    /// The epoch under whose key it seals.
    pub(crate) place: Option<Place>,
    /// What it relies on.
    pub(crate) reads: HashSet<Resource>,
    /// What it changes.
    pub(crate) writes: HashSet<Resource>,
    /// The session whose approvals it uses up.
    pub(crate) approved_in: Option<u64>,
    /// What else happens when it is made.
    pub(crate) follow_ups: Vec<FollowUp>,
    /// Whether it counts as a cryptographic operation.
    pub(crate) computes: bool,
    /// Where it is recorded.
    pub(crate) slot: Option<Slot>,
}

/// What happens on this HSM alone when a change is made.
pub(crate) enum FollowUp {
    /// A session key has become a token key. Until then the mark keeps it from being changed.
    Kept { session: u64, handle: u64, _mark: Arc<()> },
    /// A session has a new key.
    Add { session: u64, entry: Arc<KeyEntry> },
    /// A session key is changed, from whatever it then is.
    Change { session: u64, handle: u64, attribute: Attribute, by_administrator: bool },
    /// A registration is complete.
    Registered { session: u64 },
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned").field("effects", &self.effects.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for FollowUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FollowUp(..)")
    }
}

/// What becomes of a call, before it is recorded.
pub(crate) enum Progress {
    Done(Option<Answered>),
    Change(Draft),
}

/// A change that is being worked out.
pub(crate) struct Draft {
    pub(crate) revision: u64,
    pub(crate) reads: HashSet<Resource>,
    pub(crate) effects: Vec<Kind>,
    pub(crate) answer: command::Outcome,
    /// The session whose approvals it uses up.
    pub(crate) approved_in: Option<u64>,
    /// Approvals that are not verified yet.
    pub(crate) unverified: Vec<Signatures>,
    pub(crate) follow_ups: Vec<FollowUp>,
}

impl Draft {
    /// Begins a change that is worked out from the state as it is at `revision`.
    pub(crate) fn new(revision: u64) -> Self {
        Self {
            revision,
            reads: HashSet::new(),
            effects: Vec::new(),
            answer: command::Outcome::Reply(Reply { result: None }),
            approved_in: None,
            unverified: Vec::new(),
            follow_ups: Vec::new(),
        }
    }

    pub(crate) fn relying_on(mut self, resources: impl IntoIterator<Item = Resource>) -> Self {
        self.reads.extend(resources);
        self
    }

    pub(crate) fn doing(mut self, effects: impl IntoIterator<Item = Kind>) -> Self {
        self.effects.extend(effects);
        self
    }

    pub(crate) fn answering(mut self, result: Answered) -> Self {
        self.answer = command::Outcome::Reply(Reply { result: Some(result) });
        self
    }

    /// The client is told that it failed, although something changes.
    pub(crate) fn refusing(mut self, failure: Failure) -> Self {
        self.answer = command::Outcome::Failure(failure);
        self
    }

    pub(crate) fn then(mut self, follow_up: FollowUp) -> Self {
        self.follow_ups.push(follow_up);
        self
    }

    pub(crate) fn change(self) -> Progress {
        Progress::Change(self)
    }
}

/// The code and the text of an answer that is a failure.
pub(crate) fn refused(answer: &command::Outcome) -> Option<(FailureCode, &str)> {
    match answer {
        command::Outcome::Reply(_) => None,
        command::Outcome::Failure(failure) => Some((failure.code(), &failure.text)),
    }
}
