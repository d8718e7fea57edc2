//! One line of the log.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Longest access key id that is kept, the longest that AWS gives out; a longer one is not one.
const LONGEST_ID: usize = 128;

/// A request that was not authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'f> {
    /// When, in real time: milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The address that it came from.
    pub source: IpAddr,
    /// The access key id that it claims. It is anyone's text: what does not look like an id is not kept.
    pub access_key_id: Option<&'f str>,
    /// The error code of the answer.
    pub code: &'f str,
}

impl<'f> Failure<'f> {
    /// The claimed id, if it looks like one.
    pub(crate) fn legible_id(&self) -> Option<&'f str> {
        self.access_key_id.filter(|id| {
            (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    }
}

/// Failures of one kind that came within a few seconds of each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When the first came, RFC 3339, in UTC.
    pub first: String,
    /// When the last came.
    pub last: String,
    /// Where they came from; absent in the entry that counts those that were not told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// The access key id that they claimed, if it looked like one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The error code of the answers; absent where `source` is, and in the entry that counts what was not told apart of a
    /// source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many they were.
    pub count: u64,
}

/// The format that lines have. Those from before it was written down have the first, too.
const FORMAT: u32 = 1;

/// An entry as a file has it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line<E> {
    #[serde(default = "first_format")]
    format: u32,
    #[serde(flatten)]
    entry: E,
}

fn first_format() -> u32 {
    FORMAT
}

impl<'e> Line<&'e Entry> {
    pub(crate) fn of(entry: &'e Entry) -> Self {
        Self { format: FORMAT, entry }
    }
}

impl Line<Entry> {
    /// The entry, if this version knows the format.
    pub(crate) fn into_entry(self) -> Option<Entry> {
        (self.format == FORMAT).then_some(self.entry)
    }
}

/// RFC 3339, to the second.
pub(crate) fn time_text(ms: i64) -> String {
    let moment =
        OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // A moment within the years that the type holds has a text.
    moment.format(&Rfc3339).unwrap_or_default()
}
