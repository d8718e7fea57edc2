//! A request's way through the server, from top to bottom.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, DATE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use strongroom_identity::RequestId;
use strongroom_protocols::envelope::{self, Call, ErrorView, Framing, Head, Refusal, Target};
use strongroom_protocols::query::Form;
use strongroom_protocols::rest::{Answer, Fault};
use strongroom_protocols::{Limits as MessageLimits, Missing, cbor, ec2, json, validate};
use strongroom_schema::{Fault as Whose, Protocol, ReadError, ServiceSchema, Structure};
use strongroom_service::{ApiError, Service};
use strongroom_sigv4::{Claim, Rendered};

use crate::body::{Arriving, Body, BodyError};
use crate::connection::Turn;
use crate::inflate::{self, InflateError};
use crate::operate::Manner;
use crate::registry::Found;
use crate::{Registry, Server, cors, unsigned};

/// The header that carries what a refusal says of itself, encoded, for `sts:DecodeAuthorizationMessage`. AWS has such
/// messages in EC2's texts only; our EC2's are there too.
const AUTHORIZATION_MESSAGE: HeaderName =
    HeaderName::from_static("x-strongroom-encoded-authorization-message");

/// A request that ends in an error, with all that its answer needs.
pub(crate) struct Failure {
    framing: Framing,
    service: Option<&'static ServiceSchema>,
    cause: Cause,
}

/// Who refused.
pub(crate) enum Cause {
    /// The front, before it knew who calls.
    Front(Refusal),
    /// The verification of the signature, and what it says beside its text.
    Authentication(Rendered, Vec<(&'static str, String)>),
    /// The way to an operation of a service whose operations are told by paths.
    Path(Fault),
    /// The service, or the front in the name of all services.
    Operation(ApiError),
}

impl Failure {
    pub(crate) fn of(found: &Found, framing: Framing, cause: Cause) -> Self {
        Self { framing, service: Some(found.schema()), cause }
    }

    /// One for which no operation is known, of a service that is.
    pub(crate) fn of_service(service: &'static ServiceSchema, framing: Framing, cause: Cause) -> Self {
        Self { framing, service: Some(service), cause }
    }

    fn front(framing: Framing, refusal: Refusal) -> Self {
        Self { framing, service: None, cause: Cause::Front(refusal) }
    }

    pub(crate) fn response(&self, request_id: &str) -> Response<Answer> {
        let view = match &self.cause {
            Cause::Front(refusal) => refusal.view(),
            Cause::Authentication(rendered, details) => ErrorView {
                code: rendered.code,
                query: None,
                status: Some(rendered.status),
                fault: Whose::Client,
                message: Some(&rendered.message),
                fields: None,
                details,
                headers: &[],
            },
            Cause::Path(fault) => ErrorView {
                code: fault.code,
                query: None,
                status: Some(fault.http_status),
                fault: Whose::Client,
                message: Some(&fault.message),
                fields: None,
                details: &fault.details,
                headers: &[],
            },
            Cause::Operation(error) => view(error),
        };
        let mut response = envelope::error(self.framing, self.service, &view, request_id);
        if let Cause::Operation(error) = &self.cause
            && let Some(message) = error.authorization_message()
            && let Ok(message) = HeaderValue::from_str(message)
        {
            response.headers_mut().insert(AUTHORIZATION_MESSAGE, message);
        }
        response.map(Answer::Whole)
    }
}

/// How an operation's error is framed.
pub(crate) fn view(error: &ApiError) -> ErrorView<'_> {
    ErrorView {
        code: error.code(),
        query: error.query(),
        status: error.status(),
        fault: error.fault(),
        message: error.message(),
        fields: error.fields(),
        details: error.details(),
        headers: error.headers(),
    }
}

/// A decoded input, or why there is none. Either way the call is recorded, if it is authenticated.
pub(crate) type Decoded = Result<Box<dyn Structure>, ApiError>;

impl Server {
    /// Answers a request, whatever it is. What is left of the body then is of no interest.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        mut parts: Parts,
        body: &mut Arriving,
        source: IpAddr,
        turn: &mut Turn,
    ) -> Response<Answer> {
        let preflight = cors::is_preflight(&parts);
        let mut response = if parts.headers.len() > self.limits().headers {
            // HTTP/1.1 does not come this far.
            empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        } else if preflight {
            self.policy(&parts).preflight(&parts.headers).map(Answer::Whole)
        } else {
            // HTTP/2 names the host in the target, and signatures cover it as a header.
            if let Some(authority) = parts.uri.authority()
                && !parts.headers.contains_key(HOST)
                && let Ok(host) = HeaderValue::from_str(authority.as_str())
            {
                parts.headers.insert(HOST, host);
            }
            self.respond(&parts, body, source, turn).await
        };
        if !preflight && parts.headers.contains_key(ORIGIN) {
            self.policy(&parts).share(&parts.headers, &mut response);
        }
        if let Some(date) = self.date().at(self.clocks().real_now()) {
            response.headers_mut().insert(DATE, date);
        }
        if parts.method == Method::HEAD {
            // All but the body, which HTTP/2 would send if it were there.
            let length = match response.body() {
                Answer::Whole(bytes) => u64::try_from(bytes.len()).ok(),
                Answer::Stream(stream) => stream.length(),
            };
            if let (Some(length), false) = (length, response.headers().contains_key(CONTENT_LENGTH)) {
                response.headers_mut().insert(CONTENT_LENGTH, length.into());
            }
            return response.map(|_| Answer::Whole(Bytes::new()));
        }
        response
    }

