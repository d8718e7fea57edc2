//! What a claim has to hold, and in which order that is checked.

use http::Method;
use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_sigv4::{AuthError, Claim, Expected, ScopeFault};

use crate::requests::{NOW, Order, Received, SECRET, key_for, kms, s3};

const CREDENTIAL: &str = "AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request";
const SIGNATURE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn authorization(credential: &str, signed_headers: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={SIGNATURE}")
}

fn with_authorization(authorization: &str) -> Received {
    Received::with(
        "/",
        &[("host", "localhost"), ("x-amz-date", "20150830T123600Z"), ("authorization", authorization)],
    )
}

/// Well-formed, and signed with zeros.
fn plain() -> Received {
    with_authorization(&authorization(CREDENTIAL, "host;x-amz-date"))
}

fn presigned(parameters: &[(&str, &str)]) -> Received {
    let mut all = vec![
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", "AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fkms%2Faws4_request"),
        ("X-Amz-Date", "20150830T123600Z"),
        ("X-Amz-Expires", "60"),
        ("X-Amz-SignedHeaders", "host"),
        ("X-Amz-Signature", SIGNATURE),
    ];
    for (name, value) in parameters {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    all.retain(|(_, value)| *value != "-");
    let query: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Received::with(&format!("/?{}", query.join("&")), &[("host", "localhost")])
}

#[test]
fn a_well_formed_claim_says_whose_key_is_needed() {
    let mut request = plain();
    request.replace_in_header(
        "authorization",
        "host;x-amz-date",
        "x-amz-security-token;Host;x-amz-date;host",
    );
    request.add("x-amz-security-token", "token");
    let claim = request.parse(NOW, &kms()).unwrap();
    assert_eq!(claim.access_key_id(), "AKIDEXAMPLE");
    assert_eq!(claim.scope().date(), "20150830");
    assert_eq!(claim.scope().region(), "us-east-1");
    assert_eq!(claim.scope().service(), "kms");
    assert_eq!(claim.scope().terminator(), "aws4_request");
    assert_eq!(claim.session_token(), Some("token"));
    assert_eq!(claim.signed_at_ms(), NOW);
    assert!(!claim.is_presigned());
    assert_eq!(claim.signed_headers().collect::<Vec<_>>(), ["host", "x-amz-date", "x-amz-security-token"]);
}

#[test]
fn claims_cross_threads() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&plain().parse(NOW, &kms()).unwrap());
    is_send(&kms());
}

#[test]
fn no_signature_is_no_authentication() {
    assert_eq!(Received::with("/", &[("host", "h")]).refusal(), AuthError::MissingAuthenticationToken);
    assert_eq!(with_authorization("").refusal(), AuthError::MissingAuthenticationToken);
    assert_eq!(with_authorization(" , ").refusal(), AuthError::MissingAuthenticationToken);
}

#[test]
fn one_signature_is_enough() {
    let mut request = presigned(&[]);
    request.add("authorization", &authorization(CREDENTIAL, "host"));
    assert_eq!(request.refusal(), AuthError::TwoSignatures);
}

#[test]
fn other_kinds_of_signature_are_refused() {
    let unsupported = |algorithm: &str| AuthError::UnsupportedAlgorithm { algorithm: algorithm.to_owned() };
    for (header, algorithm) in [
        ("AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=", "AWS"),
        ("AWS4-ECDSA-P256-SHA256 Credential=A/20150830/kms/aws4_request", "AWS4-ECDSA-P256-SHA256"),
        ("aws4-hmac-sha256 Credential=A", "aws4-hmac-sha256"),
        ("Bearer abc", "Bearer"),
        ("Basic dGVzdDp0ZXN0", "Basic"),
    ] {
        assert_eq!(with_authorization(header).refusal(), unsupported(algorithm));
    }
    let request = presigned(&[("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256")]);
    assert_eq!(request.refusal(), unsupported("AWS4-ECDSA-P256-SHA256"));
    let version_2 =
        "/?AWSAccessKeyId=AKIDEXAMPLE&SignatureVersion=2&SignatureMethod=HmacSHA256&Signature=abc";
    assert_eq!(Received::with(version_2, &[("host", "h")]).refusal(), unsupported("AWS"));
}

