//! Why a call is not done.

use std::{fmt, io};

use strongroom_hsm_proto::command::{Failure, FailureCode};

/// What a client can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The HSM refuses the call.
    #[error("{text}")]
    Refused {
        /// What callers act on.
        code: FailureCode,
        /// What people read.
        text: String,
    },
    /// No HSM answers.
    #[error("no HSM of the cluster answers: {0}")]
    Unreachable(String),
    /// The time for the call is over. Whether a change was made is not known.
    #[error("no HSM answered in time: {0}")]
    DeadlineExceeded(String),
    /// A key is not on as many HSMs as it must be. The text is AWS's.
    #[error(
        "Key {0} does not meet the availability requirements - The key must be available on at least 2 HSMs before \
         being used."
    )]
    NotAvailable(KeyReference),
    /// The connections in which the user was logged in are gone, and the second factor is needed to log in again.
    #[error(
        "the connection was lost, and a log-in with a second factor does not come back by itself: log in again"
    )]
    LoginLost,
    /// The HSM that held this session's keys is gone, and they with it.
    #[error("key {0} was a session key of an HSM that is gone")]
    SessionKeyLost(KeyReference),
    /// Session keys of two HSMs cannot be used in one call.
    #[error("the session keys of this call are on different HSMs")]
    SessionKeysApart,
    /// The client was closed.
    #[error("the client of the HSMs is closed")]
    Closed,
    /// The call is longer than HSMs take.
    #[error("the call has {length} bytes, and HSMs take {max}")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// The client's own configuration is not usable.
    #[error("{0}")]
    Configuration(String),
    /// An HSM answered something that makes no sense.
    #[error("an HSM answered out of protocol: {0}")]
    Protocol(&'static str),
    /// The cryptographic module refuses to work.
    #[error("the cryptographic module gives no random bytes")]
    Cryptography(#[from] strongroom_crypto::CryptoError),
}

impl ClientError {
    /// The failure's code, if an HSM refused the call.
    pub fn code(&self) -> Option<FailureCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::NotAvailable(_) => Some(FailureCode::NotAvailable),
            _ => None,
        }
    }
}

impl From<Failure> for ClientError {
    fn from(failure: Failure) -> Self {
        Self::Refused { code: failure.code(), text: failure.text }
    }
}

/// A key's handle as people see it: `0x` and sixteen digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyReference(pub u64);

impl fmt::Display for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

/// Why an HSM could not be asked, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) text: String,
    /// Another try would end the same: certificates do not fit, or it is somebody else's HSM.
    pub(crate) lasts: bool,
    /// The HSM may have the call: what came of it is not known.
    pub(crate) was_sent: bool,
    /// Nothing listens at the HSM's address.
    pub(crate) is_absent: bool,
}

impl Reason {
    /// For one that lasts.
    pub(crate) fn lasting(text: impl Into<String>) -> Self {
        Self { text: text.into(), lasts: true, was_sent: false, is_absent: false }
    }

    /// For a call that the HSM may have.
    pub(crate) fn after_sending(text: impl Into<String>) -> Self {
        Self { text: text.into(), lasts: false, was_sent: true, is_absent: false }
    }

    /// The same for a call that was not sent yet, because what had to come before it went wrong.
    pub(crate) fn before_sending(self) -> Self {
        Self { was_sent: false, ..self }
    }

    /// For an error of a connection. What TLS refuses, it refuses again.
    pub(crate) fn of(error: &io::Error) -> Self {
        let text = match error.kind() {
            // A time-out of a socket is told in a way that names none.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer in time".to_owned(),
            io::ErrorKind::UnexpectedEof => "the connection is closed".to_owned(),
            _ => error.to_string(),
        };
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let lasts =
            matches!(tls, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)));
        let is_absent = error.kind() == io::ErrorKind::ConnectionRefused;
        Self { text, lasts, was_sent: false, is_absent }
    }
}

impl<T: Into<String>> From<T> for Reason {
    fn from(text: T) -> Self {
        Self { text: text.into(), lasts: false, was_sent: false, is_absent: false }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
