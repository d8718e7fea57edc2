//! Routing and reading a request for S3 never panics, and what is said of one is short. What was read is recorded as JSON.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use strongroom_api_s3::{S3Service, SERVICE};
use strongroom_protocols::rest::{Request, Routes};
use strongroom_protocols::{Limits, trail};
use strongroom_service::Service as _;

/// An S3 that does nothing.
struct Nothing;

impl strongroom_api_s3::S3 for Nothing {}

fuzz_target!(|data: &[u8]| {
    // A method, a path with its query string, headers, an empty line, and a body.
    let Some(end) = data.windows(2).position(|two| two == b"\n\n") else { return };
    let Ok(head) = std::str::from_utf8(&data[..end]) else { return };
    let mut lines = head.split('\n');
    let Some((method, uri)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let mut headers = HeaderMap::new();
    for line in lines.take(100) {
        let Some((name, value)) = line.split_once(':') else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let called = match Routes::of(&SERVICE).find(&method, path, query, &headers) {
        Ok(called) => called,
        Err(fault) => return assert!(fault.message.len() < 2_048),
    };
    let operation = &SERVICE.operations[called.position];
    let mut input = S3Service(std::sync::Arc::new(Nothing)).new_input(called.position);
    let request = Request { called: &called, headers: &headers, body: &data[end + 2..] };
    match request.read(operation, &mut *input, &Limits::default()) {
        Ok(()) => {
            let shown = trail::write_rest_parameters(operation, &called, Some("host"), &*input);
            serde_json::from_str::<serde_json::Value>(&shown).expect("a record is JSON");
        }
        Err(fault) => assert!(fault.details.iter().all(|(_, value)| value.len() < 2_048)),
    }
});
