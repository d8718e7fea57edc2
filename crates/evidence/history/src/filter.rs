//! What a lookup wants, and the terms under which records are indexed.
//!
//! A term is an attribute and its value within one account and Region: what LookupEvents can ask for with one
//! look. What the index finds for it is read and compared with the filter, so an index can miss a record, if
//! somebody tampered with it, but never show a wrong one.

use strongroom_crypto::digest::Sha256;
use strongroom_crypto::hex;
use strongroom_journal::{EventId, Record};

/// Which records are wanted. All conditions must hold. Data events are never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The account whose event history it is.
    pub account: String,
    /// The Region.
    pub region: String,
    /// Earliest event time wanted, milliseconds since 1970 UTC. Event times count in whole seconds.
    pub start_ms: Option<i64>,
    /// Latest event time wanted, milliseconds since 1970 UTC. Event times count in whole seconds.
    pub end_ms: Option<i64>,
    /// No earlier one is shown, milliseconds since 1970 UTC: the history goes back only so far. Continuations stay good
    /// while this moves on.
    pub horizon_ms: Option<i64>,
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

impl Attribute {
    fn is(self, value: &str, record: &Record) -> bool {
        let resources = || record.resources.iter().flatten();
        match self {
            Self::EventId => record.event_id.to_string() == value,
            Self::EventName => record.event_name == value,
            Self::ReadOnly => value == read_only(record),
            Self::Username => record.username() == Some(value),
            Self::ResourceType => resources().any(|resource| resource.kind.as_deref() == Some(value)),
            Self::ResourceName => resources().any(|resource| resource.arn == value),
            Self::EventSource => record.event_source == value,
            Self::AccessKeyId => record.identity.access_key_id.as_deref() == Some(value),
        }
    }

    /// The attribute's number in terms and continuations. It never changes, or what is on disk means something else.
    fn number(self) -> u8 {
        match self {
            Self::EventId => 1,
            Self::EventName => 2,
            Self::ReadOnly => 3,
            Self::Username => 4,
            Self::ResourceType => 5,
            Self::ResourceName => 6,
            Self::EventSource => 7,
            Self::AccessKeyId => 8,
        }
    }
}

/// In milliseconds.
const SECOND: i64 = 1000;

/// Under this number each record of an account and Region is indexed.
const ANY: u8 = 0;

impl Filter {
    /// Tells whether a record is wanted.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        record.management
            && record.account_id == self.account
            && record.aws_region == self.region
            && self.has_time(record.event_time_ms)
            && self.attribute.as_ref().is_none_or(|(attribute, value)| attribute.is(value, record))
    }

    /// Tells whether a record of that time may be wanted.
    fn has_time(&self, time_ms: i64) -> bool {
        let (earliest, latest) = self.times();
        earliest <= time_ms && time_ms <= latest
    }

    /// The earliest and the latest time wanted. Both ends are compared with whole seconds, as events show their times:
    /// who asks for the second that an event shows finds the event.
    pub(crate) fn times(&self) -> (i64, i64) {
        let start = self.start_ms.map(|start| match start.rem_euclid(SECOND) {
            0 => start,
            over => start.saturating_add(SECOND - over),
        });
        let end =
            self.end_ms.map(|end| end.saturating_sub(end.rem_euclid(SECOND)).saturating_add(SECOND - 1));
        (start.max(self.horizon_ms).unwrap_or(i64::MIN), end.unwrap_or(i64::MAX))
    }

    /// The term under which the wanted records are indexed.
    pub(crate) fn term(&self) -> Vec<u8> {
        let mut term = Vec::new();
        let mut put = |number, value| put_term(&mut term, number, &self.account, &self.region, value);
        match &self.attribute {
            None => put(ANY, &[]),
            // What is no id as they are shown finds nothing.
            Some((Attribute::EventId, text)) => {
                put(Attribute::EventId.number(), &id_bytes(text).unwrap_or_default());
            }
            Some((attribute, value)) => put(attribute.number(), value.as_bytes()),
        }
        term
    }

    /// Ties continuations to the filter they were made for.
    pub(crate) fn digest(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(self.account.as_bytes());
        part(self.region.as_bytes());
        for time in [self.start_ms, self.end_ms] {
            part(time.map(i64::to_le_bytes).as_ref().map_or(&[], |bytes| bytes));
        }
        if let Some((attribute, value)) = &self.attribute {
            part(&[attribute.number()]);
            part(value.as_bytes());
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finish()[..8]);
        first
    }
}

fn read_only(record: &Record) -> &'static str {
    if record.read_only { "true" } else { "false" }
}

/// Gives `take` each term of a record, in `buffer`; data events have none.
pub(crate) fn each_term(record: &Record, buffer: &mut Vec<u8>, mut take: impl FnMut(&[u8])) {
    if !record.management {
        return;
    }
    let mut give = |number: u8, value: &[u8]| {
        put_term(buffer, number, &record.account_id, &record.aws_region, value);
        take(buffer);
    };
    give(Attribute::EventId.number(), &record.event_id.0);
    give(ANY, &[]);
    let mut of = |attribute: Attribute, value: &str| give(attribute.number(), value.as_bytes());
    of(Attribute::EventName, &record.event_name);
    of(Attribute::ReadOnly, read_only(record));
    of(Attribute::EventSource, &record.event_source);
    if let Some(name) = record.username() {
        of(Attribute::Username, name);
    }
    if let Some(id) = &record.identity.access_key_id {
        of(Attribute::AccessKeyId, id);
    }
    for resource in record.resources.iter().flatten() {
        of(Attribute::ResourceName, &resource.arn);
        if let Some(kind) = &resource.kind {
            of(Attribute::ResourceType, kind);
        }
    }
}

/// Reads an event's id as it is shown.
fn id_bytes(text: &str) -> Option<Vec<u8>> {
    let bytes = hex::decode(&text.replace('-', ""))?;
    let id = EventId(bytes.as_slice().try_into().ok()?);
    (id.to_string() == text).then_some(bytes)
}

fn put_term(term: &mut Vec<u8>, number: u8, account: &str, region: &str, value: &[u8]) {
    term.clear();
    term.push(number);
    for part in [account, region] {
        term.extend_from_slice(part.as_bytes());
        term.push(0);
    }
    term.extend_from_slice(value);
}

/// Tells whether a term is one of which each record has its own.
pub(crate) fn is_unique(term: &[u8]) -> bool {
    term.first() == Some(&Attribute::EventId.number())
}
