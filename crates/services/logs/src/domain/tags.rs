//! Tags on log groups.

use std::collections::BTreeMap;

use strongroom_identity::ConditionKeys;
use strongroom_policy::Values;
use strongroom_schema::Map;

use crate::error::Refusal;

/// Tags that one group may have.
const MOST_TAGS: usize = 50;

/// What is said of more. Text: ours.
pub(crate) const TOO_MANY: &str = "A log group can have at most 50 tags.";

/// A group's tags, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags of a request. The schema has checked lengths and characters.
    pub(crate) fn parse(given: &Map<String>) -> Result<Self, Refusal> {
        let mut tags = BTreeMap::new();
        for (name, value) in given.iter() {
            check_name(name)?;
            tags.insert(name.to_owned(), value.clone());
        }
        Ok(Self(tags))
    }

    /// Adds `more`, in place of tags of the same names; `too_many` is said where that are too many.
    pub(crate) fn add(&mut self, more: &Self, too_many: impl FnOnce() -> Refusal) -> Result<(), Refusal> {
        let mut all = self.0.clone();
        all.extend(more.0.clone());
        if all.len() > MOST_TAGS {
            return Err(too_many());
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

    /// The value of the tag of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What these tags, in a request, say to policies.
    pub(crate) fn asked(&self) -> ConditionKeys {
        ConditionKeys::new().with_tags(self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// What they say of their group: `aws:ResourceTag/key`, by the key's name in lower case.
    pub(crate) fn said(&self, key: &str) -> Option<Values<'_>> {
        let name = key.strip_prefix("aws:resourcetag/")?;
        let known = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match known.map(|(_, value)| value.as_str()).collect::<Vec<_>>().as_slice() {
            [] => None,
            [value] => Some(Values::text(*value)),
            several => Some(Values::texts(several.iter().copied())),
        }
    }

    /// All of them.
    pub(crate) fn shown(&self) -> Map<String> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
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

fn check_name(name: &str) -> Result<(), Refusal> {
    if name.get(..4).unwrap_or_default().eq_ignore_ascii_case("aws:") {
        return Err(Refusal::invalid("Tag keys that begin with aws: are reserved for AWS."));
    }
    Ok(())
}
