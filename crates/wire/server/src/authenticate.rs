//! From a request to who sent it: the signature verified, the context made.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use strongroom_identity::{Caller, NoCredential, Region, RequestContext, RequestId, Tls};
use strongroom_protocols::envelope::Framing;
use strongroom_service::ApiError;
use strongroom_sigv4::{
    self as sigv4, AuthError, Authenticated, BodyProof, Claim, Expected, RequestHead, ScopeFault, SigningKey,
};

use crate::Server;
use crate::pipeline::{Cause, Failure};
use crate::registry::Found;

/// Characters of a user agent that a record keeps (CloudTrail cuts at 1 KB); it has no others than ASCII.
const USER_AGENT_LENGTH: usize = 1_024;

/// Bytes of a host as records show it: those of a DNS name, and a port.
const HOST_LENGTH: usize = 260;

impl Server {
    /// Verifies the signature of a request for `found`, whose body is there, and makes its context.
    pub(crate) async fn authenticate(
        &self,
        parts: &Parts,
        body: &[u8],
        found: &Found,
        framing: Framing,
        source: IpAddr,
        request_id: RequestId,
    ) -> Result<RequestContext, Failure> {
        let expected = Expected::service(found.schema().signing_name, &is_region);
        let verify = |claim: Claim, key: &Arc<SigningKey>| Ok((claim.verify(key, body)?, ()));
        let (context, ()) =
            self.identify(parts, (found, framing), &expected, verify, source, request_id).await?;
        Ok(context)
    }

    /// Verifies the signature of a request for S3 before its body is there, and makes its context; what is left to prove
    /// of the body comes with it.
    pub(crate) async fn authenticate_head(
        &self,
        parts: &Parts,
        found: &Found,
        source: IpAddr,
        request_id: RequestId,
    ) -> Result<(RequestContext, BodyProof), Failure> {
        let expected = Expected::s3(&is_region);
        let verify = |claim: Claim, key: &Arc<SigningKey>| claim.verify_head(key);
        self.identify(parts, (found, Framing::RestXml), &expected, verify, source, request_id).await
    }

    async fn identify<T>(
        &self,
        parts: &Parts,
        (found, framing): (&Found, Framing),
        expected: &Expected<'_>,
        verify: impl FnOnce(Claim, &Arc<SigningKey>) -> Result<(Authenticated, T), AuthError>,
        source: IpAddr,
        request_id: RequestId,
    ) -> Result<(RequestContext, T), Failure> {
        let now_ms = self.clocks().real_now();
        let head = RequestHead {
            method: &parts.method,
            path_and_query: parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str),
            headers: &parts.headers,
        };
        let refused = |access_key_id: Option<&str>, error: &AuthError| {
            let rendered = error.render(sigv4_framing(framing));
            self.unauthenticated(now_ms, source, access_key_id, rendered.code);
            let details = match framing {
                Framing::RestXml => error.details(&head, now_ms, expected),
                _ => Vec::new(),
            };
            Failure::of(found, framing, Cause::Authentication(rendered, details))
        };

        let claim = Claim::parse(&head, now_ms, expected).map_err(|error| refused(None, &error))?;
        let access_key_id = claim.access_key_id().to_owned();
        let signing_keys = self.signing_keys();
        let finding = self.credentials().find(&access_key_id, claim.session_token());
        let credential = match tokio::time::timeout(self.limits().operation_time, finding).await {
            Ok(Ok(Ok(credential))) => credential,
            Ok(Ok(Err(none))) => return Err(refused(Some(&access_key_id), &unfounded(none))),
            Ok(Err(error)) => {
                self.security_log().undecided(now_ms, source, &error);
                return Err(Failure::of(found, framing, Cause::Operation(ApiError::internal(error))));
            }
            Err(late) => {
                self.security_log().undecided(now_ms, source, &late);
                let busy = ApiError::unavailable("The service is busy. Try again in a moment.");
                return Err(Failure::of(found, framing, Cause::Operation(busy)));
            }
        };
        let key = signing_keys.key(&claim, credential.version, &credential.secret);
        let (authenticated, rest) =
            verify(claim, &key).map_err(|error| refused(Some(&access_key_id), &error))?;
        let region = Region::named(authenticated.region()).ok_or_else(|| {
            let faults = vec![ScopeFault::Region { given: authenticated.region().to_owned() }];
            refused(Some(&access_key_id), &AuthError::InvalidScope { faults })
        })?;

        let region = found.schema().home_region.and_then(Region::named).unwrap_or(region);
        let caller = Caller {
            principal: credential.principal,
            access_key_id,
            session: credential.session,
            permissions: credential.permissions,
        };
        Ok((self.context(parts, caller, region, source, request_id), rest))
    }

    /// The context of a request that begins now.
    pub(crate) fn context(
        &self,
        parts: &Parts,
        caller: Caller,
        region: Region,
        source: IpAddr,
        request_id: RequestId,
    ) -> RequestContext {
        let user_agent =
            parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let patience_ms = self.limits().operation_time.as_millis() as i64;
        RequestContext::new(
            request_id,
            caller,
            region,
            self.clocks().domain_now(),
            self.clocks().real_now().saturating_add(patience_ms),
            source,
            user_agent.get(..USER_AGENT_LENGTH).unwrap_or(user_agent).to_owned(),
            tls_of(parts),
        )
    }
}

/// What the record tells of the TLS that the request came over, if it did.
fn tls_of(parts: &Parts) -> Option<Tls> {
    let tls = parts.extensions.get::<Tls>()?;
    Some(Tls { host: host_of(parts), ..tls.clone() })
}

/// The host that a request names, as records show it.
pub(crate) fn host_of(parts: &Parts) -> Option<String> {
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = authority.or_else(|| parts.headers.get(HOST)?.to_str().ok());
    host.map(|host| host.get(..HOST_LENGTH).unwrap_or(host).to_owned())
}

fn unfounded(none: NoCredential) -> AuthError {
    match none {
        NoCredential::UnknownKey => AuthError::UnknownAccessKey,
        NoCredential::InvalidToken => AuthError::InvalidSessionToken,
        NoCredential::ExpiredToken => AuthError::ExpiredToken,
    }
}

fn is_region(name: &str) -> bool {
    Region::named(name).is_some()
}

fn sigv4_framing(framing: Framing) -> sigv4::Framing {
    match framing {
        Framing::Json10 | Framing::Json11 | Framing::Cbor => sigv4::Framing::Json,
        Framing::Query => sigv4::Framing::Query,
        Framing::Ec2 => sigv4::Framing::Ec2,
        Framing::RestXml => sigv4::Framing::RestXml,
    }
}
