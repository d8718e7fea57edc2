//! Tags on clusters and backups (CloudHSM API Reference, `Tag`).

use std::collections::BTreeMap;

use strongroom_identity::ConditionKeys;

use crate::error::Refusal;

/// Tags that one cluster or backup may have.
pub(crate) const MOST_TAGS: usize = 50;

/// What the names of AWS's own tags begin with, in any case.
const RESERVED_PREFIX: &str = "aws:";

/// A resource's tags, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags of a request. The schema has checked lengths and characters.
    pub(crate) fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Refusal> {
        let mut tags = BTreeMap::new();
        for (name, value) in pairs {
            check_name(&name)?;
            if value.contains('\0') {
                return Err(Refusal::Tag(format!("The value of tag {name} contains invalid characters.")));
            }
            if tags.insert(name.clone(), value).is_some() {
                return Err(Refusal::Tag(format!("Duplicate tag key: {name}")));
            }
        }
        Ok(Self(tags))
    }

    /// Adds `more`, in place of tags of the same names.
    pub(crate) fn add(&mut self, more: &Self) -> Result<(), Refusal> {
        let mut all = self.0.clone();
        all.extend(more.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        if all.len() > MOST_TAGS {
            return Err(Refusal::TooManyTags);
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

    /// The values of the tags of that name in any case.
    pub(crate) fn in_any_case(&self, name: &str) -> Vec<&str> {
        self.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// What these tags, in a request, say to policies: `aws:RequestTag/key` and `aws:TagKeys`.
    pub(crate) fn asked(&self) -> ConditionKeys {
        ConditionKeys::new().with_tags(self.iter())
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
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
    if head.eq_ignore_ascii_case(RESERVED_PREFIX) {
        return Err(Refusal::Tag(format!(
            "Tag keys that begin with {RESERVED_PREFIX} are reserved for AWS: {name}"
        )));
    }
    if name.contains('\0') {
        return Err(Refusal::Tag("A tag key contains invalid characters.".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Result<Tags, Refusal> {
        Tags::parse(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn tags_are_replaced_by_name_and_bounded() {
        let mut all = tags(&[("a", "1"), ("b", "2")]).unwrap();
        all.add(&tags(&[("b", "3")]).unwrap()).unwrap();
        assert_eq!(all.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        all.remove(&["a".to_owned(), "unknown".to_owned()]);
        assert_eq!(Tags::from_column(all.to_column().as_deref()).unwrap(), all);

        let many: Vec<_> = (0..MOST_TAGS).map(|number| (number.to_string(), String::new())).collect();
        assert!(matches!(all.add(&Tags::parse(many).unwrap()), Err(Refusal::TooManyTags)));
        assert_eq!(all.iter().count(), 1, "nothing was added");
    }

    #[test]
    fn names_that_are_taken_are_refused() {
        for pairs in [&[("AWS:x", "")][..], &[("a", "1"), ("a", "2")], &[("a\0", "")], &[("a", "\0")]] {
            assert!(matches!(tags(pairs), Err(Refusal::Tag(_))), "{pairs:?}");
        }
    }
}
