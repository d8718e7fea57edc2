//! The canonical headers.

use std::borrow::Cow;

use http::header::{HOST, HeaderMap};

use super::feed::{Feed, Sink};
use crate::AuthError;
use crate::limits::MAX_SIGNED_HEADERS;

/// The names that a signature covers, in canonical form: lower case, sorted, each once.
pub(crate) struct SignedHeaders(String);

impl SignedHeaders {
    /// Reads `SignedHeaders`, whatever order and case it is in.
    pub(crate) fn parse(text: Cow<'_, str>) -> Result<Self, AuthError> {
        if text.split(';').count() > MAX_SIGNED_HEADERS {
            return Err(AuthError::TooMany { what: "signed headers", limit: MAX_SIGNED_HEADERS });
        }
        let mut text = text.into_owned();
        text.make_ascii_lowercase();
        if text.split(';').is_sorted_by(|a, b| a < b) {
            return Ok(Self(text));
        }
        let mut names: Vec<&str> = text.split(';').collect();
        names.sort_unstable();
        names.dedup();
        Ok(Self(names.join(";")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split(';')
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names().any(|signed| signed == name)
    }

    /// Tells which of the names the request does not have.
    pub(crate) fn absent_from(&self, headers: &HeaderMap) -> Option<&str> {
        self.names().find(|name| !headers.contains_key(held_as(name)))
    }

    /// Writes a line for each name: values trimmed, runs of white space within them made one space, several
    /// values joined by commas in their order.
    pub(super) fn write(&self, feed: &mut Feed<impl Sink>, headers: &HeaderMap) {
        for name in self.names() {
            feed.push(name.as_bytes());
            let mut separator: &[u8] = b":";
            for value in headers.get_all(held_as(name)) {
                feed.push(separator);
                write_folded(feed, value.as_bytes());
                separator = b",";
            }
            feed.push(b"\n");
        }
    }
}

/// HTTP/2 has `:authority` for `Host`; clients sign it under either name, the request holds it as `Host`.
fn held_as(name: &str) -> &str {
    if name == ":authority" { HOST.as_str() } else { name }
}

fn write_folded(feed: &mut Feed<impl Sink>, value: &[u8]) {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (position, word) in words.enumerate() {
        if position > 0 {
            feed.push(b" ");
        }
        feed.push(word);
    }
}
