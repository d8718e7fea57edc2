//! IAM's refusals as AWS words them (codes: IAM API Reference; texts: answers of AWS quoted in public issue
//! threads, ours where none is known).

use strongroom_api_iam::errors;
use strongroom_crypto::CryptoError;
use strongroom_journal::JournalError;
use strongroom_policy::Denied;
use strongroom_policy::document::DocumentError;
use strongroom_schema::{ErrorShape, QueryError};
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

/// What calls are told that may be sent again.
const BUSY: &str = "The service is busy. Try again in a moment.";

/// Why IAM does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An error of the model, and its text.
    Modelled(&'static ErrorShape, String),
    /// An input that the model takes and IAM does not.
    Validation(String),
    /// The policy engine said no.
    Denied(Denied),
    /// What the caller's credentials may not do, whatever policies say.
    Forbidden(String),
    /// `InvalidParameterValue`: an input that the model takes and STS does not.
    Parameter(String),
    /// `InvalidClientTokenId`: temporary credentials that the service does not take.
    Token,
    /// The operation is here, what the request asks of it is not.
    NotImplemented(&'static str),
    /// More calls of the kind are under way than the service takes.
    Busy,
    /// The store does not answer in time.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// A failure of ours.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// `NoSuchEntity`
    pub(crate) fn no_such(text: impl Into<String>) -> Self {
        Self::Modelled(&errors::NO_SUCH_ENTITY_EXCEPTION, text.into())
    }

    /// `EntityAlreadyExists`
    pub(crate) fn exists(text: impl Into<String>) -> Self {
        Self::Modelled(&errors::ENTITY_ALREADY_EXISTS_EXCEPTION, text.into())
    }

    /// `LimitExceeded` of a quota that has a name.
    pub(crate) fn quota(name: &str, limit: usize) -> Self {
        Self::limit(format!("Cannot exceed quota for {name}: {limit}"))
    }

    /// `LimitExceeded`
    pub(crate) fn limit(text: impl Into<String>) -> Self {
        Self::Modelled(&errors::LIMIT_EXCEEDED_EXCEPTION, text.into())
    }

    /// `DeleteConflict` of an entity that something else must leave first.
    pub(crate) fn must_first(what: &str) -> Self {
        Self::conflict(format!("Cannot delete entity, must {what} first."))
    }

    /// `DeleteConflict`
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::Modelled(&errors::DELETE_CONFLICT_EXCEPTION, text.into())
    }

    /// `InvalidInput`
    pub(crate) fn invalid_input(text: impl Into<String>) -> Self {
        Self::Modelled(&errors::INVALID_INPUT_EXCEPTION, text.into())
    }

    /// `MalformedPolicyDocument`
    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::Modelled(&errors::MALFORMED_POLICY_DOCUMENT_EXCEPTION, text.into())
    }

    /// `InvalidAuthenticationCode`: codes that a device does not show.
    pub(crate) fn invalid_code() -> Self {
        let text = "Authentication code for device is not valid.";
        Self::Modelled(&errors::INVALID_AUTHENTICATION_CODE_EXCEPTION, text.to_owned())
    }

    /// `UnmodifiableEntity`: a role that belongs to a service.
    pub(crate) fn protected_role(name: &str) -> Self {
        let text = format!(
            "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
        );
        Self::Modelled(&errors::UNMODIFIABLE_ENTITY_EXCEPTION, text)
    }

    /// `PolicyNotAttachable`: a policy of AWS for its services' own roles.
    pub(crate) fn not_attachable() -> Self {
        let text = "Cannot attach a Service Role Policy to a Customer Role.";
        Self::Modelled(&errors::POLICY_NOT_ATTACHABLE_EXCEPTION, text.to_owned())
    }

    /// `PasswordPolicyViolation`
    pub(crate) fn password(text: impl Into<String>) -> Self {
        Self::Modelled(&errors::PASSWORD_POLICY_VIOLATION_EXCEPTION, text.into())
    }

    /// The reason, for those who are not callers.
    pub(crate) fn into_cause(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => cause,
            other => ApiError::from(other).into(),
        }
    }

    /// A failure of ours that no caller can bring about.
    pub(crate) fn internal(text: &'static str) -> Self {
        Self::Internal(text.into())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Modelled(shape, text) => Self::modelled(shape, text),
            Refusal::Validation(text) => Self::validation(text),
            Refusal::Denied(denied) => Self::access_denied(denied),
            Refusal::Forbidden(text) => Self::access_denied(text),
            Refusal::NotImplemented(feature) => Self::feature_not_implemented(feature),
            Refusal::Parameter(text) => Self::common("InvalidParameterValue", text),
            Refusal::Token => {
                let query = Some(QueryError { code: "InvalidClientTokenId", http_status: 403 });
                let text = "The security token included in the request is invalid";
                Self::front("InvalidClientTokenId", query, Some(text.to_owned()))
            }
            Refusal::Busy => Self::unavailable(BUSY),
            Refusal::Unavailable(source) => Self::unavailable(BUSY).with_source(source),
            Refusal::Internal(source) => Self::internal(source),
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<DocumentError> for Refusal {
    fn from(error: DocumentError) -> Self {
        Self::malformed(error.iam_message())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<CryptoError> for Refusal {
    fn from(error: CryptoError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        Self::Internal(error.into())
    }
}
