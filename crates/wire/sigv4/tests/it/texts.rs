//! Codes, statuses and texts, word for word, in each protocol.

use strongroom_sigv4::{AuthError, Framing, ScopeFault};

use crate::requests::{Received, kms};

/// What each protocol makes of an error: code, status, text.
struct Row {
    error: AuthError,
    json: (&'static str, u16),
    query: (&'static str, u16),
    /// The text of both.
    text: &'static str,
    ec2: (&'static str, u16, &'static str),
    s3: (&'static str, u16, &'static str),
}

const AUTH_FAILURE: (&str, u16, &str) =
    ("AuthFailure", 401, "AWS was not able to validate the provided access credentials");
const EXPIRED: (&str, u16, &str) = ("RequestExpired", 400, "Request has expired.");
const INCOMPLETE: ((&str, u16), (&str, u16)) =
    (("IncompleteSignatureException", 400), ("IncompleteSignature", 400));
const WRONG: ((&str, u16), (&str, u16)) =
    (("InvalidSignatureException", 400), ("SignatureDoesNotMatch", 403));
const UNKNOWN: ((&str, u16), (&str, u16)) =
    (("UnrecognizedClientException", 400), ("InvalidClientTokenId", 403));
const UNREADABLE: ((&str, u16), (&str, u16)) = (("MalformedQueryString", 404), ("MalformedQueryString", 404));
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your \
    AWS Secret Access Key and signing method. Consult the service documentation for details.";
const S3_SKEWED: (&str, u16, &str) = (
    "RequestTimeTooSkewed",
    403,
    "The difference between the request time and the current time is too large.",
);
const S3_UNSIGNED: (&str, u16, &str) =
    ("AccessDenied", 403, "There were headers present in the request which were not signed");
const S3_COMPONENTS: (&str, u16, &str) = (
    "AuthorizationHeaderMalformed",
    400,
    "The authorization header is malformed; the authorization header requires three components: Credential, \
     SignedHeaders, and Signature.",
);

fn row(
    error: AuthError,
    (json, query): ((&'static str, u16), (&'static str, u16)),
    text: &'static str,
    ec2: (&'static str, u16, &'static str),
    s3: (&'static str, u16, &'static str),
) -> Row {
    Row { error, json, query, text, ec2, s3 }
}

fn own(text: &str) -> String {
    text.to_owned()
}

fn at(text: &str) -> i64 {
    let request = Received::with(
        "/",
        &[
            ("host", "h"),
            ("x-amz-date", text),
            (
                "authorization",
                &format!(
                    "AWS4-HMAC-SHA256 Credential=A/{}/us-east-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
                    &text[..8]
                ),
            ),
        ],
    );
    match request.parse(i64::MAX, &kms()).unwrap_err() {
        AuthError::SignatureExpired { signed_at, .. } => signed_at,
        other => panic!("{other:?}"),
    }
}

fn of_absence_and_form() -> Vec<Row> {
    vec![
        row(
            AuthError::MissingAuthenticationToken,
            (("MissingAuthenticationTokenException", 400), ("MissingAuthenticationToken", 403)),
            "Request is missing Authentication Token",
            AUTH_FAILURE,
            ("AccessDenied", 403, "Access Denied"),
        ),
        row(
            AuthError::TwoSignatures,
            WRONG,
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
            AUTH_FAILURE,
            (
                "InvalidArgument",
                400,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                 parameter or the Authorization header should be specified",
            ),
        ),
        row(
            AuthError::UnsupportedAlgorithm { algorithm: own("AWS4-ECDSA-P256-SHA256") },
            INCOMPLETE,
            "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.",
            AUTH_FAILURE,
            (
                "InvalidRequest",
                400,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
        ),
        row(
            AuthError::UnsupportedAlgorithm { algorithm: own("Bearer") },
            INCOMPLETE,
            "Unsupported AWS 'algorithm': 'Bearer'.",
            AUTH_FAILURE,
            ("InvalidArgument", 400, "Unsupported Authorization Type"),
        ),
        row(
            AuthError::NotKeyValue {
                part: own("A/20190807/us-east-1/iam/aws4_request"),
                authorization: own("AWS4-HMAC-SHA256 Credential= A/20190807/us-east-1/iam/aws4_request"),
            },
            INCOMPLETE,
            "'A/20190807/us-east-1/iam/aws4_request' not a valid key=value pair (missing equal-sign) in \
             Authorization header: 'AWS4-HMAC-SHA256 Credential= A/20190807/us-east-1/iam/aws4_request'.",
            AUTH_FAILURE,
            S3_COMPONENTS,
        ),
        row(
            AuthError::IncompleteHeader {
                missing: vec!["Credential", "Signature", "SignedHeaders", "Date"],
                authorization: own("AWS4-HMAC-SHA256"),
            },
            INCOMPLETE,
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
             parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires \
             existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256",
            AUTH_FAILURE,
            S3_COMPONENTS,
        ),
        row(
            AuthError::IncompleteQuery {
                missing: vec!["X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"],
            },
            INCOMPLETE,
            "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include \
             'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string \
             parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
            AUTH_FAILURE,
            (
                "AuthorizationQueryParametersError",
                400,
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                 X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            ),
        ),
        row(
            AuthError::IncompleteEscape,
            UNREADABLE,
            "Incomplete trailing escape % sequence",
            AUTH_FAILURE,
            ("InvalidURI", 400, "Couldn't parse the specified URI."),
        ),
        row(
            AuthError::IllegalEscape { digits: own("zz") },
            UNREADABLE,
            "Illegal hex character in escape % pattern: %zz",
            AUTH_FAILURE,
            ("InvalidURI", 400, "Couldn't parse the specified URI."),
        ),
        row(
            AuthError::Repeated { what: own("x-amz-date") },
            INCOMPLETE,
            "'x-amz-date' is given more than once.",
            AUTH_FAILURE,
            ("InvalidRequest", 400, "'x-amz-date' is given more than once."),
        ),
        row(
            AuthError::NotText { what: own("x-amz-date") },
            INCOMPLETE,
            "The value of 'x-amz-date' is not text.",
            AUTH_FAILURE,
            ("InvalidRequest", 400, "The value of 'x-amz-date' is not text."),
        ),
        row(
            AuthError::TooLong { what: "path", limit: 16_384 },
            INCOMPLETE,
            "The path is longer than 16384 bytes.",
            AUTH_FAILURE,
            ("InvalidRequest", 400, "The path is longer than 16384 bytes."),
        ),
        row(
            AuthError::TooMany { what: "signed headers", limit: 128 },
            INCOMPLETE,
            "The request has more than 128 signed headers.",
            AUTH_FAILURE,
            ("InvalidRequest", 400, "The request has more than 128 signed headers."),
        ),
    ]
}

fn of_headers_and_scope() -> Vec<Row> {
    let scope = |fault: ScopeFault| AuthError::InvalidScope { faults: vec![fault] };
    vec![
        row(
            AuthError::HostNotSigned,
            WRONG,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            AUTH_FAILURE,
            S3_UNSIGNED,
        ),
        row(
            AuthError::HeaderNotSigned { name: own("x-amz-target") },
            WRONG,
            "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.",
            AUTH_FAILURE,
            S3_UNSIGNED,
        ),
        row(
            AuthError::SignedHeaderAbsent { name: own("accept") },
            INCOMPLETE,
            "'accept' is named as a SignedHeader, but it does not exist in the HTTP request.",
            AUTH_FAILURE,
            (
                "SignatureDoesNotMatch",
                403,
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method.",
            ),
        ),
        row(
            AuthError::MalformedCredential { credential: own("a/b/c/d") },
            INCOMPLETE,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
             'a/b/c/d'",
            AUTH_FAILURE,
            (
                "AuthorizationHeaderMalformed",
                400,
                "The authorization header is malformed; the Credential is mal-formed; expecting \
                 \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ),
        ),
        row(
            scope(ScopeFault::Region { given: own("us-east-9") }),
            WRONG,
            "Credential should be scoped to a valid region, not 'us-east-9'.",
            AUTH_FAILURE,
            (
                "AuthorizationHeaderMalformed",
                400,
                "The authorization header is malformed; the region 'us-east-9' is wrong",
            ),
        ),
        row(
            scope(ScopeFault::Service { given: own("sts"), expected: own("kms") }),
            WRONG,
            "Credential should be scoped to correct service: 'kms'.",
            AUTH_FAILURE,
            (
                "AuthorizationHeaderMalformed",
                400,
                "The authorization header is malformed; incorrect service \"sts\". This endpoint belongs to \"kms\".",
            ),
        ),
        row(
            AuthError::InvalidScope {
                faults: vec![
                    ScopeFault::Terminator { given: own("e") },
                    ScopeFault::Date { given: own("b"), signed_at: at("20130609T095204Z") },
                ],
            },
            WRONG,
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in Credential scope \
             does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20130609', from \
             '20130609T095204Z'.",
            AUTH_FAILURE,
            (
                "AuthorizationHeaderMalformed",
                400,
                "The authorization header is malformed; incorrect terminal \"e\". This endpoint uses \
                 \"aws4_request\".",
            ),
        ),
        row(
            scope(ScopeFault::Date { given: own("b"), signed_at: 0 }),
            WRONG,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != \
             '19700101', from '19700101T000000Z'.",
            AUTH_FAILURE,
            (
                "AuthorizationHeaderMalformed",
                400,
                "The authorization header is malformed; invalid credential date \"b\". This date is not the same as \
                 X-Amz-Date.",
            ),
        ),
    ]
}

fn of_time() -> Vec<Row> {
    let expired = |lifetime: i64, presigned: bool| AuthError::SignatureExpired {
        signed_at: at("20220127T001427Z"),
        now: at("20220127T015928Z"),
        lifetime,
        presigned,
    };
    let ahead = |presigned: bool| AuthError::NotYetCurrent {
        signed_at: at("20220127T021427Z"),
        now: at("20220127T015928Z"),
        presigned,
    };
    let ahead_text = "Signature not yet current: 20220127T021427Z is still later than 20220127T020428Z \
                      (20220127T015928Z + 5 min.)";
    vec![
        row(
            AuthError::MalformedDate { date: own("201") },
            INCOMPLETE,
            "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601",
            AUTH_FAILURE,
            ("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"),
        ),
        row(
            expired(300, false),
            WRONG,
            "Signature expired: 20220127T001427Z is now earlier than 20220127T015428Z (20220127T015928Z - 5 min.)",
            EXPIRED,
            S3_SKEWED,
        ),
        row(
            expired(90, true),
            WRONG,
            "Signature expired: 20220127T001427Z is now earlier than 20220127T015758Z (20220127T015928Z - 90 sec.)",
            EXPIRED,
            ("AccessDenied", 403, "Request has expired"),
        ),
        row(ahead(false), WRONG, ahead_text, EXPIRED, S3_SKEWED),
        row(ahead(true), WRONG, ahead_text, EXPIRED, ("AccessDenied", 403, "Request is not yet valid")),
        row(
            AuthError::ExpiredToken,
            (("ExpiredTokenException", 400), ("ExpiredToken", 403)),
            "The security token included in the request is expired",
            EXPIRED,
            ("ExpiredToken", 400, "The provided token has expired."),
        ),
    ]
}

fn of_keys_and_payloads() -> Vec<Row> {
    vec![
        row(
            AuthError::UnknownAccessKey,
            UNKNOWN,
            "The security token included in the request is invalid.",
            AUTH_FAILURE,
            ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."),
        ),
        row(
            AuthError::InvalidSessionToken,
            UNKNOWN,
            "The security token included in the request is invalid",
            AUTH_FAILURE,
            ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        ),
        row(
            AuthError::SignatureMismatch,
            WRONG,
            MISMATCH,
            AUTH_FAILURE,
            (
                "SignatureDoesNotMatch",
                403,
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method.",
            ),
        ),
        row(
            AuthError::PayloadMismatch,
            WRONG,
            MISMATCH,
            AUTH_FAILURE,
            (
                "XAmzContentSHA256Mismatch",
                400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
        ),
        row(
            AuthError::PayloadNotStated,
            WRONG,
            "Missing required header for this request: x-amz-content-sha256",
            AUTH_FAILURE,
            ("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256"),
        ),
        row(
            AuthError::MalformedPayloadDigest,
            WRONG,
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.",
            AUTH_FAILURE,
            (
                "InvalidArgument",
                400,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.",
            ),
        ),
        row(
            AuthError::UnsupportedPayload { mode: own("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") },
            WRONG,
            "Unsupported 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'.",
            AUTH_FAILURE,
            ("NotImplemented", 501, "A header you provided implies functionality that is not implemented."),
        ),
    ]
}

#[test]
fn each_protocol_says_it_in_aws_words() {
    let rows = [of_absence_and_form(), of_headers_and_scope(), of_time(), of_keys_and_payloads()];
    for Row { error, json, query, text, ec2, s3 } in rows.into_iter().flatten() {
        let is = |framing: Framing, (code, status, message): (&'static str, u16, &str)| {
            let rendered = error.render(framing);
            assert_eq!(
                (rendered.code, rendered.status, rendered.message.as_str()),
                (code, status, message),
                "{error:?} in {framing:?}"
            );
        };
        is(Framing::Json, (json.0, json.1, text));
        is(Framing::Query, (query.0, query.1, text));
        is(Framing::Ec2, ec2);
        is(Framing::RestXml, s3);
    }
}

#[test]
fn a_bad_lifetime_is_explained() {
    for (value, text) in [
        ("soon", "X-Amz-Expires should be a number"),
        ("0", "X-Amz-Expires must be at least 1 second"),
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
             than 604800 seconds",
        ),
    ] {
        let request = Received::with(
            &format!(
                "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=b&X-Amz-Signature=c\
                 &X-Amz-SignedHeaders=host&X-Amz-Expires={value}"
            ),
            &[("host", "h")],
        );
        let error = request.refusal();
        let in_s3 = error.render(Framing::RestXml);
        assert_eq!((in_s3.code, in_s3.status), ("AuthorizationQueryParametersError", 400));
        assert_eq!(in_s3.message, text);
        let in_json = error.render(Framing::Json);
        assert_eq!((in_json.code, in_json.status), INCOMPLETE.0);
        assert_eq!(in_json.message, text);
    }
}

#[test]
fn what_is_missing_is_named() {
    let request = Received::with("/", &[("authorization", "AWS4-HMAC-SHA256 Credential=, SignedHeaders=")]);
    assert_eq!(
        request.refusal().to_string(),
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
         parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
         Authorization=AWS4-HMAC-SHA256 Credential=, SignedHeaders="
    );
    let request = Received::with("/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=", &[]);
    assert_eq!(
        request.refusal().to_string(),
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include \
         'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string \
         parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."
    );
}

#[test]
fn escapes_that_break_a_query_are_shown() {
    let refusal = |query: &str| Received::with(&format!("/?{query}"), &[]).refusal();
    for query in ["a=%", "a=%2", "%", "%2&a=b"] {
        assert_eq!(refusal(query), AuthError::IncompleteEscape, "{query}");
    }
    for (query, digits) in
        [("a=%zz", "zz"), ("%2g=b", "2g"), ("a=%+1", "+1"), ("%%20", "%2"), ("a=%-1b", "-1")]
    {
        assert_eq!(refusal(query), AuthError::IllegalEscape { digits: own(digits) }, "{query}");
    }
}
