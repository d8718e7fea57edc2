//! A request's way through the server, from top to bottom.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{DATE, HOST};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use strongroom_identity::RequestId;
use strongroom_protocols::envelope::{self, Call, ErrorView, Framing, Head, Refusal, Target};
use strongroom_protocols::query::Form;
use strongroom_protocols::{Limits as MessageLimits, Missing, json, validate};
use strongroom_schema::{Fault, ReadError, ServiceSchema, Structure};
use strongroom_secret::SecretBytes;
use strongroom_service::ApiError;
use strongroom_sigv4::{Claim, Rendered};
use tokio::sync::SemaphorePermit;

use crate::body::{self, BodyError};
use crate::registry::Found;
use crate::{Server, health};

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
    /// The verification of the signature.
    Authentication(Rendered),
    /// The service, or the front in the name of all services.
    Operation(ApiError),
}

impl Failure {
    pub(crate) fn of(found: &Found, framing: Framing, cause: Cause) -> Self {
        Self { framing, service: Some(found.schema()), cause }
    }

    fn front(framing: Framing, refusal: Refusal) -> Self {
        Self { framing, service: None, cause: Cause::Front(refusal) }
    }

    fn response(&self, request_id: &str) -> Response<Bytes> {
        let view = match &self.cause {
            Cause::Front(refusal) => refusal.view(),
            Cause::Authentication(rendered) => ErrorView {
                code: rendered.code,
                query: None,
                status: Some(rendered.status),
                fault: Fault::Client,
                message: Some(&rendered.message),
                fields: None,
            },
            Cause::Operation(error) => view(error),
        };
        envelope::error(self.framing, self.service, &view, request_id)
    }
}

/// How an operation's error is framed.
fn view(error: &ApiError) -> ErrorView<'_> {
    ErrorView {
        code: error.code(),
        query: error.query(),
        status: error.status(),
        fault: error.fault(),
        message: error.message(),
        fields: error.fields(),
    }
}

/// A decoded input, or why there is none. Either way the call is authenticated, and recorded.
pub(crate) type Decoded = Result<Box<dyn Structure>, ApiError>;

