//! Requests for S3: which they are, who made them, and how they are answered and recorded.

use std::sync::Arc;

use strongroom_server::Limits;

use crate::rig::{NOW_MS, Rig, Setup};
use crate::shelf::Shelf;
use crate::signing::{Order, Request};
use crate::wire::Answer;

pub(crate) async fn rig(limits: Limits) -> (Rig, Arc<Shelf>) {
    let shelf = Shelf::new();
    let rig = Rig::of(Setup { limits, shelf: Some(shelf.clone()), ..Setup::default() }).await;
    (rig, shelf)
}

/// A request that nobody signed.
fn unsigned(method: &'static str, target: &str, body: &str) -> Request {
    let host = ("host".to_owned(), crate::rig::HOST.to_owned());
    Request { method, target: target.to_owned(), headers: vec![host], body: body.into() }
}

/// The text of an element of an error.
pub(crate) fn element(answer: &Answer, name: &str) -> Option<String> {
    let rest = answer.text().split_once(&format!("<{name}>"))?.1;
    Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
}

pub(crate) fn code(answer: &Answer) -> (u16, String) {
    (answer.status, element(answer, "Code").unwrap_or_else(|| panic!("{answer:?}")))
}

#[tokio::test]
async fn objects_are_put_and_got() {
    let (rig, shelf) = rig(Limits::default()).await;
    let put = rig.call(&Order::s3("PUT", "/b/a%20b//c", "hello").sign()).await;
    assert_eq!((put.status, put.text()), (200, ""));
    assert_eq!(put.header("x-amz-server-side-encryption"), Some("AES256"));
    assert_eq!(shelf.object("a b//c").unwrap(), "hello");

    let got = rig.call(&Order::s3("GET", "/b/a%20b//c", "").sign()).await;
    assert_eq!((got.status, got.text()), (200, "hello"));
    assert_eq!(got.header("content-type"), Some("text/plain"));
    assert_eq!(got.header("server"), Some("AmazonS3"));
    let id = got.header("x-amz-request-id").unwrap();
    assert!(
        id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
        "{id}"
    );

    let records = rig.records.all();
    let [put, got] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((put.event_source.as_str(), put.event_name.as_str()), ("s3.amazonaws.com", "PutObject"));
    let asked = r#"{"bucketName":"b","key":"a b//c","Host":"doors.example.com"}"#;
    assert_eq!(put.request_parameters.as_deref(), Some(asked));
    assert_eq!(put.response_elements.as_deref(), Some(r#"{"x-amz-server-side-encryption":"AES256"}"#));
    assert_eq!((got.request_id.as_str(), got.response_elements.as_deref()), (id, None));
    for (record, in_and_out) in [(put, (5, 0)), (got, (0, 5))] {
        let additional: serde_json::Value =
            serde_json::from_str(record.additional_event_data.as_ref().unwrap()).unwrap();
        assert_eq!(additional["SignatureVersion"], "SigV4");
        assert_eq!(additional["AuthenticationMethod"], "AuthHeader");
        assert_eq!(additional["bytesTransferredIn"], in_and_out.0);
        assert_eq!(additional["bytesTransferredOut"], in_and_out.1);
        assert!(additional["x-amz-id-2"].is_string());
    }
}

#[tokio::test]
async fn heads_have_lengths_and_no_bodies() {
    let (rig, shelf) = rig(Limits::default()).await;
    shelf.put("k", "hello");
    let mut wire = rig.connect().await;
    wire.send(Order::s3("HEAD", "/b/k", "").sign().bytes()).await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
    // The connection is good for more.
    wire.send(Order::s3("HEAD", "/b/none", "").sign().bytes()).await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("x-amz-delete-marker")), (404, Some("true")));
    assert_eq!(wire.call(&Order::s3("GET", "/b/k", "").sign()).await.text(), "hello");
}