    async fn respond(
        self: &Arc<Self>,
        parts: &Parts,
        body: &mut Arriving,
        source: IpAddr,
        turn: &mut Turn,
    ) -> Response<Answer> {
        let Some(here) = body.here() else { return empty(StatusCode::INTERNAL_SERVER_ERROR) };
        if let Some(response) = self.answer_own(parts, here, source, turn).await {
            return response.map(Answer::Whole);
        }
        let Ok(random) = strongroom_crypto::random::id() else {
            // Without randomness there is nothing that this server could safely do.
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let mut request_id = RequestId::from_random(random);
        let answered = if let Some((service, routes)) = self.by_path(parts) {
            request_id = request_id.short();
            self.process_by_path(parts, body, (service, routes), (source, turn), request_id).await
        } else {
            self.process(parts, here, (source, turn), request_id).await
        };
        answered.unwrap_or_else(|failure| failure.response(&request_id.to_string()))
    }

    async fn process(
        self: &Arc<Self>,
        parts: &Parts,
        body: &mut Incoming,
        (source, turn): (IpAddr, &mut Turn),
        request_id: RequestId,
    ) -> Result<Response<Answer>, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let head = envelope::detect_head(&parts.method, parts.uri.path(), parts.uri.query(), &parts.headers)
            .map_err(|refused| Failure::front(refused.framing, refused.refusal))?;
        let framing = match head {
            Head::Call(call) => Framing::of(call.protocol),
            Head::Form => self.form_framing(parts),
            Head::Other => return Err(Failure::front(Framing::Json11, Refusal::unknown_operation())),
        };
        let most = self.most_of(parts, &head);
        let body = self.read_body(body, most, framing).await?;
        let content = inflate::content(&parts.headers, body.bytes(), most);
        let content = content.map_err(|error| {
            let refusal = match error {
                InflateError::TooLarge => Refusal::too_large(),
                InflateError::Broken => {
                    unreadable(framing, &ReadError::new("The request body is not valid gzip."))
                }
            };
            Failure::front(framing, refusal)
        })?;

        let form = match head {
            Head::Form => Some(
                Form::parse(query.as_bytes(), content.bytes(), &MessageLimits::default())
                    .map_err(|error| Failure::front(framing, unreadable(framing, &error)))?,
            ),
            _ => None,
        };
        let call = match (&form, head) {
            (Some(form), _) => {
                envelope::detect_form(form).map_err(|refused| Failure::front(framing, refused.refusal))?
            }
            (None, Head::Call(call)) => call,
            (None, _) => return Err(Failure::front(framing, Refusal::unknown_operation())),
        };
        let found = self.find(parts, &call).ok_or_else(|| self.not_found(parts, &call, framing))?;
        let framing = if form.is_some() { framing_of_forms(found.schema()) } else { framing };
        let mark =
            self.mark(&found).map_err(|error| Failure::of(&found, framing, Cause::Operation(error)))?;
        if unsigned::comes_without(parts, found.operation()) {
            let decode = || decode(&found, framing, form.as_ref(), content.bytes());
            let admitted = self.admit_unsigned(parts, body.bytes(), &found, decode, source, request_id);
            let (context, decoded, place) = admitted.map_err(|cause| Failure::of(&found, framing, cause))?;
            take_up(turn).map_err(|error| Failure::of(&found, framing, Cause::Operation(error)))?;
            drop(form);
            drop(content);
            let manner = Manner::Framed(framing);
            return self.operate((found, mark), manner, context, decoded, (body.into_share(), place)).await;
        }
        let context = self.authenticate(parts, body.bytes(), &found, framing, source, request_id).await?;
        take_up(turn).map_err(|error| Failure::of(&found, framing, Cause::Operation(error)))?;
        let decoded = decode(&found, framing, form.as_ref(), content.bytes());

        // The body has been read into the input, which takes its place in memory.
        drop(form);
        drop(content);
        self.operate((found, mark), Manner::Framed(framing), context, decoded, body.into_share()).await
    }

