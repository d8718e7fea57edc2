//! rest-xml on the API that it is there for: S3's.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use strongroom_api_s3 as s3;
use strongroom_protocols::Limits;
use strongroom_protocols::envelope::{self, ErrorView, Framing};
use strongroom_protocols::rest::{Fault, Request, Routes};
use strongroom_protocols::trail;
use strongroom_schema::{ByteStream, Fault as Whose, Map, QueryError, Structure, Timestamp};

use crate::envelope::whole;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// The name of the operation, or the code of the refusal.
fn route(method: &str, uri: &str, pairs: &[(&str, &str)]) -> &'static str {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let routes = Routes::of(&s3::SERVICE);
    match routes.find(&method.parse().unwrap(), path, query, &headers(pairs)) {
        Ok(called) => s3::SERVICE.operations[called.position].name,
        Err(fault) => fault.code,
    }
}

/// Reads a request into the input of the operation that it is for.
fn read<T: Structure + Default>(
    method: &str,
    uri: &str,
    pairs: &[(&str, &str)],
    body: &str,
) -> Result<T, Fault> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let headers = headers(pairs);
    let called = Routes::of(&s3::SERVICE).find(&method.parse().unwrap(), path, query, &headers)?;
    let operation = &s3::SERVICE.operations[called.position];
    let mut input = T::default();
    assert!(std::ptr::eq(operation.input, input.schema()), "{} is another operation", operation.name);
    let request = Request { called: &called, headers: &headers, body: body.as_bytes() };
    request.read(operation, &mut input, &Limits::default())?;
    Ok(input)
}

fn written(operation: &str, mut output: impl Structure) -> http::Response<Bytes> {
    let at = s3::SERVICE.position(operation).unwrap();
    let operation = &s3::SERVICE.operations[at];
    envelope::success(Framing::RestXml, &s3::SERVICE, operation, &mut output, "R").map(whole)
}

