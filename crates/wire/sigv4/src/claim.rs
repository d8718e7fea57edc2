//! A request that says who sent it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, Method};
use strongroom_crypto::digest::Sha256;
use strongroom_secret::constant_time_eq;

use crate::canonical::{Query, SignedHeaders, digest_head};
use crate::key::TERMINATOR;
use crate::limits::{MAX_PATH_BYTES, MAX_SESSION_TOKEN_BYTES};
use crate::payload::{digest_of_hex, hex};
use crate::presented::{ALGORITHM, Presented, header};
use crate::timestamp::Timestamp;
use crate::{
    AuthError, Authenticated, ChunkChain, Chunks, CredentialScope, Expected, Payload, PayloadMode,
    PayloadRules, ScopeFault, SigningKey, authorization, presigned,
};

/// What of a request is signed, besides its body.
///
/// Over HTTP/2 the caller puts `:authority` into `headers` as `host`: it stands for that header.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    /// The method.
    pub method: &'r Method,
    /// Path and query string as they were sent, not decoded and not normalised.
    pub path_and_query: &'r str,
    /// The headers.
    pub headers: &'r HeaderMap,
}

/// What a request says of its sender: well-formed, fresh and for the right service, and not yet proved.
pub struct Claim {
    scope: CredentialScope,
    session_token: Option<String>,
    signed_headers: SignedHeaders,
    payload: PayloadMode,
    presigned: bool,
    signed_at: Timestamp,
    /// The server's time when the claim was read, in seconds since the epoch.
    checked_at: i64,
    /// `None` if it has not even the form of a signature.
    signature: Option<[u8; 32]>,
    /// The canonical request up to the line for the payload.
    head: Sha256,
}

/// What is left to prove of a body whose request is authenticated.
#[derive(Debug)]
pub enum BodyProof {
    /// Nothing: it is not signed.
    Nothing,
    /// That it has this SHA-256 digest.
    Digest([u8; 32]),
    /// It comes in chunks (`aws-chunked`).
    Chunks {
        /// What each chunk has to be signed with, if any is.
        chain: Option<ChunkChain>,
        /// There are trailers after the last chunk, signed if the chunks are.
        has_trailers: bool,
    },
}

impl Claim {
    /// Reads the signature of a request and checks all that needs no key, in the order in which AWS does
    /// as far as that is known. `now_ms` is real time in epoch milliseconds.
    ///
    /// Every `x-amz-*` header has to be signed, as AWS's documentation demands: the operation's name is one.
    pub fn parse(head: &RequestHead<'_>, now_ms: i64, expected: &Expected<'_>) -> Result<Self, AuthError> {
        let (path, query) = head.path_and_query.split_once('?').unwrap_or((head.path_and_query, ""));
        if path.len() > MAX_PATH_BYTES {
            return Err(AuthError::TooLong { what: "path", limit: MAX_PATH_BYTES });
        }
        let query = Query::parse(query)?;
        let presented = Presented::read(head.headers, &query)?;
        let signed_headers = SignedHeaders::parse(presented.signed_headers)?;
        if !signed_headers.contains(HOST.as_str()) && !signed_headers.contains(":authority") {
            return Err(AuthError::HostNotSigned);
        }
        let signed_at = presented
            .timestamp
            .ok_or_else(|| AuthError::MalformedDate { date: presented.date.into_owned() })?;
        let checked_at = now_ms.div_euclid(1_000);
        let is_endless = presented.presigned && presented.expires.is_none();
        if is_endless && expected.payload == PayloadRules::AsStated {
            return Err(AuthError::IncompleteQuery { missing: vec!["X-Amz-Expires"] });
        }
        let validity = (presented.expires.unwrap_or(expected.skew_seconds), presented.presigned);
        check_time((signed_at.seconds(), checked_at), validity, expected.skew_seconds)?;
        let scope = CredentialScope::parse(&presented.credential).ok_or_else(|| {
            AuthError::MalformedCredential { credential: presented.credential.into_owned() }
        })?;
        check_scope(&scope, &signed_at, expected)?;
        check_headers(&signed_headers, head.headers, presented.presigned)?;
        if presented.session_token.as_ref().is_some_and(|token| token.len() > MAX_SESSION_TOKEN_BYTES) {
            return Err(AuthError::TooLong { what: "session token", limit: MAX_SESSION_TOKEN_BYTES });
        }
        let payload = match presented.payload {
            Some(stated) => PayloadMode::stated(&stated, expected.payload)?,
            None if expected.payload == PayloadRules::Whole => PayloadMode::Body,
            None if presented.presigned => PayloadMode::Unsigned,
            None => return Err(AuthError::PayloadNotStated),
        };
        Ok(Self {
            head: digest_head(
                head.method,
                (path, expected.path),
                (&query, presented.presigned.then_some(presigned::SIGNATURE)),
                (head.headers, &signed_headers),
            ),
            scope,
            session_token: presented.session_token.map(Cow::into_owned),
            signed_headers,
            payload,
            presigned: presented.presigned,
            signed_at,
            checked_at,
            signature: digest_of_hex(presented.signature.as_bytes()),
        })
    }

