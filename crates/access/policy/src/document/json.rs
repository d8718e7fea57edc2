//! JSON, strictly: nothing of it is lost on the way in, so that what is there twice can be refused.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::path::Path;
use super::{DocumentError, Fault};

/// How deep the policy language nests: document, statements, statement, conditions, operator, values.
const LANGUAGE_DEPTH: usize = 6;

/// A JSON value. Objects keep every member, in order.
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// An array or object deeper than the policy language goes. It is skipped without recursion.
    TooDeep,
}

impl Json {
    /// Reads the whole of `text`.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = Level(0).deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
        read.map_err(|error| DocumentError::Malformed {
            at: format!("line {} column {}", error.line(), error.column()),
            fault: Fault::Json,
        })
    }

    /// The text of a string.
    pub(super) fn text(&self, at: &Path<'_>) -> Result<&str, DocumentError> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(self.is_not("a string", at)),
        }
    }

    /// The members of an object, each key once.
    pub(super) fn members(&self, at: &Path<'_>) -> Result<&[(String, Json)], DocumentError> {
        let Self::Object(members) = self else { return Err(self.is_not("an object", at)) };
        let mut keys = HashSet::with_capacity(members.len());
        match members.iter().find(|(key, _)| !keys.insert(key)) {
            Some((key, _)) => Err(DocumentError::malformed(at, Fault::DuplicateKey(key.clone()))),
            None => Ok(members),
        }
    }

    /// Reads what may be one value or an array of them, each with its own place.
    pub(super) fn each<T>(
        &self,
        at: &Path<'_>,
        mut read: impl FnMut(&Json, &Path<'_>) -> Result<T, DocumentError>,
    ) -> Result<Vec<T>, DocumentError> {
        match self {
            Self::Array(items) => {
                items.iter().enumerate().map(|(index, item)| read(item, &at.item(index))).collect()
            }
            one => Ok(vec![read(one, at)?]),
        }
    }

    /// How many values [`each`](Self::each) reads.
    pub(super) fn count(&self) -> usize {
        if let Self::Array(items) = self { items.len() } else { 1 }
    }

    /// The error for a value of the wrong type.
    pub(super) fn is_not(&self, expected: &'static str, at: &Path<'_>) -> DocumentError {
        let found = match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::TooDeep => return DocumentError::malformed(at, Fault::TooDeep),
        };
        DocumentError::malformed(at, Fault::WrongType { expected, found })
    }
}

/// Reads a value that is inside so many arrays and objects.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn deeper(self) -> Option<Self> {
        (self.0 < LANGUAGE_DEPTH).then_some(Self(self.0 + 1))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        // JSON has no way to write the floats that are no numbers.
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let Some(deeper) = self.deeper() else {
            while access.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Json::TooDeep);
        };
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(deeper)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let Some(deeper) = self.deeper() else {
            while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Json::TooDeep);
        };
        let mut members = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            members.push((key, access.next_value_seed(deeper)?));
        }
        Ok(Json::Object(members))
    }
}
