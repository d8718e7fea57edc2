//! A record as bytes: one format number, then tagged fields.
//!
//! Texts are written as they are: frames keep each record readable by itself, and compression belongs to
//! closed segments. A change that a reader must not pass over takes a new format number.

use super::fields::{Field, FieldReader, FieldWriter};
use super::{
    ADDITIONAL_DATA_LIMIT, DECISIONS_LIMIT, EventId, EventType, Identity, IdentityKind, JSON_LIMIT, Record,
    Resource, SHORT_TEXT_LIMIT, SessionContext, SessionIssuer, TlsDetails,
};

/// The format written.
const FORMAT: u8 = 1;

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
}

const READ_ONLY: u8 = 1;
const MANAGEMENT: u8 = 2;

impl Record {
    /// Encodes the record, applying CloudTrail's limits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let long =
            [&self.request_parameters, &self.response_elements, &self.additional_event_data, &self.decisions];
        let mut buffer = Vec::with_capacity(640 + long.into_iter().flatten().map(String::len).sum::<usize>());
        buffer.push(FORMAT);
        let w = &mut FieldWriter::new(&mut buffer);
        w.bytes(tag::EVENT_ID, &self.event_id.0);
        w.integer(tag::EVENT_TIME, self.event_time_ms);
        let flags = if self.read_only { READ_ONLY } else { 0 } | if self.management { MANAGEMENT } else { 0 };
        w.bytes(tag::FLAGS, &[flags]);
        w.bytes(tag::EVENT_TYPE, &[event_type_number(self.event_type)]);
        w.text(tag::EVENT_SOURCE, &self.event_source);
        w.text(tag::EVENT_NAME, &self.event_name);
        w.text(tag::AWS_REGION, &self.aws_region);
        w.text(tag::ACCOUNT_ID, &self.account_id);
        w.message(tag::IDENTITY, |w| encode_identity(w, &self.identity));
        w.text(tag::SOURCE_IP, &self.source_ip);
        w.optional(tag::USER_AGENT, self.user_agent.as_deref().map(cut));
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
        if let Some(tls) = &self.tls {
            w.message(tag::TLS, |w| {
                w.optional(1, tls.version.as_deref());
                w.optional(2, tls.cipher_suite.as_deref());
                w.optional(3, tls.host.as_deref());
            });
        }
        if let Some(id) = self.shared_event_id {
            w.bytes(tag::SHARED_EVENT_ID, &id.0);
        }
        w.optional(tag::DECISIONS, within(self.decisions.as_ref(), DECISIONS_LIMIT));
        buffer
    }

    /// Reads a record back.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (&format, fields) = bytes.split_first().ok_or(RecordError::Empty)?;
        if format != FORMAT {
            return Err(RecordError::Format(format));
        }
        let mut record = Self::default();
        let (mut event_id, mut event_time) = (None, None);
        let mut fields = FieldReader::new(fields);
        while let Some(field) = fields.next()? {
            match field.tag {
                tag::EVENT_ID => event_id = Some(EventId(field.array()?)),
                tag::EVENT_TIME => event_time = Some(field.integer()?),
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
        }
        record.event_id = event_id.ok_or(RecordError::Missing { tag: tag::EVENT_ID })?;
        record.event_time_ms = event_time.ok_or(RecordError::Missing { tag: tag::EVENT_TIME })?;
        Ok(record)
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
