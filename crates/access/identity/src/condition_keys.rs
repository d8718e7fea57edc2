//! What a request's input says to policies.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The condition keys that follow from a request's input, such as `kms:EncryptionAlgorithm` or
/// `aws:RequestTag/team`. Names are kept in lower case, since they count in either case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConditionKeys(BTreeMap<String, KeyValue>);

/// The value of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    /// Text.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Milliseconds since 1970.
    Moment(i64),
    /// The texts of a multivalued key.
    Texts(Vec<String>),
}

impl ConditionKeys {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more. Texts under names that differ in case only are the values of one key, so that
    /// none of them hides another.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<KeyValue>) -> Self {
        match self.0.entry(key.to_ascii_lowercase()) {
            Entry::Vacant(vacant) => drop(vacant.insert(value.into())),
            Entry::Occupied(mut known) => known.get_mut().add(value.into()),
        }
        self
    }

    /// The same with one more, if there is a value.
    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl Into<KeyValue>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The same with the tags of a request: `aws:RequestTag/key` of each, and `aws:TagKeys`.
    #[must_use]
    pub fn with_tags<'t>(self, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let (mut keys, mut names) = (self, BTreeSet::new());
        for (name, value) in tags {
            keys = keys.with(&format!("aws:RequestTag/{name}"), value);
            names.insert(name);
        }
        keys.with_tag_keys(names)
    }

    /// The same with the keys of tags in a request, each once: `aws:TagKeys`, which is absent where there are none.
    #[must_use]
    pub fn with_tag_keys<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: BTreeSet<_> = names.into_iter().map(str::to_owned).collect();
        if names.is_empty() { self } else { self.with("aws:TagKeys", Vec::from_iter(names)) }
    }

    /// The names of all, in lower case and in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value of a key, whose name comes in lower case.
    pub fn get(&self, key: &str) -> Option<&KeyValue> {
        self.0.get(key)
    }
}

impl KeyValue {
    /// Adds another value's texts; a value of another kind takes this one's place.
    fn add(&mut self, other: Self) {
        if let Self::Text(text) = self {
            *self = Self::Texts(vec![std::mem::take(text)]);
        }
        match (self, other) {
            (Self::Texts(mine), Self::Text(text)) => mine.push(text),
            (Self::Texts(mine), Self::Texts(texts)) => mine.extend(texts),
            (mine, other) => *mine = other,
        }
    }
}

impl From<&str> for KeyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for KeyValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for KeyValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for KeyValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<String>> for KeyValue {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}
