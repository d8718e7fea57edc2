//! A record as bytes: one format number, then tagged fields.
//!
//! Since format 2 a record is two such messages. Its *context* says on whose behalf and from where it was called:
//! all that is the same in the next call of the same client. A frame keeps each context once. The rest is the
//! record's own. By itself ([`Record::encode`]) a record is its context behind its length, then its own part. In
//! format 1 it was one message, and its texts were not packed.
//!
//! A change that a reader must not pass over takes a new format number.

use super::fields::{self, Field, FieldReader, FieldWriter};
use super::packed::Packing;
use super::{
    ADDITIONAL_DATA_LIMIT, DECISIONS_LIMIT, EventId, EventType, Identity, IdentityKind, JSON_LIMIT, Record,
    Resource, SHORT_TEXT_LIMIT, SessionContext, SessionIssuer, TlsDetails,
};

/// The format written.
const FORMAT: u8 = 2;
/// One message, with texts as they are.
const WHOLE: u8 = 1;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The format number is none that this version reads.
    #[error("record format {0} is unknown to this version")]
    Format(u8),
    /// There are no bytes at all.
    #[error("record is empty")]
    Empty,
    /// A field's length is malformed or runs past the end.
    #[error("record field {tag} has a bad length")]
    Length {
        /// The field.
        tag: u8,
    },
    /// Fields do not ascend.
    #[error("record field {tag} is repeated or out of order")]
    Order {
        /// The field.
        tag: u8,
    },
    /// A field's value is none that this version knows.
    #[error("record field {tag} has an unknown value")]
    Value {
        /// The field.
        tag: u8,
    },
    /// A field that every record has is absent.
    #[error("record field {tag} is missing")]
    Missing {
        /// The field.
        tag: u8,
    },
}

/// Field numbers of a record. Never reuse one.
mod tag {
    pub(super) const EVENT_ID: u8 = 1;
    pub(super) const EVENT_TIME: u8 = 2;
    pub(super) const FLAGS: u8 = 3;
    pub(super) const EVENT_TYPE: u8 = 4;
    pub(super) const EVENT_SOURCE: u8 = 5;
    pub(super) const EVENT_NAME: u8 = 6;
    pub(super) const AWS_REGION: u8 = 7;
    pub(super) const ACCOUNT_ID: u8 = 8;
    pub(super) const IDENTITY: u8 = 9;
    pub(super) const SOURCE_IP: u8 = 10;
    pub(super) const USER_AGENT: u8 = 11;
    pub(super) const ERROR_CODE: u8 = 12;
    pub(super) const ERROR_MESSAGE: u8 = 13;
    pub(super) const REQUEST_PARAMETERS: u8 = 14;
    pub(super) const RESPONSE_ELEMENTS: u8 = 15;
    pub(super) const ADDITIONAL_EVENT_DATA: u8 = 16;
    pub(super) const SERVICE_EVENT_DETAILS: u8 = 17;
    pub(super) const REQUEST_ID: u8 = 18;
    pub(super) const RESOURCES: u8 = 19;
    pub(super) const API_VERSION: u8 = 20;
    pub(super) const TLS: u8 = 21;
    pub(super) const SHARED_EVENT_ID: u8 = 22;
    pub(super) const DECISIONS: u8 = 23;
    /// No field, but the first part of a record; for errors.
    pub(super) const CONTEXT: u8 = 0;

    /// Whether records are shown with a field, and found without it.
    pub(super) fn is_only_shown(tag: u8) -> bool {
        matches!(
            tag,
            SOURCE_IP
                | USER_AGENT
                | ERROR_MESSAGE
                | REQUEST_PARAMETERS
                | RESPONSE_ELEMENTS
                | ADDITIONAL_EVENT_DATA
                | SERVICE_EVENT_DETAILS
                | REQUEST_ID
                | TLS
                | DECISIONS
        )
    }
}