#[test]
fn parts_are_separated_by_commas_or_spaces_and_unknown_ones_passed_over() {
    for header in [
        format!(
            "AWS4-HMAC-SHA256 Credential={CREDENTIAL},SignedHeaders=host;x-amz-date,Signature={SIGNATURE}"
        ),
        format!(
            "  AWS4-HMAC-SHA256\tSignature={SIGNATURE} Credential={CREDENTIAL} SignedHeaders=host;x-amz-date,"
        ),
        format!(
            "AWS4-HMAC-SHA256 New=1, Credential={CREDENTIAL},, SignedHeaders=host;x-amz-date, Signature={SIGNATURE}"
        ),
    ] {
        assert!(with_authorization(&header).parse(NOW, &kms()).is_ok(), "{header}");
    }
}

#[test]
fn nothing_is_given_twice() {
    let repeated = |what: &str| AuthError::Repeated { what: what.to_owned() };
    let mut request = plain();
    request.add("authorization", &authorization(CREDENTIAL, "host"));
    assert_eq!(request.refusal(), repeated("authorization"));
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        let mut request = plain();
        request.add(name, "20150830T123600Z");
        request.add(name, "20150830T123600Z");
        assert_eq!(request.refusal(), repeated(name));
    }
    for name in ["Credential", "SignedHeaders", "Signature"] {
        let header = format!("{}, {name}=x", authorization(CREDENTIAL, "host"));
        assert_eq!(with_authorization(&header).refusal(), repeated(name));
    }
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    ] {
        let mut request = presigned(&[("X-Amz-Security-Token", "t"), ("X-Amz-Content-Sha256", SIGNATURE)]);
        request.path_and_query = format!("{}&{name}=x", request.path_and_query);
        assert_eq!(request.refusal(), repeated(name));
    }
    let mut request = presigned(&[("X-Amz-Security-Token", "a")]);
    request.add("x-amz-security-token", "b");
    assert_eq!(request.refusal(), repeated("X-Amz-Security-Token"));
}

