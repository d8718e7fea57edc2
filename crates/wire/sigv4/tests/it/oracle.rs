//! AWS's own signer as the oracle: what it signs is taken, and not with any part changed.

use proptest::prelude::*;
use strongroom_sigv4::{AuthError, Expected, PayloadMode, ScopeFault};

use crate::requests::{NOW, Order, REGION, Received, key_for, kms, s3};

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
    fn no_part_can_be_changed(order in order(), change in change(), at in any::<prop::sample::Index>()) {
        let mut request = order.sign();
        let Some(causes) = change.apply(&mut request, &order, at) else {
            return Ok(());
        };
        let error = request.verify(NOW, &expected(&order)).map(|_| ());
        let cause = error.as_ref().map_err(cause);
        prop_assert!(
            matches!(cause, Err(cause) if causes.contains(&cause)),
            "{:?} gave {:?}: {:?}", change, error, request
        );
    }
}

/// A part of a request that somebody alters on its way.
#[derive(Clone, Copy, Debug)]
enum Change {
    Method,
    Path,
    PathByte,
    QueryAdded,
    QueryDropped,
    HeaderValue,
    HeaderDropped,
    HeaderRepeated,
    AmzHeaderAdded,
    Host,
    BodyByte,
    BodyLonger,
    Signature,
    SignatureShort,
    SignatureUpperCase,
    Seconds,
    Day,
    ScopeDay,
    ScopeRegion,
    ScopeService,
    ScopeTerminator,
    AccessKeyId,
    SessionToken,
    SessionTokenDropped,
    Expires,
    SignedHeaders,
}

fn change() -> impl Strategy<Value = Change> {
    use Change::{
        AccessKeyId, AmzHeaderAdded, BodyByte, BodyLonger, Day, Expires, HeaderDropped, HeaderRepeated,
        HeaderValue, Host, Method, Path, PathByte, QueryAdded, QueryDropped, ScopeDay, ScopeRegion,
        ScopeService, ScopeTerminator, Seconds, SessionToken, SessionTokenDropped, Signature, SignatureShort,
        SignatureUpperCase, SignedHeaders,
    };
    prop::sample::select(vec![
        Method,
        Path,
        PathByte,
        QueryAdded,
        QueryDropped,
        HeaderValue,
        HeaderDropped,
        HeaderRepeated,
        AmzHeaderAdded,
        Host,
        BodyByte,
        BodyLonger,
        Signature,
        SignatureShort,
        SignatureUpperCase,
        Seconds,
        Day,
        ScopeDay,
        ScopeRegion,
        ScopeService,
        ScopeTerminator,
        AccessKeyId,
        SessionToken,
        SessionTokenDropped,
        Expires,
        SignedHeaders,
    ])
}

