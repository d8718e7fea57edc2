//! What a presigned URL carries in place of headers.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use strongroom_protocols::rest::Called;

/// A canned access control list.
const ACL: &str = "x-amz-acl";

/// What metadata begin with.
const METADATA: &str = "x-amz-meta-";

/// The headers of a request whose URL is presigned: its own, and those that SDKs put among the signed parameters, since
/// whoever uses the URL knows nothing of them. S3 takes metadata and the list so, and encryption and tags from headers alone
/// (observed, in public issue threads of the SDKs). Where both are there, the header counts.
pub(crate) fn headers(own: &HeaderMap, called: &Called) -> HeaderMap {
    let mut headers = own.clone();
    for (name, value) in called.query() {
        let name = name.to_ascii_lowercase();
        if name != ACL && !name.starts_with(METADATA) {
            continue;
        }
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes()))
        else {
            continue;
        };
        headers.entry(name).or_insert(value);
    }
    headers
}