#[tokio::test]
async fn errors_are_s3s_and_recorded() {
    let (rig, _) = rig(Limits::default()).await;
    let answer = rig.call(&Order::s3("GET", "/b/none", "").sign()).await;
    assert_eq!(code(&answer), (404, "NoSuchKey".to_owned()));
    assert_eq!(element(&answer, "Key").as_deref(), Some("none"));
    assert_eq!(element(&answer, "RequestId").as_deref(), answer.header("x-amz-request-id"));
    assert_eq!(element(&answer, "HostId").as_deref(), answer.header("x-amz-id-2"));
    assert_eq!(answer.header("content-type"), Some("application/xml"));
    let answer = rig.call(&Order::s3("GET", "/b?list-type=2&max-keys=x", "").sign()).await;
    assert_eq!(code(&answer), (400, "InvalidArgument".to_owned()));
    assert_eq!(element(&answer, "ArgumentName").as_deref(), Some("max-keys"));
    let answer = rig.call(&Order::s3("GET", "/b?versioning", "").sign()).await;
    assert_eq!(code(&answer), (501, "NotImplemented".to_owned()));
    let codes: Vec<_> = rig.records.all().into_iter().map(|record| record.error_code.unwrap()).collect();
    assert_eq!(codes, ["NoSuchKey", "InvalidArgument", "NotImplemented"]);
    // What is no operation is nobody's call.
    let answer = rig.call(&Order::s3("PATCH", "/b/k", "").sign()).await;
    assert_eq!(code(&answer), (405, "MethodNotAllowed".to_owned()));
    assert_eq!(rig.records.len(), 3);
}