#[test]
fn a_repeated_host_is_one_line_of_two_values() {
    let mut request = Order::default().sign();
    request.add("host", "example.amazonaws.com");
    assert_eq!(request.verify(NOW, &kms()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn values_have_to_be_text() {
    let mut request = plain();
    request.headers.insert("x-amz-date", http::HeaderValue::from_bytes(b"2015\xff").unwrap());
    assert_eq!(request.refusal(), AuthError::NotText { what: "x-amz-date".to_owned() });
    let request = presigned(&[("X-Amz-Credential", "%FF")]);
    assert_eq!(request.refusal(), AuthError::NotText { what: "X-Amz-Credential".to_owned() });
}

#[test]
fn the_host_is_signed() {
    assert_eq!(
        with_authorization(&authorization(CREDENTIAL, "x-amz-date")).refusal(),
        AuthError::HostNotSigned
    );
    assert_eq!(with_authorization(&authorization(CREDENTIAL, "")).refusal(), AuthError::HostNotSigned);
    let authority = with_authorization(&authorization(CREDENTIAL, ":authority;x-amz-date"));
    assert!(authority.parse(NOW, &kms()).is_ok());
}

#[test]
fn every_header_of_aws_is_signed() {
    let mut request = plain();
    request.add("x-amz-target", "TrentService.Decrypt");
    assert_eq!(request.refusal(), AuthError::HeaderNotSigned { name: "x-amz-target".to_owned() });
    let mut request = plain();
    request.add("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678");
    request.add("user-agent", "aws-cli");
    assert!(request.parse(NOW, &kms()).is_ok());
    let mut request = presigned(&[]);
    request.add("x-amz-user-agent", "aws-sdk-js/3");
    assert!(request.parse(NOW, &kms()).is_ok(), "no SDK signs it in a URL");
    request.add("x-amz-target", "TrentService.Decrypt");
    assert_eq!(request.refusal(), AuthError::HeaderNotSigned { name: "x-amz-target".to_owned() });
}

#[test]
fn a_signed_header_is_there() {
    for (list, absent) in
        [("host;accept;x-amz-date", "accept"), ("host;;x-amz-date", ""), ("host; x-amz-date", " x-amz-date")]
    {
        let header = authorization(CREDENTIAL, list).replace("host; x", "host;\u{a0}x");
        let absent = absent.replace(' ', "\u{a0}");
        assert_eq!(with_authorization(&header).refusal(), AuthError::SignedHeaderAbsent { name: absent });
    }
}

#[test]
fn dates_have_the_forms_that_are_known() {
    for (name, date) in [
        ("x-amz-date", "20150830T123600Z"),
        ("x-amz-date", "2015-08-30T12:36:00Z"),
        ("date", "20150830T123600Z"),
        ("date", "2015-08-30T12:36:00Z"),
        ("date", "Sun, 30 Aug 2015 12:36:00 GMT"),
    ] {
        let header = authorization(CREDENTIAL, &format!("host;{name}"));
        let request = Received::with("/", &[("host", "localhost"), (name, date), ("authorization", &header)]);
        let claim = request.parse(NOW, &kms()).unwrap();
        assert_eq!(claim.signed_at_ms(), NOW, "{date}");
    }
    for (name, date) in [
        ("x-amz-date", ""),
        ("x-amz-date", "20150830"),
        ("x-amz-date", "20150830T123600"),
        ("x-amz-date", "20150830T123600z"),
        ("x-amz-date", "20150830T123660Z"),
        ("x-amz-date", "20150830T243600Z"),
        ("x-amz-date", "20150230T123600Z"),
        ("x-amz-date", "20151330T123600Z"),
        ("x-amz-date", "2015083#T123600Z"),
        ("x-amz-date", "2015-08-30T12:36:00+00:00"),
        ("x-amz-date", "Sun, 30 Aug 2015 12:36:00 GMT"),
        ("date", "Sun, 30 Aug 2015 12:36:00 CET"),
        ("date", "Sunday, 30-Aug-15 12:36:00 GMT"),
    ] {
        let header = authorization(CREDENTIAL, &format!("host;{name}"));
        let request = Received::with("/", &[("host", "localhost"), (name, date), ("authorization", &header)]);
        assert_eq!(request.refusal(), AuthError::MalformedDate { date: date.to_owned() });
    }
}

#[test]
fn the_date_of_aws_goes_before_the_date_of_http() {
    let mut request = plain();
    request.add("date", "Mon, 31 Aug 2015 12:36:00 GMT");
    assert!(request.parse(NOW, &kms()).is_ok());
    request.set("x-amz-date", "never");
    assert_eq!(request.refusal(), AuthError::MalformedDate { date: "never".to_owned() });
}

#[test]
fn a_date_in_another_form_is_signed_in_the_basic_form() {
    // AWS's signer writes no other date, so this is signed by hand.
    for date in ["20150830T123600Z", "2015-08-30T12:36:00Z", "Sun, 30 Aug 2015 12:36:00 GMT"] {
        let canonical =
            format!("GET\n/\n\ndate:{date}\nhost:localhost\n\ndate;host\n{}", hex::encode(&sha256(b"")));
        let hash = hex::encode(&sha256(canonical.as_bytes()));
        let to_sign =
            format!("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/kms/aws4_request\n{hash}");
        let mut key = format!("AWS4{SECRET}").into_bytes();
        for message in ["20150830", "us-east-1", "kms", "aws4_request", &to_sign] {
            key = HmacSha256::new(&key).sign(&[message.as_bytes()]).to_vec();
        }
        let header = authorization(CREDENTIAL, "date;host").replace(SIGNATURE, &hex::encode(&key));
        let mut request =
            Received::with("/", &[("host", "localhost"), ("date", date), ("authorization", &header)]);
        request.method = Method::GET;
        request.verify(NOW, &kms()).unwrap();
    }
}

#[test]
fn requests_are_good_for_five_minutes_either_way() {
    let request = plain();
    for ahead in [-300_999, -300_000, 0, 300_000] {
        assert!(request.parse(NOW - ahead, &kms()).is_ok(), "{ahead}");
    }
    assert!(request.parse(NOW + 300_999, &kms()).is_ok(), "seconds are compared");
    let now = NOW / 1_000;
    assert_eq!(
        request.parse(NOW + 301_000, &kms()).unwrap_err(),
        AuthError::SignatureExpired { signed_at: now, now: now + 301, lifetime: 300, presigned: false }
    );
    assert_eq!(
        request.parse(NOW - 301_000, &kms()).unwrap_err(),
        AuthError::NotYetCurrent { signed_at: now, now: now - 301, presigned: false }
    );
    assert!(matches!(request.parse(i64::MAX, &kms()), Err(AuthError::SignatureExpired { .. })));
    assert!(matches!(request.parse(i64::MIN, &kms()), Err(AuthError::NotYetCurrent { .. })));
}

#[test]
fn presigned_urls_are_good_for_as_long_as_they_say() {
    let now = NOW / 1_000;
    let request = presigned(&[("X-Amz-Expires", "90")]);
    assert!(request.parse(NOW + 90_000, &kms()).is_ok());
    assert_eq!(
        request.parse(NOW + 91_000, &kms()).unwrap_err(),
        AuthError::SignatureExpired { signed_at: now, now: now + 91, lifetime: 90, presigned: true }
    );
    assert!(request.parse(NOW - 300_000, &kms()).is_ok(), "the signer's clock may be ahead");
    assert!(matches!(
        request.parse(NOW - 301_000, &kms()),
        Err(AuthError::NotYetCurrent { presigned: true, .. })
    ));
    let week = presigned(&[("X-Amz-Expires", "604800")]);
    assert!(week.parse(NOW + 604_800_000, &kms()).is_ok());
    let unsaid = presigned(&[("X-Amz-Expires", "-")]);
    assert!(unsaid.parse(NOW + 300_000, &kms()).is_ok());
    assert!(matches!(
        unsaid.parse(NOW + 301_000, &kms()),
        Err(AuthError::SignatureExpired { lifetime: 300, .. })
    ));
    for value in ["0", "604801", "99999999999999999999", "-1", "+60", "60s", "1.5", ""] {
        let request = presigned(&[("X-Amz-Expires", value)]);
        assert!(matches!(request.refusal(), AuthError::MalformedExpires { .. }), "{value}");
    }
}

#[test]
fn a_credential_has_five_elements() {
    for credential in
        ["AKIDEXAMPLE", "a/b/c/d", "a/b/c/d/e/f", "AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request/"]
    {
        assert_eq!(
            with_authorization(&authorization(credential, "host;x-amz-date")).refusal(),
            AuthError::MalformedCredential { credential: credential.to_owned() }
        );
    }
}

#[test]
fn a_scope_is_checked_as_a_whole() {
    let header = authorization("AKIDEXAMPLE/20150829/us-east-9/sts/aws5_request", "host;x-amz-date");
    assert_eq!(
        with_authorization(&header).refusal(),
        AuthError::InvalidScope {
            faults: vec![
                ScopeFault::Region { given: "us-east-9".to_owned() },
                ScopeFault::Service { given: "sts".to_owned(), expected: "kms".to_owned() },
                ScopeFault::Terminator { given: "aws5_request".to_owned() },
                ScopeFault::Date { given: "20150829".to_owned(), signed_at: NOW / 1_000 },
            ]
        }
    );
    for service in ["KMS", "kms ", ""] {
        let header = authorization(CREDENTIAL, "host;x-amz-date").replace("/kms/", &format!("/{service}/"));
        assert!(with_authorization(&header).parse(NOW, &kms()).is_err(), "{service:?}");
    }
}

#[test]
fn faults_show_in_the_order_of_aws() {
    // Each line is wrong in all that the lines below it are, too.
    let mut request =
        Received::with("/?X-Amz-Algorithm=x&a=%zz", &[("authorization", "none"), ("x-amz-unsigned", "x")]);
    assert!(matches!(request.refusal(), AuthError::IllegalEscape { .. }));
    request.path_and_query = "/?X-Amz-Algorithm=x".to_owned();
    assert_eq!(request.refusal(), AuthError::TwoSignatures);
    request.path_and_query = "/".to_owned();
    assert!(matches!(request.refusal(), AuthError::UnsupportedAlgorithm { .. }));
    request.set("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d Signature");
    assert!(matches!(request.refusal(), AuthError::NotKeyValue { .. }));
    request.set("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d");
    assert!(matches!(request.refusal(), AuthError::IncompleteHeader { .. }));
    request.set("x-amz-date", "never");
    request.set("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d Signature=0 SignedHeaders=accept");
    assert_eq!(request.refusal(), AuthError::HostNotSigned);
    request.set("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d Signature=0 SignedHeaders=host;accept");
    assert!(matches!(request.refusal(), AuthError::MalformedDate { .. }));
    request.set("x-amz-date", "20130301T000000Z");
    assert!(matches!(request.refusal(), AuthError::SignatureExpired { .. }));
    request.set("x-amz-date", "20150830T123600Z");
    assert!(matches!(request.refusal(), AuthError::MalformedCredential { .. }));
    request.replace_in_header("authorization", "a/b/c/d", "a/b/c/d/e");
    assert!(matches!(request.refusal(), AuthError::InvalidScope { .. }));
    request.replace_in_header("authorization", "a/b/c/d/e", CREDENTIAL);
    assert!(matches!(request.refusal(), AuthError::SignedHeaderAbsent { .. }));
    request.replace_in_header(
        "authorization",
        "SignedHeaders=host;accept",
        "SignedHeaders=authorization;host",
    );
    request.set("host", "localhost");
    assert!(matches!(request.refusal(), AuthError::HeaderNotSigned { .. }));
}

#[test]
fn white_space_in_values_is_folded() {
    let order = Order { headers: vec![("x-note".to_owned(), "a b c".to_owned())], ..Order::default() };
    let mut request = order.sign();
    for spelling in ["  a b  c ", "a\tb \t c", "\ta b c\t"] {
        request.set("x-note", spelling);
        request.verify(NOW, &kms()).unwrap();
    }
    request.set("x-note", "a bc");
    assert_eq!(request.verify(NOW, &kms()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn values_of_one_name_are_joined_in_their_order() {
    let twice = |first: &str, second: &str| {
        let headers = vec![("x-note".to_owned(), first.to_owned()), ("x-note".to_owned(), second.to_owned())];
        Order { headers, ..Order::default() }
    };
    let request = twice("b", "a").sign();
    request.verify(NOW, &kms()).unwrap();
    let mut joined = request.clone();
    joined.set("x-note", "b,a");
    joined.verify(NOW, &kms()).unwrap();
    let mut swapped = request;
    swapped.set("x-note", "a");
    swapped.add("x-note", "b");
    assert_eq!(swapped.verify(NOW, &kms()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn a_plus_is_a_space_in_a_query() {
    let order = Order { method: "GET", path_and_query: "/?a=b%20c".to_owned(), ..Order::default() };
    let mut request = order.sign();
    request.path_and_query = "/?a=b+c".to_owned();
    request.verify(NOW, &kms()).unwrap();
    request.path_and_query = "/?a=b%2Bc".to_owned();
    assert_eq!(request.verify(NOW, &kms()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn the_order_and_spelling_of_a_query_do_not_matter() {
    let order = Order { path_and_query: "/?b=2&a=2&a=1&c&%64=%7e".to_owned(), ..Order::default() };
    let mut request = order.sign();
    request.path_and_query = "/?&c=&d=~&a=1&&a=2&b=2".to_owned();
    request.verify(NOW, &kms()).unwrap();
}

#[test]
fn a_path_is_compared_as_it_was_sent_or_for_s3_as_it_is_meant() {
    let order = Order { path_and_query: "/a%2fb/(c)".to_owned(), ..Order::default() };
    let mut request = order.sign();
    request.verify(NOW, &kms()).unwrap();
    request.path_and_query = "/a%2Fb/(c)".to_owned();
    assert_eq!(request.verify(NOW, &kms()).unwrap_err(), AuthError::SignatureMismatch);

    let order = Order {
        path_and_query: "//a/./%28c%29/%25zz".to_owned(),
        service: "s3",
        state_payload: true,
        ..Order::default()
    };
    let mut request = order.sign();
    for spelling in ["//a/./(c)/%25zz", "//%61/%2e/%28c%29/%25zz", "//a/./(c)/%zz"] {
        request.path_and_query = spelling.to_owned();
        request.verify(NOW, &s3()).unwrap();
    }
    for other in ["/a/(c)/%25zz", "//a/.%2F(c)/%25zz"] {
        request.path_and_query = other.to_owned();
        assert_eq!(request.verify(NOW, &s3()).unwrap_err(), AuthError::SignatureMismatch);
    }
    request.path_and_query = "//a/./(c)/%25zz/".to_owned();
    assert_eq!(request.verify(NOW, &s3()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn the_scope_can_be_read_before_anything_else() {
    let request = plain();
    let scope = Claim::peek_scope(&request.headers, None).unwrap();
    assert_eq!((scope.service(), scope.region()), ("kms", "us-east-1"));
    let request = presigned(&[]);
    let scope = Claim::peek_scope(&request.headers, Some(&request.path_and_query[2..])).unwrap();
    assert_eq!((scope.service(), scope.access_key_id()), ("kms", "AKIDEXAMPLE"));
    for header in ["", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b", "Bearer Credential=a/b/c/d/e"] {
        assert_eq!(Claim::peek_scope(&with_authorization(header).headers, Some("a=b")), None, "{header}");
    }
    assert_eq!(Claim::peek_scope(&Received::with("/", &[]).headers, Some("X-Amz-Credential=%zz")), None);
    assert_eq!(Claim::peek_scope(&Received::with("/", &[]).headers, None), None);
}

#[test]
fn the_wrong_secret_is_refused() {
    let request = Order::default().sign();
    let claim = request.parse(NOW, &kms()).unwrap();
    let key = key_for(&claim, "another secret");
    assert_eq!(claim.verify(&key, request.body.as_slice()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn another_service_takes_its_own_scope_alone() {
    let request = Order { service: "sts", ..Order::default() }.sign();
    assert!(matches!(request.verify(NOW, &kms()), Err(AuthError::InvalidScope { .. })));
    request.verify(NOW, &Expected::service("sts", &|_| true)).unwrap();
    assert!(matches!(
        request.verify(NOW, &Expected::service("sts", &|_| false)),
        Err(AuthError::InvalidScope { .. })
    ));
}

#[test]
fn the_method_is_signed_as_it_is() {
    let mut request = Order::default().sign();
    request.method = Method::from_bytes(b"post").unwrap();
    assert_eq!(request.verify(NOW, &kms()).unwrap_err(), AuthError::SignatureMismatch);
}
