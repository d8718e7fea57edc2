//! Presigned URLs of the old kind.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use strongroom_secret::SecretString;
use strongroom_sigv4::{AuthError, Authenticated, LegacyClaim, RequestHead};

/// An hour before the URLs here end.
const NOW: i64 = 1_175_136_020_000;

/// The example of AWS's documentation (RESTAuthentication, "Query String Request Authentication Alternative").
const EXAMPLE: &str = "/johnsmith/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&\
                       Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

fn verify(
    method: &Method,
    path_and_query: &str,
    headers: &[(&str, &str)],
    now_ms: i64,
) -> Option<Result<Authenticated, AuthError>> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect();
    let head = RequestHead { method, path_and_query, headers: &headers };
    let claim = LegacyClaim::parse(&head, now_ms, |name| name == "encryption" || name == "acl")?;
    let secret = SecretString::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    Some(claim.and_then(|claim| claim.verify(&secret)))
}

fn cause(path_and_query: &str, headers: &[(&str, &str)], now_ms: i64) -> AuthError {
    verify(&Method::GET, path_and_query, headers, now_ms).unwrap().unwrap_err()
}

#[test]
fn the_example_of_the_documentation_is_verified() {
    let authenticated = verify(&Method::GET, EXAMPLE, &[], NOW).unwrap().unwrap();
    assert_eq!(authenticated.access_key_id(), "AKIAIOSFODNN7EXAMPLE");
    assert_eq!((authenticated.region(), authenticated.service()), ("us-east-1", "s3"));
    assert!(authenticated.is_presigned());
}

#[test]
fn headers_and_parameters_that_count_are_signed() {
    let url = "/b/a%20b?versionId=v&response-content-type=a%2Fb&other=1&AWSAccessKeyId=AKID&\
               Expires=1175139620&x-amz-security-token=to%2Fken&Signature=SIGNED";
    let url = url.replace("SIGNED", "n0Fo5uab91BSpucS53pz4ZeKhlA%3D");
    let headers = [
        ("content-type", "text/plain"),
        ("x-amz-meta-a", "b"),
        ("x-amz-meta-a", " c "),
        ("x-amz-acl", "private"),
    ];
    let authenticated = verify(&Method::PUT, &url, &headers, NOW).unwrap().unwrap();
    assert_eq!(authenticated.session_token(), Some("to/ken"));
    // What is not signed does not count.
    assert!(verify(&Method::PUT, &url.replace("other=1", "other=2"), &headers, NOW).unwrap().is_ok());
    let more = [&headers[..], &[("x-amz-grant-read", "x")]].concat();
    for (method, url, headers) in [
        (Method::GET, url.clone(), &headers[..]),
        (Method::PUT, url.replace("a%20b", "a%20c"), &headers),
        (Method::PUT, url.replace("versionId=v", "versionId=w"), &headers),
        (Method::PUT, url.replace("versionId=v&", ""), &headers),
        (Method::PUT, url.replace("?versionId", "?acl&versionId"), &headers),
        (Method::PUT, url.replace("1175139620", "1175139621"), &headers),
        (Method::PUT, url.replace("to%2Fken", "token"), &headers),
        (Method::PUT, url.clone(), &headers[1..]),
        (Method::PUT, url.clone(), &headers[..3]),
        (Method::PUT, url.clone(), &more),
    ] {
        let refused = verify(&method, &url, headers, NOW).unwrap().unwrap_err();
        assert_eq!(refused, AuthError::SignatureMismatch, "{url}");
    }
}

#[test]
fn what_chooses_an_operation_is_signed() {
    for more in ["&encryption", "&encryption=", "&%65ncryption=1", "&acl"] {
        let url = format!("{EXAMPLE}{more}");
        assert_eq!(cause(&url, &[], NOW), AuthError::SignatureMismatch, "{url}");
    }
    assert!(verify(&Method::GET, &format!("{EXAMPLE}&other"), &[], NOW).unwrap().is_ok());
}

