//! Answers: headers, XML and streams.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, SERVER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use strongroom_schema::{
    ByteStream, Fault, Kind, Location, Member, Operation, ServiceSchema, Structure, TimestampFormat, Value,
};
use strongroom_secret::{SecretBuffer, SecretBytes};

use crate::envelope::ErrorView;
use crate::envelope::Wiped;
use crate::out::Out as _;
use crate::{scalar, xml};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

const XML: HeaderValue = HeaderValue::from_static("application/xml");
const AMAZON_S3: HeaderValue = HeaderValue::from_static("AmazonS3");

const PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What the body of an answer is made of.
#[derive(Debug)]
pub enum Answer {
    /// It is there.
    Whole(Bytes),
    /// It comes while it is sent.
    Stream(ByteStream),
}

impl From<Bytes> for Answer {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

/// `x-amz-id-2` of the answer to that request. What it says is AWS's own matter, and here nothing that the id does not.
pub fn host_id(request_id: &str) -> String {
    STANDARD.encode(format!("strongroom/{request_id}"))
}

/// Frames a result. Its stream, if it has one, goes with the answer.
pub(crate) fn success(
    service: &ServiceSchema,
    operation: &Operation,
    output: &mut dyn Structure,
    request_id: &str,
) -> Response<Answer> {
    let stream = output.stream().and_then(Option::take);
    let output: &dyn Structure = output;
    let mut headers = HeaderMap::new();
    for (at, member) in operation.output.members().iter().enumerate() {
        let Some(value) = output.member(at) else { continue };
        match member.traits.location {
            Location::Header => push_header(&mut headers, member, value),
            Location::Headers => push_headers(&mut headers, member, value),
            _ => {}
        }
    }
    let (body, content_type) = match stream {
        Some(stream) => (Answer::Stream(stream), None),
        None => whole(service, operation, output),
    };
    let is_part = operation.http.code == 200 && headers.contains_key(CONTENT_RANGE);
    let status = if is_part { 206 } else { operation.http.code };
    let mut response = respond(status, body, request_id);
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response.headers_mut().extend(headers);
    response
}

/// Frames an error. The request to which there is no body (HEAD) has it taken away by whoever knows.
pub(crate) fn error(error: &ErrorView<'_>, request_id: &str) -> Response<Bytes> {
    let by_fault = if error.fault == Fault::Client { 400 } else { 500 };
    let status = error.query.map_or(error.status.unwrap_or(by_fault), |query| query.http_status);
    let (code, message) = spoken(error);
    // What is not modified is not described (RFC 9110, section 15.4.5).
    let body = if status == 304 {
        SecretBytes::default()
    } else {
        let mut out = SecretBuffer::with_capacity(512);
        out.push_str(PROLOGUE);
        xml::push_start(&mut out, "Error", None);
        xml::push_text_element(&mut out, "Code", code);
        xml::push_text_element(&mut out, "Message", message);
        for (name, value) in error.details {
            xml::push_text_element(&mut out, name, value);
        }
        if let Some(fields) = error.fields {
            xml::push_members(&mut out, fields, |_| true);
        }
        xml::push_text_element(&mut out, "RequestId", request_id);
        xml::push_text_element(&mut out, "HostId", &host_id(request_id));
        xml::push_end(&mut out, "Error");
        out.into_secret()
    };
    let mut response = respond(status, Wiped::bytes(body), request_id);
    let headers = response.headers_mut();
    if status != 304 {
        headers.insert(CONTENT_TYPE, XML);
    }
    for (name, value) in error.headers {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// Code and text, where S3 has others than the errors that every service has.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
pub(crate) fn spoken<'e>(error: &ErrorView<'e>) -> (&'e str, &'e str) {
    let code = error.query.map_or(error.code, |query| query.code);
    let message = error.message.unwrap_or_default();
    match code {
        "InternalFailure" => ("InternalError", "We encountered an internal error. Please try again."),
        "Throttling" | "ThrottlingException" => ("SlowDown", "Please reduce your request rate."),
        "ValidationError" => ("InvalidArgument", message),
        _ => (code, message),
    }
}

fn respond<B>(status: u16, body: B, request_id: &str) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, text) in [(REQUEST_ID, request_id.to_owned()), (HOST_ID, host_id(request_id))] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    headers.insert(SERVER, AMAZON_S3);
    response
}

