//! Tags on trails (CloudTrail API Reference, "AddTags").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_api_cloudtrail::{Tag, errors};

use crate::error::Refusal;

/// Tags that one trail may have.
const MOST_TAGS: usize = 50;

/// A trail's tags, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags of a request. The schema has checked their lengths.
    pub(crate) fn parse(tags: Vec<Tag>) -> Result<Self, Refusal> {
        let mut read = BTreeMap::new();
        for Tag { key, value } in tags {
            if key.to_ascii_lowercase().starts_with("aws:") {
                return Err(Refusal::tag(format!("Tag keys that begin with aws: are reserved: {key}")));
            }
            if read.insert(key, value.unwrap_or_default()).is_some() {
                return Err(Refusal::tag("Duplicate tag keys are not allowed."));
            }
        }
        Self(read).within_limit()
    }

    /// Adds `more`, in place of tags of the same keys.
    pub(crate) fn add(&mut self, more: Self) -> Result<(), Refusal> {
        let mut all = self.0.clone();
        all.extend(more.0);
        *self = Self(all).within_limit()?;
        Ok(())
    }

    pub(crate) fn remove(&mut self, tags: &[Tag]) {
        self.0.retain(|key, _| !tags.iter().any(|tag| tag.key == *key));
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn within_limit(self) -> Result<Self, Refusal> {
        if self.0.len() > MOST_TAGS {
            let text =
                format!("The number of tags per trail has exceeded the permitted amount: {MOST_TAGS}.");
            return Err(Refusal::of(&errors::TAGS_LIMIT_EXCEEDED_EXCEPTION, text));
        }
        Ok(self)
    }
}