    /// Bytes of the body of a request with that head.
    fn most_of(&self, parts: &Parts, head: &Head<'_>) -> usize {
        let found = match head {
            Head::Call(call) => self.find(parts, call),
            Head::Form | Head::Other => None,
        };
        found.map_or(self.limits().body_bytes, |found| {
            self.limits().body_of(found.schema().signing_name, found.operation().name)
        })
    }

    async fn read_body(
        &self,
        incoming: &mut Incoming,
        most: usize,
        framing: Framing,
    ) -> Result<Body, Failure> {
        let limits = self.limits();
        let read = Body::read(incoming, most, limits.body_time, self.body_memory()).await;
        read.map_err(|error| match error {
            BodyError::TooLarge => Failure::front(framing, Refusal::too_large()),
            BodyError::TooSlow | BodyError::Broken => {
                let error = ReadError::new("The request body is incomplete.");
                Failure::front(framing, unreadable(framing, &error))
            }
            BodyError::NoMemory => Failure {
                framing,
                service: None,
                cause: Cause::Operation(ApiError::unavailable("The service is busy. Try again in a moment.")),
            },
        })
    }

    /// The service that the call is for.
    fn service_of(&self, parts: &Parts, call: &Call<'_>) -> Option<&Arc<dyn Service>> {
        match call.target {
            Target::Prefix(name) | Target::Service(name) => self.registry().by_target(name),
            Target::Version(version) => {
                // Versions are not unique, so the signature's scope comes first; where it names a service that
                // has no such operation, the one that has it is to say so.
                let scope = Claim::peek_scope(&parts.headers, parts.uri.query());
                let by_scope = scope.and_then(|scope| self.registry().by_signing_name(scope.service()));
                by_scope
                    .filter(|service| Registry::knows(service, version, call.operation))
                    .or_else(|| self.registry().by_version(version, call.operation))
            }
            Target::Unversioned => self.registry().by_link(call.operation),
        }
    }

    /// The operation that the call names, if a service has it and speaks the call's protocol.
    fn find(&self, parts: &Parts, call: &Call<'_>) -> Option<Found> {
        let service = self.service_of(parts, call)?;
        let position = service.schema().position(call.operation)?;
        let spoken = service.schema().protocols.iter().any(|protocol| speaks(*protocol, call));
        spoken.then(|| Found { service: service.clone(), position })
    }