const READ_ONLY: u8 = 1;
const MANAGEMENT: u8 = 2;

/// A record in the two parts that a frame keeps.
pub(crate) struct Parts {
    /// What it shares with other records of the same client.
    pub(crate) context: Vec<u8>,
    /// What is its own.
    pub(crate) own: Vec<u8>,
}

/// A record as a frame keeps it.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'b> {
    /// Its context; none in frames of format 1, whose records are whole.
    pub(crate) context: Option<&'b [u8]>,
    /// The rest.
    pub(crate) own: &'b [u8],
}

/// How much of a record is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    /// What a record is found by, and not the texts that only whoever looks at it reads.
    Facts,
}

impl<'b> Stored<'b> {
    /// Reads the record.
    pub(crate) fn decode(&self, wanted: Wanted) -> Result<Record, RecordError> {
        match self.context {
            Some(context) => decode_parts(context, self.own, wanted),
            None => decode_whole(self.own, wanted),
        }
    }

    /// Tells whether the record can be read. `contexts` keeps what was read of its frame's contexts.
    pub(crate) fn is_readable(&self, contexts: &mut Contexts<'b>) -> bool {
        match self.context {
            None => decode_whole(self.own, Wanted::All).is_ok(),
            Some(bytes) => contexts.of(bytes).is_some_and(|context| context.can_complete(self.own)),
        }
    }

    /// Reads no more than the event's id; none if it cannot be read.
    pub(crate) fn event_id(&self) -> Option<EventId> {
        let field = FieldReader::new(self.own.get(1..)?, None).next().ok().flatten()?;
        if field.tag == tag::EVENT_ID { field.array().ok().map(EventId) } else { None }
    }
}

impl Record {
    /// Encodes the record by itself, applying CloudTrail's limits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Parts { context, own } = self.encode_parts();
        let mut bytes = Vec::with_capacity(4 + context.len() + own.len());
        bytes.push(FORMAT);
        fields::write_length(&mut bytes, context.len());
        bytes.extend_from_slice(&context);
        bytes.extend_from_slice(&own);
        bytes
    }

    /// Encodes the record for a frame, applying CloudTrail's limits.
    pub(crate) fn encode_parts(&self) -> Parts {
        let packing = Packing { account: &self.account_id, region: &self.aws_region };
        Parts { context: self.encode_context(), own: self.encode_own(packing) }
    }

    /// Texts are as they are here: every record makes its context, and a frame keeps few.
    fn encode_context(&self) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(512);
        buffer.push(FORMAT);
        let w = &mut FieldWriter::new(&mut buffer, None);
        w.text(tag::AWS_REGION, &self.aws_region);
        w.text(tag::ACCOUNT_ID, &self.account_id);
        w.message(tag::IDENTITY, |w| encode_identity(w, &self.identity));
        w.text(tag::SOURCE_IP, &self.source_ip);
        w.optional(tag::USER_AGENT, self.user_agent.as_deref().map(cut));
        if let Some(tls) = &self.tls {
            w.message(tag::TLS, |w| {
                w.optional(1, tls.version.as_deref());
                w.optional(2, tls.cipher_suite.as_deref());
                w.optional(3, tls.host.as_deref());
            });
        }
        buffer
    }

    fn encode_own(&self, packing: Packing<'_>) -> Vec<u8> {
        let long =
            [&self.request_parameters, &self.response_elements, &self.additional_event_data, &self.decisions];
        let mut buffer = Vec::with_capacity(256 + long.into_iter().flatten().map(String::len).sum::<usize>());
        buffer.push(FORMAT);
        let w = &mut FieldWriter::new(&mut buffer, Some(packing));
        w.bytes(tag::EVENT_ID, &self.event_id.0);
        w.integer(tag::EVENT_TIME, self.event_time_ms);
        let flags = if self.read_only { READ_ONLY } else { 0 } | if self.management { MANAGEMENT } else { 0 };
        w.bytes(tag::FLAGS, &[flags]);
        if self.event_type != EventType::default() {
            w.bytes(tag::EVENT_TYPE, &[event_type_number(self.event_type)]);
        }
        w.text(tag::EVENT_SOURCE, &self.event_source);
        w.text(tag::EVENT_NAME, &self.event_name);
        w.optional(tag::ERROR_CODE, self.error_code.as_deref().map(cut));
        w.optional(tag::ERROR_MESSAGE, self.error_message.as_deref().map(cut));
        w.optional(tag::REQUEST_PARAMETERS, within(self.request_parameters.as_ref(), JSON_LIMIT));
        w.optional(tag::RESPONSE_ELEMENTS, within(self.response_elements.as_ref(), JSON_LIMIT));
        w.optional(
            tag::ADDITIONAL_EVENT_DATA,
            within(self.additional_event_data.as_ref(), ADDITIONAL_DATA_LIMIT),
        );
        w.optional(tag::SERVICE_EVENT_DETAILS, within(self.service_event_details.as_ref(), JSON_LIMIT));
        w.optional(tag::REQUEST_ID, self.request_id.as_deref());
        if let Some(resources) = &self.resources {
            w.message(tag::RESOURCES, |w| encode_resources(w, resources));
        }
        w.optional(tag::API_VERSION, self.api_version.as_deref());
        if let Some(id) = self.shared_event_id {
            w.bytes(tag::SHARED_EVENT_ID, &id.0);
        }
        w.optional(tag::DECISIONS, within(self.decisions.as_ref(), DECISIONS_LIMIT));
        buffer
    }

    /// Reads back what [`Record::encode`] wrote, in this version or an earlier one.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.split_first().ok_or(RecordError::Empty)? {
            (&FORMAT, parts) => {
                let (context, own) =
                    fields::take_prefixed(parts).ok_or(RecordError::Length { tag: tag::CONTEXT })?;
                decode_parts(context, own, Wanted::All)
            }
            _ => decode_whole(bytes, Wanted::All),
        }
    }
}

