//! CloudTrail's refusals as AWS words them.

use strongroom_api_cloudtrail::errors;
use strongroom_history::HistoryError;
use strongroom_policy::Denied;
use strongroom_service::ApiError;

/// Why a lookup is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The first moment is after the last.
    TimeRange,
    /// More than one attribute, or one that is none.
    Attributes,
    /// The token was not given by a lookup of the same parameters.
    NextToken,
    /// Insights and data events are no part of the event history.
    EventCategory,
    /// The policy engine said no.
    Denied(Denied),
    /// The history cannot be read.
    History(HistoryError),
    /// The reading was given up.
    Interrupted,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
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
            Refusal::Denied(denied) => Self::access_denied(denied),
            Refusal::History(error) => Self::internal(error),
            Refusal::Interrupted => Self::internal("reading the journal was interrupted"),
        }
    }
}