impl Change {
    /// Alters the request and gives the causes that may follow; `None` if the request has no such part.
    fn apply(
        self,
        request: &mut Received,
        order: &Order,
        at: prop::sample::Index,
    ) -> Option<&'static [&'static str]> {
        const MISMATCH: &[&str] = &["mismatch"];
        let is_url = order.expires.is_some();
        Some(match self {
            Self::Method => {
                let other = METHODS.iter().find(|method| **method != order.method)?;
                request.method = other.parse().ok()?;
                MISMATCH
            }
            Self::Path => {
                let (path, rest) = split(&request.path_and_query);
                request.path_and_query =
                    format!("{path}{}more{rest}", if path.ends_with('/') { "" } else { "/" });
                MISMATCH
            }
            Self::PathByte => {
                let (path, rest) = split(&request.path_and_query);
                let letters: Vec<usize> = path.match_indices('a').map(|(place, _)| place).collect();
                let place = letters.get(at.index(letters.len().max(1)))?;
                // Within an escape the change may make it another spelling of the same byte; within a name
                // that ".." takes away, it changes nothing.
                if path.contains('%') || path.contains("..") {
                    return None;
                }
                let mut path = path.to_owned();
                path.replace_range(place..&(place + 1), "b");
                request.path_and_query = format!("{path}{rest}");
                MISMATCH
            }
            Self::QueryAdded => {
                let separator = if request.path_and_query.contains('?') { '&' } else { '?' };
                request.path_and_query = format!("{}{separator}Added", request.path_and_query);
                MISMATCH
            }
            Self::QueryDropped => {
                let (path, query) = request.path_and_query.split_once('?')?;
                let mut pieces: Vec<&str> = query.split('&').filter(|piece| !piece.is_empty()).collect();
                pieces.retain(|piece| !piece.starts_with("X-Amz-"));
                let dropped = *pieces.get(at.index(pieces.len().max(1)))?;
                let mut dropped_yet = false;
                let kept: Vec<&str> = query
                    .split('&')
                    .filter(|piece| {
                        dropped_yet || *piece != dropped || {
                            dropped_yet = true;
                            false
                        }
                    })
                    .collect();
                request.path_and_query = format!("{path}?{}", kept.join("&"));
                MISMATCH
            }
            Self::HeaderValue => {
                let (name, _) = order.headers.get(at.index(order.headers.len().max(1)))?;
                let value = format!("{}?", request.header(name));
                request.set(name, &value);
                MISMATCH
            }
            Self::HeaderDropped => {
                let (name, _) = order.headers.get(at.index(order.headers.len().max(1)))?;
                request.headers.remove(name);
                &["absent header"]
            }
            Self::HeaderRepeated => {
                let (name, _) = order.headers.get(at.index(order.headers.len().max(1)))?;
                request.add(name, "again");
                MISMATCH
            }
            Self::AmzHeaderAdded => {
                request.add("x-amz-added", "value");
                &["unsigned header"]
            }
            Self::Host => {
                request.set("host", "elsewhere.example.com");
                MISMATCH
            }
            Self::BodyByte | Self::BodyLonger if order.unsigned_payload => return None,
            Self::BodyByte => {
                let place = at.index(request.body.len().max(1));
                *request.body.get_mut(place)? ^= 1;
                if order.state_payload && !is_url { &["other body"] } else { MISMATCH }
            }
            Self::BodyLonger => {
                request.body.push(b' ');
                if order.state_payload && !is_url { &["other body"] } else { MISMATCH }
            }
            Self::Signature | Self::SignatureShort | Self::SignatureUpperCase => {
                let start = self.find(request, is_url, "Signature=")?;
                let text = self.text(request, is_url);
                let mut signature = text[start..start + 64].to_owned();
                match self {
                    Self::Signature => {
                        let place = at.index(64);
                        let other = if signature[place..].starts_with('0') { "1" } else { "0" };
                        signature.replace_range(place..=place, other);
                    }
                    Self::SignatureShort => signature.truncate(at.index(63) + 1),
                    _ => signature.make_ascii_uppercase(),
                }
                if text[start..start + 64] == signature {
                    return None;
                }
                let text = format!("{}{signature}{}", &text[..start], &text[start + 64..]);
                self.put(request, is_url, &text);
                MISMATCH
            }
            Self::Seconds => {
                let date = date(order.signed_at_ms);
                // One second on, and not into another day.
                let other = format!("{}{}Z", &date[..14], (date.as_bytes()[14] - b'0' + 1) % 10);
                if is_url {
                    request.path_and_query = request.path_and_query.replace(&date, &other);
                } else {
                    request.set("x-amz-date", &other);
                }
                &["mismatch", "expired", "future"]
            }
            Self::Day => {
                let date = date(order.signed_at_ms);
                let other = date.replace("20150830T", "20150831T");
                if is_url {
                    request.path_and_query = request.path_and_query.replace(&date, &other);
                } else {
                    request.set("x-amz-date", &other);
                }
                &["future"]
            }
            Self::ScopeDay => self.rescope(request, is_url, "20150830", "20150829"),
            Self::ScopeRegion => self.rescope(request, is_url, "us-east-1", "us-east-2"),
            Self::ScopeService => self.rescope(request, is_url, order.service, "sts"),
            Self::ScopeTerminator => self.rescope(request, is_url, "aws4_request", "aws5_request"),
            // The access key id itself is not signed: another one has another secret.
            Self::AccessKeyId => {
                let claim = request.parse(NOW, &expected(order)).ok()?;
                let key = key_for(&claim, "another secret");
                assert_eq!(
                    claim.verify(&key, request.body.as_slice()).unwrap_err(),
                    AuthError::SignatureMismatch
                );
                return None;
            }
            Self::SessionToken | Self::SessionTokenDropped => {
                let token = order.session_token.as_ref()?;
                match (is_url, self) {
                    (false, Self::SessionToken) => {
                        request.set("x-amz-security-token", &format!("{token}A"));
                        MISMATCH
                    }
                    (false, _) => {
                        request.headers.remove("x-amz-security-token");
                        &["absent header"]
                    }
                    (true, Self::SessionToken) => {
                        let to = "X-Amz-Security-Token=A";
                        request.path_and_query =
                            request.path_and_query.replacen("X-Amz-Security-Token=", to, 1);
                        MISMATCH
                    }
                    (true, _) => {
                        let from = format!("&X-Amz-Security-Token={}", encoded(token));
                        let without = request.path_and_query.replacen(&from, "", 1);
                        assert_ne!(without, request.path_and_query);
                        request.path_and_query = without;
                        MISMATCH
                    }
                }
            }
            Self::Expires => {
                let seconds = order.expires?;
                let other = if seconds == 300 { 301 } else { seconds - 1 };
                let (from, to) = (format!("X-Amz-Expires={seconds}"), format!("X-Amz-Expires={other}"));
                request.path_and_query = request.path_and_query.replacen(&from, &to, 1);
                MISMATCH
            }
            Self::SignedHeaders => {
                request.add("unsigned", "value");
                let (from, to) = if is_url {
                    ("X-Amz-SignedHeaders=", "X-Amz-SignedHeaders=unsigned%3B")
                } else {
                    ("SignedHeaders=", "SignedHeaders=unsigned;")
                };
                let text = self.text(request, is_url).replacen(from, to, 1);
                self.put(request, is_url, &text);
                MISMATCH
            }
        })
    }

    fn text(self, request: &Received, is_url: bool) -> String {
        if is_url { request.path_and_query.clone() } else { request.header("authorization").to_owned() }
    }

    fn put(self, request: &mut Received, is_url: bool, text: &str) {
        if is_url {
            text.clone_into(&mut request.path_and_query);
        } else {
            request.set("authorization", text);
        }
    }

    fn find(self, request: &Received, is_url: bool, name: &str) -> Option<usize> {
        self.text(request, is_url).rfind(name).map(|start| start + name.len())
    }

    fn rescope(self, request: &mut Received, is_url: bool, from: &str, to: &str) -> &'static [&'static str] {
        let text = self.text(request, is_url);
        let start = text.rfind("Credential=").unwrap();
        let text = format!("{}{}", &text[..start], text[start..].replacen(from, to, 1));
        self.put(request, is_url, &text);
        &["scope"]
    }
}

fn split(path_and_query: &str) -> (&str, &str) {
    path_and_query.find('?').map_or((path_and_query, ""), |place| path_and_query.split_at(place))
}

fn date(signed_at_ms: i64) -> String {
    let seconds = (signed_at_ms - NOW).div_euclid(1_000) + 12 * 3_600 + 36 * 60;
    format!("20150830T{:02}{:02}{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

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