    /// Why nothing was found: AWS has the operation and we do not, or nobody has it.
    fn not_found(&self, parts: &Parts, call: &Call<'_>, framing: Framing) -> Failure {
        let schema = self.service_of(parts, call).map(|service| service.schema());
        match schema.filter(|schema| schema.leaves_out(call.operation)) {
            Some(schema) => {
                let feature = format!("{}:{}", schema.name, call.operation);
                let cause = Cause::Operation(ApiError::feature_not_implemented(&feature));
                Failure::of_service(schema, framing, cause)
            }
            None => Failure::front(framing, unknown(call, framing)),
        }
    }

    /// How a form is answered before its parameters are known: as the service that it is signed for answers.
    fn form_framing(&self, parts: &Parts) -> Framing {
        let scope = Claim::peek_scope(&parts.headers, parts.uri.query());
        let service = scope.and_then(|scope| self.registry().by_signing_name(scope.service()));
        service.map_or(Framing::Query, |service| framing_of_forms(service.schema()))
    }
}

/// From here on the connection stays until the call is answered, unless its place has been given away already.
pub(crate) fn take_up(turn: &mut Turn) -> Result<(), ApiError> {
    if turn.work() {
        return Ok(());
    }
    Err(ApiError::unavailable("The service is busy. Try again in a moment."))
}

/// How a service answers forms: there are two protocols of that kind, and no service has both.
fn framing_of_forms(service: &ServiceSchema) -> Framing {
    if service.protocols.contains(&Protocol::Ec2) { Framing::Ec2 } else { Framing::Query }
}

/// An answer of HTTP alone.
fn empty(status: StatusCode) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// JSON 1.0 and 1.1 differ in the content type alone, and services take either. A form does not say by itself which
/// of the two protocols with forms it speaks.
fn speaks(protocol: Protocol, call: &Call<'_>) -> bool {
    use Protocol::{Ec2, Json10, Json11, Query};
    let same = matches!((protocol, call.protocol), (Json10, Json11) | (Json11, Json10) | (Ec2, Query));
    protocol == call.protocol || same
}

fn unknown(call: &Call<'_>, framing: Framing) -> Refusal {
    match call.target {
        Target::Version(_) if framing == Framing::Ec2 => Refusal::ec2_action(call.operation),
        Target::Version(version) => Refusal::invalid_action(call.operation, Some(version)),
        Target::Unversioned => Refusal::invalid_action(call.operation, None),
        Target::Prefix(_) | Target::Service(_) => Refusal::unknown_operation(),
    }
}

/// A message that has no proper form, before it is known whose message it is.
fn unreadable(framing: Framing, error: &ReadError) -> Refusal {
    if framing == Framing::Ec2 { Refusal::ec2_form(error) } else { Refusal::unreadable(error) }
}

/// Reads and checks the input.
fn decode(found: &Found, framing: Framing, form: Option<&Form<'_>>, body: &[u8]) -> Decoded {
    let mut input = found.service.new_input(found.position);
    let limits = MessageLimits::default();
    let read: Result<Missing, ReadError> = match form {
        Some(form) if framing == Framing::Ec2 => {
            ec2::read(form, &mut *input).map_err(|refusal| of_front(&refusal))?;
            return Ok(input);
        }
        Some(form) => form.read(&mut *input),
        None if framing == Framing::Cbor => cbor::read(body, &mut *input, &limits),
        None => json::read(body, &mut *input, &limits),
    };
    let missing = read.map_err(|error| of_front(&Refusal::unreadable(&error)))?;
    let code = found.service.schema().invalid_input;
    validate(&*input, &missing).map_err(|violations| of_front(&Refusal::invalid(&violations, code)))?;
    Ok(input)
}

/// A refusal of the front, as an operation's error: the caller is known, and the call recorded.
fn of_front(refusal: &Refusal) -> ApiError {
    let view = refusal.view();
    ApiError::front(view.code.to_owned(), view.query, view.message.map(str::to_owned))
}
