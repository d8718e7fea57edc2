//! Looking records up, newest first and page by page: what LookupEvents needs.
//!
//! A lookup scans backward from the newest record. Continuations name the place in the journal where the next
//! page begins, so pages neither repeat nor miss a record while the journal grows.

use strongroom_crypto::digest::{Sha256, sha256};
use strongroom_crypto::hex;

use crate::error::JournalError;
use crate::frame::array;
use crate::reader::{Frames, Range, Reader, Rest};
use crate::record::Record;
use crate::stream::{Position, StreamId, unhex};

/// Which records are wanted. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The account whose event history it is.
    pub account: String,
    /// The Region.
    pub region: String,
    /// Leave data events out.
    pub management_only: bool,
    /// Earliest event time wanted, milliseconds since 1970 UTC.
    pub start_ms: Option<i64>,
    /// Latest event time wanted, milliseconds since 1970 UTC.
    pub end_ms: Option<i64>,
    /// One attribute and the value it must have, exactly.
    pub attribute: Option<(Attribute, String)>,
}

/// What LookupEvents can search by (LookupAttribute in the AWS CloudTrail API Reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The event's UUID.
    EventId,
    /// The operation.
    EventName,
    /// `true` or `false`.
    ReadOnly,
    /// As [`Record::username`] tells it.
    Username,
    /// A resource's type, for example `AWS::KMS::Key`.
    ResourceType,
    /// A resource's ARN.
    ResourceName,
    /// The service, for example `kms.amazonaws.com`.
    EventSource,
    /// The access key that signed the call.
    AccessKeyId,
}

impl Filter {
    /// Tells whether a record is wanted.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        record.account_id == self.account
            && record.aws_region == self.region
            && (record.management || !self.management_only)
            && self.start_ms.is_none_or(|start| record.event_time_ms >= start)
            && self.end_ms.is_none_or(|end| record.event_time_ms <= end)
            && self.attribute.as_ref().is_none_or(|(attribute, value)| attribute.is(value, record))
    }

    /// Ties continuations to the filter they were made for.
    fn digest(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(self.account.as_bytes());
        part(self.region.as_bytes());
        part(&[u8::from(self.management_only)]);
        for time in [self.start_ms, self.end_ms] {
            part(time.map(i64::to_le_bytes).as_ref().map_or(&[], |bytes| bytes));
        }
        if let Some((attribute, value)) = &self.attribute {
            part(&[*attribute as u8]);
            part(value.as_bytes());
        }
        first_eight(&hash.finish())
    }
}

impl Attribute {
    fn is(self, value: &str, record: &Record) -> bool {
        let resources = || record.resources.iter().flatten();
        match self {
            Self::EventId => record.event_id.to_string() == value,
            Self::EventName => record.event_name == value,
            Self::ReadOnly => value == if record.read_only { "true" } else { "false" },
            Self::Username => record.username() == Some(value),
            Self::ResourceType => resources().any(|resource| resource.kind.as_deref() == Some(value)),
            Self::ResourceName => resources().any(|resource| resource.arn == value),
            Self::EventSource => record.event_source == value,
            Self::AccessKeyId => record.identity.access_key_id.as_deref() == Some(value),
        }
    }
}

/// Where a lookup goes on. Opaque: only good for the journal and the filter it came from.
///
/// It is no secret and proves nothing: a forged one can only begin elsewhere in what its filter shows anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    rest: Rest,
    filter: [u8; 8],
}

/// Format, position, segment, filter, check.
const CONTINUATION_LEN: usize = 1 + 24 + 4 + 8 + 8;
const CONTINUATION_FORMAT: u8 = 2;

impl Continuation {
    /// Returns the continuation as 90 hex digits.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(CONTINUATION_LEN);
        bytes.push(CONTINUATION_FORMAT);
        bytes.extend_from_slice(self.rest.before.stream.as_bytes());
        bytes.extend_from_slice(&self.rest.before.record.to_be_bytes());
        bytes.extend_from_slice(&self.rest.segment.to_be_bytes());
        bytes.extend_from_slice(&self.filter);
        bytes.extend_from_slice(&first_eight(&sha256(&bytes)));
        hex::encode(&bytes)
    }

    /// Reads a continuation back; anything that is none is refused as [`JournalError::InvalidContinuation`].
    pub fn decode(text: &str) -> Result<Self, JournalError> {
        let bytes: [u8; CONTINUATION_LEN] = unhex(text).ok_or(JournalError::InvalidContinuation)?;
        let (body, check) = bytes.split_at(CONTINUATION_LEN - 8);
        if body[0] != CONTINUATION_FORMAT || check != first_eight(&sha256(body)) {
            return Err(JournalError::InvalidContinuation);
        }
        let stream = StreamId::from_bytes(array(&body[1..17]));
        let record = u64::from_be_bytes(array(&body[17..25]));
        let segment = u32::from_be_bytes(array(&body[25..29]));
        let rest = Rest { before: Position { stream, record }, segment };
        Ok(Self { rest, filter: array(&body[29..]) })
    }
}

/// One page of a lookup.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, newest first.
    pub records: Vec<(Position, Record)>,
    /// Where to go on; none when the journal's beginning was reached. A page may be short, even empty, and
    /// yet have one.
    pub next: Option<Continuation>,
    /// How many damaged or unreadable places were passed over; [`verify`](crate::verify()) names them. Pages
    /// that share a segment each count its places whose frame headers are gone.
    pub damaged: u32,
}

impl Reader {
    /// Looks up at most `limit` records (at least one), newest first: by stream, and as written within a
    /// stream.
    ///
    /// Blocks on the disk. It reads a bounded part of the journal at a time ([`Reader::with_scan_limit`]), so
    /// a rare record may take several pages to reach.
    pub fn lookup(
        &self,
        filter: &Filter,
        limit: usize,
        from: Option<&Continuation>,
    ) -> Result<Page, JournalError> {
        let digest = filter.digest();
        if from.is_some_and(|from| from.filter != digest) {
            return Err(JournalError::InvalidContinuation);
        }
        let before = from.map(|from| from.rest.before);
        let range = Range {
            after: None,
            before,
            start_ms: filter.start_ms.unwrap_or(i64::MIN),
            end_ms: filter.end_ms.unwrap_or(i64::MAX),
            last_segment: from.map_or(u32::MAX, |from| from.rest.segment),
        };
        let limit = limit.max(1);
        let mut page = Page { records: Vec::new(), next: None, damaged: 0 };
        let next = |rest| Continuation { rest, filter: digest };
        let mut frames = Frames::paused_at(self, range, self.scan_limit)?;
        for frame in frames.by_ref() {
            let frame = match frame {
                Ok(frame) => frame,
                Err(JournalError::Damaged { .. }) => {
                    page.damaged += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (position, record) in frame.decoded().rev() {
                if before.is_some_and(|before| position >= before) {
                    continue;
                }
                match record {
                    Ok(record) if filter.matches(&record) => page.records.push((position, record)),
                    Ok(_) => {}
                    Err(_) => page.damaged += 1,
                }
                if page.records.len() >= limit {
                    page.next = Some(next(Rest { before: position, segment: frame.segment() }));
                    return Ok(page);
                }
            }
        }
        page.next = frames.rest().map(next);
        Ok(page)
    }
}

fn first_eight(hash: &[u8; 32]) -> [u8; 8] {
    array(&hash[..8])
}