#[tokio::test]
async fn requests_for_others_stay_theirs() {
    let (rig, _) = rig(Limits::default()).await;
    for (order, status) in [
        (Order::json("GetDoor", r#"{"DoorId":"front"}"#), 200),
        (Order::query("GetDoor", "&DoorId=front"), 200),
        (Order::url("GetDoor", "&DoorId=front"), 200),
        (Order::cbor("GetDoor", b"\xA1\x66DoorId\x65front"), 200),
        // It names no operation of its service, and is not signed for S3.
        (
            Order { method: "GET", target: "/b/k".to_owned(), headers: Vec::new(), ..Order::json("x", "") },
            400,
        ),
    ] {
        let answer = rig.call(&order.sign()).await;
        assert_eq!((answer.status, answer.header("x-amz-request-id")), (status, None), "{order:?}");
    }
    // Nobody signs these.
    for (method, target) in [("GET", "/"), ("GET", "/_strongroom/nothing"), ("GET", "/?Action=GetDoor")] {
        let answer = rig.call(&unsigned(method, target, "")).await;
        assert_eq!(answer.header("x-amz-request-id"), None, "{target}");
    }
    assert_eq!(rig.call(&unsigned("GET", "/_strongroom/health", "")).await.status, 200);
    // What is in an object's headers says nothing of the request.
    let put = Order::s3("PUT", "/b/k", "{}").header("content-type", "application/x-amz-json-1.1");
    assert_eq!(rig.call(&put.sign()).await.status, 200);
    let put = Order::s3("PUT", "/b/k", "a=b").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(rig.call(&put.sign()).await.status, 200);
    assert_eq!(rig.call(&Order::s3("GET", "/", "").sign()).await.status, 200);
    // The signature is read where it is asked for.
    assert_eq!(rig.call(&Order::s3("GET", "/b/service/a/operation/b", "").sign()).await.status, 404);
}

#[tokio::test]
async fn who_is_not_known_reads_s3s_words() {
    let (rig, _) = rig(Limits::default()).await;
    let get = || Order::s3("GET", "/b/k?b=%20&a", "");
    let minutes = |minutes: i64| NOW_MS + minutes * 60_000;

    let answer = rig.call(&unsigned("GET", "/b/k", "")).await;
    assert_eq!(code(&answer), (403, "AccessDenied".to_owned()));
    assert_eq!(element(&answer, "Message").as_deref(), Some("Access Denied"));

    let answer = rig.call(&Order { secret: "other", ..get() }.sign()).await;
    assert_eq!(code(&answer), (403, "SignatureDoesNotMatch".to_owned()));
    assert_eq!(element(&answer, "AWSAccessKeyId").as_deref(), Some("AKIDEXAMPLE"));
    let to_sign = element(&answer, "StringToSign").unwrap();
    assert!(
        to_sign.starts_with("AWS4-HMAC-SHA256&#xA;20150830T123600Z&#xA;20150830/us-east-1/s3/"),
        "{to_sign}"
    );
    let canonical = element(&answer, "CanonicalRequest").unwrap();
    assert!(
        canonical.starts_with("GET&#xA;/b/k&#xA;a=&amp;b=%20&#xA;host:doors.example.com&#xA;"),
        "{canonical}"
    );
    assert!(element(&answer, "CanonicalRequestBytes").unwrap().starts_with("47 45 54 0a"));
    assert_eq!(element(&answer, "SignatureProvided").unwrap().len(), 64);

    let answer = rig.call(&Order { access_key_id: "AKIDOTHER", ..get() }.sign()).await;
    assert_eq!(code(&answer), (403, "InvalidAccessKeyId".to_owned()));
    assert_eq!(element(&answer, "AWSAccessKeyId").as_deref(), Some("AKIDOTHER"));

    for late in [-16, 16] {
        let answer = rig.call(&Order { signed_at_ms: minutes(late), ..get() }.sign()).await;
        assert_eq!(code(&answer), (403, "RequestTimeTooSkewed".to_owned()));
        assert_eq!(element(&answer, "MaxAllowedSkewMilliseconds").as_deref(), Some("900000"));
        assert_eq!(element(&answer, "ServerTime").as_deref(), Some("2015-08-30T12:36:00Z"));
        assert!(element(&answer, "RequestTime").is_some());
    }
    let fresh = rig.call(&Order { signed_at_ms: minutes(-14), ..get() }.sign()).await;
    assert_eq!(code(&fresh), (404, "NoSuchKey".to_owned()));

    let answer = rig.call(&get().sign().without("x-amz-content-sha256")).await;
    assert_eq!(code(&answer).1, "SignatureDoesNotMatch", "it is named as signed");
    let answer =
        rig.call(&get().sign().alter("authorization", |_| Some("AWS AKID:signature".to_owned()))).await;
    assert_eq!(code(&answer), (400, "InvalidRequest".to_owned()));
    let answer = rig.call(&Order { region: "moon", ..get() }.sign()).await;
    assert_eq!(code(&answer), (400, "AuthorizationHeaderMalformed".to_owned()));
    assert_eq!(rig.records.all().len(), 1, "nobody's calls are not recorded");
}

#[tokio::test]
async fn urls_are_good_for_as_long_as_they_say() {
    let (rig, shelf) = rig(Limits::default()).await;
    shelf.put("k", "hello");
    let url = |age: i64, expires: u64| {
        let signed_at_ms = NOW_MS - age * 1_000;
        Order { expires: Some(expires), signed_at_ms, ..Order::s3("GET", "/b/k", "") }.sign()
    };
    let got = rig.call(&url(86_400, 604_800)).await;
    assert_eq!((got.status, got.text()), (200, "hello"));
    let record = rig.records.only();
    assert!(record.additional_event_data.unwrap().contains(r#""AuthenticationMethod":"QueryString""#));
    let asked = record.request_parameters.unwrap();
    assert!(asked.contains(r#""X-Amz-Expires":"604800""#) && !asked.contains("X-Amz-Signature"), "{asked}");

    let answer = rig.call(&url(61, 60)).await;
    assert_eq!(code(&answer), (403, "AccessDenied".to_owned()));
    assert_eq!(element(&answer, "Message").as_deref(), Some("Request has expired"));
    assert_eq!(element(&answer, "Expires").as_deref(), Some("2015-08-30T12:35:59Z"));
    assert_eq!(element(&answer, "X-Amz-Expires").as_deref(), Some("60"));
    let answer = rig.call(&url(0, 604_801)).await;
    assert_eq!(code(&answer), (400, "AuthorizationQueryParametersError".to_owned()));

    let put = Order { expires: Some(60), ..Order::s3("PUT", "/b/new", "anything") }.sign();
    assert_eq!(rig.call(&put).await.status, 200);
    assert_eq!(shelf.object("new").unwrap(), "anything");
    // A header that S3 acts upon has to be signed with the URL.
    let mut put = Order { expires: Some(60), ..Order::s3("PUT", "/b/new", "") }.sign();
    put.headers.push(("x-amz-acl".to_owned(), "public-read".to_owned()));
    let answer = rig.call(&put).await;
    assert_eq!(code(&answer), (403, "AccessDenied".to_owned()));
    assert_eq!(element(&answer, "HeadersNotSigned").as_deref(), Some("x-amz-acl"));
}

/// SDKs put metadata into the URL, of which whoever uses it knows nothing.
#[tokio::test]
async fn a_presigned_url_carries_metadata() {
    let (rig, shelf) = rig(Limits::default()).await;
    let target = "/b/k?x-amz-meta-team=a%20b";
    let put = Order { expires: Some(60), ..Order::s3("PUT", target, "anything") }.sign();
    assert_eq!(rig.call(&put).await.status, 200);
    assert_eq!(shelf.object("k: team").unwrap(), "a b");
    let put = Order::s3("PUT", "/b/plain?x-amz-meta-team=a", "anything").sign();
    assert_eq!(rig.call(&put).await.status, 200);
    assert_eq!(shelf.object("plain: team"), None, "it is no presigned URL");
}

/// What is signed and cannot be carried out is said, and not left away.
#[tokio::test]
async fn a_presigned_url_carries_what_headers_can_hold() {
    let (rig, shelf) = rig(Limits::default()).await;
    for (query, named) in [
        ("x-amz-meta-team=a%0Ax-amz-meta-other%3Ab", "x-amz-meta-team"),
        ("x-amz-acl=private%0D", "x-amz-acl"),
        ("x-amz-meta-a%20b=c", "x-amz-meta-a b"),
        // Whoever holds the URL would choose.
        ("x-amz-acl=private&x-amz-acl=public-read", "x-amz-acl"),
        ("x-amz-acl=private&X-Amz-Acl=public-read", "X-Amz-Acl"),
        ("X-Amz-Meta-Team=a&x-amz-meta-team=b", "x-amz-meta-team"),
    ] {
        let put =
            Order { expires: Some(60), ..Order::s3("PUT", &format!("/b/k?{query}"), "anything") }.sign();
        let answer = rig.call(&put).await;
        assert_eq!(code(&answer), (400, "InvalidArgument".to_owned()), "{query}");
        assert_eq!(element(&answer, "ArgumentName").as_deref(), Some(named));
    }
    assert_eq!(shelf.object("k"), None);
    let records = rig.records.all();
    assert_eq!(records.len(), 6);
    assert!(records.iter().all(|record| record.error_code.as_deref() == Some("InvalidArgument")));
}

#[tokio::test]
async fn documents_are_proved_before_they_are_acted_on() {
    let (rig, shelf) = rig(Limits { document_bytes: 1_000, ..Limits::default() }).await;
    let put = |body: &str| Order::s3("PUT", "/b?policy", body);
    assert_eq!(rig.call(&put("{}").sign()).await.status, 200);
    assert_eq!(shelf.object("policy").unwrap(), "{}");
    let mut other = put("{}").sign();
    other.body = b"[]".to_vec();
    let sums = |name: &str, sum: &str| put("{}").header(name, sum).sign();
    for (request, status, expected) in [
        (other, 400, "XAmzContentSHA256Mismatch"),
        (sums("content-md5", "mZFLkyvTelC5g8XnyQrpOw=="), 200, ""),
        (sums("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="), 400, "BadDigest"),
        (sums("content-md5", "short"), 400, "InvalidDigest"),
        (sums("x-amz-checksum-crc32", "o7/4tg=="), 400, "BadDigest"),
        (sums("x-amz-checksum-sha256", "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="), 200, ""),
        (put(&"x".repeat(1_001)).sign(), 400, "MaxMessageLengthExceeded"),
        (put("").sign(), 400, "MissingRequestBodyError"),
    ] {
        let answer = rig.call(&request).await;
        let found = if answer.status == 200 { (200, String::new()) } else { code(&answer) };
        assert_eq!(found, (status, expected.to_owned()), "{request:?}");
    }
}

/// Amazon S3 API Reference, CompleteMultipartUpload: the checksum in its headers is that of the object.
#[tokio::test]
async fn the_sum_of_an_upload_is_not_that_of_the_list_of_its_parts() {
    let (rig, shelf) = rig(Limits::default()).await;
    let parts = "<CompleteMultipartUpload><Part><ETag>e</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>";
    for sum in ["AAAAAA==", "AAAAAA==-3"] {
        let complete =
            Order::s3("POST", "/b/whole?uploadId=u", parts).header("x-amz-checksum-crc32", sum).sign();
        let answer = rig.call(&complete).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(shelf.object("whole").unwrap(), sum);
    }
    let mut altered = Order::s3("POST", "/b/whole?uploadId=u", parts).sign();
    altered.body.push(b' ');
    assert_eq!(code(&rig.call(&altered).await), (400, "XAmzContentSHA256Mismatch".to_owned()));
}

/// What the stock command line makes for us-east-1.
#[tokio::test]
async fn links_of_the_old_kind_are_taken() {
    let (rig, shelf) = rig(Limits::default()).await;
    shelf.put("k", "hello");
    let url =
        "/b/k?AWSAccessKeyId=AKIDEXAMPLE&Signature=%2FR6vVIs0Pl%2FXVjHlBBPfnqU4buY%3D&Expires=1440941760";
    let got = rig.call(&unsigned("GET", url, "")).await;
    assert_eq!((got.status, got.text()), (200, "hello"), "{url}");
    let record = rig.records.only();
    assert!(record.additional_event_data.unwrap().contains(r#""SignatureVersion":"SigV2""#));
    let asked = record.request_parameters.unwrap();
    assert!(!asked.contains("Signature") && record.region == "us-east-1", "{asked}");
    let answer = rig.call(&unsigned("PUT", url, "hello")).await;
    assert_eq!(code(&answer), (403, "SignatureDoesNotMatch".to_owned()));
    let answer = rig.call(&unsigned("GET", &url.replace("Expires=1", "Expires=0"), "")).await;
    assert_eq!(element(&answer, "Message").as_deref(), Some("Request has expired"));
    let answer = rig.call(&unsigned("GET", &url.replace("AKIDEXAMPLE", "AKIDOTHER"), "")).await;
    assert_eq!(code(&answer), (403, "InvalidAccessKeyId".to_owned()));
}

/// What a link of the old kind is signed for is one operation, and no parameter makes another of it.
#[tokio::test]
async fn links_of_the_old_kind_are_for_what_they_were_made_for() {
    let (rig, _) = rig(Limits::default()).await;
    let url = "/b?AWSAccessKeyId=AKIDEXAMPLE&Signature=DXuzJnJq7jg5VIP4oc3hp88zCwk%3D&Expires=1440941760";
    // The shelf lists nothing, but knows who asks.
    for more in ["", "&x-id=ListObjects", "&prefix=a"] {
        let listed = rig.call(&unsigned("GET", &format!("{url}{more}"), "")).await;
        assert_eq!(code(&listed), (501, "NotImplemented".to_owned()), "{more}");
    }
    assert_eq!(rig.records.len(), 3);
    for part in
        ["encryption", "ownershipControls", "policyStatus", "acl", "policy", "versioning", "%65ncryption"]
    {
        let answer = rig.call(&unsigned("GET", &format!("{url}&{part}"), "")).await;
        assert_eq!(code(&answer), (403, "SignatureDoesNotMatch".to_owned()), "{part}");
    }
}

/// Nor does one give what is put another list or other metadata.
#[tokio::test]
async fn links_of_the_old_kind_carry_what_is_signed() {
    let (rig, shelf) = rig(Limits::default()).await;
    let plain = "/b/plain?AWSAccessKeyId=AKIDEXAMPLE&Expires=1440941760&Signature=Q%2FH9dbAL%2F158brudwEG%2Ba3%2FJ%2F%2FI%3D";
    for more in
        ["X-Amz-Acl=public-read", "X%2DAmz%2DAcl=public-read", "X-AMZ-META-team=x", "x-amz-meta-team=x"]
    {
        let answer = rig.call(&unsigned("PUT", &format!("{plain}&{more}"), "anything")).await;
        assert_eq!(code(&answer), (403, "SignatureDoesNotMatch".to_owned()), "{more}");
    }
    assert_eq!(shelf.object("plain"), None);
    assert_eq!(rig.call(&unsigned("PUT", plain, "anything")).await.status, 200);

    let link = |carried: &str| {
        format!(
            "/b/k?{carried}&AWSAccessKeyId=AKIDEXAMPLE&Expires=1440941760&Signature=5BBW8jIEGFQ%2B0W88Z2Hp3l8pAGY%3D"
        )
    };
    let together = link("x-amz-acl=private%0Ax-amz-meta-team%3Aa%20b");
    let answer = rig.call(&unsigned("PUT", &together, "anything")).await;
    assert_eq!(code(&answer), (403, "SignatureDoesNotMatch".to_owned()));
    assert_eq!(shelf.object("k"), None);
    let apart = link("x-amz-acl=private&x-amz-meta-team=a%20b");
    assert_eq!(rig.call(&unsigned("PUT", &apart, "anything")).await.status, 200);
    assert_eq!(shelf.object("k: team").unwrap(), "a b");
}

#[tokio::test]
async fn buckets_in_the_name_of_the_host_are_not_taken_for_something_else() {
    let (rig, shelf) = rig(Limits::default()).await;
    // `PUT /k` at a bucket's own address would make a bucket.
    for (method, target) in
        [("PUT", "/k?x-id=PutObject"), ("DELETE", "/k?x-id=DeleteObject"), ("GET", "/k?x-id=GetObject")]
    {
        let answer = rig.call(&Order::s3(method, target, "").sign()).await;
        assert_eq!(code(&answer), (400, "InvalidRequest".to_owned()), "{method} {target}");
        assert!(answer.text().contains("forcePathStyle"), "{answer:?}");
    }
    let mut request = Order::s3("PUT", "/b/k", "hello").sign();
    for (name, value) in &mut request.headers {
        if name == "host" {
            "b.localhost:4566".clone_into(value);
        }
    }
    assert_eq!(code(&rig.call(&request).await), (400, "InvalidRequest".to_owned()));
    assert!(shelf.object("k").is_none());
    let put = rig.call(&Order::s3("PUT", "/b/k?x-id=PutObject", "hello").sign()).await;
    assert_eq!((put.status, shelf.object("k").unwrap().len()), (200, 5));
    assert_eq!(rig.records.len(), 1);
}
