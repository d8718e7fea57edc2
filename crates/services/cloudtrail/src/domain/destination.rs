//! Where what a trail logs goes: to its bucket, and to its log group where it has one.

use super::trail::Settings;

/// One of the places that a trail delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Files of a bucket.
    Bucket,
    /// Events of a log group.
    Logs,
}

impl Destination {
    /// The places of a trail of these settings.
    pub(crate) fn of(settings: &Settings) -> impl Iterator<Item = Self> + use<> {
        let logs = settings.log_place().map(|_| Self::Logs);
        std::iter::once(Self::Bucket).chain(logs)
    }

    /// As rows name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Logs => "logs",
        }
    }

    /// What [`as_str`](Self::as_str) names.
    pub(crate) fn named(text: &str) -> Option<Self> {
        [Self::Bucket, Self::Logs].into_iter().find(|destination| destination.as_str() == text)
    }
}
