//! Log groups, as CloudTrail uses them: with the rights of a role that a trail names.

use async_trait::async_trait;

use super::bucket::{Behalf, DeliveryError};
use crate::domain::log_place::LogPlace;

/// An event for a log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
    /// CloudTrail's JSON.
    pub message: String,
}

/// What keeps a trail from its log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The role is not there, or does not trust CloudTrail.
    Role(DeliveryError),
    /// The role may not do what is to be done.
    Permission(DeliveryError),
    /// The group is not there.
    Group(DeliveryError),
    /// Something else.
    Other(DeliveryError),
}

impl Obstacle {
    /// What went wrong, whatever it was.
    pub fn error(&self) -> &DeliveryError {
        let (Self::Role(error) | Self::Permission(error) | Self::Group(error) | Self::Other(error)) = self;
        error
    }
}

/// CloudWatch Logs, as CloudTrail uses it.
#[async_trait]
pub trait LogGroups: Send + Sync {
    /// Makes a stream in a group if it is not there, and sees whether events may be put into it.
    async fn try_out(&self, behalf: &Behalf, place: &LogPlace, stream: &str) -> Result<(), Obstacle>;

    /// Puts events into a stream, which it makes if it is not there. Events of a name that was put before are there: they
    /// are not put again.
    async fn put(
        &self,
        behalf: &Behalf,
        place: &LogPlace,
        (stream, name): (&str, &str),
        events: Vec<LogEvent>,
    ) -> Result<(), Obstacle>;
}