/// The contexts of one frame, each read when it is first asked for.
#[derive(Default)]
pub(crate) struct Contexts<'b>(Vec<(&'b [u8], Option<Context>)>);

impl<'b> Contexts<'b> {
    /// The context that these bytes of the frame hold; none if it cannot be read.
    fn of(&mut self, bytes: &'b [u8]) -> Option<&Context> {
        // A context is told by where it stands: each stands in the frame once.
        let is_same = |(known, _): &(&[u8], _)| std::ptr::eq(*known, bytes);
        let place = self.0.iter().position(is_same).unwrap_or_else(|| {
            self.0.push((bytes, Context::decode(bytes, Wanted::All).ok()));
            self.0.len() - 1
        });
        self.0.get(place)?.1.as_ref()
    }
}

/// Reads a record of format 1.
fn decode_whole(bytes: &[u8], wanted: Wanted) -> Result<Record, RecordError> {
    let fields = fields_of(bytes, WHOLE, None)?;
    let mut reading = Reading::new(wanted);
    reading.fields(fields)?;
    reading.finish()
}

fn decode_parts(context: &[u8], own: &[u8], wanted: Wanted) -> Result<Record, RecordError> {
    Context::decode(context, wanted)?.complete(own)
}

/// A context that was read, for all the records of a frame that have it.
pub(crate) struct Context {
    /// A record with nothing of its own.
    record: Record,
    wanted: Wanted,
}