impl Server {
    /// Answers a request, whatever it is.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        source: IpAddr,
    ) -> Response<Full<Bytes>> {
        let (mut parts, body) = request.into_parts();
        // HTTP/2 names the host in the target, and signatures cover it as a header.
        if let Some(authority) = parts.uri.authority()
            && !parts.headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            parts.headers.insert(HOST, host);
        }
        if let Some(response) = health::answer(&self, &parts.method, parts.uri.path()) {
            return response.map(Full::new);
        }
        let request_id = match strongroom_crypto::random::bytes() {
            Ok(bytes) => RequestId::from_random(bytes),
            // Without randomness there is nothing that this server could safely do.
            Err(_) => RequestId::from_random([0; 16]),
        };
        let answered = self.process(&parts, body, source, request_id).await;
        let mut response = answered.unwrap_or_else(|failure| failure.response(&request_id.to_string()));
        if let Ok(date) = HeaderValue::from_str(
            &strongroom_schema::Timestamp::from_millis(self.clocks().real_now()).to_http_date(),
        ) {
            response.headers_mut().insert(DATE, date);
        }
        response.map(Full::new)
    }

    async fn process(
        self: &Arc<Self>,
        parts: &Parts,
        body: Incoming,
        source: IpAddr,
        request_id: RequestId,
    ) -> Result<Response<Bytes>, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let head = envelope::detect_head(&parts.method, parts.uri.path(), parts.uri.query(), &parts.headers)
            .map_err(|refused| Failure::front(refused.framing, refused.refusal))?;
        let framing = match head {
            Head::Call(call) => Framing::of(call.protocol).unwrap_or(Framing::Json11),
            Head::Form => Framing::Query,
            Head::Other => return Err(Failure::front(Framing::Json11, Refusal::unknown_operation())),
        };
        let (body, memory) = self.read_body(body, framing).await?;

        let form = match head {
            Head::Form => Some(
                Form::parse(query.as_bytes(), body.expose(), &MessageLimits::default())
                    .map_err(|error| Failure::front(framing, Refusal::unreadable(&error)))?,
            ),
            _ => None,
        };
        let call = match (&form, head) {
            (Some(form), _) => envelope::detect_form(form)
                .map_err(|refused| Failure::front(refused.framing, refused.refusal))?,
            (None, Head::Call(call)) => call,
            (None, _) => return Err(Failure::front(framing, Refusal::unknown_operation())),
        };
        let found = self.find(parts, &call).ok_or_else(|| Failure::front(framing, unknown(&call)))?;
        let context = self.authenticate(parts, body.expose(), &found, framing, source, request_id).await?;
        let decoded = decode(&found, form.as_ref(), body.expose());

        // The body has been read into the input; its memory need not wait for the operation.
        drop(form);
        drop(body);
        drop(memory);
        self.operate(found, framing, context, decoded).await
    }

    /// Reads the body into memory that all requests share.
    async fn read_body(
        &self,
        body: Incoming,
        framing: Framing,
    ) -> Result<(SecretBytes, SemaphorePermit<'_>), Failure> {
        let limits = self.limits();
        let busy = || Failure {
            framing,
            service: None,
            cause: Cause::Operation(ApiError::unavailable("The service is busy. Try again in a moment.")),
        };
        let bytes =
            body.size_hint().exact().unwrap_or(limits.body_bytes as u64).min(limits.body_bytes as u64);
        let kibibytes = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let waiting = self.body_memory().acquire_many(kibibytes);
        let Ok(Ok(memory)) = tokio::time::timeout(limits.body_time, waiting).await else {
            return Err(busy());
        };
        match body::read(body, limits.body_bytes, limits.body_time).await {
            Ok(body) => Ok((body, memory)),
            Err(BodyError::TooLarge) => Err(Failure::front(framing, Refusal::too_large())),
            Err(BodyError::TooSlow | BodyError::Broken) => {
                let error = ReadError::new("The request body is incomplete.");
                Err(Failure::front(framing, Refusal::unreadable(&error)))
            }
        }
    }

    /// The operation that the call names, if a service has it and speaks the call's protocol.
    fn find(&self, parts: &Parts, call: &Call<'_>) -> Option<Found> {
        let service = match call.target {
            Target::Prefix(prefix) => self.registry().by_target(prefix)?,
            Target::Version(version) => {
                let scope = Claim::peek_scope(&parts.headers, parts.uri.query());
                let by_scope = scope.and_then(|scope| self.registry().by_signing_name(scope.service()));
                by_scope
                    .or_else(|| self.registry().by_version(version, call.operation))
                    .filter(|service| service.schema().api_version == version)?
            }
            Target::Service(_) => return None,
        };
        let position = service.schema().position(call.operation)?;
        let spoken = service.schema().protocols.iter().any(|protocol| speaks(*protocol, call));
        spoken.then(|| Found { service: service.clone(), position })
    }
}

/// JSON 1.0 and 1.1 differ in the content type alone, and services take either.
fn speaks(protocol: strongroom_schema::Protocol, call: &Call<'_>) -> bool {
    use strongroom_schema::Protocol::{Json10, Json11};
    protocol == call.protocol || matches!((protocol, call.protocol), (Json10, Json11) | (Json11, Json10))
}

fn unknown(call: &Call<'_>) -> Refusal {
    match call.target {
        Target::Version(version) => Refusal::invalid_action(call.operation, Some(version)),
        Target::Prefix(_) | Target::Service(_) => Refusal::unknown_operation(),
    }
}

/// Reads and checks the input.
fn decode(found: &Found, form: Option<&Form<'_>>, body: &[u8]) -> Decoded {
    let mut input = found.service.new_input(found.position);
    let read: Result<Missing, ReadError> = match form {
        Some(form) => form.read(&mut *input),
        None => json::read(body, &mut *input, &MessageLimits::default()),
    };
    let missing = read.map_err(|error| of_front(&Refusal::unreadable(&error)))?;
    validate(&*input, &missing).map_err(|violations| of_front(&Refusal::invalid(&violations)))?;
    Ok(input)
}

/// A refusal of the front, as an operation's error: the caller is known, and the call recorded.
fn of_front(refusal: &Refusal) -> ApiError {
    let view = refusal.view();
    ApiError::front(view.code.to_owned(), view.query, view.message.map(str::to_owned))
}
