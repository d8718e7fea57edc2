//! AWS's own signer as the oracle: what it signs is taken, and not with any part changed.

use proptest::prelude::*;
use strongroom_sigv4::{AuthError, Expected, PayloadMode, ScopeFault};

use crate::changes::{Altered, CHANGES};
use crate::requests::{NOW, Order, REGION, kms, s3};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"];

/// Path segments as a client may send them to a service that normalises paths.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z0-9._~-]{1,8}",
        2 => "[a-z@:,;=+$!*'()&%|\\^\\[\\]\\\\-]{1,6}",
        2 => "(%[0-9A-Fa-f]{2}){1,4}",
        1 => Just(String::new()),
        1 => Just(".".to_owned()),
        1 => Just("..".to_owned()),
    ]
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(segment(), 0..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// An object's path as S3 clients send it: encoded as AWS encodes.
fn object_path() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<String>(), 0..4).prop_map(|names| {
        format!("/{}", names.iter().map(|name| encoded(name)).collect::<Vec<_>>().join("/"))
    })
}

fn encoded(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// A name or value in a query string: encoded all through, or here and there.
fn query_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9._~-]{1,6}",
        any::<String>().prop_map(|text| encoded(&text)),
        "[a-zA-Z:,;+$!*'()@/?|\\[\\]^-]{1,6}",
        "([a-c]|%2[bBfF]|%c3%a9|\\+){1,4}",
    ]
}

fn query() -> impl Strategy<Value = Option<String>> {
    let value = prop_oneof![
        3 => query_text().prop_map(|value| format!("={value}")),
        1 => Just("=".to_owned()),
        1 => Just(String::new()),
    ];
    let piece = (query_text(), value).prop_map(|(name, value)| format!("{name}{value}"));
    prop::option::of(
        prop::collection::vec(prop_oneof![9 => piece, 1 => Just(String::new())], 0..6)
            .prop_map(|pieces| pieces.join("&")),
    )
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "x-(amz-meta-|custom-)?[a-d]";
    let value = "( {0,3}[!-~]{1,5}){0,3} {0,3}";
    prop::collection::vec((name, value), 0..6)
}

prop_compose! {
    fn order()(
        method in prop::sample::select(&METHODS[..]),
        plain_path in path(),
        object_path in object_path(),
        query in query(),
        headers in headers(),
        body in prop::collection::vec(any::<u8>(), 0..80),
        session_token in prop::option::of("[A-Za-z0-9/+=]{1,60}"),
        expires in prop::option::of(1_u64..=604_800),
        signed_at_ms in (NOW - 290_000)..=(NOW + 290_000),
        is_s3 in any::<bool>(),
        unsigned_payload in any::<bool>(),
        state_payload in any::<bool>(),
    ) -> Order {
        let path = if is_s3 { object_path } else { plain_path };
        // S3 has to be told, but in presigned URLs.
        let state_payload = state_payload || (is_s3 && expires.is_none());
        Order {
            method,
            path_and_query: query.map_or(path.clone(), |query| format!("{path}?{query}")),
            headers,
            body,
            session_token,
            expires: expires.map(|seconds| seconds.max(300)),
            service: if is_s3 { "s3" } else { "kms" },
            signed_at_ms,
            // Where nothing is said of the payload S3 has presigned URLs leave it out, and else takes it in.
            unsigned_payload: is_s3 && (expires.is_some() || (unsigned_payload && state_payload)),
            state_payload,
        }
    }
}

fn expected(order: &Order) -> Expected<'static> {
    if order.service == "s3" { s3() } else { kms() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_it_signs_is_verified(order in order()) {
        let request = order.sign();
        let claim = request.parse(NOW, &expected(&order)).unwrap();
        prop_assert_eq!(claim.session_token(), order.session_token.as_deref());
        prop_assert_eq!(claim.payload_mode() == PayloadMode::Unsigned, order.unsigned_payload);
        let authenticated = request.verify(NOW, &expected(&order));
        prop_assert!(authenticated.is_ok(), "{:?}", authenticated);
        let authenticated = authenticated.unwrap();
        prop_assert_eq!(authenticated.access_key_id(), "AKIDEXAMPLE");
        prop_assert_eq!(authenticated.region(), REGION);
        prop_assert_eq!(authenticated.service(), order.service);
        prop_assert_eq!(authenticated.session_token(), order.session_token.as_deref());
        prop_assert_eq!(authenticated.is_presigned(), order.expires.is_some());
        prop_assert_eq!(authenticated.signed_at_ms(), order.signed_at_ms.div_euclid(1_000) * 1_000);
    }

    #[test]
    fn no_part_can_be_changed(order in order(), at in any::<prop::sample::Index>()) {
        let request = order.sign();
        for (name, change) in CHANGES {
            let mut altered = Altered { request: request.clone(), order: order.clone(), at };
            let Some(causes) = change(&mut altered) else {
                continue;
            };
            let outcome = altered.request.verify(NOW, &expected(&order));
            let refused = matches!(&outcome, Err(error) if causes.contains(&cause(error)));
            prop_assert!(refused, "{}: {:?}: {:?}", name, outcome, altered.request);
        }
    }
}

/// Names the causes that the changes lead to.
fn cause(error: &AuthError) -> &'static str {
    match error {
        AuthError::SignatureMismatch => "mismatch",
        AuthError::PayloadMismatch => "other body",
        AuthError::SignatureExpired { .. } => "expired",
        AuthError::NotYetCurrent { .. } => "future",
        AuthError::SignedHeaderAbsent { .. } => "absent header",
        AuthError::HeaderNotSigned { .. } => "unsigned header",
        AuthError::InvalidScope { faults } => {
            assert!(matches!(
                faults[..],
                [ScopeFault::Date { .. }
                    | ScopeFault::Region { .. }
                    | ScopeFault::Service { .. }
                    | ScopeFault::Terminator { .. }]
            ));
            "scope"
        }
        _ => "something else",
    }
}
