//! Reading a signature never panics, wherever the request presents it, and every refusal can be told in
//! every protocol.
//!
//! The data is a request head as people write it: a line with method and target, then a header a line.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use strongroom_sigv4::{Claim, Expected, Framing, RequestHead};

/// The moment of AWS's published test suite, 2015-08-30T12:36:00Z, which the seeds are signed at.
const NOW_MS: i64 = 1_440_938_160_000;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let Some((method, target)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.trim())) else {
            continue;
        };
        headers.append(name, value);
    }
    let query = target.split_once('?').map(|(_, query)| query);
    let _ = Claim::peek_scope(&headers, query);
    let head = RequestHead { method: &method, path_and_query: target, headers: &headers };
    let exists = |region: &str| region == "us-east-1";
    for expected in [Expected::service("service", &exists), Expected::s3(&exists)] {
        if let Err(refusal) = Claim::parse(&head, NOW_MS, &expected) {
            for framing in [Framing::Json, Framing::Query, Framing::Ec2, Framing::RestXml] {
                let _ = refusal.render(framing);
            }
        }
    }
});
