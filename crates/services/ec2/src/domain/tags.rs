//! Tags (EC2 User Guide, "Tag your Amazon EC2 resources").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_api_ec2::{ResourceType, Tag, TagSpecification};
use strongroom_identity::ConditionKeys;

use super::id::Kind;
use crate::error::Refusal;

/// Tags that one resource may have.
pub(crate) const MOST_TAGS: usize = 50;

/// Characters of a key and of a value, at most (EC2 User Guide, "Tag restrictions").
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// What the keys of AWS's own tags begin with.
const RESERVED_PREFIX: &str = "aws:";

/// A resource's tags, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags of a request.
    pub(crate) fn parse(tags: Vec<Tag>) -> Result<Self, Refusal> {
        let mut read = BTreeMap::new();
        for Tag { key, value } in tags {
            let key = key
                .filter(|key| !key.is_empty())
                .ok_or_else(|| Refusal::invalid_value("Tag key cannot be null or empty."))?;
            let value = value.unwrap_or_default();
            check_key(&key)?;
            if value.chars().count() > LONGEST_VALUE {
                return Err(Refusal::invalid_value(format!(
                    "Tag value exceeds the maximum length of {LONGEST_VALUE} characters"
                )));
            }
            if value.contains('\0') {
                return Err(Refusal::invalid_value("Tag value must not contain the character U+0000"));
            }
            if read.contains_key(&key) {
                return Err(Refusal::invalid_value(format!("Duplicate tag key '{key}' specified.")));
            }
            read.insert(key, value);
        }
        Self(read).within_limit()
    }

    /// One tag alone.
    pub(crate) fn of_one(key: &str, value: &str) -> Self {
        Self([(key.to_owned(), value.to_owned())].into())
    }

    /// The tags that a request gives a new resource of `kind`.
    pub(crate) fn of_specifications(
        kind: Kind,
        specifications: Option<Vec<TagSpecification>>,
    ) -> Result<Self, Refusal> {
        let mut all = Vec::new();
        for specification in specifications.unwrap_or_default() {
            match specification.resource_type.as_ref().map(ResourceType::as_str) {
                None | Some("") => {
                    return Err(Refusal::client(
                        "MissingParameter",
                        "Tag specification resource type must have a value",
                    ));
                }
                Some(named) if named != kind.resource_type() => {
                    return Err(Refusal::invalid_value(format!(
                        "'{named}' is not a valid taggable resource type for this operation."
                    )));
                }
                Some(_) => {}
            }
            let tags = specification.tags.unwrap_or_default();
            if tags.is_empty() {
                return Err(Refusal::invalid_value("Tag specification must have at least one tag"));
            }
            all.extend(tags);
        }
        Self::parse(all)
    }

    /// Adds `more`, in place of tags of the same keys.
    pub(crate) fn add(&mut self, more: &Self) -> Result<(), Refusal> {
        let mut all = self.clone();
        all.0.extend(more.0.iter().map(|(key, value)| (key.clone(), value.clone())));
        *self = all.within_limit()?;
        Ok(())
    }

    /// Takes a tag away: whatever its value, or only if it has that one.
    pub(crate) fn remove(&mut self, key: &str, value: Option<&str>) {
        if value.is_none_or(|value| self.get(key) == Some(value)) {
            self.0.remove(key);
        }
    }

    /// Takes all tags away.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of one tag.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The values of the tags of that key in any case.
    pub(crate) fn in_any_case(&self, key: &str) -> Vec<&str> {
        self.iter().filter(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value).collect()
    }

    /// What these tags, in a request, say to policies: `aws:RequestTag/key` and `aws:TagKeys`.
    pub(crate) fn asked(&self) -> ConditionKeys {
        ConditionKeys::new().with_tags(self.iter())
    }

    /// All tags in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The tags as an answer lists them.
    pub(crate) fn to_answer(&self) -> Vec<Tag> {
        let tag =
            |(key, value): (&str, &str)| Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) };
        self.iter().map(tag).collect()
    }

    fn within_limit(self) -> Result<Self, Refusal> {
        if self.0.len() > MOST_TAGS {
            return Err(Refusal::client(
                "TagLimitExceeded",
                "The maximum number of Tags for a resource has been reached.",
            ));
        }
        Ok(self)
    }
}

/// Checks the key of a tag that is added or taken away.
pub(crate) fn check_key(key: &str) -> Result<(), Refusal> {
    if key.get(..RESERVED_PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(RESERVED_PREFIX)) {
        return Err(Refusal::invalid_value(format!(
            "Tag keys starting with '{RESERVED_PREFIX}' are reserved for internal use"
        )));
    }
    if key.chars().count() > LONGEST_KEY {
        return Err(Refusal::invalid_value(format!(
            "Tag key exceeds the maximum length of {LONGEST_KEY} characters"
        )));
    }
    if key.contains('\0') {
        return Err(Refusal::invalid_value("Tag key must not contain the character U+0000"));
    }
    Ok(())
}
