//! Links in messages: requests without a signature that whoever gets a message may send.

use crate::domain::names::{SubscriptionName, TopicName};

/// Where a subscription is confirmed.
pub(super) fn confirmation(base: &str, topic: &TopicName, token: &str) -> String {
    format!("{base}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}")
}

/// Where a subscription is ended.
pub(super) fn end(base: &str, subscription: &SubscriptionName) -> String {
    format!("{base}/?Action=Unsubscribe&SubscriptionArn={subscription}")
}