/// Only names in lower case are signed, and readers of headers know no case.
#[test]
fn names_of_headers_are_written_as_they_are_signed() {
    for more in [
        "X-Amz-Acl=public-read",
        "X%2DAmz%2DAcl=public-read",
        "X-AMZ-META-team=x",
        "x-Amz-acl=public-read",
        "X-amz-security-token=t",
    ] {
        let url = format!("{EXAMPLE}&{more}");
        assert_eq!(cause(&url, &[], NOW), AuthError::SignatureMismatch, "{url}");
    }
    // Of a name that no header has, nobody knows how it is signed.
    let odd = "/b/k?x-amz-meta-a%20b=c&AWSAccessKeyId=AKID&Expires=1175139620&Signature=SoWl8kHX39Li%2FKrx8unjJaOLWpQ%3D";
    let refused = verify(&Method::PUT, odd, &[], NOW).unwrap().unwrap_err();
    assert_eq!(refused, AuthError::SignatureMismatch);
}

/// What is signed is a text of lines.
#[test]
fn no_value_is_two_lines() {
    let url = |parameters: &str| {
        format!(
            "/b/k?{parameters}&AWSAccessKeyId=AKID&Expires=1175139620&Signature=lVevmvlUATdPp%2B%2FwLmebyCVsb1s%3D"
        )
    };
    let apart = url("x-amz-acl=bucket-owner-full-control&x-amz-meta-team=a");
    assert!(verify(&Method::PUT, &apart, &[], NOW).unwrap().is_ok());
    let together = url("x-amz-acl=bucket-owner-full-control%0Ax-amz-meta-team%3Aa");
    let refused = verify(&Method::PUT, &together, &[], NOW).unwrap().unwrap_err();
    assert_eq!(refused, AuthError::SignatureMismatch);

    // The type of the content stands before the line with the end.
    let url = |parameters: &str| {
        format!(
            "/b/k?{parameters}&AWSAccessKeyId=AKID&Expires=1175139620&Signature=oTEjzA1TOAqetOFf06IlrOMhS6k%3D"
        )
    };
    let apart = url("content-type=a&x-amz-meta-a=b%0A1175139620");
    let together = url("content-type=a%0A1175139620%0Ax-amz-meta-a:b");
    for url in [apart, together] {
        let refused = verify(&Method::PUT, &url, &[], NOW).unwrap().unwrap_err();
        assert_eq!(refused, AuthError::SignatureMismatch, "{url}");
    }
}

#[test]
fn they_end_and_not_in_too_long_a_time() {
    assert!(verify(&Method::GET, EXAMPLE, &[], 1_175_139_620_000).unwrap().is_ok());
    let late = cause(EXAMPLE, &[], 1_175_139_621_000);
    assert!(matches!(late, AuthError::SignatureExpired { presigned: true, .. }), "{late:?}");
    let week = 7 * 86_400_000;
    assert!(verify(&Method::GET, EXAMPLE, &[], 1_175_139_620_000 - week).unwrap().is_ok());
    let early = cause(EXAMPLE, &[], 1_175_139_619_000 - week);
    assert!(matches!(early, AuthError::MalformedExpires { .. }), "{early:?}");
    let wrong = cause(&EXAMPLE.replace("1175139620", "soon"), &[], NOW);
    assert!(matches!(wrong, AuthError::MalformedExpires { .. }), "{wrong:?}");
}

#[test]
fn other_requests_are_none_of_them() {
    for (url, headers) in [
        ("/b/k", &[][..]),
        ("/b/k?acl", &[]),
        ("/b/k?AWSAccessKeyId=a", &[]),
        ("/b/k?Signature=a", &[]),
        (EXAMPLE, &[("authorization", "AWS4-HMAC-SHA256 Credential=a")]),
    ] {
        assert!(verify(&Method::GET, url, headers, NOW).is_none(), "{url}");
    }
    assert!(matches!(
        cause(&format!("{EXAMPLE}&x-amz-acl=a"), &[("x-amz-acl", "b")], NOW),
        AuthError::Repeated { .. }
    ));
    assert!(matches!(
        cause(&EXAMPLE.replace("AKIA", "a/b"), &[], NOW),
        AuthError::MalformedCredential { .. }
    ));
}
