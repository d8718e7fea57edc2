//! Answers: results and errors in each protocol's frame.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use strongroom_schema::{Fault, Member, Operation, QueryError, ServiceSchema, Structure, Value};
use strongroom_secret::{SecretBuffer, SecretBytes};

use super::Framing;
use super::call::{CBOR, SMITHY_PROTOCOL};
use crate::json::{Wire, Writer};
use crate::rest::{self, Answer};
use crate::{cbor, json, xml};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// The namespace of XML errors where no service is known.
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// The namespace of the errors that AWS's front makes, and of those that services make and no model lists.
const FRONT_NAMESPACE: &str = "com.amazon.coral.service";

/// The codes whose message JSON clients find under `Message` of whatever service, as traces of AWS show. Its
/// front makes these errors, not the service.
const CAPITAL_MESSAGE: [&str; 2] = ["AccessDeniedException", "SerializationException"];

/// An answer on its way, wiped when it has been sent: it may hold a plaintext, or a secret access key.
pub(crate) struct Wiped(SecretBytes);

impl Wiped {
    /// Bytes to send.
    pub(crate) fn bytes(body: SecretBytes) -> Bytes {
        Bytes::from_owner(Self(body))
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// An error, as far as a frame shows it.
#[derive(Clone, Copy)]
pub struct ErrorView<'e> {
    /// The code in the JSON protocols.
    pub code: &'e str,
    /// Code and status in the query protocols; without it the code is the same, and the fault tells the
    /// status.
    pub query: Option<QueryError>,
    /// The status in every protocol. Without it the JSON protocols answer 400 or 500, by fault alone,
    /// whatever status a model gives the error; that is how KMS does.
    pub status: Option<u16>,
    /// Whose fault it is.
    pub fault: Fault,
    /// The message, if there is one.
    pub message: Option<&'e str>,
    /// The error's modelled members. Its message, if it has one, gives way to [`ErrorView::message`].
    pub fields: Option<&'e dyn Structure>,
    /// Elements beside the message, in rest-xml.
    pub details: &'e [(&'static str, String)],
    /// Headers of the answer, names in lower case, in rest-xml.
    pub headers: &'e [(&'static str, String)],
}

/// Frames a result.
pub fn success(
    framing: Framing,
    service: &ServiceSchema,
    operation: &Operation,
    output: &mut dyn Structure,
    request_id: &str,
) -> Response<Answer> {
    if framing == Framing::RestXml {
        return rest::success(service, operation, output, request_id);
    }
    let output: &dyn Structure = output;
    let body = match framing {
        // AWS sends no body at all for operations without output; `{}` would do as well.
        Framing::Json10 | Framing::Json11 if !operation.has_output => SecretBytes::default(),
        Framing::Json10 | Framing::Json11 => json::write(output),
        Framing::Query => xml_result(service, operation, output, request_id),
        Framing::Ec2 => ec2_result(service, operation, output, request_id),
        // What has no output has no body, and no content type either.
        Framing::Cbor if !operation.has_output => {
            let mut response = respond(framing, StatusCode::OK, SecretBytes::default(), request_id);
            response.headers_mut().remove(CONTENT_TYPE);
            return response.map(Answer::Whole);
        }
        Framing::Cbor => cbor::write(output),
        Framing::RestXml => SecretBytes::default(),
    };
    respond(framing, StatusCode::OK, body, request_id).map(Answer::Whole)
}

/// Frames an error. The service is not known if the request did not get that far.
pub fn error(
    framing: Framing,
    service: Option<&ServiceSchema>,
    error: &ErrorView<'_>,
    request_id: &str,
) -> Response<Bytes> {
    if framing == Framing::RestXml {
        return rest::error(error, request_id);
    }
    let by_fault = if error.fault == Fault::Client { 400 } else { 500 };
    let of_protocol = match (framing, error.query) {
        (Framing::Query | Framing::Ec2, Some(query)) => query.http_status,
        _ => by_fault,
    };
    let status = StatusCode::from_u16(error.status.unwrap_or(of_protocol));
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = match framing {
        Framing::Json10 | Framing::Json11 => json_error(service, error),
        Framing::Query => xml_error(service, error, request_id),
        Framing::Ec2 => ec2_error(error, request_id),
        Framing::Cbor => cbor_error(service, error),
        Framing::RestXml => SecretBytes::default(),
    };
    let mut response = respond(framing, status, body, request_id);
    if !matches!(framing, Framing::Query | Framing::Ec2)
        && service.is_some_and(|service| service.query_compatible)
        && let Some(query) = error.query
        && let Ok(value) = HeaderValue::try_from(format!("{};{}", query.code, side(error.fault)))
    {
        response.headers_mut().insert(QUERY_ERROR, value);
    }
    response
}

