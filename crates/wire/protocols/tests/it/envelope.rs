//! Routing facts and frames.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use strongroom_protocols::envelope::{self, Call, ErrorView, Framing, Head, Refusal, Target};
use strongroom_protocols::query::Form;
use strongroom_protocols::rest::Answer;
use strongroom_protocols::{Limits, Missing, json, validate};
use strongroom_schema::{
    ErrorShape, Fault, HttpBinding, Operation, Protocol, QueryError, ServiceSchema, Structure, Unit,
};

use crate::cbor_tree::{self, Item};
use crate::dynamic::{DynStructure, text};
use crate::sample;

static SERVICE: ServiceSchema = ServiceSchema {
    name: "sts",
    full_name: "AWS Security Token Service",
    signing_name: "sts",
    api_version: "2011-06-15",
    target_prefix: None,
    shape_namespace: "com.example",
    protocols: &[Protocol::Query, Protocol::Json10],
    query_compatible: true,
    xml_namespace: Some("https://sts.amazonaws.com/doc/2011-06-15/"),
    event_source: "sts.amazonaws.com",
    home_region: None,
    error_message: "message",
    invalid_input: "ValidationException",
    left_out: &[],
    operations: &[],
};

fn operation(has_output: bool) -> Operation {
    Operation {
        name: "GetCallerIdentity",
        http: HttpBinding { method: "POST", uri: "/", code: 200 },
        input: Unit::SCHEMA,
        output: if has_output { &sample::DOCUMENT } else { Unit::SCHEMA },
        has_output,
        result_wrapper: has_output.then_some("GetCallerIdentityResult"),
        errors: &[],
        read_only: true,
        data_event: false,
        unsigned: false,
    }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

fn detect(
    method: &Method,
    path: &str,
    query: Option<&str>,
    pairs: &[(&'static str, &'static str)],
) -> String {
    match envelope::detect_head(method, path, query, &headers(pairs)) {
        Ok(head) => format!("{head:?}"),
        Err(refused) => format!("{:?} {}", refused.framing, refused.refusal.view().code),
    }
}

fn body(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

const JSON_11: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

#[test]
fn json_calls_are_known_by_target_and_content_type() {
    let cloudtrail = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
    let all = headers(&[
        ("content-type", "Application/X-AMZ-JSON-1.0; charset=UTF-8"),
        ("x-amz-target", cloudtrail),
    ]);
    let call = Call {
        protocol: Protocol::Json10,
        target: Target::Prefix("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
        operation: "LookupEvents",
    };
    assert_eq!(envelope::detect_head(&Method::POST, "/", None, &all).unwrap(), Head::Call(call));

    let all = headers(&[JSON_11, ("x-amz-target", "TrentService.Encrypt")]);
    let call =
        Call { protocol: Protocol::Json11, target: Target::Prefix("TrentService"), operation: "Encrypt" };
    assert_eq!(envelope::detect_head(&Method::POST, "/", None, &all).unwrap(), Head::Call(call));
}

#[test]
fn json_calls_without_a_proper_target_are_refused_in_json() {
    let target = ("x-amz-target", "TrentService.Encrypt");
    for pairs in [
        &[JSON_11][..],
        &[JSON_11, ("x-amz-target", "Encrypt")],
        &[JSON_11, ("x-amz-target", "TrentService.")],
        &[JSON_11, ("x-amz-target", ".Encrypt")],
        &[JSON_11, target, ("x-amz-target", "TrentService.Decrypt")],
        &[target],
        &[target, ("content-type", "application/json")],
        &[target, FORM],
    ] {
        assert_eq!(detect(&Method::POST, "/", None, pairs), "Json11 UnknownOperationException", "{pairs:?}");
    }
    assert_eq!(detect(&Method::GET, "/", None, &[JSON_11, target]), "Json11 UnknownOperationException");
}

#[test]
fn rpc_v2_is_known_by_its_header() {
    let all = headers(&[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")]);
    let path = "/prefix/service/GraniteServiceVersion20100801/operation/PutMetricData";
    let call = Call {
        protocol: Protocol::RpcV2Cbor,
        target: Target::Service("GraniteServiceVersion20100801"),
        operation: "PutMetricData",
    };
    assert_eq!(envelope::detect_head(&Method::POST, path, None, &all).unwrap(), Head::Call(call));
    assert_eq!(Framing::of(Protocol::RpcV2Cbor), Framing::Cbor);
    for path in ["/", "/service/A/operation/", "/service//operation/B", "/service/A/B", "/A/operation/B"] {
        assert_eq!(
            detect(&Method::POST, path, None, &[("smithy-protocol", "rpc-v2-cbor")]),
            "Cbor UnknownOperationException",
            "{path}"
        );
    }
    assert_eq!(detect(&Method::POST, path, None, &[("smithy-protocol", "rpc-v2-json")]), "Other");
    let cbor = ("smithy-protocol", "rpc-v2-cbor");
    assert_eq!(detect(&Method::GET, path, None, &[cbor]), "Cbor UnknownOperationException");
    assert_eq!(detect(&Method::POST, path, None, &[cbor, cbor]), "Other");
}

#[test]
fn forms_are_known_by_content_type_or_query() {
    assert_eq!(detect(&Method::POST, "/", None, &[FORM]), "Form");
    assert_eq!(detect(&Method::GET, "/", Some("Version=1&Action=GetCallerIdentity"), &[]), "Form");
    for (method, query) in
        [(Method::GET, None), (Method::GET, Some("XAction=a")), (Method::PUT, Some("Action=a"))]
    {
        assert_eq!(detect(&method, "/bucket/key", query, &[]), "Other");
    }
}

#[test]
fn forms_name_action_and_version() {
    let detect = |parameters: &str| {
        let form = Form::parse(b"", parameters.as_bytes(), &Limits::default()).unwrap();
        match envelope::detect_form(&form) {
            Ok(call) => Ok(format!("{call:?}")),
            Err(refused) => {
                let response = envelope::error(refused.framing, None, &refused.refusal.view(), "id");
                Err((response.status().as_u16(), body(&response).to_owned()))
            }
        }
    };
    assert_eq!(
        detect("Action=GetCallerIdentity&Version=2011-06-15").unwrap(),
        "Call { protocol: Query, target: Version(\"2011-06-15\"), operation: \"GetCallerIdentity\" }"
    );
    let error = |code: &str, message: &str| {
        let body = format!(
            "<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>id</RequestId></ErrorResponse>"
        );
        Err((400, body))
    };
    assert_eq!(
        detect("Action=Unsubscribe").unwrap(),
        "Call { protocol: Query, target: Unversioned, operation: \"Unsubscribe\" }"
    );
    let nowhere = Refusal::invalid_action("A<b", None);
    let response = envelope::error(Framing::Query, None, &nowhere.view(), "id");
    assert_eq!(
        Err::<String, _>((response.status().as_u16(), body(&response).to_owned())),
        error("InvalidAction", "Could not find operation A&lt;b for version NO_VERSION_SPECIFIED")
    );
    for body in ["", "Version=2011-06-15", "Action=&Version=2011-06-15"] {
        let message = "The request is missing an action or a required parameter.";
        assert_eq!(detect(body), error("MissingAction", message), "{body}");
    }
}

fn success(framing: Framing, operation: &Operation, mut output: impl Structure) -> Response<Bytes> {
    envelope::success(framing, &SERVICE, operation, &mut output, "r-1").map(whole)
}

/// A body that does not stream.
pub(crate) fn whole(answer: Answer) -> Bytes {
    match answer {
        Answer::Whole(bytes) => bytes,
        Answer::Stream(stream) => panic!("{stream:?}"),
    }
}

#[test]
fn results_are_framed() {
    let output = DynStructure::new(&sample::DOCUMENT).with("Text", text("a"));
    let json = success(Framing::Json10, &operation(true), output.clone());
    assert_eq!((json.status().as_u16(), body(&json)), (200, r#"{"Text":"a"}"#));
    assert_eq!(json.headers()["content-type"], "application/x-amz-json-1.0");
    assert_eq!(json.headers()["x-amzn-requestid"], "r-1");

    let json = success(Framing::Json11, &operation(false), Unit);
    assert_eq!(body(&json), "");

    let xml = success(Framing::Query, &operation(true), output.clone());
    assert_eq!(
        body(&xml),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Text>a</Text></GetCallerIdentityResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
    assert_eq!(xml.headers()["content-type"], "text/xml");

    let xml = success(Framing::Query, &operation(false), Unit);
    assert_eq!(
        body(&xml),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><ResponseMetadata>\
         <RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
}

#[test]
fn ec2s_results_have_no_wrapper_and_begin_with_the_request() {
    let output = DynStructure::new(&sample::DOCUMENT).with("Text", text("a"));
    let xml = success(Framing::Ec2, &operation(true), output.clone());
    assert_eq!(
        body(&xml),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><requestId>r-1</requestId>\
         <Text>a</Text></GetCallerIdentityResponse>"
    );
    assert_eq!(xml.headers()["content-type"], "text/xml;charset=UTF-8");
    let xml = success(Framing::Ec2, &operation(false), Unit);
    assert_eq!(
        body(&xml),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><requestId>r-1</requestId>\
         <return>true</return></GetCallerIdentityResponse>"
    );
}

#[test]
fn ec2s_errors_have_a_frame_and_names_of_their_own() {
    let view = |code, status: u16, fault| ErrorView {
        code: "AccessDeniedException",
        query: Some(QueryError { code, http_status: status }),
        status: None,
        fault,
        message: Some("<no>"),
        fields: None,
        details: &[],
        headers: &[],
    };
    for (code, status, fault, expected, recorded) in [
        ("AccessDenied", 403, Fault::Client, "UnauthorizedOperation", "Client.UnauthorizedOperation"),
        ("InternalFailure", 500, Fault::Server, "InternalError", "Server.InternalError"),
        ("ServiceUnavailable", 503, Fault::Server, "Unavailable", "Server.Unavailable"),
        ("ValidationError", 400, Fault::Client, "InvalidParameterValue", "Client.InvalidParameterValue"),
        (
            "InvalidVpcID.NotFound",
            400,
            Fault::Client,
            "InvalidVpcID.NotFound",
            "Client.InvalidVpcID.NotFound",
        ),
    ] {
        let view = view(code, status, fault);
        let answer = envelope::error(Framing::Ec2, Some(&SERVICE), &view, "r-1");
        assert_eq!(answer.status(), status);
        assert_eq!(
            body(&answer),
            format!(
                "<Response><Errors><Error><Code>{expected}</Code><Message>&lt;no&gt;</Message></Error></Errors>\
                 <RequestID>r-1</RequestID></Response>"
            )
        );
        assert!(!answer.headers().contains_key("x-amzn-query-error"));
        assert_eq!(envelope::recorded_code(Framing::Ec2, &view), recorded);
        assert_eq!(envelope::recorded_code(Framing::Query, &view), "AccessDeniedException");
    }
    let refusal = Refusal::ec2_action("Nothing");
    let answer = envelope::error(Framing::Ec2, None, &refusal.view(), "r");
    let expected =
        "<Code>InvalidAction</Code><Message>The action Nothing is not valid for this web service.</Message>";
    assert!(body(&answer).contains(expected), "{}", body(&answer));
}

#[test]
fn cbor_is_framed() {
    let output = DynStructure::new(&sample::DOCUMENT).with("Text", text("a"));
    let cbor = success(Framing::Cbor, &operation(true), output.clone());
    assert_eq!((cbor.status().as_u16(), cbor.body().as_ref()), (200, &b"\xA1\x64Text\x61a"[..]));
    assert_eq!(cbor.headers()["content-type"], "application/cbor");
    assert_eq!(cbor.headers()["smithy-protocol"], "rpc-v2-cbor");
    assert_eq!(cbor.headers()["x-amzn-requestid"], "r-1");

    let cbor = success(Framing::Cbor, &operation(false), Unit);
    assert_eq!(cbor.body().as_ref(), b"");
    assert!(!cbor.headers().contains_key("content-type"));
    assert_eq!(cbor.headers()["smithy-protocol"], "rpc-v2-cbor");
}

#[test]
fn cbor_errors_name_the_whole_shape() {
    static NOT_FOUND: ErrorShape =
        ErrorShape { name: "NotFoundException", query: None, fault: Fault::Client, schema: Unit::SCHEMA };
    static OPERATIONS: [Operation; 1] = [Operation {
        name: "Get",
        http: HttpBinding { method: "POST", uri: "/", code: 200 },
        input: Unit::SCHEMA,
        output: Unit::SCHEMA,
        has_output: false,
        result_wrapper: None,
        errors: &[&NOT_FOUND],
        read_only: true,
        data_event: false,
        unsigned: false,
    }];
    let service = ServiceSchema { operations: &OPERATIONS, error_message: "Message", ..SERVICE };
    let view = |code| ErrorView {
        code,
        query: Some(QueryError { code: "NotFound", http_status: 404 }),
        status: None,
        fault: Fault::Client,
        message: Some("m"),
        fields: None,
        details: &[],
        headers: &[],
    };
    for (code, shape) in [
        ("NotFoundException", "com.example#NotFoundException"),
        ("ValidationException", "com.amazon.coral.service#ValidationException"),
    ] {
        let answer = envelope::error(Framing::Cbor, Some(&service), &view(code), "r");
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.headers()["x-amzn-query-error"], "NotFound;Sender");
        let expected = [("__type", shape), ("Message", "m")];
        let expected = expected.map(|(name, value)| (name.to_owned(), Item::Text(value.to_owned())));
        assert_eq!(cbor_tree::parse(answer.body()), Item::Map(expected.into()));
    }
}

#[test]
fn json_errors_answer_400_or_500_whatever_the_model_says() {
    let not_found = ErrorView {
        code: "NotFoundException",
        query: Some(QueryError { code: "NotFound", http_status: 404 }),
        status: None,
        fault: Fault::Client,
        message: Some("Key 'x' does not exist"),
        fields: None,
        details: &[],
        headers: &[],
    };
    let json = envelope::error(Framing::Json11, Some(&SERVICE), &not_found, "r");
    assert_eq!(json.status(), 400);
    assert_eq!(body(&json), r#"{"__type":"NotFoundException","message":"Key 'x' does not exist"}"#);
    assert_eq!(json.headers()["x-amzn-query-error"], "NotFound;Sender");
    let xml = envelope::error(Framing::Query, Some(&SERVICE), &not_found, "r");
    assert_eq!(xml.status(), 404);
    assert!(body(&xml).contains("<Code>NotFound</Code><Message>Key &apos;x&apos; does not exist</Message>"));
    assert!(!xml.headers().contains_key("x-amzn-query-error"));

    let failure = ErrorView { code: "KMSInternalException", query: None, fault: Fault::Server, ..not_found };
    let json = envelope::error(Framing::Json11, Some(&SERVICE), &failure, "r");
    assert_eq!(json.status(), 500);
    assert!(!json.headers().contains_key("x-amzn-query-error"));
    let xml = envelope::error(Framing::Query, Some(&SERVICE), &failure, "r");
    assert_eq!(xml.status(), 500);
    assert!(body(&xml).contains("<Type>Receiver</Type><Code>KMSInternalException</Code>"));

    let always = ErrorView { status: Some(413), ..not_found };
    for framing in [Framing::Json10, Framing::Json11, Framing::Query, Framing::Ec2, Framing::Cbor] {
        assert_eq!(envelope::error(framing, None, &always, "r").status(), 413);
    }
}

#[test]
fn the_fronts_own_errors_have_a_capital_message() {
    let view = |code| ErrorView {
        code,
        query: None,
        status: None,
        fault: Fault::Client,
        message: Some("m"),
        fields: None,
        details: &[],
        headers: &[],
    };
    let json = |view: &ErrorView<'_>| body(&envelope::error(Framing::Json11, None, view, "r")).to_owned();
    assert_eq!(json(&view("AccessDeniedException")), r#"{"__type":"AccessDeniedException","Message":"m"}"#);
    assert_eq!(json(&view("ValidationException")), r#"{"__type":"ValidationException","message":"m"}"#);
    assert_eq!(
        json(&ErrorView { message: None, ..view("InvalidCiphertextException") }),
        r#"{"__type":"InvalidCiphertextException"}"#
    );
    assert_eq!(json(&Refusal::unknown_operation().view()), r#"{"__type":"UnknownOperationException"}"#);
}

#[test]
fn a_service_may_call_its_message_with_a_capital() {
    let capital = ServiceSchema { error_message: "Message", ..SERVICE };
    let view = ErrorView {
        code: "TrailNotFoundException",
        query: None,
        status: None,
        fault: Fault::Client,
        message: Some("m"),
        fields: None,
        details: &[],
        headers: &[],
    };
    let json = |service: &ServiceSchema| {
        body(&envelope::error(Framing::Json11, Some(service), &view, "r")).to_owned()
    };
    assert_eq!(json(&capital), r#"{"__type":"TrailNotFoundException","Message":"m"}"#);
    assert_eq!(json(&SERVICE), r#"{"__type":"TrailNotFoundException","message":"m"}"#);
}

#[test]
fn refusals_have_a_code_in_each_protocol() {
    let unreadable = json::read(b"[]", &mut sample::input(), &Limits::default()).unwrap_err();
    let invalid = validate(&sample::input().with("Spec", text("")), &Missing::default()).unwrap_err();
    for (refusal, in_json, in_query) in [
        (Refusal::unreadable(&unreadable), (400, "SerializationException"), (400, "MalformedInput")),
        (
            Refusal::invalid(&invalid, SERVICE.invalid_input),
            (400, "ValidationException"),
            (400, "ValidationError"),
        ),
        (Refusal::too_large(), (413, "RequestEntityTooLargeException"), (413, "RequestEntityTooLarge")),
        (Refusal::unknown_operation(), (400, "UnknownOperationException"), (400, "InvalidAction")),
    ] {
        let json = envelope::error(Framing::Json10, Some(&SERVICE), &refusal.view(), "r");
        assert_eq!(json.status().as_u16(), in_json.0);
        assert!(body(&json).starts_with(&format!("{{\"__type\":\"{}\"", in_json.1)), "{}", body(&json));
        assert_eq!(json.headers()["x-amzn-query-error"], format!("{};Sender", in_query.1));
        let xml = envelope::error(Framing::Query, Some(&SERVICE), &refusal.view(), "r");
        assert_eq!(xml.status().as_u16(), in_query.0);
        assert!(body(&xml).contains(&format!("<Code>{}</Code>", in_query.1)), "{}", body(&xml));
    }
    let long = Refusal::invalid_action(&"é".repeat(10_000), Some("1"));
    assert!(long.view().message.unwrap().len() < 400);
}
