//! Why a command is not carried out, in words for people.

use std::fmt::Display;
use std::path::Path;

use strongroom_client::CallError;
use strongroom_hsm_client::ClientError;
use strongroom_hsm_proto::command::FailureCode;

/// What a command fails with: the text that the answer's `data` holds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// An HSM refused, or none answered.
    #[error("{}", text_of(.0))]
    Client(#[from] ClientError),
    /// CloudHSM's API refused, or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The command cannot be carried out as it was given.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// Its path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The person has pressed Control-C.
    #[error("interrupted")]
    Interrupted,
    /// The console is gone.
    #[error("standard input has ended")]
    NoInput,
}

impl CliError {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn file(path: &Path, reason: impl Display) -> Self {
        Self::File { path: path.display().to_string(), reason: reason.to_string() }
    }

    pub(crate) fn code(&self) -> Option<FailureCode> {
        match self {
            Self::Client(error) => error.code(),
            _ => None,
        }
    }
}

/// Where AWS's client has words of its own, they are used.
fn text_of(error: &ClientError) -> String {
    match error.code() {
        Some(FailureCode::QuorumRequired) => "Quorum approval is required for this operation".to_owned(),
        Some(FailureCode::QuorumFailed) => "Quorum Failed".to_owned(),
        _ => error.to_string(),
    }
}
