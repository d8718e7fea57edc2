//! Why a call has no answer.

use std::fmt;
use std::path::Path;

use crate::http::MAX_ANSWER;

/// Why a call has no answer, in words for people.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The URL is none that can be called.
    #[error("{0:?} is no endpoint: it looks like https://127.0.0.1:4566")]
    BadEndpoint(String),
    /// A file cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// Its path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// Nobody said who calls.
    #[error(
        "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to \
         ~/.aws/credentials for profile {profile}"
    )]
    NoCredentials {
        /// The profile that was looked for.
        profile: String,
    },
    /// No list of authorities is found on this machine, or it is empty.
    #[error("no certificates of authorities are found: name their file in AWS_CA_BUNDLE")]
    NoAuthorities,
    /// TLS cannot be spoken with that endpoint.
    #[error("{authority}: {source}")]
    Tls {
        /// Host and port.
        authority: String,
        /// Why not.
        source: rustls::Error,
    },
    /// The endpoint cannot be reached, or has gone away during the call.
    #[error("{authority}: {source}")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// Why not.
        source: std::io::Error,
    },
    /// What answers is not a web server, or its answer is not whole.
    #[error("{authority} does not answer in HTTP")]
    NotHttp {
        /// Host and port.
        authority: String,
    },
    /// The answer is longer than any that an AWS API gives.
    #[error("{authority} answers with more than {} MiB", MAX_ANSWER >> 20)]
    TooLong {
        /// Host and port.
        authority: String,
    },
    /// A line break, or something else that cannot stand there, would be sent in that header, or in the path.
    #[error(
        "the Region, the credentials or an id has a line break, or the like, in it: it cannot be sent ({0})"
    )]
    Unwritable(&'static str),
    /// The service refuses.
    #[error("{0}")]
    Refused(Refusal),
    /// The answer is not one of that operation.
    #[error("{operation} answers something else: {reason}")]
    Unexpected {
        /// The operation.
        operation: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl CallError {
    pub(crate) fn file(path: &Path, reason: impl fmt::Display) -> Self {
        Self::File { path: path.display().to_string(), reason: reason.to_string() }
    }

    /// The code of the refusal, if the service refuses: `NotFoundException`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }
}

/// A service's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The operation, or the path.
    pub operation: String,
    /// The HTTP status.
    pub status: u16,
    /// The error's code; empty where the answer has none.
    pub code: String,
    /// What the service says; empty where the answer says nothing.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, status, code, message } = self;
        match (code.is_empty(), message.is_empty()) {
            (true, true) => write!(f, "{operation}: HTTP status {status}"),
            (true, false) => write!(f, "{operation}: {message}"),
            (false, _) => write!(f, "{operation}: {code}: {message}"),
        }
    }
}