    /// Tells what a request's signature says it is for, before anything is checked: a router may need the
    /// service's signing name to find out what to expect.
    pub fn peek_scope(headers: &HeaderMap, query: Option<&str>) -> Option<CredentialScope> {
        if let Some(authorization) = header(headers, &AUTHORIZATION).ok()? {
            return CredentialScope::parse(authorization::credential(authorization)?);
        }
        let query = Query::parse(query?).ok()?;
        CredentialScope::parse(&query.get(presigned::CREDENTIAL).ok()??)
    }

    /// Checks the signature with the key of the access key's secret and the claim's scope, and the body
    /// against what was signed of it. Signatures are compared in constant time.
    pub fn verify<'b>(
        self,
        key: &SigningKey,
        payload: impl Into<Payload<'b>>,
    ) -> Result<Authenticated, AuthError> {
        let (payload, mode) = (payload.into(), self.payload);
        let (authenticated, _) = self.verify_signature(key, payload)?;
        if matches!(mode, PayloadMode::Stated(digest) if digest != payload.digest()) {
            return Err(AuthError::PayloadMismatch);
        }
        Ok(authenticated)
    }

    /// Checks the signature before the body is there, which the request has to state then ([`PayloadRules::AsStated`]):
    /// what is left to prove of the body comes with the witness.
    pub fn verify_head(self, key: &Arc<SigningKey>) -> Result<(Authenticated, BodyProof), AuthError> {
        let (mode, date) = (self.payload, *self.signed_at.basic());
        let (authenticated, signature) = self.verify_signature(key, Payload::Bytes(b""))?;
        let chain = || {
            let scope = authenticated.scope.signed_text();
            ChunkChain::begin(Arc::clone(key), &date, scope, signature)
        };
        let proof = match mode {
            PayloadMode::Body => return Err(AuthError::PayloadNotStated),
            PayloadMode::Stated(digest) => BodyProof::Digest(digest),
            PayloadMode::Unsigned => BodyProof::Nothing,
            PayloadMode::Chunks(Chunks::Unsigned) => BodyProof::Chunks { chain: None, has_trailers: true },
            PayloadMode::Chunks(chunks) => {
                let has_trailers = chunks == Chunks::SignedWithTrailers;
                BodyProof::Chunks { chain: Some(chain()), has_trailers }
            }
        };
        Ok((authenticated, proof))
    }

    /// Checks the signature, and gives it with the witness.
    fn verify_signature(
        mut self,
        key: &SigningKey,
        payload: Payload<'_>,
    ) -> Result<(Authenticated, [u8; 32]), AuthError> {
        self.payload.write(payload, |line| self.head.update(line));
        let calculated = key.sign(&[
            ALGORITHM.as_bytes(),
            b"\n",
            self.signed_at.basic(),
            b"\n",
            self.scope.signed_text().as_bytes(),
            b"\n",
            &hex(&self.head.finish()),
        ]);
        if !self.signature.is_some_and(|signature| constant_time_eq(&signature, &calculated)) {
            return Err(AuthError::SignatureMismatch);
        }
        let authenticated = Authenticated {
            scope: self.scope,
            session_token: self.session_token,
            signed_at_ms: self.signed_at.seconds() * 1_000,
            presigned: self.presigned,
        };
        Ok((authenticated, calculated))
    }

    /// The access key id whose secret the sender claims to have.
    pub fn access_key_id(&self) -> &str {
        self.scope.access_key_id()
    }

    /// The access key id and what the signature is for.
    pub const fn scope(&self) -> &CredentialScope {
        &self.scope
    }

    /// The session token that came with the request.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// The names of the signed headers: lower case, sorted, each once.
    pub fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.signed_headers.names()
    }

    /// What stands for the body in the signature.
    pub const fn payload_mode(&self) -> PayloadMode {
        self.payload
    }

    /// Tells whether the signature came in the URL.
    pub const fn is_presigned(&self) -> bool {
        self.presigned
    }

    /// When the request says it was signed, in epoch milliseconds.
    pub const fn signed_at_ms(&self) -> i64 {
        self.signed_at.seconds() * 1_000
    }

    /// The server's time when the claim was read, in seconds since the epoch.
    pub(crate) const fn checked_at(&self) -> i64 {
        self.checked_at
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("scope", &self.scope)
            .field("signed_headers", &self.signed_headers.as_str())
            .field("payload", &self.payload)
            .field("presigned", &self.presigned)
            .finish_non_exhaustive()
    }
}

