//! Event selectors: which records a trail logs (CloudTrail User Guide, "Logging management events", "Logging data
//! events"; API Reference, "EventSelector" and "AdvancedFieldSelector").

mod advanced;
mod basic;

use serde::{Deserialize, Serialize};
use strongroom_api_cloudtrail::{AdvancedEventSelector, EventSelector, errors};
use strongroom_journal::Record;

use crate::error::Refusal;

pub(crate) use advanced::Advanced;
pub(crate) use basic::Basic;

/// The selectors of a trail. Putting one kind erases the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Selectors {
    Basic(Vec<Basic>),
    Advanced(Vec<Advanced>),
}

impl Default for Selectors {
    /// All management events.
    fn default() -> Self {
        Self::Basic(vec![Basic::default()])
    }
}

impl Selectors {
    /// Reads what a request puts: one of the two kinds.
    pub(crate) fn parse(
        basic: Option<Vec<EventSelector>>,
        advanced: Option<Vec<AdvancedEventSelector>>,
    ) -> Result<Self, Refusal> {
        let given = |count: usize| count > 0;
        match (basic.unwrap_or_default(), advanced.unwrap_or_default()) {
            (basic, advanced) if given(basic.len()) && given(advanced.len()) => {
                Err(refused("You can use either event selectors or advanced event selectors, but not both."))
            }
            (_, advanced) if given(advanced.len()) => Advanced::parse_all(advanced).map(Self::Advanced),
            (basic, _) if given(basic.len()) => Basic::parse_all(basic).map(Self::Basic),
            _ => Err(refused("Specify at least one event selector or advanced event selector.")),
        }
    }

    /// Whether one of them is about the record.
    pub(crate) fn have(&self, record: &Record) -> bool {
        match self {
            Self::Basic(selectors) => selectors.iter().any(|selector| selector.has(record)),
            Self::Advanced(selectors) => selectors.iter().any(|selector| selector.has(record)),
        }
    }
}

/// The texts of most refusals of selectors are not published.
fn refused(text: impl Into<String>) -> Refusal {
    Refusal::of(&errors::INVALID_EVENT_SELECTORS_EXCEPTION, text)
}

/// Of `Values` of a kind of resource, or a field.
fn invalid_value(value: &str, of: &str) -> Refusal {
    refused(format!("Value {value} for {of} is invalid."))
}
