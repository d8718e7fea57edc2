//! What policies ask of the way a request was signed (Amazon S3 API Reference, "Amazon S3 Signature Version 4
//! authentication specific policy keys"; Service Authorization Reference for `s3:TlsVersion`).

use strongroom_identity::RequestContext;
use strongroom_policy::Values;

const VERSION_4: &str = "AWS4-HMAC-SHA256";
const IN_HEADER: &str = "REST-HEADER";
const IN_URL: &str = "REST-QUERY-STRING";

/// The TLS that stands for a call from within.
const TLS_WITHIN: &str = "1.3";

/// The value of a condition key, whose name comes in lower case, if it follows from how the request was signed and came.
/// An AWS service calls from within: as if it had signed in a header and come over TLS.
pub(crate) fn condition_key(key: &str, context: &RequestContext) -> Option<Values<'static>> {
    let signing = context.signing();
    let is_service = context.caller.principal.service().is_some();
    let text = match key {
        "s3:signatureversion" => match signing {
            Some(signing) => signing.version,
            None => Some(VERSION_4).filter(|_| is_service)?,
        },
        "s3:authtype" => match signing {
            Some(signing) if signing.is_in_url => IN_URL,
            Some(_) => IN_HEADER,
            None => Some(IN_HEADER).filter(|_| is_service)?,
        },
        "s3:signatureage" => return signing?.age_ms.map(Values::from),
        "s3:x-amz-content-sha256" => return Some(Values::text(signing?.payload.clone())),
        "s3:tlsversion" => match &context.tls {
            Some(tls) => tls.version.strip_prefix("TLSv")?,
            None => Some(TLS_WITHIN).filter(|_| is_service)?,
        },
        _ => return None,
    };
    Some(Values::text(text.to_owned()))
}
