//! Tags on topics (SNS API Reference, TagResource).

use std::collections::BTreeMap;

use strongroom_api_sns::Tag;
use strongroom_api_sns::errors::TAG_LIMIT_EXCEEDED_EXCEPTION;
use strongroom_identity::ConditionKeys;
use strongroom_policy::Values;

use crate::error::Refusal;

/// Tags that one topic may have.
pub(crate) const MOST_TAGS: usize = 50;

/// What the names of AWS's own tags begin with, in any case.
const RESERVED_PREFIX: &str = "aws:";

/// A topic's tags, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags of a request. The schema has checked their lengths.
    pub(crate) fn parse(given: Vec<Tag>) -> Result<Self, Refusal> {
        let mut tags = BTreeMap::new();
        for Tag { key, value } in given {
            check_name(&key)?;
            if value.contains('\0') || tags.insert(key, value).is_some() {
                return Err(Refusal::parameter("Duplicated keys are not allowed."));
            }
        }
        Ok(Self(tags))
    }

    /// Adds `more`, in place of tags of the same names.
    pub(crate) fn add(&mut self, more: &Self) -> Result<(), Refusal> {
        let mut all = self.0.clone();
        all.extend(more.0.clone());
        if all.len() > MOST_TAGS {
            // Text: SNS API Reference, TagResource.
            let text = "Could not complete request: tag quota of per resource exceeded";
            return Err(Refusal::modelled(&TAG_LIMIT_EXCEEDED_EXCEPTION, text));
        }
        self.0 = all;
        Ok(())
    }

    /// Takes tags away; a name that there is none of is passed over.
    pub(crate) fn remove(&mut self, names: &[String]) {
        for name in names {
            self.0.remove(name);
        }
    }

    /// What these tags, in a request, say to policies: `aws:RequestTag/key` and `aws:TagKeys`.
    pub(crate) fn asked(&self) -> ConditionKeys {
        ConditionKeys::new().with_tags(self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// What they say of their topic: `aws:ResourceTag/key`, by the key's name in lower case.
    pub(crate) fn said(&self, key: &str) -> Option<Values<'_>> {
        let name = key.strip_prefix("aws:resourcetag/")?;
        let known = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match known.map(|(_, value)| value.as_str()).collect::<Vec<_>>().as_slice() {
            [] => None,
            [value] => Some(Values::text(*value)),
            several => Some(Values::texts(several.iter().copied())),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of their names.
    pub(crate) fn shown(&self) -> Vec<Tag> {
        self.0.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
    }

    /// The tags as the store keeps them: JSON; `None` for no tags.
    pub(crate) fn to_column(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| serde_json::Value::from_iter(self.0.clone()).to_string())
    }

    /// Reads stored tags.
    pub(crate) fn from_column(column: Option<&str>) -> Result<Self, serde_json::Error> {
        column.map_or(Ok(Self::default()), |json| serde_json::from_str(json).map(Self))
    }
}

/// Checks the name of a tag that is added or taken away.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let head = name.get(..RESERVED_PREFIX.len()).unwrap_or_default();
    if name.is_empty() || name.contains('\0') || head.eq_ignore_ascii_case(RESERVED_PREFIX) {
        return Err(Refusal::parameter("Tag keys that begin with aws: are reserved"));
    }
    Ok(())
}
