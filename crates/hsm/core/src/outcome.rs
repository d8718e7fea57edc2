//! What becomes of a call.

use strongroom_hsm_proto::command::{self, Failure, Reply};

/// What becomes of a call.
#[derive(Debug)]
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
#[derive(Debug)]
pub struct Planned {
    /// What is appended to the log.
    pub effects: Vec<u8>,
    /// What the client gets once it is there. A failure where the change is a refusal's consequence: the
    /// lock of a user whose password was wrong too often.
    pub answer: command::Outcome,
}
