//! Requests for the one service whose operations are told by methods and paths: S3. They are authenticated before their
//! bodies are read, which may be too large to be held.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use http::header::HeaderMap;
use http::request::Parts;
use strongroom_crypto::checksum::Checksum;
use strongroom_crypto::md5::md5;
use strongroom_identity::{AccountId, RequestId};
use strongroom_protocols::Limits as MessageLimits;
use strongroom_protocols::envelope::{self, Framing, Head};
use strongroom_protocols::rest::{Answer, Called, Fault, Request, Routes, carried};
use strongroom_schema::{ByteStream, Location, MemberTraits, QueryError, Schema, StreamError};
use strongroom_service::{ApiError, Service};
use strongroom_sigv4::{BodyProof, Claim};

use crate::Server;
use crate::authenticate::host_of;
use crate::body::{Arriving, Body, BodyError, Share};
use crate::connection::Turn;
use crate::download;
use crate::host::Host;
use crate::operate::{Manner, Pathway};
use crate::pipeline::{Cause, Decoded, Failure, take_up};
use crate::registry::Found;
use crate::upload::{self, Bounds, Progress, Proving, announced};

/// What no bucket's name begins with: paths of the server's own do.
const OWN: &str = "/_";

/// The parameter in which SDKs say which operation they mean.
const MEANT: &str = "x-id";

impl Server {
    /// The service that a request is for if its operations are told by paths: it is signed for that service, or not signed
    /// for another and like no request of other protocols.
    pub(crate) fn by_path(&self, parts: &Parts) -> Option<(Arc<dyn Service>, Arc<Routes>)> {
        let (service, routes) = self.registry().by_path()?;
        let (path, query) = (parts.uri.path(), parts.uri.query());
        let is_other = || {
            let head = envelope::detect_head(&parts.method, path, query, &parts.headers);
            !matches!(head, Ok(Head::Other)) || path.len() < 2 || path.starts_with(OWN)
        };
        let is_for_it = match Claim::peek_scope(&parts.headers, query) {
            Some(scope) => scope.service() == service.schema().signing_name,
            None => !is_other(),
        };
        is_for_it.then(|| (service.clone(), routes.clone()))
    }

    /// Answers such a request.
    pub(crate) async fn process_by_path(
        self: &Arc<Self>,
        parts: &Parts,
        body: &mut Arriving,
        (service, routes): (Arc<dyn Service>, Arc<Routes>),
        (source, turn): (IpAddr, &mut Turn),
        request_id: RequestId,
    ) -> Result<Response<Answer>, Failure> {
        let framing = Framing::RestXml;
        let (path, query) = (parts.uri.path(), parts.uri.query());
        let unknown = |fault| Failure::of_service(service.schema(), framing, Cause::Path(fault));
        let host = host_of(parts);
        if host.as_deref().and_then(Host::parse).is_some_and(|host| host.is_of_bucket()) {
            return Err(unknown(path_style()));
        }
        let called = routes.find(&parts.method, path, query.unwrap_or_default(), &parts.headers);
        let called = called.map_err(unknown)?;
        let schema = service.schema();
        let means = schema.operations.get(called.position).map(|operation| operation.name);
        if called.parameter(MEANT).is_some_and(|meant| Some(meant) != means) {
            return Err(unknown(path_style()));
        }
        let found = Found { service, position: called.position };
        let refused = |error| Failure::of(&found, framing, Cause::Operation(error));
        let mark = self.mark(&found).map_err(refused)?;
        let (context, (proof, signature)) = self.authenticate_head(parts, &found, source, request_id).await?;
        take_up(turn).map_err(refused)?;

        let headers = if signature.presigned {
            carried(&parts.headers, &called).map(Cow::Owned).map_err(of_fault)
        } else {
            Ok(Cow::Borrowed(&parts.headers))
        };
        let account = context.caller.principal.account();
        let progress = Arc::new(Progress::default());
        let (decoded, share) = match headers {
            Err(error) => (Err(error), None),
            Ok(headers) if streams(found.operation().input) => {
                let stream = self.stream(parts, body, (proof, account), progress.clone());
                let decoded = stream.and_then(|stream| decode(&found, &headers, &called, b"", Some(stream)));
                (decoded, None)
            }
            Ok(headers) => match self.document(parts, body, proof, &found, &progress).await {
                Ok((document, share)) => (decode(&found, &headers, &called, &document, None), Some(share)),
                Err(error) => (Err(error), None),
            },
        };
        // Before the operation opens what it will answer with.
        let place = streams(found.operation().output)
            .then(|| self.downloads().take(account).map(Arc::new).ok_or_else(slow_down))
            .transpose();
        let (decoded, place) = match place {
            Ok(place) => (decoded, place),
            Err(error) => (decoded.and(Err(error)), None),
        };
        let pathway = Pathway { called, host, signature, progress };
        let manner = Manner::ByPath(Box::new(pathway));
        let held = (share, place.clone());
        let response = self.operate((found, mark), manner, context, decoded, held).await?;
        Ok(match place {
            Some(place) => {
                response.map(|answer| download::placed(answer, place, self.limits().pace, self.shutdown()))
            }
            None => response,
        })
    }

    /// The body as a stream, if there is a place for one.
    fn stream(
        &self,
        parts: &Parts,
        body: &mut Arriving,
        (proof, account): (BodyProof, AccountId),
        progress: Arc<Progress>,
    ) -> Result<ByteStream, ApiError> {
        let place = self.uploads().take(account).ok_or_else(slow_down)?;
        let incoming = body.take().ok_or_else(|| ApiError::internal("the body has been taken"))?;
        let limits = self.limits();
        let (most, idle_time, pace) = (limits.upload_bytes, limits.upload_idle_time, limits.pace);
        let bounds = Bounds { most, idle_time, pace, place };
        Ok(upload::stream(incoming, &parts.headers, proof, bounds, progress)?)
    }

