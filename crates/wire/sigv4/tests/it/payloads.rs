//! The ways in which a body is signed.

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_sigv4::{AuthError, Chunks, Expected, Payload, PayloadMode, PayloadRules};

use crate::requests::{NOW, Order, Received, SECRET, key_for, kms, s3};

fn unsupported(mode: &str) -> AuthError {
    AuthError::UnsupportedPayload { mode: mode.to_owned() }
}

/// An S3 request that states `payload`; it would not verify.
fn stating(payload: &str) -> Received {
    let mut request = Order { service: "s3", state_payload: true, ..Order::default() }.sign();
    request.set("x-amz-content-sha256", payload);
    request
}

#[test]
fn a_body_is_signed_though_nothing_is_said_of_it() {
    let request = Order::default().sign();
    let claim = request.parse(NOW, &kms()).unwrap();
    assert_eq!(claim.payload_mode(), PayloadMode::Body);
    let key = key_for(&claim, SECRET);
    claim.verify(&key, Payload::Digest(sha256(&request.body))).unwrap();
    let claim = request.parse(NOW, &kms()).unwrap();
    assert_eq!(claim.verify(&key, b"{ }".as_slice()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn a_stated_digest_is_the_bodys() {
    let request = Order { state_payload: true, ..Order::default() }.sign();
    let claim = request.parse(NOW, &kms()).unwrap();
    assert_eq!(claim.payload_mode(), PayloadMode::Stated(sha256(&request.body)));
    request.verify(NOW, &kms()).unwrap();

    let key = key_for(&claim, SECRET);
    assert_eq!(claim.verify(&key, b"{ }".as_slice()).unwrap_err(), AuthError::PayloadMismatch);

    // Stating the digest of another body helps nobody: what is stated is signed.
    let mut other = request;
    other.body = b"{ }".to_vec();
    other.set("x-amz-content-sha256", &hex::encode(&sha256(b"{ }")));
    assert_eq!(other.verify(NOW, &kms()).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn an_unsigned_body_is_taken_where_that_is_allowed() {
    let order = Order { service: "s3", state_payload: true, unsigned_payload: true, ..Order::default() };
    let mut request = order.sign();
    request.body = b"anything".to_vec();
    assert_eq!(request.parse(NOW, &s3()).unwrap().payload_mode(), PayloadMode::Unsigned);
    request.verify(NOW, &s3()).unwrap();
    let strict = Expected { payload: PayloadRules::Whole, ..s3() };
    assert_eq!(request.parse(NOW, &strict).unwrap_err(), unsupported("UNSIGNED-PAYLOAD"));
}

#[test]
fn s3_wants_the_payload_signed_in_a_header_and_not_in_a_url() {
    let header = Order { service: "s3", ..Order::default() }.sign();
    assert_eq!(header.parse(NOW, &s3()).unwrap_err(), AuthError::PayloadNotStated);
    let url =
        Order { service: "s3", method: "PUT", expires: Some(60), unsigned_payload: true, ..Order::default() };
    let mut url = url.sign();
    url.body = b"anything".to_vec();
    url.verify(NOW, &s3()).unwrap();
}

#[test]
fn a_url_for_another_service_signs_the_body() {
    let order = Order {
        method: "GET",
        path_and_query: "/?Action=GetCallerIdentity&Version=2011-06-15".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        expires: Some(60),
        service: "sts",
        ..Order::default()
    };
    let sts = Expected::service("sts", &|_| true);
    let mut request = order.sign();
    request.verify(NOW, &sts).unwrap();
    request.body = b"Action=AssumeRole".to_vec();
    assert_eq!(request.verify(NOW, &sts).unwrap_err(), AuthError::SignatureMismatch);
    let unsigned = Order { unsigned_payload: true, ..order }.sign();
    assert_eq!(unsigned.verify(NOW, &sts).unwrap_err(), AuthError::SignatureMismatch);
}

#[test]
fn a_url_may_state_its_payload() {
    let path_and_query = "/key?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD".to_owned();
    let order = Order {
        service: "s3",
        expires: Some(60),
        unsigned_payload: true,
        path_and_query,
        ..Order::default()
    };
    order.sign().verify(NOW, &s3()).unwrap();

    let digest = hex::encode(&sha256(b"{}"));
    let path_and_query = format!("/?X-Amz-Content-Sha256={digest}");
    let mut request = Order { expires: Some(60), path_and_query, ..Order::default() }.sign();
    request.verify(NOW, &kms()).unwrap();
    request.body = b"{ }".to_vec();
    assert_eq!(request.verify(NOW, &kms()).unwrap_err(), AuthError::PayloadMismatch);
}

#[test]
fn chunks_are_for_s3_alone() {
    for (mode, chunks) in [
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", Chunks::Signed),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", Chunks::SignedWithTrailers),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", Chunks::Unsigned),
    ] {
        let request = stating(mode);
        assert_eq!(request.parse(NOW, &s3()).unwrap().payload_mode(), PayloadMode::Chunks(chunks));
        let whole = Expected { payload: PayloadRules::Whole, ..s3() };
        assert_eq!(request.parse(NOW, &whole).unwrap_err(), unsupported(mode));
    }
    let mode = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";
    assert_eq!(stating(mode).parse(NOW, &s3()).unwrap_err(), unsupported(mode));
}

#[test]
fn a_url_for_s3_says_how_long_it_is_good_for() {
    let order = Order { service: "s3", expires: Some(60), unsigned_payload: true, ..Order::default() };
    let mut request = order.sign();
    request.path_and_query = request.path_and_query.replace("X-Amz-Expires=60&", "");
    let missing = AuthError::IncompleteQuery { missing: vec!["X-Amz-Expires"] };
    assert_eq!(request.parse(NOW, &s3()).unwrap_err(), missing);
}

#[test]
fn s3_lets_clocks_differ_by_fifteen_minutes() {
    let minutes = |minutes: i64| NOW + minutes * 60_000;
    let request = Order { service: "s3", state_payload: true, ..Order::default() }.sign();
    for good in [-15, 15] {
        request.verify(minutes(good), &s3()).unwrap();
    }
    for bad in [-16, 16] {
        let error = request.parse(minutes(bad), &s3()).unwrap_err();
        assert_eq!(error.render(strongroom_sigv4::Framing::RestXml).code, "RequestTimeTooSkewed");
    }
}

#[test]
fn a_digest_has_one_spelling() {
    let digest = hex::encode(&sha256(b"{}"));
    for value in
        ["", "unsigned-payload", "required", &digest[..63], &format!("{digest}0"), &digest.to_uppercase()]
    {
        assert_eq!(
            stating(value).parse(NOW, &s3()).unwrap_err(),
            AuthError::MalformedPayloadDigest,
            "{value}"
        );
    }
}
