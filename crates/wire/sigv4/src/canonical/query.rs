//! The canonical query string.

use std::borrow::Cow;
use std::ops::Range;
use std::string::FromUtf8Error;

use super::escape::{decoded, encoded, escape};
use super::feed::{Feed, Sink};
use crate::AuthError;
use crate::limits::{MAX_QUERY_BYTES, MAX_QUERY_PARAMETERS};

/// A query string's parameters, encoded as AWS encodes them, in the order of their names and values.
#[derive(Default)]
pub(crate) struct Query {
    text: String,
    parameters: Vec<Parameter>,
}

struct Parameter {
    name: Range<usize>,
    value: Range<usize>,
}

impl Query {
    /// Reads a query string, as it was sent. `+` is a space; a name without `=` has the empty value.
    pub(crate) fn parse(raw: &str) -> Result<Self, AuthError> {
        if raw.len() > MAX_QUERY_BYTES {
            return Err(AuthError::TooLong { what: "query string", limit: MAX_QUERY_BYTES });
        }
        let mut query = Self::default();
        for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
            if query.parameters.len() == MAX_QUERY_PARAMETERS {
                return Err(AuthError::TooMany { what: "query parameters", limit: MAX_QUERY_PARAMETERS });
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let parameter = Parameter { name: query.append(name)?, value: query.append(value)? };
            query.parameters.push(parameter);
        }
        let Self { text, parameters } = &mut query;
        let key = |parameter: &Parameter| (&text[parameter.name.clone()], &text[parameter.value.clone()]);
        parameters.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        Ok(query)
    }

    /// Gives the decoded value of the parameter of that name, which may be there once. The name has no
    /// character that is encoded.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Cow<'_, str>>, AuthError> {
        let mut found = self.parameters.iter().filter(|parameter| &self.text[parameter.name.clone()] == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(AuthError::Repeated { what: name.to_owned() });
        }
        let value = first.map(|parameter| decode(&self.text[parameter.value.clone()])).transpose();
        value.map_err(|_| AuthError::NotText { what: name.to_owned() })
    }

    /// The names, encoded, ordered; one that comes twice is there twice.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|parameter| &self.text[parameter.name.clone()])
    }

    /// Writes the canonical form without the parameter that is `left_out`.
    pub(super) fn write(&self, feed: &mut Feed<impl Sink>, left_out: Option<&str>) {
        let mut separator: &[u8] = b"";
        for parameter in &self.parameters {
            let name = &self.text[parameter.name.clone()];
            if Some(name) != left_out {
                feed.push(separator);
                feed.push(name.as_bytes());
                feed.push(b"=");
                feed.push(self.text[parameter.value.clone()].as_bytes());
                separator = b"&";
            }
        }
    }

    fn append(&mut self, raw: &str) -> Result<Range<usize>, AuthError> {
        let start = self.text.len();
        let mut rest = raw.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            let byte = match byte {
                b'+' => b' ',
                b'%' => {
                    let (digits, after) = after.split_first_chunk().ok_or(AuthError::IncompleteEscape)?;
                    rest = after;
                    decoded(*digits).ok_or_else(|| AuthError::IllegalEscape {
                        digits: String::from_utf8_lossy(digits).into_owned(),
                    })?
                }
                byte => *byte,
            };
            let (text, length) = encoded(byte);
            self.text.extend(text[..length].iter().copied().map(char::from));
        }
        Ok(start..self.text.len())
    }
}

/// Decodes what [`Query::append`] wrote.
fn decode(text: &str) -> Result<Cow<'_, str>, FromUtf8Error> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let (byte, after) = escape(*byte, after).unwrap_or((*byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map(Cow::Owned)
}
