//! What a session token says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_identity::{AccountId, Origin, Session, SessionTag};

/// Everything that is known of a session, beside the secret of its access key: nothing of it is kept. Names are
/// short because each request carries them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// The account of the role or user, twelve digits.
    #[serde(rename = "a")]
    pub(crate) account: String,
    /// Who acts.
    #[serde(rename = "w")]
    pub(crate) who: Who,
    /// When it was issued, in domain time: policies compare it with the time of requests.
    #[serde(rename = "i")]
    pub(crate) issued_ms: i64,
    /// When it ends, in real time.
    #[serde(rename = "e")]
    pub(crate) expires_ms: i64,
    /// When a second factor was proved, in domain time.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(crate) mfa_ms: Option<i64>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_identity: Option<String>,
    /// The provider that vouched for who assumed the role.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    /// Key, value, and whether sessions made from this one get it too.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String, bool)>,
    #[serde(rename = "p", default, skip_serializing_if = "Passed::is_empty")]
    pub(crate) passed: Passed,
}

/// Whose session it is, by unique ids: a namesake made later is somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Who {
    /// The root user of the account.
    #[serde(rename = "a")]
    Root,
    /// A user.
    #[serde(rename = "u")]
    User(String),
    /// A role, and the session's name.
    #[serde(rename = "r")]
    Role(String, String),
    /// A federated user's name, and the user who asked for the session; `None` if that was the root user.
    #[serde(rename = "f")]
    Federated(String, Option<String>),
}

/// The policies that were passed to a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// The document, without whitespace.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) inline: Option<String>,
    /// ARNs of managed policies.
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) managed: Vec<String>,
}

impl Passed {
    pub(crate) fn is_empty(&self) -> bool {
        self.inline.is_none() && self.managed.is_empty()
    }
}

impl Token {
    /// The token of a session without second factor, tags and policies.
    pub(crate) fn new(account: AccountId, who: Who, issued_ms: i64, expires_ms: i64) -> Self {
        Self {
            account: account.to_string(),
            who,
            issued_ms,
            expires_ms,
            mfa_ms: None,
            source_identity: None,
            provider: None,
            tags: Vec::new(),
            passed: Passed::default(),
        }
    }

    /// The same with session tags.
    #[must_use]
    pub(crate) fn with_tags(self, tags: Vec<SessionTag>) -> Self {
        let tags = tags.into_iter().map(|tag| (tag.key, tag.value, tag.is_transitive)).collect();
        Self { tags, ..self }
    }

    /// The account; `None` if the token names none, which no token of ours does.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.account.parse().ok()
    }

    /// The session as the rest of the program knows it.
    pub(super) fn session(&self) -> Arc<Session> {
        let tag = |(key, value, is_transitive): &(String, String, bool)| SessionTag {
            key: key.clone(),
            value: value.clone(),
            is_transitive: *is_transitive,
        };
        Arc::new(Session {
            origin: match &self.who {
                Who::Root | Who::User(_) => Origin::SessionToken,
                Who::Role(..) if self.provider.is_some() => Origin::WebIdentity,
                Who::Role(..) => Origin::AssumeRole,
                Who::Federated(..) => Origin::FederationToken,
            },
            issued_ms: self.issued_ms,
            expires_ms: self.expires_ms,
            mfa_ms: self.mfa_ms,
            source_identity: self.source_identity.clone(),
            tags: self.tags.iter().map(tag).collect(),
            federated_provider: self.provider.clone(),
        })
    }
}