/// The body of a result that does not stream, and its type.
fn whole(
    service: &ServiceSchema,
    operation: &Operation,
    output: &dyn Structure,
) -> (Answer, Option<HeaderValue>) {
    let members = operation.output.members();
    let nothing = (Answer::Whole(Bytes::new()), None);
    if let Some(at) = members.iter().position(|member| member.traits.payload) {
        let (member, Some(value)) = (&members[at], output.member(at)) else { return nothing };
        return match value {
            Value::Structure(structure) => {
                let root = member.traits.wire_name.unwrap_or(member.schema.name);
                (document(service, root, structure, |_| true), Some(XML))
            }
            Value::Blob(bytes) => (Answer::Whole(Bytes::copy_from_slice(bytes)), None),
            // The one text that S3 answers is a bucket's policy.
            Value::String(text) => {
                let json = HeaderValue::from_static("application/json");
                (Answer::Whole(Bytes::copy_from_slice(text.as_bytes())), Some(json))
            }
            _ => nothing,
        };
    }
    if !members.iter().any(is_of_body) {
        return nothing;
    }
    let root = operation.result_wrapper.unwrap_or(operation.output.name);
    (document(service, root, output, is_of_body), Some(XML))
}

fn is_of_body(member: &Member) -> bool {
    !matches!(member.traits.location, Location::Header | Location::Headers | Location::StatusCode)
}

fn document(
    service: &ServiceSchema,
    root: &str,
    structure: &dyn Structure,
    wanted: fn(&Member) -> bool,
) -> Answer {
    let mut out = SecretBuffer::with_capacity(512);
    out.push_str(PROLOGUE);
    let namespace = service.xml_namespace.map(|uri| (None, uri));
    xml::open(&mut out, root, namespace, Some(structure));
    let members = structure.schema().members();
    let itself = members.iter().position(|member| member.traits.wire_name.unwrap_or(member.name) == root);
    match itself {
        // The root is its only member itself (GetBucketLocation).
        Some(at) => {
            if let Some(Value::String(text)) = structure.member(at) {
                xml::push_text(&mut out, text);
            }
        }
        None => xml::push_members(&mut out, structure, wanted),
    }
    xml::push_end(&mut out, root);
    Answer::Whole(Wiped::bytes(out.into_secret()))
}

fn push_header(headers: &mut HeaderMap, member: &Member, value: Value<'_>) {
    let name = member.traits.wire_name.unwrap_or(member.name);
    let Ok(name) = HeaderName::try_from(name) else { return };
    if let Ok(value) = HeaderValue::from_bytes(words(member, value).as_bytes()) {
        headers.insert(name, value);
    }
}

/// A map under one prefix: metadata. What is not ASCII is encoded (RFC 2047), as S3 does.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>
fn push_headers(headers: &mut HeaderMap, member: &Member, value: Value<'_>) {
    let prefix = member.traits.wire_name.unwrap_or_default();
    let Value::Map(map) = value else { return };
    for index in 0..map.len() {
        let (name, Value::String(text)) = map.entry(index) else { continue };
        let Ok(name) = HeaderName::try_from(format!("{prefix}{name}")) else { continue };
        let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        let value = if is_plain {
            HeaderValue::try_from(text)
        } else {
            HeaderValue::try_from(format!("=?UTF-8?B?{}?=", STANDARD.encode(text)))
        };
        if let Ok(value) = value {
            headers.append(name, value);
        }
    }
}

/// A value in words, as headers have them.
pub(crate) fn words(member: &Member, value: Value<'_>) -> String {
    match value {
        Value::String(text) => text.to_owned(),
        Value::Timestamp(moment) => {
            let format = scalar::timestamp_format(member, TimestampFormat::HttpDate);
            scalar::timestamp_text(moment, format)
        }
        Value::Blob(bytes) => STANDARD.encode(bytes),
        Value::List(list) => {
            let Kind::List(item) = &member.schema.kind else { return String::new() };
            let items = (0..list.len()).map(|index| words(item, list.item(index)));
            items.collect::<Vec<_>>().join(", ")
        }
        plain => {
            let mut text = String::new();
            scalar::push_plain(&mut text, plain);
            text
        }
    }
}
