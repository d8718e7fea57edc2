//! Which operation a request names.

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method};
use strongroom_schema::Protocol;

use super::{Framing, Refusal};
use crate::query::Form;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// The header by which RPC v2 is known, in requests and in answers, and its value.
pub(super) const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
pub(super) const CBOR: &str = "rpc-v2-cbor";

/// What the head of a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head<'r> {
    /// It names the operation.
    Call(Call<'r>),
    /// It is a form: the operation is among the parameters of the query string or the body, see
    /// [`detect_form`].
    Form,
    /// It names none: another kind of request, or none of AWS's.
    Other,
}

/// A named operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'r> {
    /// The protocol. Whether the service speaks it is for the caller to see.
    pub protocol: Protocol,
    /// What tells the service.
    pub target: Target<'r>,
    /// The operation's name, as the request has it.
    pub operation: &'r str,
}

/// How a request names its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'r> {
    /// By the part of `X-Amz-Target` before the last dot, for example `TrentService`.
    Prefix(&'r str),
    /// By the service's name in the path (RPC v2), for example `GraniteServiceVersion20100801`. AWS's services have
    /// the same name there as before the dot of `X-Amz-Target`.
    Service(&'r str),
    /// By the version of its API (query), for example `2011-06-15`. Versions are not unique: the signature's
    /// scope decides.
    Version(&'r str),
    /// By its operation alone, as the links in SNS's messages do (query). Few operations may be asked for so.
    Unversioned,
}

/// A request that names no operation properly, and how to say so.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The protocol that the request seems to speak.
    pub framing: Framing,
    /// What is wrong.
    pub refusal: Refusal,
}

/// Reads the operation from the head of a request.
///
/// The order is the one in which AWS's services with several protocols look: RPC v2 by its header and path,
/// JSON by `X-Amz-Target` and content type, a form by its content type or by an `Action` in the query
/// string.
pub fn detect_head<'r>(
    method: &Method,
    path: &'r str,
    query: Option<&str>,
    headers: &'r HeaderMap,
) -> Result<Head<'r>, Refused> {
    if headers.contains_key(SMITHY_PROTOCOL) {
        if only(headers, &SMITHY_PROTOCOL) != Some(CBOR) {
            return Ok(Head::Other);
        }
        let call = rpc_path(path).filter(|_| method == Method::POST);
        let refused = || Refused { framing: Framing::Cbor, refusal: Refusal::unknown_operation() };
        return call.map(Head::Call).ok_or_else(refused);
    }
    let content_type = only(headers, &CONTENT_TYPE).map(media_type);
    let json = content_type.and_then(json_framing);
    if json.is_some() || headers.contains_key(TARGET) {
        let framing = json.unwrap_or(Framing::Json11);
        let call = json.filter(|_| method == Method::POST).and_then(|_| target_call(framing, headers));
        return match call {
            Some(call) => Ok(Head::Call(call)),
            None => Err(Refused { framing, refusal: Refusal::unknown_operation() }),
        };
    }
    let form = content_type.is_some_and(|it| it.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    let by_query = query.is_some_and(|query| query.split('&').any(|piece| piece.starts_with("Action=")));
    let method_fits = method == Method::POST || method == Method::GET;
    Ok(if method_fits && (form || by_query) { Head::Form } else { Head::Other })
}

/// Reads the operation from the parameters of a form. Whether that is the query protocol or EC2's form of it is a
/// matter of the service; the call says `Query` either way.
pub fn detect_form<'f>(form: &'f Form<'_>) -> Result<Call<'f>, Refused> {
    let refused = |refusal| Refused { framing: Framing::Query, refusal };
    let Some(operation) = form.action().filter(|action| !action.is_empty()) else {
        return Err(refused(Refusal::missing_action()));
    };
    let version = form.version().filter(|version| !version.is_empty());
    let target = version.map_or(Target::Unversioned, Target::Version);
    Ok(Call { protocol: Protocol::Query, target, operation })
}

/// The value of a header that must come once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// A content type without its parameters.
fn media_type(value: &str) -> &str {
    value.split(';').next().unwrap_or(value).trim()
}

fn json_framing(media_type: &str) -> Option<Framing> {
    [Framing::Json10, Framing::Json11]
        .into_iter()
        .find(|framing| framing.content_type().eq_ignore_ascii_case(media_type))
}

/// Service prefixes may have dots (`com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101`), operations
/// have none.
fn target_call(framing: Framing, headers: &HeaderMap) -> Option<Call<'_>> {
    let (prefix, operation) = only(headers, &TARGET)?.rsplit_once('.')?;
    let protocol = if framing == Framing::Json10 { Protocol::Json10 } else { Protocol::Json11 };
    let whole = !prefix.is_empty() && !operation.is_empty();
    whole.then_some(Call { protocol, target: Target::Prefix(prefix), operation })
}

/// `/service/{service}/operation/{operation}`, with anything before it.
fn rpc_path(path: &str) -> Option<Call<'_>> {
    let (rest, operation) = path.rsplit_once('/')?;
    let rest = rest.strip_suffix("/operation")?;
    let (rest, service) = rest.rsplit_once('/')?;
    let whole = rest.ends_with("/service") && !service.is_empty() && !operation.is_empty();
    whole.then_some(Call { protocol: Protocol::RpcV2Cbor, target: Target::Service(service), operation })
}