/// The code under which CloudTrail records an error. EC2's records name the side of the fault too.
pub fn recorded_code<'e>(framing: Framing, error: &ErrorView<'e>) -> Cow<'e, str> {
    match framing {
        Framing::Ec2 => {}
        Framing::RestXml => return Cow::Borrowed(rest::spoken(error).0),
        _ => return Cow::Borrowed(error.code),
    }
    let side = if error.fault == Fault::Client { "Client" } else { "Server" };
    Cow::Owned(format!("{side}.{}", ec2_code(query_code(error))))
}

fn respond(framing: Framing, status: StatusCode, body: SecretBytes, request_id: &str) -> Response<Bytes> {
    let mut response = Response::new(Wiped::bytes(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(framing.content_type()));
    if framing == Framing::Cbor {
        headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static(CBOR));
    }
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    response
}

/// `<XResponse xmlns=".."><XResult>..</XResult><ResponseMetadata>..</ResponseMetadata></XResponse>`
fn xml_result(
    service: &ServiceSchema,
    operation: &Operation,
    output: &dyn Structure,
    request_id: &str,
) -> SecretBytes {
    let response = format!("{}Response", operation.name);
    let mut out = SecretBuffer::with_capacity(512);
    xml::push_start(&mut out, &response, service.xml_namespace);
    if let Some(wrapper) = operation.result_wrapper {
        xml::push_start(&mut out, wrapper, None);
    }
    xml::push_members(&mut out, output, |_| true);
    if let Some(wrapper) = operation.result_wrapper {
        xml::push_end(&mut out, wrapper);
    }
    xml::push_start(&mut out, "ResponseMetadata", None);
    xml::push_text_element(&mut out, "RequestId", request_id);
    xml::push_end(&mut out, "ResponseMetadata");
    xml::push_end(&mut out, &response);
    out.into_secret()
}

/// `<XResponse xmlns=".."><requestId/>..</XResponse>`
fn ec2_result(
    service: &ServiceSchema,
    operation: &Operation,
    output: &dyn Structure,
    request_id: &str,
) -> SecretBytes {
    let response = format!("{}Response", operation.name);
    let mut out = SecretBuffer::with_capacity(512);
    xml::push_start(&mut out, &response, service.xml_namespace);
    xml::push_text_element(&mut out, "requestId", request_id);
    if operation.has_output {
        xml::push_members(&mut out, output, |_| true);
    } else {
        // The models leave out what every operation without a result answers.
        xml::push_text_element(&mut out, "return", "true");
    }
    xml::push_end(&mut out, &response);
    out.into_secret()
}

/// `{"__type":"NotFoundException","message":".."}`
fn json_error(service: Option<&ServiceSchema>, error: &ErrorView<'_>) -> SecretBytes {
    let mut writer = Writer::<Wire>::default();
    writer.open();
    writer.field("__type", error.code);
    if let Some((name, message)) = message_of(service, error) {
        writer.field(name, message);
    }
    if let Some(fields) = error.fields {
        writer.members(fields, |member| !is_message(member));
    }
    writer.close();
    writer.finish().into_secret()
}

