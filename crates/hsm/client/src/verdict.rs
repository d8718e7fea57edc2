//! What a failure means for the next step.

use strongroom_hsm_proto::command::FailureCode;

/// What to do after an HSM has refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Tell the caller: every HSM would say the same.
    Final,
    /// Ask another HSM; if all say so, wait and ask again.
    Elsewhere,
    /// Ask another HSM, but do not wait: what hinders will last.
    ElsewhereOnce,
    /// The session is gone: begin a new one, log in again, and repeat the call.
    NewSession,
}

impl Verdict {
    pub(crate) fn on(code: FailureCode) -> Self {
        match code {
            FailureCode::Busy | FailureCode::Behind | FailureCode::DeadlineExceeded => Self::Elsewhere,
            FailureCode::Halted
            | FailureCode::Forked
            | FailureCode::ReadOnly
            | FailureCode::AuditLogFull
            | FailureCode::Internal => Self::ElsewhereOnce,
            FailureCode::NoSession => Self::NewSession,
            _ => Self::Final,
        }
    }
}