impl Context {
    pub(crate) fn decode(context: &[u8], wanted: Wanted) -> Result<Self, RecordError> {
        let (mut region, mut account) = (String::new(), String::new());
        let mut fields = fields_of(context, FORMAT, Some(Packing::default()))?;
        while let Some(field) = fields.next()? {
            match field.tag {
                tag::AWS_REGION => region = field.text()?,
                tag::ACCOUNT_ID => account = field.text()?,
                _ => {}
            }
        }
        let packing = Some(Packing { account: &account, region: &region });
        let mut reading = Reading::new(wanted);
        reading.fields(fields_of(context, FORMAT, packing)?)?;
        let record = Record { aws_region: region, account_id: account, ..reading.record };
        Ok(Self { record, wanted })
    }

    /// Reads the own part of a record that has this context.
    pub(crate) fn complete(self, own: &[u8]) -> Result<Record, RecordError> {
        let Self { record: Record { aws_region, account_id, .. }, .. } = &self;
        let (region, account) = (aws_region.clone(), account_id.clone());
        let packing = Some(Packing { account: &account, region: &region });
        let mut reading = Reading { record: self.record, ..Reading::new(self.wanted) };
        reading.fields(fields_of(own, FORMAT, packing)?)?;
        let record = reading.finish()?;
        Ok(Record { aws_region: region, account_id: account, ..record })
    }

    /// Tells whether the own part of a record that has this context can be read, without making the record.
    pub(crate) fn can_complete(&self, own: &[u8]) -> bool {
        let packing = Some(Packing { account: &self.record.account_id, region: &self.record.aws_region });
        let mut reading = Reading::new(self.wanted);
        fields_of(own, FORMAT, packing).and_then(|fields| reading.fields(fields)).is_ok()
            && reading.finish().is_ok()
    }
}

fn fields_of<'b>(
    bytes: &'b [u8],
    format: u8,
    packing: Option<Packing<'b>>,
) -> Result<FieldReader<'b>, RecordError> {
    match bytes.split_first().ok_or(RecordError::Empty)? {
        (&number, fields) if number == format => Ok(FieldReader::new(fields, packing)),
        (&number, _) => Err(RecordError::Format(number)),
    }
}

/// A record being read.
struct Reading {
    record: Record,
    wanted: Wanted,
    event_id: Option<EventId>,
    event_time_ms: Option<i64>,
}

impl Reading {
    fn new(wanted: Wanted) -> Self {
        Self { record: Record::default(), wanted, event_id: None, event_time_ms: None }
    }

