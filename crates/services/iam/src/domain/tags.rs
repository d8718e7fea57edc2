//! Tags (IAM User Guide, "Tags for AWS Identity and Access Management resources"). Keys differ in more than
//! case, and keep the case that they were given in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_api_iam::Tag;
use strongroom_identity::ConditionKeys;

use crate::error::Refusal;

/// Tags that one entity may have.
const MOST_TAGS: usize = 50;

/// What the keys of AWS's own tags begin with.
const RESERVED_PREFIX: &str = "aws:";

/// What is said of keys of tags and of session tags that cannot be.
pub(crate) const RESERVED: &str = "One or more specified tag keys begin with the reserved prefix aws:.";
pub(crate) const DUPLICATE: &str =
    "Duplicate tag keys found. Please note that Tag keys are case insensitive.";

/// An entity's tags, by the key in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tags(BTreeMap<String, (String, String)>);

impl Tags {
    /// The tags of a request.
    pub(crate) fn parse(tags: Option<&[Tag]>) -> Result<Self, Refusal> {
        let mut read = BTreeMap::new();
        for Tag { key, value } in tags.unwrap_or_default() {
            check_key(key)?;
            if read.insert(key.to_lowercase(), (key.clone(), value.clone())).is_some() {
                return Err(Refusal::invalid_input(DUPLICATE));
            }
        }
        Self(read).within_limit()
    }

    /// Adds `more`, in place of tags of the same keys.
    pub(crate) fn add(&mut self, more: &Self) -> Result<(), Refusal> {
        let mut all = self.clone();
        all.0.extend(more.0.clone());
        *self = all.within_limit()?;
        Ok(())
    }

    /// Takes tags away, if they are there.
    pub(crate) fn remove(&mut self, keys: &[String]) {
        for key in keys {
            self.0.remove(&key.to_lowercase());
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of one tag, by its key in any case.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(&key.to_lowercase()).map(|(_, value)| value.as_str())
    }

    /// All tags in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.values().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The tags as an answer lists them, and nothing where there are none.
    pub(crate) fn shown(&self) -> Option<Vec<Tag>> {
        (!self.0.is_empty()).then(|| self.to_answer())
    }

    /// The tags as an answer lists them.
    pub(crate) fn to_answer(&self) -> Vec<Tag> {
        self.iter().map(|(key, value)| Tag { key: key.to_owned(), value: value.to_owned() }).collect()
    }

    fn within_limit(self) -> Result<Self, Refusal> {
        if self.0.len() > MOST_TAGS {
            return Err(Refusal::limit("The number of tags has reached the maximum limit."));
        }
        Ok(self)
    }
}

/// Adds what tags in a request say to policies.
pub(crate) fn asked(keys: ConditionKeys, tags: Option<&[Tag]>) -> ConditionKeys {
    keys.with_tags(tags.unwrap_or_default().iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
}

fn check_key(key: &str) -> Result<(), Refusal> {
    if is_reserved(key) {
        return Err(Refusal::invalid_input(RESERVED));
    }
    Ok(())
}

/// Whether a key is one of AWS's own.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.get(..RESERVED_PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(RESERVED_PREFIX))
}
