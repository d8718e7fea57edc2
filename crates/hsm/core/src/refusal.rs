//! Why a call is refused, and what of that the audit log says.

use std::borrow::Cow;

use strongroom_crypto::CryptoError;
use strongroom_hsm_proto::command::{Failure, FailureCode};

use crate::HsmError;

/// A refusal: the kind, and AWS's text where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: FailureCode,
    pub(crate) text: Cow<'static, str>,
}

impl Refusal {
    pub(crate) const fn new(code: FailureCode, text: &'static str) -> Self {
        Self { code, text: Cow::Borrowed(text) }
    }

    pub(crate) const fn invalid_request(text: &'static str) -> Self {
        Self::new(FailureCode::InvalidRequest, text)
    }

    pub(crate) const fn forbidden(text: &'static str) -> Self {
        Self::new(FailureCode::Forbidden, text)
    }

    pub(crate) const fn key_forbids(text: &'static str) -> Self {
        Self::new(FailureCode::KeyForbids, text)
    }

    pub(crate) const fn invalid_data(text: &'static str) -> Self {
        Self::new(FailureCode::InvalidData, text)
    }

    pub(crate) const fn invalid_mechanism(text: &'static str) -> Self {
        Self::new(FailureCode::InvalidMechanism, text)
    }

    pub(crate) fn invalid_attribute(text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: FailureCode::InvalidAttribute, text: text.into() }
    }

    pub(crate) const fn no_such_key() -> Self {
        Self::new(FailureCode::NoSuchKey, "No key found with the given selection criteria")
    }

    pub(crate) const fn no_such_user() -> Self {
        Self::new(FailureCode::NoSuchUser, "User does not exist")
    }

    pub(crate) const fn limit(text: &'static str) -> Self {
        Self::new(FailureCode::LimitExceeded, text)
    }

    /// The one text of cryptography that fails.
    pub(crate) const fn cryptography() -> Self {
        Self::new(FailureCode::CryptographyFailed, "The cryptographic operation failed")
    }

    pub(crate) fn into_failure(self) -> Failure {
        Failure { code: self.code.into(), text: self.text.into_owned() }
    }
}

impl From<CryptoError> for Refusal {
    fn from(_: CryptoError) -> Self {
        Self::cryptography()
    }
}

impl From<HsmError> for Refusal {
    fn from(error: HsmError) -> Self {
        match error {
            HsmError::Crypto(_) | HsmError::InvalidCiphertext => Self::cryptography(),
            HsmError::InvalidKeyId
            | HsmError::PlaintextTooLong
            | HsmError::ContextTooLong
            | HsmError::ContextRepeatsKey => {
                Self { code: FailureCode::InvalidData, text: error.to_string().into() }
            }
            _ => Self { code: FailureCode::Internal, text: error.to_string().into() },
        }
    }
}