/// `<ErrorResponse xmlns=".."><Error><Type/><Code/><Message/>..</Error><RequestId/></ErrorResponse>`
fn xml_error(service: Option<&ServiceSchema>, error: &ErrorView<'_>, request_id: &str) -> SecretBytes {
    let namespace = service.map_or(Some(FAULT_NAMESPACE), |service| service.xml_namespace);
    let mut out = SecretBuffer::with_capacity(512);
    xml::push_start(&mut out, "ErrorResponse", namespace);
    xml::push_start(&mut out, "Error", None);
    xml::push_text_element(&mut out, "Type", side(error.fault));
    xml::push_text_element(&mut out, "Code", query_code(error));
    let modelled = error.fields.and_then(message_member).and_then(|(_, message)| message);
    if let Some(message) = error.message.or(modelled) {
        xml::push_text_element(&mut out, "Message", message);
    }
    if let Some(fields) = error.fields {
        xml::push_members(&mut out, fields, |member| !is_message(member));
    }
    xml::push_end(&mut out, "Error");
    xml::push_text_element(&mut out, "RequestId", request_id);
    xml::push_end(&mut out, "ErrorResponse");
    out.into_secret()
}

/// `<Response><Errors><Error><Code/><Message/>..</Error></Errors><RequestID/></Response>`
fn ec2_error(error: &ErrorView<'_>, request_id: &str) -> SecretBytes {
    let mut out = SecretBuffer::with_capacity(512);
    for name in ["Response", "Errors", "Error"] {
        xml::push_start(&mut out, name, None);
    }
    xml::push_text_element(&mut out, "Code", ec2_code(query_code(error)));
    let modelled = error.fields.and_then(message_member).and_then(|(_, message)| message);
    if let Some(message) = error.message.or(modelled) {
        xml::push_text_element(&mut out, "Message", message);
    }
    if let Some(fields) = error.fields {
        xml::push_members(&mut out, fields, |member| !is_message(member));
    }
    xml::push_end(&mut out, "Error");
    xml::push_end(&mut out, "Errors");
    xml::push_text_element(&mut out, "RequestID", request_id);
    xml::push_end(&mut out, "Response");
    out.into_secret()
}

/// The code in the query protocols.
fn query_code<'e>(error: &ErrorView<'e>) -> &'e str {
    error.query.map_or(error.code, |query| query.code)
}

/// EC2's names for what other services call otherwise.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn ec2_code(code: &str) -> &str {
    match code {
        "AccessDenied" => "UnauthorizedOperation",
        "InternalFailure" => "InternalError",
        "ServiceUnavailable" => "Unavailable",
        "ValidationError" => "InvalidParameterValue",
        code => code,
    }
}

/// `{"__type":"com.amazonaws.kms#NotFoundException","message":".."}`
fn cbor_error(service: Option<&ServiceSchema>, error: &ErrorView<'_>) -> SecretBytes {
    let namespace = match service {
        Some(service) if service.models_error(error.code) => service.shape_namespace,
        _ => FRONT_NAMESPACE,
    };
    let shape = format!("{namespace}#{}", error.code);
    let mut fields = vec![("__type", shape.as_str())];
    fields.extend(message_of(service, error));
    cbor::write_with(&fields, error.fields, |member| !is_message(member))
}

/// The message of an error, and what it is called where the names are the model's.
fn message_of<'e>(service: Option<&ServiceSchema>, error: &ErrorView<'e>) -> Option<(&'static str, &'e str)> {
    let modelled = error.fields.and_then(message_member);
    let message = error.message.or(modelled.and_then(|(_, message)| message))?;
    let of_service = service.map_or("message", |service| service.error_message);
    let usual = if CAPITAL_MESSAGE.contains(&error.code) { "Message" } else { of_service };
    Some((modelled.map_or(usual, |(name, _)| name), message))
}

/// The name and value of an error's modelled message.
fn message_member(fields: &dyn Structure) -> Option<(&'static str, Option<&str>)> {
    let members = fields.schema().members();
    let (index, member) = members.iter().enumerate().find(|(_, member)| is_message(member))?;
    let message = if let Some(Value::String(message)) = fields.member(index) { Some(message) } else { None };
    Some((member.name, message))
}

fn is_message(member: &Member) -> bool {
    member.name.eq_ignore_ascii_case("message")
}

/// The side of a fault, in the query protocol's words.
fn side(fault: Fault) -> &'static str {
    match fault {
        Fault::Client => "Sender",
        Fault::Server => "Receiver",
    }
}