    fn fields(&mut self, mut fields: FieldReader<'_>) -> Result<(), RecordError> {
        while let Some(field) = fields.next()? {
            if self.wanted == Wanted::All || !tag::is_only_shown(field.tag) {
                self.field(field)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, field: Field<'_>) -> Result<(), RecordError> {
        let record = &mut self.record;
        match field.tag {
            tag::EVENT_ID => self.event_id = Some(EventId(field.array()?)),
            tag::EVENT_TIME => self.event_time_ms = Some(field.integer()?),
            tag::FLAGS => {
                let flags = field.byte()?;
                if flags & !(READ_ONLY | MANAGEMENT) != 0 {
                    return Err(field.refused());
                }
                record.read_only = flags & READ_ONLY != 0;
                record.management = flags & MANAGEMENT != 0;
            }
            tag::EVENT_TYPE => record.event_type = event_type(field)?,
            tag::EVENT_SOURCE => record.event_source = field.text()?,
            tag::EVENT_NAME => record.event_name = field.text()?,
            tag::AWS_REGION => record.aws_region = field.text()?,
            tag::ACCOUNT_ID => record.account_id = field.text()?,
            tag::IDENTITY => record.identity = decode_identity(field)?,
            tag::SOURCE_IP => record.source_ip = field.text()?,
            tag::USER_AGENT => record.user_agent = Some(field.text()?),
            tag::ERROR_CODE => record.error_code = Some(field.text()?),
            tag::ERROR_MESSAGE => record.error_message = Some(field.text()?),
            tag::REQUEST_PARAMETERS => record.request_parameters = Some(field.text()?),
            tag::RESPONSE_ELEMENTS => record.response_elements = Some(field.text()?),
            tag::ADDITIONAL_EVENT_DATA => record.additional_event_data = Some(field.text()?),
            tag::SERVICE_EVENT_DETAILS => record.service_event_details = Some(field.text()?),
            tag::REQUEST_ID => record.request_id = Some(field.text()?),
            tag::RESOURCES => record.resources = Some(decode_resources(field)?),
            tag::API_VERSION => record.api_version = Some(field.text()?),
            tag::TLS => record.tls = Some(decode_tls(field)?),
            tag::SHARED_EVENT_ID => record.shared_event_id = Some(EventId(field.array()?)),
            tag::DECISIONS => record.decisions = Some(field.text()?),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Record, RecordError> {
        Ok(Record {
            event_id: self.event_id.ok_or(RecordError::Missing { tag: tag::EVENT_ID })?,
            event_time_ms: self.event_time_ms.ok_or(RecordError::Missing { tag: tag::EVENT_TIME })?,
            ..self.record
        })
    }
}

/// Cuts a text at the limit, between characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHORT_TEXT_LIMIT)]
}

/// Leaves a text out that is longer than its limit.
fn within(text: Option<&String>, limit: usize) -> Option<&str> {
    text.map(String::as_str).filter(|text| text.len() <= limit)
}

fn encode_identity(w: &mut FieldWriter<'_>, identity: &Identity) {
    if let Some(kind) = identity.kind {
        w.bytes(1, &[identity_kind_number(kind)]);
    }
    w.optional(2, identity.principal_id.as_deref());
    w.optional(3, identity.arn.as_deref());
    w.optional(4, identity.account_id.as_deref());
    w.optional(5, identity.access_key_id.as_deref());
    w.optional(6, identity.user_name.as_deref());
    if let Some(session) = &identity.session {
        w.message(7, |w| encode_session(w, session));
    }
    w.optional(8, identity.invoked_by.as_deref());
    w.optional(9, identity.identity_provider.as_deref());
}

fn decode_identity(field: Field<'_>) -> Result<Identity, RecordError> {
    let mut identity = Identity::default();
    let mut fields = field.fields();
    while let Some(field) = fields.next()? {
        match field.tag {
            1 => identity.kind = Some(identity_kind(field)?),
            2 => identity.principal_id = Some(field.text()?),
            3 => identity.arn = Some(field.text()?),
            4 => identity.account_id = Some(field.text()?),
            5 => identity.access_key_id = Some(field.text()?),
            6 => identity.user_name = Some(field.text()?),
            7 => identity.session = Some(decode_session(field)?),
            8 => identity.invoked_by = Some(field.text()?),
            9 => identity.identity_provider = Some(field.text()?),
            _ => {}
        }
    }
    Ok(identity)
}

fn encode_session(w: &mut FieldWriter<'_>, session: &SessionContext) {
    if let Some(issuer) = &session.issuer {
        w.message(1, |w| {
            w.bytes(1, &[identity_kind_number(issuer.kind)]);
            w.text(2, &issuer.principal_id);
            w.text(3, &issuer.arn);
            w.text(4, &issuer.account_id);
            w.optional(5, issuer.user_name.as_deref());
        });
    }
    w.integer(2, session.created_ms);
    w.bytes(3, &[u8::from(session.mfa_authenticated)]);
    w.optional(4, session.source_identity.as_deref());
    w.optional(5, session.federated_provider.as_deref());
}

fn decode_session(field: Field<'_>) -> Result<SessionContext, RecordError> {
    let mut session = SessionContext::default();
    let mut fields = field.fields();
    while let Some(field) = fields.next()? {
        match field.tag {
            1 => session.issuer = Some(decode_issuer(field)?),
            2 => session.created_ms = field.integer()?,
            3 => {
                session.mfa_authenticated = match field.byte()? {
                    0 => false,
                    1 => true,
                    _ => return Err(field.refused()),
                }
            }
            4 => session.source_identity = Some(field.text()?),
            5 => session.federated_provider = Some(field.text()?),
            _ => {}
        }
    }
    Ok(session)
}

fn decode_issuer(field: Field<'_>) -> Result<SessionIssuer, RecordError> {
    let mut kind = None;
    let (mut principal_id, mut arn, mut account_id) = (String::new(), String::new(), String::new());
    let mut user_name = None;
    let mut fields = field.fields();
    while let Some(field) = fields.next()? {
        match field.tag {
            1 => kind = Some(identity_kind(field)?),
            2 => principal_id = field.text()?,
            3 => arn = field.text()?,
            4 => account_id = field.text()?,
            5 => user_name = Some(field.text()?),
            _ => {}
        }
    }
    let kind = kind.ok_or(RecordError::Missing { tag: 1 })?;
    Ok(SessionIssuer { kind, principal_id, arn, account_id, user_name })
}

fn encode_resources(w: &mut FieldWriter<'_>, resources: &[Resource]) {
    for resource in resources {
        w.item(|w| {
            w.optional(1, resource.account_id.as_deref());
            w.optional(2, resource.kind.as_deref());
            w.text(3, &resource.arn);
        });
    }
}

fn decode_resources(field: Field<'_>) -> Result<Vec<Resource>, RecordError> {
    let mut resources = Vec::new();
    for item in field.items() {
        let mut fields = item?;
        let mut resource = Resource::default();
        while let Some(field) = fields.next()? {
            match field.tag {
                1 => resource.account_id = Some(field.text()?),
                2 => resource.kind = Some(field.text()?),
                3 => resource.arn = field.text()?,
                _ => {}
            }
        }
        resources.push(resource);
    }
    Ok(resources)
}

fn decode_tls(field: Field<'_>) -> Result<TlsDetails, RecordError> {
    let mut tls = TlsDetails::default();
    let mut fields = field.fields();
    while let Some(field) = fields.next()? {
        match field.tag {
            1 => tls.version = Some(field.text()?),
            2 => tls.cipher_suite = Some(field.text()?),
            3 => tls.host = Some(field.text()?),
            _ => {}
        }
    }
    Ok(tls)
}

fn identity_kind_number(kind: IdentityKind) -> u8 {
    match kind {
        IdentityKind::Root => 1,
        IdentityKind::IamUser => 2,
        IdentityKind::AssumedRole => 3,
        IdentityKind::Role => 4,
        IdentityKind::FederatedUser => 5,
        IdentityKind::AwsAccount => 6,
        IdentityKind::AwsService => 7,
        IdentityKind::WebIdentityUser => 8,
        IdentityKind::Unknown => 9,
    }
}

fn identity_kind(field: Field<'_>) -> Result<IdentityKind, RecordError> {
    Ok(match field.byte()? {
        1 => IdentityKind::Root,
        2 => IdentityKind::IamUser,
        3 => IdentityKind::AssumedRole,
        4 => IdentityKind::Role,
        5 => IdentityKind::FederatedUser,
        6 => IdentityKind::AwsAccount,
        7 => IdentityKind::AwsService,
        8 => IdentityKind::WebIdentityUser,
        9 => IdentityKind::Unknown,
        _ => return Err(field.refused()),
    })
}

fn event_type_number(kind: EventType) -> u8 {
    match kind {
        EventType::AwsApiCall => 1,
        EventType::AwsServiceEvent => 2,
        EventType::AwsConsoleAction => 3,
        EventType::AwsConsoleSignIn => 4,
    }
}

fn event_type(field: Field<'_>) -> Result<EventType, RecordError> {
    Ok(match field.byte()? {
        1 => EventType::AwsApiCall,
        2 => EventType::AwsServiceEvent,
        3 => EventType::AwsConsoleAction,
        4 => EventType::AwsConsoleSignIn,
        _ => return Err(field.refused()),
    })
}
