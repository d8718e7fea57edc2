//! Tags on keys (KMS Developer Guide, "Tags in AWS KMS").

use std::collections::BTreeMap;

use crate::error::Refusal;

/// Tags that one key may have.
pub(crate) const MOST_TAGS: usize = 50;

/// What the names of AWS's own tags begin with, in any case.
const RESERVED_PREFIX: &str = "aws:";

/// A key's tags, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags of a request. The schema has checked their lengths.
    pub(crate) fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Refusal> {
        let mut tags = BTreeMap::new();
        for (name, value) in pairs {
            check_name(&name)?;
            check_characters("value", &value)?;
            if tags.insert(name, value).is_some() {
                return Err(Refusal::Tag("Duplicate tag keys".to_owned()));
            }
        }
        Self(tags).within_limit()
    }

    /// Adds `more`, in place of tags of the same names.
    pub(crate) fn add(&mut self, more: &Self) -> Result<(), Refusal> {
        let mut all = self.clone();
        all.0.extend(more.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        *self = all.within_limit()?;
        Ok(())
    }

    /// Takes tags away; of a name that there is none is passed over.
    pub(crate) fn remove(&mut self, names: &[String]) {
        for name in names {
            self.0.remove(name);
        }
    }

    /// Takes one tag out, and answers its value.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Whether there are any.
    pub(crate) fn is_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The value of one tag.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The values of the tags of that name, in whatever case: so names count in conditions of policies.
    pub(crate) fn in_any_case(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(tag, _)| tag.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// At most `most` tags whose names come after `after`, in order.
    pub(crate) fn after<'t>(
        &'t self,
        after: &'t str,
        most: usize,
    ) -> impl Iterator<Item = (&'t str, &'t str)> + use<'t> {
        let later = self.0.iter().filter(move |(name, _)| after.is_empty() || name.as_str() > after);
        later.take(most).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All tags, in the order of their names.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// About how many bytes the tags take in memory.
    pub(crate) fn weight(&self) -> usize {
        self.0.iter().map(|(name, value)| 2 * size_of::<String>() + name.len() + value.len()).sum()
    }

    /// The tags as the store keeps them: pairs in JSON; `None` for no tags.
    pub(crate) fn to_column(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| serde_json::Value::from_iter(self.0.clone()).to_string())
    }

    /// Reads stored tags.
    pub(crate) fn from_column(column: Option<&str>) -> Result<Self, serde_json::Error> {
        column.map_or(Ok(Self::default()), |json| serde_json::from_str(json).map(Self))
    }

    fn within_limit(self) -> Result<Self, Refusal> {
        if self.0.len() > MOST_TAGS {
            return Err(Refusal::LimitExceeded(format!("A key can have at most {MOST_TAGS} tags.")));
        }
        Ok(self)
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
    check_characters("key", name)
}

/// Letters, digits and spaces of any script, and a few signs (AWS General Reference, "Tag naming limits").
fn check_characters(what: &str, text: &str) -> Result<(), Refusal> {
    let is_space = |c: char| c.is_whitespace() && !c.is_control();
    let allowed = |c: char| c.is_alphanumeric() || is_space(c) || "_.:/=+-@".contains(c);
    if text.chars().all(allowed) {
        return Ok(());
    }
    Err(Refusal::Tag(format!(
        "The tag {what} contains invalid characters. Letters, spaces, numbers and _ . : / = + - @ are allowed: {text}"
    )))
}
