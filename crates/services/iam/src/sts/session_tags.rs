//! Session tags (IAM User Guide, "Pass session tags in AWS STS").

use strongroom_api_sts::Tag;
use strongroom_identity::{ConditionKeys, SessionTag};

use crate::domain::tags;
use crate::error::Refusal;

/// The tags of a session that is to be made.
#[derive(Debug, Default)]
pub(super) struct SessionTags {
    /// Those of the calling session that go on to this one.
    inherited: Vec<SessionTag>,
    /// Those of the request.
    given: Vec<SessionTag>,
}

impl SessionTags {
    /// The tags of a request; of those of the calling session, the transitive ones stay. Keys differ in more than case.
    pub(super) fn parse(
        given: Option<Vec<Tag>>,
        transitive: Option<Vec<String>>,
        calling: &[SessionTag],
    ) -> Result<Self, Refusal> {
        let transitive = transitive.unwrap_or_default();
        let inherited: Vec<_> = calling.iter().filter(|tag| tag.is_transitive).cloned().collect();
        let mut read: Vec<SessionTag> = Vec::new();
        for Tag { key, value } in given.unwrap_or_default() {
            if tags::is_reserved(&key) {
                return Err(parameter(tags::RESERVED));
            }
            if has(&read, &key) {
                return Err(parameter(tags::DUPLICATE));
            }
            if has(&inherited, &key) {
                return Err(parameter(
                    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag \
                     key from the calling session.",
                ));
            }
            let is_transitive = transitive.iter().any(|named| same(named, &key));
            read.push(SessionTag { key, value, is_transitive });
        }
        if !transitive.iter().all(|key| has(&read, key)) {
            return Err(parameter(
                "The specified transitive tag key must be included in the requested tags.",
            ));
        }
        Ok(Self { inherited, given: read })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inherited.is_empty() && self.given.is_empty()
    }

    /// All of them as a token has them.
    pub(super) fn written(&self) -> Vec<(&str, &str, bool)> {
        let all = self.inherited.iter().chain(&self.given);
        all.map(|tag| (tag.key.as_str(), tag.value.as_str(), tag.is_transitive)).collect()
    }

    /// All of them, the inherited ones first.
    pub(super) fn into_tags(self) -> Vec<SessionTag> {
        self.inherited.into_iter().chain(self.given).collect()
    }

    /// Adds what the tags of the request say to policies.
    pub(super) fn asked(&self, mut keys: ConditionKeys) -> ConditionKeys {
        for tag in &self.given {
            keys = keys.with(&format!("aws:RequestTag/{}", tag.key), tag.value.as_str());
        }
        let named = |wanted: fn(&&SessionTag) -> bool| -> Option<Vec<String>> {
            let named: Vec<_> = self.given.iter().filter(wanted).map(|tag| tag.key.clone()).collect();
            (!named.is_empty()).then_some(named)
        };
        keys.with_some("aws:TagKeys", named(|_| true))
            .with_some("sts:TransitiveTagKeys", named(|tag| tag.is_transitive))
    }
}

fn has(tags: &[SessionTag], key: &str) -> bool {
    tags.iter().any(|tag| same(&tag.key, key))
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Codes and texts: answers of AWS quoted in public issue threads and tests.
fn parameter(text: &str) -> Refusal {
    Refusal::Parameter(text.to_owned())
}
