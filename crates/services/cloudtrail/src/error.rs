//! CloudTrail's refusals as AWS words them.

use strongroom_api_cloudtrail::errors;
use strongroom_history::HistoryError;
use strongroom_identity::AccountId;
use strongroom_policy::Denied;
use strongroom_schema::ErrorShape;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

use crate::domain::trail::MOST_IN_REGION;

/// Why a call is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The first moment is after the last.
    TimeRange,
    /// More than one attribute, or one that is none.
    Attributes,
    /// The token was not given by a call of the same parameters.
    NextToken,
    /// Insights and data events are no part of the event history.
    EventCategory,
    /// Another refusal of the model, with its text.
    Modelled(&'static ErrorShape, String),
    /// Something that is not there yet.
    NotImplemented(&'static str),
    /// The policy engine said no.
    Denied(Denied),
    /// The history cannot be read.
    History(HistoryError),
    /// The store does not answer, or not as it should.
    Store(StoreError),
    /// Something else of ours went wrong.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// A refusal of the model, with its text.
    pub(crate) fn of(shape: &'static ErrorShape, text: impl Into<String>) -> Self {
        Self::Modelled(shape, text.into())
    }

    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Observed: `Unknown trail: arn:aws:cloudtrail:.. for the user: 123456789012`. A bare name is shown as an ARN too.
    pub(crate) fn unknown_trail(arn: &str, account: AccountId) -> Self {
        Self::of(&errors::TRAIL_NOT_FOUND_EXCEPTION, format!("Unknown trail: {arn} for the user: {account}"))
    }

    /// Observed.
    pub(crate) fn trail_exists(name: &str, account: AccountId) -> Self {
        let text = format!("Trail {name} already exists for customer: {account}");
        Self::of(&errors::TRAIL_ALREADY_EXISTS_EXCEPTION, text)
    }

    /// Observed.
    pub(crate) fn too_many_trails(account: AccountId, region: &str) -> Self {
        let text = format!("User: {account} already has {MOST_IN_REGION} trails in {region}.");
        Self::of(&errors::MAXIMUM_NUMBER_OF_TRAILS_EXCEEDED_EXCEPTION, text)
    }

    /// Observed.
    pub(crate) fn no_such_log_group() -> Self {
        let text = "Check the log group ARN: CloudTrail can't validate it.";
        Self::of(&errors::INVALID_CLOUD_WATCH_LOGS_LOG_GROUP_ARN_EXCEPTION, text)
    }

    /// The text is not published.
    pub(crate) fn not_at_home(arn: &str, home_region: &str) -> Self {
        let text = format!("The trail {arn} can only be changed in its home Region, {home_region}.");
        Self::of(&errors::INVALID_HOME_REGION_EXCEPTION, text)
    }

    /// The text is not published.
    pub(crate) fn invalid_arn(text: &str) -> Self {
        let text = format!("The trail ARN is not valid: {text}");
        Self::of(&errors::CLOUD_TRAIL_ARN_INVALID_EXCEPTION, text)
    }

    pub(crate) fn tag(text: impl Into<String>) -> Self {
        Self::of(&errors::INVALID_TAG_PARAMETER_EXCEPTION, text)
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<HistoryError> for Refusal {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::InvalidContinuation => Self::NextToken,
            other => Self::History(other),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TimeRange => Self::modelled(
                &errors::INVALID_TIME_RANGE_EXCEPTION,
                "Start time must be before or the same as the end time.",
            ),
            Refusal::Attributes => Self::modelled(
                &errors::INVALID_LOOKUP_ATTRIBUTES_EXCEPTION,
                "You can only specify one attribute key with a value.",
            ),
            Refusal::NextToken => Self::modelled(
                &errors::INVALID_NEXT_TOKEN_EXCEPTION,
                "The token is not valid, or its lookup had other parameters.",
            ),
            Refusal::EventCategory => Self::feature_not_implemented("cloudtrail: looking up Insights events"),
            Refusal::Modelled(shape, text) => Self::modelled(shape, text),
            Refusal::NotImplemented(feature) => Self::feature_not_implemented(feature),
            Refusal::Denied(denied) => Self::access_denied(denied),
            Refusal::History(error) => Self::internal(error),
            Refusal::Store(error) => Self::internal(error),
            Refusal::Internal(source) => Self::internal(source),
        }
    }
}
