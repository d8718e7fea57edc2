//! SNS's refusals as AWS words them (codes: SNS API Reference; texts: the same, and answers of AWS quoted in public issue
//! threads).

use strongroom_api_sns::{SERVICE, errors};
use strongroom_policy::Denied;
use strongroom_schema::{ErrorShape, QueryError};
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

/// Why SNS does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// `InvalidParameter`, with what follows `Invalid parameter: `.
    Parameter(String),
    /// Another error of the model, with its text.
    Modelled(&'static ErrorShape, String),
    /// The policy engine said no.
    Denied(Denied),
    /// What is asked for is not implemented.
    NotYet(String),
    /// There are too many calls, or too much waits already.
    Throttled,
    /// The store does not answer in time.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// A failure of ours.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// `Invalid parameter: what`.
    pub(crate) fn parameter(what: impl Into<String>) -> Self {
        Self::Parameter(what.into())
    }

    /// An error of the model.
    pub(crate) fn modelled(shape: &'static ErrorShape, text: impl Into<String>) -> Self {
        Self::Modelled(shape, text.into())
    }

    /// There is no such topic.
    pub(crate) fn no_such_topic() -> Self {
        Self::modelled(&errors::NOT_FOUND_EXCEPTION, "Topic does not exist")
    }

    /// There is no such subscription.
    pub(crate) fn no_such_subscription() -> Self {
        Self::modelled(&errors::NOT_FOUND_EXCEPTION, "Subscription does not exist")
    }

    /// A token that confirms nothing.
    pub(crate) fn invalid_token() -> Self {
        Self::modelled(&errors::INVALID_PARAMETER_EXCEPTION, "Invalid token")
    }

    /// A feature that the API has and Strongroom has not.
    pub(crate) fn not_yet(feature: impl std::fmt::Display) -> Self {
        Self::NotYet(format!("{}: {feature}", SERVICE.name))
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
            Refusal::Parameter(what) => {
                Self::modelled(&errors::INVALID_PARAMETER_EXCEPTION, format!("Invalid parameter: {what}"))
            }
            Refusal::Modelled(shape, text) => Self::modelled(shape, text),
            Refusal::Denied(denied) => {
                Self::modelled(&errors::AUTHORIZATION_ERROR_EXCEPTION, denied.to_string())
            }
            Refusal::NotYet(feature) => Self::feature_not_implemented(&feature),
            Refusal::Throttled => {
                let query = Some(QueryError { code: "Throttling", http_status: 400 });
                Self::front("ThrottlingException", query, Some("Rate exceeded".to_owned()))
            }
            Refusal::Unavailable(source) => {
                Self::unavailable("The service is unable to handle the request now.").with_source(source)
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

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        Self::Internal(error.into())
    }
}