    /// The whole body, proved, out of its chunks, and what it takes of the memory of bodies.
    async fn document(
        &self,
        parts: &Parts,
        body: &mut Arriving,
        proof: BodyProof,
        found: &Found,
        progress: &Progress,
    ) -> Result<(Bytes, Share), ApiError> {
        let limits = self.limits();
        let incoming = body.here().ok_or_else(|| ApiError::internal("the body has been taken"))?;
        let read = Body::read(incoming, limits.document_bytes, limits.body_time, self.body_memory()).await;
        let read = read.map_err(|error| match error {
            BodyError::TooLarge => too_large(),
            BodyError::TooSlow | BodyError::Broken => upload::incomplete().into(),
            BodyError::NoMemory => slow_down(),
        })?;
        progress.add(read.bytes().len());
        let came = Bytes::copy_from_slice(read.bytes());
        let share = read.into_share();
        let mut proving = Proving::new(proof, None, announced(&parts.headers));
        proving.give(came)?;
        proving.finish()?;
        let first = proving.piece().unwrap_or_default();
        let mut others = Vec::new();
        while let Some(piece) = proving.piece() {
            others.extend_from_slice(&piece);
        }
        // One that came in chunks is put together.
        let document = if others.is_empty() { first } else { [&first[..], &others].concat().into() };
        check_sums(parts, proving.trailers(), found.operation().input, &document)?;
        Ok((document, share))
    }
}

/// What those are told who put the bucket's name elsewhere: their keys would be taken for buckets.
fn path_style() -> Fault {
    let message = "Buckets are addressed in the path here (http://host/bucket/key), and this request seems to have the \
                   bucket's name in its host. Make the client use path style: forcePathStyle (JavaScript, Java), \
                   UsePathStyle (Go), addressing_style = path (Python, CLI).";
    Fault::new("InvalidRequest", 400, message)
}

/// Whether one of the members is a stream.
fn streams(shape: &Schema) -> bool {
    shape.members().iter().any(|member| member.traits.streaming)
}

/// Reads the input.
fn decode(
    found: &Found,
    headers: &HeaderMap,
    called: &Called,
    document: &[u8],
    stream: Option<ByteStream>,
) -> Decoded {
    let mut input = found.service.new_input(found.position);
    let request = Request { called, headers, body: document };
    request.read(found.operation(), &mut *input, &MessageLimits::default()).map_err(of_fault)?;
    if let (Some(place), Some(stream)) = (input.stream(), stream) {
        *place = Some(stream);
    }
    Ok(input)
}

/// Whether a header is for the operation itself: the sum in it is of something else than the document, as where an upload
/// is completed.
fn is_input(shape: &Schema, header: &str) -> bool {
    shape.members().iter().any(|member| {
        let MemberTraits { location, wire_name, .. } = &member.traits;
        *location == Location::Header && *wire_name == Some(header)
    })
}

/// Compares a document with the sums that came with it, in headers or trailers.
fn check_sums(
    parts: &Parts,
    trailers: &[(String, String)],
    input: &Schema,
    document: &[u8],
) -> Result<(), StreamError> {
    if let Some(stated) = parts.headers.get("content-md5") {
        let stated = stated.to_str().unwrap_or_default();
        if STANDARD.decode(stated).ok().is_none_or(|digest| digest.len() != strongroom_crypto::md5::LENGTH) {
            let message = "The Content-MD5 you specified was invalid.";
            return Err(
                StreamError::refused("InvalidDigest", 400, message).with_detail("Content-MD5", stated)
            );
        }
        let computed = STANDARD.encode(md5(document).map_err(StreamError::failed)?);
        if stated != computed {
            let message = "The Content-MD5 you specified did not match what we received.";
            let refused = StreamError::refused("BadDigest", 400, message);
            return Err(refused
                .with_detail("ExpectedDigest", stated)
                .with_detail("CalculatedDigest", computed));
        }
    }
    for kind in Checksum::ALL {
        let header = parts.headers.get(kind.header()).filter(|_| !is_input(input, kind.header()));
        let header = header.and_then(|value| value.to_str().ok());
        let trailer =
            trailers.iter().find(|(name, _)| name == kind.header()).map(|(_, value)| value.as_str());
        for stated in header.into_iter().chain(trailer) {
            let Ok(sum) = STANDARD.decode(stated) else {
                let message = format!("Value for {} header is invalid.", kind.header());
                return Err(StreamError::refused("InvalidRequest", 400, message));
            };
            if sum != kind.of(document) {
                let message =
                    format!("The {} you specified did not match the calculated checksum.", kind.name());
                return Err(StreamError::refused("BadDigest", 400, message));
            }
        }
    }
    Ok(())
}

/// What a request lacks, as an operation's error: the caller is known, and the call recorded.
fn of_fault(fault: Fault) -> ApiError {
    let query = QueryError { code: fault.code, http_status: fault.http_status };
    let error = ApiError::front(fault.code, Some(query), Some(fault.message.into_owned()));
    fault.details.into_iter().fold(error, |error, (name, value)| error.with_detail(name, value))
}

/// What S3 says to those who come too often, and where there is no room.
fn slow_down() -> ApiError {
    ApiError::front(
        "SlowDown",
        Some(QueryError { code: "SlowDown", http_status: 503 }),
        Some("Please reduce your request rate.".to_owned()),
    )
}

fn too_large() -> ApiError {
    let query = QueryError { code: "MaxMessageLengthExceeded", http_status: 400 };
    ApiError::front(query.code, Some(query), Some("Your request was too big.".to_owned()))
}
