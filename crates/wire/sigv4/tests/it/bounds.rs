//! Whatever comes in: bounds hold, and nothing panics.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use strongroom_sigv4::{
    AuthError, Claim, Framing, MAX_AUTHORIZATION_BYTES, MAX_PATH_BYTES, MAX_QUERY_BYTES,
    MAX_QUERY_PARAMETERS, MAX_SESSION_TOKEN_BYTES, MAX_SIGNED_HEADERS,
};

use crate::requests::{NOW, Order, Received, kms, s3};

#[test]
fn long_parts_are_refused() {
    let mut request = Order::default().sign();
    request.path_and_query = format!("/{}", "a".repeat(MAX_PATH_BYTES));
    assert_eq!(request.refusal(), AuthError::TooLong { what: "path", limit: MAX_PATH_BYTES });
    request.path_and_query = format!("/?{}", "a".repeat(MAX_QUERY_BYTES + 1));
    assert_eq!(request.refusal(), AuthError::TooLong { what: "query string", limit: MAX_QUERY_BYTES });
    request.path_and_query = format!("/?{}", "a&".repeat(MAX_QUERY_PARAMETERS + 1));
    assert_eq!(
        request.refusal(),
        AuthError::TooMany { what: "query parameters", limit: MAX_QUERY_PARAMETERS }
    );

    let mut request = Order::default().sign();
    request.replace_in_header(
        "authorization",
        "SignedHeaders=",
        &format!("X={}, SignedHeaders=", "a".repeat(MAX_AUTHORIZATION_BYTES)),
    );
    assert_eq!(
        request.refusal(),
        AuthError::TooLong { what: "Authorization header", limit: MAX_AUTHORIZATION_BYTES }
    );
    assert_eq!(Claim::peek_scope(&request.headers, None), None);

    let mut request = Order::default().sign();
    request.replace_in_header("authorization", "host;", &format!("{}host;", "a;".repeat(MAX_SIGNED_HEADERS)));
    assert_eq!(request.refusal(), AuthError::TooMany { what: "signed headers", limit: MAX_SIGNED_HEADERS });

    let token = |length: usize| Order { session_token: Some("t".repeat(length)), ..Order::default() }.sign();
    assert_eq!(
        token(MAX_SESSION_TOKEN_BYTES + 1).refusal(),
        AuthError::TooLong { what: "session token", limit: MAX_SESSION_TOKEN_BYTES }
    );
    token(MAX_SESSION_TOKEN_BYTES).verify(NOW, &kms()).unwrap();
}

#[test]
fn what_is_within_the_bounds_is_taken() {
    let headers: Vec<(String, String)> =
        (2..MAX_SIGNED_HEADERS).map(|number| (format!("x-h{number}"), "value ".repeat(20))).collect();
    let order = Order {
        path_and_query: format!(
            "/{}?{}",
            "é/".repeat(2_000).replace('é', "%C3%A9"),
            "a=%20&".repeat(MAX_QUERY_PARAMETERS)
        ),
        headers,
        ..Order::default()
    };
    order.sign().verify(NOW, &kms()).unwrap();
}

fn header_value() -> impl Strategy<Value = HeaderValue> {
    let word = prop_oneof![
        Just("AWS4-HMAC-SHA256 ".to_owned()),
        Just("Credential=".to_owned()),
        Just("AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request".to_owned()),
        Just(", SignedHeaders=".to_owned()),
        Just("host;x-amz-date".to_owned()),
        Just(", Signature=".to_owned()),
        Just("20150830T123600Z".to_owned()),
        Just("UNSIGNED-PAYLOAD".to_owned()),
        "[0-9a-f]{64}",
        "[ -~]{0,12}",
    ];
    prop_oneof![
        prop::collection::vec(word, 0..8).prop_map(|words| words.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
    .prop_filter_map("no header", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

fn received() -> impl Strategy<Value = Received> {
    let name = prop::sample::select(vec![
        "authorization",
        "x-amz-date",
        "date",
        "x-amz-content-sha256",
        "x-amz-security-token",
        "host",
        "x-amz-target",
        "accept",
    ]);
    let piece = prop_oneof![
        "X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token|Content-Sha256)",
        Just("=AWS4-HMAC-SHA256&".to_owned()),
        Just("=AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request&".to_owned()),
        Just("=20150830T123600Z&".to_owned()),
        Just("=host&".to_owned()),
        "=[0-9]{1,8}&",
        "[%&=+?/.é-]{0,8}",
        any::<String>(),
    ];
    let path_and_query = prop_oneof![
        Just("/".to_owned()),
        any::<String>(),
        prop::collection::vec(piece, 0..24).prop_map(|pieces| format!("/?{}", pieces.concat())),
    ];
    (path_and_query, prop::collection::vec((name, header_value()), 0..8)).prop_map(
        |(path_and_query, pairs)| {
            let headers: HeaderMap =
                pairs.into_iter().map(|(name, value)| (HeaderName::from_static(name), value)).collect();
            Received { method: Method::GET, path_and_query, headers, body: Vec::new() }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_panics_and_nothing_is_verified(request in received(), now_ms in prop_oneof![Just(NOW), any::<i64>()]) {
        for expected in [kms(), s3()] {
            let error = request.verify(now_ms, &expected).unwrap_err();
            for framing in [Framing::Json, Framing::Query, Framing::Ec2, Framing::RestXml] {
                let rendered = error.render(framing);
                prop_assert!((400..=501).contains(&rendered.status));
                prop_assert!(!rendered.message.is_empty());
            }
        }
        let query = request.path_and_query.split_once('?').map(|(_, query)| query);
        let _ = Claim::peek_scope(&request.headers, query);
    }

    #[test]
    fn what_is_peeked_is_what_is_parsed(request in received()) {
        let query = request.path_and_query.split_once('?').map(|(_, query)| query);
        if let Ok(claim) = request.parse(NOW, &kms()) {
            prop_assert_eq!(Claim::peek_scope(&request.headers, query), Some(claim.scope().clone()));
        }
    }
}
