//! CloudWatch's refusals as AWS words them (codes and the texts that are quoted in its documentation and in public issue
//! threads; where none is known, ours in its form).

use strongroom_api_cloudwatch::{SERVICE, errors};
use strongroom_policy::Denied;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

/// Why CloudWatch does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// `InvalidParameterValue`.
    Value(String),
    /// `InvalidParameterCombination`.
    Combination(String),
    /// `MissingParameter`.
    Missing(String),
    /// `ValidationError`: what operations on alarms say of their input.
    Validation(String),
    /// `InvalidNextToken`.
    NextToken,
    /// `InvalidFormat`: data of a state that are no JSON.
    Format(String),
    /// No alarm of that name; `ResourceNotFound`.
    UnknownAlarm(String),
    /// No alarm of that ARN, for operations on tags; `ResourceNotFoundException`.
    UnknownResource(String),
    /// More alarms than an account may have.
    LimitExceeded(String),
    /// More new metrics than there is room for; `Throttling`.
    TooMany,
    /// Something of AWS's that is not here.
    NotYet(&'static str),
    /// The policy engine said no.
    Denied(Denied),
    /// The store does not answer in time.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// A failure of ours.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// `ValidationError` with that text.
    pub(crate) fn validation(text: impl Into<String>) -> Self {
        Self::Validation(text.into())
    }

    /// `InvalidParameterValue` with that text.
    pub(crate) fn value(text: impl Into<String>) -> Self {
        Self::Value(text.into())
    }

    /// The reason, for those who are not callers.
    pub(crate) fn into_cause(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => cause,
            other => ApiError::from(other).into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Value(text) => Self::modelled(&errors::INVALID_PARAMETER_VALUE_EXCEPTION, text),
            Refusal::Combination(text) => {
                Self::modelled(&errors::INVALID_PARAMETER_COMBINATION_EXCEPTION, text)
            }
            Refusal::Missing(text) => Self::modelled(&errors::MISSING_REQUIRED_PARAMETER_EXCEPTION, text),
            Refusal::Validation(text) => Self::validation(text),
            Refusal::NextToken => {
                Self::modelled(&errors::INVALID_NEXT_TOKEN, "The next token specified is invalid.")
            }
            Refusal::Format(text) => Self::modelled(&errors::INVALID_FORMAT_FAULT, text),
            Refusal::UnknownAlarm(text) => Self::modelled(&errors::RESOURCE_NOT_FOUND, text),
            Refusal::UnknownResource(arn) => {
                Self::modelled(&errors::RESOURCE_NOT_FOUND_EXCEPTION, format!("Unknown resource: {arn}"))
            }
            Refusal::LimitExceeded(text) => Self::modelled(&errors::LIMIT_EXCEEDED_FAULT, text),
            Refusal::TooMany => Self::front("Throttling", None, Some("Rate exceeded".to_owned())),
            Refusal::NotYet(feature) => {
                Self::feature_not_implemented(&format!("{}: {feature}", SERVICE.name))
            }
            Refusal::Denied(denied) => Self::access_denied(denied),
            Refusal::Unavailable(source) => {
                Self::unavailable("The service is temporarily unavailable. Try again.").with_source(source)
            }
            Refusal::Internal(source) => Self::internal(source),
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
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
