//! From a request to who sent it: the signature verified, the context made.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use strongroom_identity::{
    Caller, Credential, NoCredential, Region, RequestContext, RequestId, Signing, Tls,
};
use strongroom_protocols::envelope::Framing;
use strongroom_protocols::rest::is_subresource;
use strongroom_secret::SecretString;
use strongroom_service::ApiError;
use strongroom_sigv4::{
    self as sigv4, AuthError, Authenticated, BodyProof, Claim, Expected, LegacyClaim, RequestHead,
    ScopeFault, SigningKeyCache,
};

use crate::Server;
use crate::pipeline::{Cause, Failure};
use crate::registry::Found;
use crate::renewal::SignedBy;

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
        let parse = |head: &RequestHead<'_>, now_ms| Claim::parse(head, now_ms, &expected);
        let verify = |claim: Claim, keys: &SigningKeyCache, known: &Credential| {
            let key = keys.key(&claim, known.version, &known.secret);
            Ok((claim.verify(&key, body)?, ()))
        };
        let at = (source, request_id);
        let (context, ()) = self.identify(parts, (found, framing), &expected, (parse, verify), at).await?;
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
    ) -> Result<(RequestContext, (BodyProof, Signature)), Failure> {
        let expected = Expected::s3(&is_region);
        let parse = |head: &RequestHead<'_>, now_ms| match LegacyClaim::parse(head, now_ms, is_subresource) {
            Some(legacy) => legacy.map(S3Claim::V2),
            None => Claim::parse(head, now_ms, &expected).map(S3Claim::V4),
        };
        let now_ms = self.clocks().real_now();
        let verify = |claim: S3Claim, keys: &SigningKeyCache, known: &Credential| match claim {
            S3Claim::V4(claim) => {
                let key = keys.key(&claim, known.version, &known.secret);
                let presigned = claim.is_presigned();
                let signing = Signing {
                    version: "AWS4-HMAC-SHA256",
                    is_in_url: presigned,
                    age_ms: Some(now_ms.saturating_sub(claim.signed_at_ms()).max(0)),
                    payload: claim.payload_mode().statement().unwrap_or_default(),
                };
                let (authenticated, proof) = claim.verify_head(&key)?;
                Ok((authenticated, (proof, Signature { version: "SigV4", presigned }, signing)))
            }
            S3Claim::V2(claim) => {
                let authenticated = claim.verify(&known.secret)?;
                // It does not say when it was made, and signs nothing of the body.
                let signing = Signing {
                    version: "AWS",
                    is_in_url: true,
                    age_ms: None,
                    payload: "UNSIGNED-PAYLOAD".to_owned(),
                };
                let signature = Signature { version: "SigV2", presigned: true };
                Ok((authenticated, (BodyProof::Nothing, signature, signing)))
            }
        };
        let at = (source, request_id);
        let identified = self.identify(parts, (found, Framing::RestXml), &expected, (parse, verify), at);
        let (context, (proof, signature, signing)) = identified.await?;
        Ok((context.signed(signing), (proof, signature)))
    }

    async fn identify<C: Claimed, T>(
        &self,
        parts: &Parts,
        (found, framing): (&Found, Framing),
        expected: &Expected<'_>,
        (parse, verify): (
            impl FnOnce(&RequestHead<'_>, i64) -> Result<C, AuthError>,
            impl FnOnce(C, &SigningKeyCache, &Credential) -> Result<(Authenticated, T), AuthError>,
        ),
        (source, request_id): (IpAddr, RequestId),
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

        let claim = parse(&head, now_ms).map_err(|error| refused(None, &error))?;
        let access_key_id = claim.access_key_id().to_owned();
        // Bodies of S3 come after this, and for as long as they like.
        let is_long = matches!(framing, Framing::RestXml);
        let token = claim.session_token().filter(|_| is_long);
        let session_token = token.map(|token| SecretString::new(token.to_owned()));
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
        let (authenticated, rest) = verify(claim, &signing_keys, &credential)
            .map_err(|error| refused(Some(&access_key_id), &error))?;
        let region = Region::named(authenticated.region()).ok_or_else(|| {
            let faults = vec![ScopeFault::Region { given: authenticated.region().to_owned() }];
            refused(Some(&access_key_id), &AuthError::InvalidScope { faults })
        })?;

        let region = found.schema().home_region.and_then(Region::named).unwrap_or(region);
        let renewal = is_long.then(|| SignedBy {
            session_token,
            version: credential.version,
            ..self.signed_by(&access_key_id)
        });
        let caller = Caller {
            principal: credential.principal,
            access_key_id,
            session: credential.session,
            permissions: credential.permissions,
        };
        let context = self.context(parts, caller, region, source, request_id);
        let context = match renewal {
            Some(renewal) => context.renewable(Arc::new(renewal)),
            None => context,
        };
        Ok((context, rest))
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
        RequestContext::new(
            request_id,
            caller,
            region,
            self.clocks().domain_now(),
            source,
            user_agent.get(..USER_AGENT_LENGTH).unwrap_or(user_agent).to_owned(),
            tls_of(parts),
        )
    }
}

/// How a request for S3 was signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature {
    /// As records name it.
    pub(crate) version: &'static str,
    /// It came in the URL.
    pub(crate) presigned: bool,
}

/// Who a request says that it is from.
trait Claimed {
    fn access_key_id(&self) -> &str;
    fn session_token(&self) -> Option<&str>;
}

impl Claimed for Claim {
    fn access_key_id(&self) -> &str {
        self.access_key_id()
    }

    fn session_token(&self) -> Option<&str> {
        self.session_token()
    }
}

/// Either kind of signature that S3 takes.
enum S3Claim {
    V4(Claim),
    V2(LegacyClaim),
}

impl Claimed for S3Claim {
    fn access_key_id(&self) -> &str {
        match self {
            Self::V4(claim) => claim.access_key_id(),
            Self::V2(claim) => claim.access_key_id(),
        }
    }

    fn session_token(&self) -> Option<&str> {
        match self {
            Self::V4(claim) => claim.session_token(),
            Self::V2(claim) => claim.session_token(),
        }
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
