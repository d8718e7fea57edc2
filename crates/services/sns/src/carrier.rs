//! What takes messages to their endpoints: plugged in by whoever runs the service, who says which networks may be called.

use async_trait::async_trait;

/// Takes messages to their endpoints.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Whether an HTTP endpoint may be called, as far as its URL tells: a host's name may still lead to an address that is
    /// not called.
    fn admits(&self, url: &str) -> bool;

    /// Whether mails can be sent.
    fn sends_mail(&self) -> bool;

    /// Sends a POST request; `headers` are in lower case. Answers the HTTP status. It takes its time only within bounds,
    /// follows nowhere, and reads no more of the answer than it needs.
    async fn post(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<u16, Undelivered>;

    /// Hands a mail over.
    async fn mail(&self, mail: Mail) -> Result<(), Undelivered>;
}

/// A mail of plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What its sender is called.
    pub from_name: String,
    /// The address that it goes to.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// Why something was not delivered, for logs and records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Undelivered {
    /// In words, without what was to be delivered.
    pub text: String,
    /// Whether it is no use to try again.
    pub is_permanent: bool,
}

impl Undelivered {
    /// Trying again may help.
    pub fn for_now(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_permanent: false }
    }

    /// Trying again does not help.
    pub fn for_good(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_permanent: true }
    }
}
