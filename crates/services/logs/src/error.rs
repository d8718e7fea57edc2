//! The refusals of CloudWatch Logs as AWS words them (texts: answers of AWS quoted in public issue threads, where nothing
//! else is said).

use strongroom_api_logs::{SERVICE, TooManyTagsException, errors};
use strongroom_crypto::CryptoError;
use strongroom_outbox::OnBehalfError;
use strongroom_policy::Denied;
use strongroom_schema::ErrorShape;
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

use crate::domain::tags::TOO_MANY;
use crate::kms_refusals::KmsRefused;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why Logs does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// `InvalidParameterException` with this text.
    Invalid(String),
    /// Another error of the model, with its text.
    Modelled(&'static ErrorShape, String),
    /// KMS does not let the group's key be used, or does not answer.
    OfKms(KmsRefused),
    /// The group of that ARN would have too many tags.
    TooManyTags(String),
    /// The policy engine said no.
    Denied(Denied),
    /// What is asked for is not implemented.
    NotYet(String),
    /// The store does not answer in time.
    Unavailable(BoxError),
    /// What is kept is not as it was written: another try finds the same.
    Damaged(BoxError),
    /// A failure of ours.
    Internal(BoxError),
}

impl Refusal {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    pub(crate) fn no_such_group() -> Self {
        Self::Modelled(
            &errors::RESOURCE_NOT_FOUND_EXCEPTION,
            "The specified log group does not exist.".to_owned(),
        )
    }

    pub(crate) fn no_such_stream() -> Self {
        Self::Modelled(
            &errors::RESOURCE_NOT_FOUND_EXCEPTION,
            "The specified log stream does not exist.".to_owned(),
        )
    }

    /// `what` is `group` or `stream`.
    pub(crate) fn exists(what: &str) -> Self {
        let text = format!("The specified log {what} already exists");
        Self::Modelled(&errors::RESOURCE_ALREADY_EXISTS_EXCEPTION, text)
    }

    /// The group must not lose anything. Text: ours; the error is the one that the API Reference names for it.
    pub(crate) fn protected(group: &str) -> Self {
        let text = format!("Log group {group} is protected from deletion.");
        Self::Modelled(&errors::VALIDATION_EXCEPTION, text)
    }

    /// A token of a page that was not ours.
    pub(crate) fn bad_token() -> Self {
        Self::invalid("The specified nextToken is invalid.")
    }

    /// A feature that the API has and Strongroom has not.
    pub(crate) fn not_yet(feature: impl std::fmt::Display) -> Self {
        Self::NotYet(format!("{}: {feature}", SERVICE.name))
    }

    /// What went wrong, for a log.
    pub(crate) fn into_cause(self) -> BoxError {
        match self {
            Self::Unavailable(source) | Self::Damaged(source) | Self::Internal(source) => source,
            Self::OfKms(refused) => refused.into_error().into(),
            other => ApiError::from(other).into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(text) => Self::modelled(&errors::INVALID_PARAMETER_EXCEPTION, text),
            Refusal::Modelled(shape, text) => Self::modelled(shape, text),
            Refusal::OfKms(refused) => refused.into(),
            Refusal::TooManyTags(arn) => {
                let message = Some(TOO_MANY.to_owned());
                Self::modelled(&errors::TOO_MANY_TAGS_EXCEPTION, TOO_MANY)
                    .with_fields(TooManyTagsException { message, resource_name: Some(arn) })
            }
            Refusal::Denied(denied) => Self::access_denied(denied),
            Refusal::NotYet(feature) => Self::feature_not_implemented(&feature),
            // Text: ours; the model names the error.
            Refusal::Unavailable(source) => Self::modelled(
                &errors::SERVICE_UNAVAILABLE_EXCEPTION,
                "The service cannot complete the request.",
            )
            .with_source(source),
            Refusal::Damaged(source) | Refusal::Internal(source) => Self::internal(source),
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
            StoreError::Corrupt { .. } => Self::Damaged(error.into()),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<CryptoError> for Refusal {
    fn from(error: CryptoError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<OnBehalfError> for Refusal {
    fn from(error: OnBehalfError) -> Self {
        Self::Internal(error.into())
    }
}
