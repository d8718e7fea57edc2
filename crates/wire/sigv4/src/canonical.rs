//! The canonical request, which is never built: its pieces go straight into the digest
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>, step 1).

mod escape;
mod feed;
mod headers;
mod path;
mod query;

use http::{HeaderMap, Method};
use strongroom_crypto::digest::Sha256;

use crate::PathStyle;
use feed::{Feed, Sink};

pub(crate) use headers::SignedHeaders;
pub(crate) use query::Query;

/// Digests all of the canonical request but its last line, which needs the body. The query goes without the
/// parameter that is named beside it.
pub(crate) fn digest_head(
    method: &Method,
    path: (&str, PathStyle),
    query: (&Query, Option<&str>),
    headers: (&HeaderMap, &SignedHeaders),
) -> Sha256 {
    let mut feed = Feed::new(Sha256::new());
    write(&mut feed, method, path, query, headers);
    feed.finish()
}

/// The same as text, for whoever signed another.
pub(crate) fn text(
    method: &Method,
    path: (&str, PathStyle),
    query: (&Query, Option<&str>),
    headers: (&HeaderMap, &SignedHeaders),
) -> Vec<u8> {
    let mut feed = Feed::new(Vec::new());
    write(&mut feed, method, path, query, headers);
    feed.finish()
}

fn write(
    feed: &mut Feed<impl Sink>,
    method: &Method,
    (path, style): (&str, PathStyle),
    (query, left_out): (&Query, Option<&str>),
    (headers, signed): (&HeaderMap, &SignedHeaders),
) {
    feed.push(method.as_str().as_bytes());
    feed.push(b"\n");
    path::write(feed, path, style);
    feed.push(b"\n");
    query.write(feed, left_out);
    feed.push(b"\n");
    signed.write(feed, headers);
    feed.push(b"\n");
    feed.push(signed.as_str().as_bytes());
    feed.push(b"\n");
}