fn text(response: &http::Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[test]
fn methods_paths_parameters_and_headers_tell_operations_apart() {
    let copy = &[("x-amz-copy-source", "/b/k")][..];
    for (method, uri, with, operation) in [
        ("GET", "/", &[][..], "ListBuckets"),
        ("GET", "/?x-id=ListBuckets", &[], "ListBuckets"),
        ("PUT", "/b", &[], "CreateBucket"),
        ("PUT", "/b/", &[], "CreateBucket"),
        ("HEAD", "/b", &[], "HeadBucket"),
        ("DELETE", "/b", &[], "DeleteBucket"),
        ("GET", "/b", &[], "ListObjects"),
        ("GET", "/b/?prefix=acl&delimiter=%2F", &[], "ListObjects"),
        ("GET", "/b?list-type=2&prefix=a", &[], "ListObjectsV2"),
        ("GET", "/b?list-type=1", &[], "ListObjects"),
        ("GET", "/b?versions", &[], "ListObjectVersions"),
        ("GET", "/b?uploads", &[], "ListMultipartUploads"),
        ("GET", "/b?location", &[], "GetBucketLocation"),
        ("GET", "/b?policy=", &[], "GetBucketPolicy"),
        ("GET", "/b?policyStatus", &[], "GetBucketPolicyStatus"),
        ("GET", "/b?analytics", &[], "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=1", &[], "GetBucketAnalyticsConfiguration"),
        ("POST", "/b?delete", &[], "DeleteObjects"),
        ("PUT", "/b/k", &[], "PutObject"),
        ("PUT", "/b/k", copy, "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", &[], "UploadPart"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", copy, "UploadPartCopy"),
        ("PUT", "/b/k?acl", &[], "PutObjectAcl"),
        ("GET", "/b/k", &[], "GetObject"),
        ("GET", "/b/k?partNumber=1&versionId=v", &[], "GetObject"),
        ("GET", "/b//", &[], "GetObject"),
        ("GET", "/b/%3Facl", &[], "GetObject"),
        ("GET", "/b/k?uploadId=u", &[], "ListParts"),
        ("GET", "/b/k?attributes", &[], "GetObjectAttributes"),
        ("HEAD", "/b/k?versionId=v", &[], "HeadObject"),
        ("POST", "/b/k?uploads", &[], "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", &[], "CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", &[], "AbortMultipartUpload"),
        ("DELETE", "/b/k", &[], "DeleteObject"),
        // What S3 has and is not here is not taken for what is here.
        ("GET", "/b/k?torrent", &[], "NotImplemented"),
        ("POST", "/b/k?restore", &[], "NotImplemented"),
        ("GET", "/b?session", &[], "NotImplemented"),
        ("POST", "/b", &[], "MethodNotAllowed"),
        ("POST", "/", &[], "MethodNotAllowed"),
        ("PATCH", "/b/k", &[], "MethodNotAllowed"),
        ("DELETE", "/b?acl", &[], "MethodNotAllowed"),
        ("GET", "/b?acl&policy", &[], "InvalidArgument"),
        ("GET", "//", &[], "MethodNotAllowed"),
        ("GET", "/b/%zz", &[], "InvalidURI"),
        ("GET", "/b/%ff", &[], "InvalidURI"),
        ("GET", "/b?prefix=%", &[], "InvalidURI"),
    ] {
        assert_eq!(route(method, uri, with), operation, "{method} {uri}");
    }
}

#[test]
fn every_operation_can_be_called() {
    for operation in s3::SERVICE.operations {
        let uri = operation.http.uri.replace("{Bucket}", "b").replace("{Key+}", "k");
        let required = operation.input.members().iter().filter(|member| member.required);
        let (mut uri, mut with) = (uri, Vec::new());
        for member in required {
            match member.traits.location {
                strongroom_schema::Location::QueryString => {
                    uri.push(if uri.contains('?') { '&' } else { '?' });
                    uri.push_str(member.traits.wire_name.unwrap());
                    uri.push_str("=1");
                }
                strongroom_schema::Location::Header => with.push((member.traits.wire_name.unwrap(), "x")),
                _ => {}
            }
        }
        assert_eq!(route(operation.http.method, &uri, &with), operation.name);
    }
}

#[test]
fn conflicts_and_methods_are_refused_in_s3s_words() {
    let routes = Routes::of(&s3::SERVICE);
    let refused =
        |method: Method, query: &str| routes.find(&method, "/b", query, &HeaderMap::new()).unwrap_err();
    let conflict = refused(Method::GET, "acl&policy");
    assert_eq!(conflict.message, "Conflicting query string parameters: acl, policy");
    let method = refused(Method::PATCH, "");
    assert_eq!(
        (method.http_status, method.message.as_ref()),
        (405, "The specified method is not allowed against this resource.")
    );
    assert_eq!(method.details, [("Method", "PATCH".to_owned()), ("ResourceType", "BUCKET".to_owned())]);
}

#[test]
fn names_are_decoded_once() {
    for (path, key) in [
        ("/b/a%20b+c", "a b+c"),
        ("/b/%2525", "%25"),
        ("/b//a//", "/a//"),
        ("/b/../x", "../x"),
        ("/b/%2F%2e", "/."),
        ("/b/%E2%82%AC", "\u{20ac}"),
    ] {
        let input: s3::HeadObjectRequest = read("HEAD", path, &[], "").unwrap();
        assert_eq!((input.bucket.as_str(), input.key.as_str()), ("b", key));
    }
    let input: s3::ListObjectsV2Request =
        read("GET", "/b?list-type=2&prefix=a+b%2Bc&delimiter=&max-keys=7&fetch-owner=true", &[], "").unwrap();
    assert_eq!(input.prefix.as_deref(), Some("a b+c"));
    assert_eq!(input.delimiter.as_deref(), Some(""));
    assert_eq!((input.max_keys, input.fetch_owner, input.start_after), (Some(7), Some(true), None));
}

#[test]
fn headers_are_read() {
    let input: s3::PutObjectRequest = read(
        "PUT",
        "/b/k",
        &[
            ("x-amz-acl", "bucket-owner-full-control"),
            ("content-type", "text/plain"),
            ("content-encoding", "aws-chunked, gzip"),
            ("content-length", "90"),
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-meta-One", "1"),
            ("x-amz-meta-name", "\u{20ac}"),
            ("x-amz-meta-name", "b"),
            ("x-amz-object-lock-retain-until-date", "2030-01-02T03:04:05Z"),
            ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
            ("expires", "whenever"),
        ],
        "",
    )
    .unwrap();
    assert_eq!(input.acl, Some(s3::ObjectCannedACL::BucketOwnerFullControl));
    assert_eq!(input.content_type.as_deref(), Some("text/plain"));
    assert_eq!(input.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(input.content_length, Some(5));
    let metadata = input.metadata.unwrap();
    assert_eq!(
        (metadata.get("one").unwrap().as_str(), metadata.get("name").unwrap().as_str()),
        ("1", "\u{20ac},b")
    );
    assert_eq!(input.object_lock_retain_until_date, Timestamp::parse_iso8601("2030-01-02T03:04:05Z"));
    assert_eq!(input.bucket_key_enabled, Some(true));
    assert_eq!(input.expires.as_deref(), Some("whenever"));
    assert!(input.body.is_none(), "whoever has the stream puts it there");
}

#[test]
fn conditions_without_a_date_are_none() {
    let since = |date| {
        let input: s3::GetObjectRequest = read("GET", "/b/k", &[("if-modified-since", date)], "").unwrap();
        input.if_modified_since
    };
    assert_eq!(since("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp::from_millis(784_111_777_000)));
    assert_eq!(since("yesterday"), None);
}

#[test]
fn values_that_cannot_be_are_refused_with_their_names() {
    let fault = read::<s3::ListObjectsRequest>("GET", "/b?max-keys=many", &[], "").unwrap_err();
    assert_eq!((fault.code, fault.http_status), ("InvalidArgument", 400));
    assert_eq!(fault.message, "Provided max-keys not an integer or within integer range");
    let details = [("ArgumentName", "max-keys".to_owned()), ("ArgumentValue", "many".to_owned())];
    assert_eq!(fault.details, details);
    let fault = read::<s3::ListObjectsRequest>("GET", "/b?marker=a&marker=b", &[], "").unwrap_err();
    assert_eq!(fault.code, "InvalidArgument");
    let fault = read::<s3::GetObjectAttributesRequest>("GET", "/b/k?attributes", &[], "").unwrap_err();
    assert_eq!(fault.message, "Missing required header for this request: x-amz-object-attributes");
}

#[test]
fn documents_are_read() {
    let body = "<?xml version='1.0' encoding='UTF-8'?>\n<!-- two --><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <Object><Key> a &amp; b</Key></Object>\n <Quiet>true</Quiet>\
        <Object><VersionId>v</VersionId><Key>&#x20ac;<![CDATA[<]]></Key></Object></Delete>";
    let input: s3::DeleteObjectsRequest = read("POST", "/b?delete", &[], body).unwrap();
    let objects: Vec<_> =
        input.delete.objects.iter().map(|it| (it.key.as_str(), it.version_id.as_deref())).collect();
    assert_eq!(objects, [(" a & b", None), ("\u{20ac}<", Some("v"))]);
    assert_eq!(input.delete.quiet, Some(true));

    let body = "<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>g</ID></Grantee>\
        <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>";
    let input: s3::PutBucketAclRequest = read("PUT", "/b?acl", &[], body).unwrap();
    let grants = input.access_control_policy.unwrap().grants.unwrap();
    let grantee = grants[0].grantee.as_ref().unwrap();
    assert_eq!(
        (grants.len(), &grantee.r#type, grantee.id.as_deref()),
        (1, &s3::Type::CanonicalUser, Some("g"))
    );

    let input: s3::CreateBucketRequest = read("PUT", "/b", &[], "").unwrap();
    assert!(input.create_bucket_configuration.is_none());
    let body = "<CreateBucketConfiguration><LocationConstraint>moon</LocationConstraint></CreateBucketConfiguration>";
    let input: s3::CreateBucketRequest = read("PUT", "/b", &[], body).unwrap();
    let place = input.create_bucket_configuration.unwrap().location_constraint.unwrap();
    assert_eq!(place, s3::BucketLocationConstraint::Unknown("moon".to_owned()));

    let input: s3::PutBucketPolicyRequest = read("PUT", "/b?policy", &[], "{ }").unwrap();
    assert_eq!(input.policy, "{ }");
}

#[test]
fn documents_that_are_not_of_the_schema_are_malformed() {
    let wrong = |uri: &str, body: &str| match uri {
        "/b?versioning" => read::<s3::PutBucketVersioningRequest>("PUT", uri, &[], body).unwrap_err(),
        _ => read::<s3::PutBucketTaggingRequest>("PUT", uri, &[], body).unwrap_err(),
    };
    let tags = |inner: &str| format!("<Tagging><TagSet>{inner}</TagSet></Tagging>");
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    for body in [
        "{}",
        "<Tagging>",
        "<Tagging></Taggin>",
        "<Tags><TagSet/></Tags>",
        "<Tagging/>",
        "<Tagging><TagSet/></Tagging><Tagging/>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><Tagging><TagSet/></Tagging>",
        "<Tagging>text<TagSet/></Tagging>",
        &tags("<Tag><Key>a</Key></Tag>"),
        &tags("<Tag><Key>a</Key><Key>b</Key><Value>c</Value></Tag>"),
        &tags("<Tag><Key>a</Key><Value>&unknown;</Value></Tag>"),
        &tags("<Tag><Key>a</Key><Value><b/></Value></Tag>"),
        &tags("<Tag><Key>a</Key><Value>b</Value><More/></Tag>"),
        &tags("<Label/>"),
        &deep,
    ] {
        let fault = wrong("/b?tagging", body);
        assert_eq!((fault.code, fault.http_status), ("MalformedXML", 400), "{body}");
    }
    let status = "<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>";
    assert_eq!(wrong("/b?versioning", status).code, "MalformedXML");
    assert_eq!(wrong("/b?tagging", "").code, "MissingRequestBodyError");
}

#[test]
fn answers_have_headers_and_documents() {
    let moment = Timestamp::from_millis(1_600_000_000_000);
    let answer = written(
        "HeadObject",
        s3::HeadObjectOutput {
            content_length: Some(7),
            last_modified: Some(moment),
            e_tag: Some("\"e\"".to_owned()),
            metadata: Some(Map::from_iter([
                ("plain".to_owned(), "a b".to_owned()),
                ("other".to_owned(), "\u{20ac}".to_owned()),
            ])),
            ..Default::default()
        },
    );
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0));
    assert_eq!(header("content-length"), "7");
    assert_eq!(header("last-modified"), "Sun, 13 Sep 2020 12:26:40 GMT");
    assert_eq!(header("etag"), "\"e\"");
    assert_eq!((header("x-amz-meta-plain"), header("x-amz-meta-other")), ("a b", "=?UTF-8?B?4oKs?="));
    assert_eq!((header("x-amz-request-id"), header("server")), ("R", "AmazonS3"));
    assert!(answer.headers().contains_key("x-amz-id-2"));

    let answer = written(
        "ListObjectsV2",
        s3::ListObjectsV2Output {
            name: Some("b".to_owned()),
            contents: Some(vec![
                s3::Object { key: Some("a&b".to_owned()), last_modified: Some(moment), ..Default::default() },
                s3::Object { key: Some("c".to_owned()), ..Default::default() },
            ]),
            is_truncated: Some(false),
            ..Default::default()
        },
    );
    assert_eq!(answer.headers()["content-type"], "application/xml");
    assert_eq!(
        text(&answer),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <IsTruncated>false</IsTruncated><Contents><Key>a&amp;b</Key><LastModified>2020-09-13T12:26:40.000Z</LastModified>\
         </Contents><Contents><Key>c</Key></Contents><Name>b</Name></ListBucketResult>"
    );

    let answer = written(
        "GetBucketAcl",
        s3::GetBucketAclOutput {
            grants: Some(vec![s3::Grant {
                grantee: Some(s3::Grantee { r#type: s3::Type::CanonicalUser, ..Default::default() }),
                ..Default::default()
            }]),
            ..Default::default()
        },
    );
    let grantee = "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"></Grantee>";
    assert!(text(&answer).contains(grantee), "{}", text(&answer));

    let answer = written("GetBucketPolicy", s3::GetBucketPolicyOutput { policy: Some("{}".to_owned()) });
    assert_eq!(
        (text(&answer), &answer.headers()["content-type"]),
        ("{}", &HeaderValue::from_static("application/json"))
    );
    assert_eq!(written("DeleteBucket", strongroom_schema::Unit).status(), 204);
}

#[test]
fn a_buckets_location_is_its_root() {
    let location =
        |place| written("GetBucketLocation", s3::GetBucketLocationOutput { location_constraint: place });
    let tag = "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    let answer = location(Some(s3::BucketLocationConstraint::from("eu-west-1")));
    assert!(text(&answer).ends_with(&format!("{tag}eu-west-1</LocationConstraint>")), "{}", text(&answer));
    assert!(text(&location(None)).ends_with(&format!("{tag}</LocationConstraint>")));
}

#[test]
fn streams_go_with_the_answer_and_parts_of_objects_say_so() {
    let at = s3::SERVICE.position("GetObject").unwrap();
    let mut output = s3::GetObjectOutput {
        body: Some(ByteStream::from(Bytes::from_static(b"abc"))),
        content_range: Some("bytes 0-2/9".to_owned()),
        ..Default::default()
    };
    let operation = &s3::SERVICE.operations[at];
    let answer = envelope::success(Framing::RestXml, &s3::SERVICE, operation, &mut output, "R");
    assert_eq!(answer.status(), 206);
    let strongroom_protocols::rest::Answer::Stream(stream) = answer.into_body() else { panic!("no stream") };
    assert_eq!(stream.length(), Some(3));
    assert!(output.body.is_none());
}

#[test]
fn errors_have_their_facts_beside_the_text() {
    let details = [("BucketName", "b<".to_owned())];
    let view = ErrorView {
        code: "NoSuchBucket",
        query: Some(QueryError { code: "NoSuchBucket", http_status: 404 }),
        status: None,
        fault: Whose::Client,
        message: Some("The specified bucket does not exist"),
        fields: None,
        details: &details,
        headers: &[],
    };
    let answer = envelope::error(Framing::RestXml, Some(&s3::SERVICE), &view, "R");
    assert_eq!(answer.status(), 404);
    let host = answer.headers()["x-amz-id-2"].to_str().unwrap();
    assert_eq!(
        text(&answer),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket \
             does not exist</Message><BucketName>b&lt;</BucketName><RequestId>R</RequestId><HostId>{host}</HostId></Error>"
        )
    );
    let headers = [("etag", "\"e\"".to_owned())];
    let query = Some(QueryError { code: "NotModified", http_status: 304 });
    let answer =
        envelope::error(Framing::RestXml, None, &ErrorView { query, headers: &headers, ..view }, "R");
    assert_eq!(
        (answer.status().as_u16(), answer.body().len(), &answer.headers()["etag"]),
        (304, 0, &HeaderValue::from_static("\"e\""))
    );
    // What every service says has S3's names.
    for (code, spoken) in [("InternalFailure", "InternalError"), ("ValidationError", "InvalidArgument")] {
        let query = Some(QueryError { code, http_status: 500 });
        let view = ErrorView { query, ..view };
        assert_eq!(envelope::recorded_code(Framing::RestXml, &view), spoken);
    }
}

#[test]
fn records_show_what_was_asked_under_the_names_that_it_had() {
    let shown = |method: &str, uri: &str, pairs: &[(&str, &str)], input: &dyn Structure| {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let called =
            Routes::of(&s3::SERVICE).find(&method.parse().unwrap(), path, query, &headers(pairs)).unwrap();
        let operation = &s3::SERVICE.operations[called.position];
        trail::write_rest_parameters(operation, &called, Some("localhost:4566"), input)
    };
    let with = [("x-amz-acl", "private"), ("x-amz-meta-secret", "no"), ("content-type", "text/plain")];
    let input: s3::PutObjectRequest = read("PUT", "/b/k?x-id=PutObject", &with, "").unwrap();
    assert_eq!(
        shown("PUT", "/b/k?x-id=PutObject", &with, &input),
        r#"{"bucketName":"b","key":"k","Host":"localhost:4566","x-amz-acl":"private"}"#
    );
    // Each name is there once, and what the request is about comes before what it says beside.
    let carrying = "/b/k?x-amz-acl=private&X-Amz-Meta-Secret=no&X-Amz-Expires=60";
    assert_eq!(
        shown("PUT", carrying, &with, &input),
        r#"{"bucketName":"b","key":"k","Host":"localhost:4566","x-amz-acl":"private","X-Amz-Expires":"60"}"#
    );
    let forged = "/b/k?key=other&Host=other&bucketName=other&X-Amz-Acl=other&a=1&a=2";
    assert_eq!(
        shown("PUT", forged, &with, &input),
        r#"{"bucketName":"b","key":"k","Host":"localhost:4566","x-amz-acl":"private","a":"1"}"#
    );
    // Of an operation that has no such header it is what was asked, and nothing else.
    let input: s3::GetObjectRequest = read("GET", "/b/k", &[], "").unwrap();
    assert_eq!(
        shown("GET", "/b/k?x-amz-acl=private", &[], &input),
        r#"{"bucketName":"b","key":"k","Host":"localhost:4566","x-amz-acl":"private"}"#
    );
    let body = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    let input: s3::PutBucketTaggingRequest = read("PUT", "/b?tagging", &[], body).unwrap();
    assert_eq!(
        shown("PUT", "/b?tagging", &[], &input),
        r#"{"bucketName":"b","Host":"localhost:4566","Tagging":{"TagSet":{"Tag":{"Key":"a","Value":"b"}}},"tagging":""}"#
    );
    for (policy, recorded) in [(r#"{"a":[1]}"#, r#"{"a":[1]}"#), ("{", r#""{""#)] {
        let input: s3::PutBucketPolicyRequest = read("PUT", "/b?policy", &[], policy).unwrap();
        let shown = shown("PUT", "/b?policy", &[], &input);
        assert!(shown.contains(recorded), "{shown}");
    }
    let list = "<Delete><Object><Key>k</Key></Object></Delete>";
    let input: s3::DeleteObjectsRequest = read("POST", "/b?delete", &[], list).unwrap();
    assert_eq!(
        shown("POST", "/b?delete", &[], &input),
        r#"{"bucketName":"b","Host":"localhost:4566","delete":""}"#
    );
}
