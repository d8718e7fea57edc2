//! What a presigned URL carries in place of headers.

use http::header::{Entry, HeaderMap, HeaderName, HeaderValue};

use super::{Called, Fault};

/// A canned access control list.
const ACL: &str = "x-amz-acl";

/// What metadata begin with.
const METADATA: &str = "x-amz-meta-";

/// Whether a parameter of that name stands for a header where a URL is presigned.
fn is_carried(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == ACL || name.starts_with(METADATA)
}

/// The headers of a request whose URL is presigned: its own, and those that SDKs put among the signed parameters, since
/// whoever uses the URL knows nothing of them. S3 takes metadata and the list so, and encryption and tags from headers alone
/// (observed, in public issue threads of the SDKs). Where both are there, the header counts.
///
/// What is signed is carried out or refused: what no header can hold is a fault, and so is what comes twice, since whoever
/// holds the URL could choose by changing the order.
pub fn carried(own: &HeaderMap, called: &Called) -> Result<HeaderMap, Fault> {
    let mut carried = HeaderMap::new();
    for (name, value) in called.query().filter(|(name, _)| is_carried(name)) {
        let refused = |message: &'static str| Fault::argument(name, value, message);
        let (Ok(header), Ok(held)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes()))
        else {
            return Err(refused("The parameter stands for a header, and no header can be so."));
        };
        match carried.entry(header) {
            Entry::Occupied(_) => return Err(refused("The parameter is given more than once.")),
            Entry::Vacant(place) => drop(place.insert(held)),
        }
    }
    carried.extend(own.clone());
    Ok(carried)
}
