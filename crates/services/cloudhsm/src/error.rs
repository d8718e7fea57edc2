//! CloudHSM's refusals. AWS publishes few of its texts; where one is known it is used to the letter, and the
//! others are ours in its manner.

use strongroom_api_cloudhsm::errors;
use strongroom_policy::Denied;
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

/// Why CloudHSM does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// `CloudHsmInvalidRequestException` with this text.
    Invalid(String),
    /// `CloudHsmResourceNotFoundException` with this text.
    NotFound(String),
    /// `CloudHsmTagException` with this text.
    Tag(String),
    /// A resource would have more tags than it may.
    TooManyTags,
    /// The policy engine said no.
    Denied(Denied),
    /// Another service refused what CloudHSM asked of it for the caller.
    Elsewhere(ApiError),
    /// A failure of ours.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// There is no cluster of that id.
    pub(crate) fn no_such_cluster(id: &str) -> Self {
        Self::NotFound(format!("Cluster {id} does not exist."))
    }

    /// There is no such HSM in the cluster.
    pub(crate) fn no_such_hsm(cluster: &str, what: &str) -> Self {
        Self::NotFound(format!("Cluster {cluster} has no HSM with {what}."))
    }

    /// There is no backup of that id.
    pub(crate) fn no_such_backup(id: &str) -> Self {
        Self::NotFound(format!("Backup {id} does not exist."))
    }

    /// The reason, for those who are not callers.
    pub(crate) fn into_cause(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::Internal(cause) => cause,
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
            Refusal::Invalid(text) => Self::modelled(&errors::CLOUD_HSM_INVALID_REQUEST_EXCEPTION, text),
            Refusal::NotFound(text) => Self::modelled(&errors::CLOUD_HSM_RESOURCE_NOT_FOUND_EXCEPTION, text),
            Refusal::Tag(text) => Self::modelled(&errors::CLOUD_HSM_TAG_EXCEPTION, text),
            Refusal::TooManyTags => Self::modelled(
                &errors::CLOUD_HSM_RESOURCE_LIMIT_EXCEEDED_EXCEPTION,
                format!("A resource can have at most {} tags.", crate::domain::tags::MOST_TAGS),
            ),
            Refusal::Denied(denied) => {
                Self::modelled(&errors::CLOUD_HSM_ACCESS_DENIED_EXCEPTION, denied.to_string())
            }
            Refusal::Elsewhere(error) => Self::modelled(
                &errors::CLOUD_HSM_INVALID_REQUEST_EXCEPTION,
                error.message().unwrap_or_else(|| error.code()),
            )
            .with_source(error.clone()),
            Refusal::Internal(source) => Self::modelled(
                &errors::CLOUD_HSM_INTERNAL_FAILURE_EXCEPTION,
                "The request was rejected because of an AWS CloudHSM internal failure. The request can be retried.",
            )
            .with_source(source),
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
        Self::Internal(error.into())
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        Self::Internal(error.into())
    }
}