/// A request is good for a while after its date: what a presigned URL asks for, else the allowed skew. How
/// far ahead of the server's clock the sender's may be does not depend on that.
fn check_time(
    (signed_at, now): (i64, i64),
    (lifetime, presigned): (i64, bool),
    skew: i64,
) -> Result<(), AuthError> {
    if signed_at < now.saturating_sub(lifetime) {
        return Err(AuthError::SignatureExpired { signed_at, now, lifetime, presigned });
    }
    if signed_at > now.saturating_add(skew) {
        return Err(AuthError::NotYetCurrent { signed_at, now, presigned });
    }
    Ok(())
}

fn check_scope(
    scope: &CredentialScope,
    signed_at: &Timestamp,
    expected: &Expected<'_>,
) -> Result<(), AuthError> {
    let mut faults = Vec::new();
    if !(expected.regions)(scope.region()) {
        faults.push(ScopeFault::Region { given: scope.region().to_owned() });
    }
    if scope.service() != expected.service {
        let (given, expected) = (scope.service().to_owned(), expected.service.to_owned());
        faults.push(ScopeFault::Service { given, expected });
    }
    if scope.terminator() != TERMINATOR {
        faults.push(ScopeFault::Terminator { given: scope.terminator().to_owned() });
    }
    if scope.date().as_bytes() != signed_at.day() {
        faults.push(ScopeFault::Date { given: scope.date().to_owned(), signed_at: signed_at.seconds() });
    }
    if faults.is_empty() { Ok(()) } else { Err(AuthError::InvalidScope { faults }) }
}

/// What is named as signed has to be there, and what AWS acts upon has to be signed.
fn check_headers(signed: &SignedHeaders, headers: &HeaderMap, is_presigned: bool) -> Result<(), AuthError> {
    if let Some(name) = signed.absent_from(headers) {
        return Err(AuthError::SignedHeaderAbsent { name: name.to_owned() });
    }
    let exempt = |name: &str| is_presigned && presigned::NEVER_SIGNED.contains(&name);
    let mut amz = headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-amz-"));
    match amz.find(|name| !signed.contains(name) && !exempt(name)) {
        Some(name) => Err(AuthError::HeaderNotSigned { name: name.to_owned() }),
        None => Ok(()),
    }
}
