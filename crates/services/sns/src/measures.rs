//! What SNS counts for CloudWatch (SNS Developer Guide, "Monitoring Amazon SNS topics using CloudWatch").

use strongroom_identity::AccountId;

/// Takes what SNS counts.
pub trait Measures: Send + Sync {
    /// Something has happened in a topic so many times.
    fn count(&self, topic: &MeasuredTopic<'_>, metric: Metric, value: f64, at_ms: i64);
}

/// Whose figures they are.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredTopic<'t> {
    /// The topic's account.
    pub account: AccountId,
    /// Its Region.
    pub region: &'static str,
    /// Its name, the dimension `TopicName`.
    pub name: &'t str,
}

/// A metric of the namespace `AWS/SNS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Messages that were published.
    NumberOfMessagesPublished,
    /// Messages that endpoints took.
    NumberOfNotificationsDelivered,
    /// Messages that were given up.
    NumberOfNotificationsFailed,
    /// Messages that a filter kept back.
    NumberOfNotificationsFilteredOut,
    /// The bytes of a message.
    PublishSize,
}

impl Metric {
    /// The metric's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NumberOfMessagesPublished => "NumberOfMessagesPublished",
            Self::NumberOfNotificationsDelivered => "NumberOfNotificationsDelivered",
            Self::NumberOfNotificationsFailed => "NumberOfNotificationsFailed",
            Self::NumberOfNotificationsFilteredOut => "NumberOfNotificationsFilteredOut",
            Self::PublishSize => "PublishSize",
        }
    }

    /// The metric's unit.
    pub fn unit(self) -> &'static str {
        if self == Self::PublishSize { "Bytes" } else { "Count" }
    }
}
