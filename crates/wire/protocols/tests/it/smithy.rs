//! Smithy's published protocol test cases, see `testdata/smithy/SOURCE.md`.
//!
//! They are made for clients. Each case runs, as far as a server's side has what it tests; what does not run
//! is listed with the reason, and a listed case that no suite has fails the test.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value as Json;
use strongroom_protocols::envelope::{self, ErrorView, Framing, Head};
use strongroom_protocols::{Limits, Missing, cbor, ec2, json, query};
use strongroom_schema::{HttpBinding, Operation, Protocol, ServiceSchema, Structure, Unit};

use crate::cbor_tree::{self, Item};
use crate::dynamic::DynStructure;
use crate::envelope::whole;
use crate::model;
use crate::xml_tree;

/// Requests that are not read.
const INPUT_SKIPPED: &[(&str, &str)] = &[
    ("SDKAppliedContentEncoding_awsJson1_0", GZIP),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", GZIP),
    ("SDKAppliedContentEncoding_awsJson1_1", GZIP),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", GZIP),
    ("SDKAppliedContentEncoding_awsQuery", GZIP),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", GZIP),
    ("SDKAppliedContentEncoding_ec2Query", GZIP),
    ("SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", GZIP),
    ("QueryProtocolIdempotencyTokenAutoFill", TOKEN),
    ("Ec2ProtocolIdempotencyTokenAutoFill", TOKEN),
    ("PutAndGetInlineDocumentsInput", DOCUMENT),
];

/// Answers that are neither written nor read.
const OUTPUT_SKIPPED: &[(&str, &str)] = &[
    ("PutAndGetInlineDocumentsInput", DOCUMENT),
    ("AwsJson11FooErrorUsingXAmznErrorType", SPELLING),
    ("AwsJson11FooErrorUsingXAmznErrorTypeWithUri", SPELLING),
    ("AwsJson11FooErrorUsingXAmznErrorTypeWithUriAndNamespace", SPELLING),
    ("AwsJson11FooErrorUsingCode", SPELLING),
    ("AwsJson11FooErrorUsingCodeAndNamespace", SPELLING),
    ("AwsJson11FooErrorUsingCodeUriAndNamespace", SPELLING),
    ("AwsJson10FooErrorUsingXAmznErrorType", SPELLING),
    ("AwsJson10FooErrorUsingXAmznErrorTypeWithUri", SPELLING),
    ("AwsJson10FooErrorUsingXAmznErrorTypeWithUriAndNamespace", SPELLING),
    ("AwsJson10FooErrorUsingCode", SPELLING),
    ("AwsJson10FooErrorUsingCodeAndNamespace", SPELLING),
    ("AwsJson10FooErrorUsingCodeUriAndNamespace", SPELLING),
    ("RpcV2CborDeserializesDenseSetMapAndSkipsNull", "null in a map without nulls, which we refuse to read"),
];

/// Answers that a client must be able to read and no server of ours writes. JSON ones are read.
const OUTPUT_NOT_WRITTEN: &[(&str, &str)] = &[
    ("handles_empty_output_shape", NO_OUTPUT),
    ("AwsJson10HandlesEmptyOutputShape", NO_OUTPUT),
    ("handles_unexpected_json_output", TOLERANCE),
    ("AwsJson10HandlesUnexpectedJsonOutput", TOLERANCE),
    ("AwsJson11DeserializeIgnoreType", TOLERANCE),
    ("AwsJson10DeserializeIgnoreType", TOLERANCE),
    ("AwsJson10DeserializeAllowNulls", TOLERANCE),
    ("AwsJson11StructuresDontDeserializeNullValues", TOLERANCE),
    ("AwsJson11DateTimeWithNegativeOffset", OFFSET),
    ("AwsJson11DateTimeWithPositiveOffset", OFFSET),
    ("AwsQueryDateTimeWithNegativeOffset", OFFSET),
    ("AwsQueryDateTimeWithPositiveOffset", OFFSET),
    ("Ec2QueryDateTimeWithNegativeOffset", OFFSET),
    ("Ec2QueryDateTimeWithPositiveOffset", OFFSET),
    ("Ec2ComplexError", "a message that the error of the case does not have"),
    ("empty_output_no_body", TOLERANCE),
    ("NoOutputClientAllowsEmptyCbor", NO_OUTPUT),
    ("NoOutputClientAllowsEmptyBody", NO_OUTPUT),
    ("RpcV2CborClientDoesntDeserializeNullStructureValues", TOLERANCE),
    ("RpcV2CborExtraFieldsInTheBodyShouldBeSkippedByClients", TOLERANCE),
    ("RpcV2CborPayloadWithUnsetUnion", TOLERANCE),
];

const GZIP: &str = "only the header is given, no body; compressed bodies are the server's to unpack";
const TOKEN: &str = "the client makes the token up; the case without one is what a server reads";
const DOCUMENT: &str = "documents have no schema, and no service here has one";
const SPELLING: &str = "another spelling of the error's code that only clients have to know";
const TOLERANCE: &str = "more than the schema has, or nulls, which a client has to pass over";
const NO_OUTPUT: &str =
    "an object where there is no output; the case itself says that a service sends nothing";
const OFFSET: &str = "moments with an offset, where we write UTC";

#[test]
fn requests_are_read() {
    let ran = each_case(
        &[
            (include_str!("../../testdata/smithy/input/json.json"), Protocol::Json11),
            (include_str!("../../testdata/smithy/input/json_1_0.json"), Protocol::Json10),
            (include_str!("../../testdata/smithy/input/json_1_0-query-compatible.json"), Protocol::Json10),
            (include_str!("../../testdata/smithy/input/query.json"), Protocol::Query),
            (include_str!("../../testdata/smithy/input/ec2.json"), Protocol::Ec2),
            (include_str!("../../testdata/smithy/input/smithy-rpc-v2-cbor.json"), Protocol::RpcV2Cbor),
            (
                include_str!("../../testdata/smithy/input/smithy-rpc-v2-cbor-query-compatible.json"),
                Protocol::RpcV2Cbor,
            ),
            (
                include_str!("../../testdata/smithy/input/smithy-rpc-v2-cbor-non-query-compatible.json"),
                Protocol::RpcV2Cbor,
            ),
        ],
        |protocol, suite, case| {
            if !is_listed(INPUT_SKIPPED, case) {
                read_request(protocol, suite, case);
            }
        },
    );
    assert_eq!(ran.len(), 160);
    assert_listed_exist(INPUT_SKIPPED, &ran);
}

#[test]
fn answers_are_written() {
    let ran = each_case(
        &[
            (include_str!("../../testdata/smithy/output/json.json"), Protocol::Json11),
            (include_str!("../../testdata/smithy/output/json_1_0.json"), Protocol::Json10),
            (include_str!("../../testdata/smithy/output/json_1_0-query-compatible.json"), Protocol::Json10),
            (include_str!("../../testdata/smithy/output/query.json"), Protocol::Query),
            (include_str!("../../testdata/smithy/output/ec2.json"), Protocol::Ec2),
            (include_str!("../../testdata/smithy/output/smithy-rpc-v2-cbor.json"), Protocol::RpcV2Cbor),
            (
                include_str!("../../testdata/smithy/output/smithy-rpc-v2-cbor-query-compatible.json"),
                Protocol::RpcV2Cbor,
            ),
            (
                include_str!("../../testdata/smithy/output/smithy-rpc-v2-cbor-non-query-compatible.json"),
                Protocol::RpcV2Cbor,
            ),
        ],
        |protocol, suite, case| {
            if is_listed(OUTPUT_SKIPPED, case) {
                return;
            }
            if !is_xml(protocol) && case.get("result").is_some() {
                read_answer(protocol, suite, case);
            }
            if !is_listed(OUTPUT_NOT_WRITTEN, case) {
                write_answer(protocol, suite, case);
            }
        },
    );
    assert_eq!(ran.len(), 196);
    assert_listed_exist(OUTPUT_SKIPPED, &ran);
    assert_listed_exist(OUTPUT_NOT_WRITTEN, &ran);
}

/// Runs every case of the suites, and gives the cases' ids.
fn each_case(suites: &[(&str, Protocol)], mut run: impl FnMut(Protocol, &Json, &Json)) -> Vec<String> {
    let mut ids = Vec::new();
    for (text, protocol) in suites {
        let suites: Json = serde_json::from_str(text).unwrap();
        for suite in suites.as_array().unwrap() {
            for case in suite["cases"].as_array().unwrap() {
                run(*protocol, suite, case);
                ids.push(case["id"].as_str().unwrap().to_owned());
            }
        }
    }
    ids
}

fn assert_listed_exist(list: &[(&str, &str)], ran: &[String]) {
    for (id, _) in list {
        assert!(ran.iter().any(|known| known == id), "{id} is listed, and no suite has it");
    }
}

fn is_listed(list: &[(&str, &str)], case: &Json) -> bool {
    list.iter().any(|(id, _)| case["id"] == *id)
}

/// Whether answers are in XML.
fn is_xml(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Query | Protocol::Ec2)
}

/// The bytes of a body, which the suites of CBOR give in Base64.
fn bytes(protocol: Protocol, body: &str) -> Vec<u8> {
    match protocol {
        Protocol::RpcV2Cbor => STANDARD.decode(body).unwrap(),
        _ => body.as_bytes().to_vec(),
    }
}

fn read_request(protocol: Protocol, suite: &Json, case: &Json) {
    let id = case["id"].as_str().unwrap();
    let serialized = &case["serialized"];
    let body = bytes(protocol, serialized["body"].as_str().unwrap_or_default());
    let operation = case["given"]["name"].as_str().unwrap();

    let form = query::Form::parse(b"", &body, &Limits::default());
    if let Some(headers) = serialized.get("headers") {
        let headers = header_map(headers);
        let path = serialized["uri"].as_str().unwrap();
        let head = envelope::detect_head(&Method::POST, path, None, &headers).unwrap();
        let call = match head {
            Head::Call(call) => call,
            Head::Form => envelope::detect_form(form.as_ref().unwrap()).unwrap(),
            Head::Other => panic!("{id}: no operation found"),
        };
        // Which of the two protocols with forms it is, is for the service to say.
        let named = if protocol == Protocol::Ec2 { Protocol::Query } else { protocol };
        assert_eq!((call.protocol, call.operation), (named, operation), "{id}");
    }

    let schema = case["given"]["input"]["shape"].as_str();
    let schema = schema.map_or(Unit::SCHEMA, |name| model::schema(&suite["shapes"], name));
    let mut expected = model::structure(schema, &case["params"]);
    let mut read = DynStructure::new(schema);
    let limits = Limits::default();
    let missing = match protocol {
        Protocol::Query => {
            expected = expected.without_empty_maps();
            form.unwrap().read(&mut read)
        }
        Protocol::Ec2 => {
            expected = expected.without_empty_lists();
            let done = ec2::read(&form.unwrap(), &mut read);
            done.unwrap_or_else(|refusal| panic!("{id}: {refusal:?}"));
            Ok(Missing::default())
        }
        Protocol::RpcV2Cbor => cbor::read(&body, &mut read, &limits),
        _ => json::read(&body, &mut read, &limits),
    };
    let missing = missing.unwrap_or_else(|error| panic!("{id}: {error}"));
    assert_eq!(read, expected, "{id}");
    // The suites' models require a host label only, and every case but these sends it.
    assert!(missing.is_empty(), "{id}: {missing:?}");
}

/// The JSON and CBOR readers, on what the suites hold for clients.
fn read_answer(protocol: Protocol, suite: &Json, case: &Json) {
    let id = case["id"].as_str().unwrap();
    let (Some(name), Some(body)) =
        (case["given"]["output"]["shape"].as_str(), case["response"]["body"].as_str())
    else {
        return;
    };
    let schema = model::schema(&suite["shapes"], name);
    let mut read = DynStructure::new(schema);
    let (body, limits) = (bytes(protocol, body), Limits::default());
    let done = match protocol {
        Protocol::RpcV2Cbor => cbor::read(&body, &mut read, &limits),
        _ => json::read(&body, &mut read, &limits),
    };
    done.unwrap_or_else(|error| panic!("{id}: {error}"));
    assert_eq!(read, model::structure(schema, &case["result"]), "{id}");
}

fn write_answer(protocol: Protocol, suite: &Json, case: &Json) {
    let id = case["id"].as_str().unwrap();
    let expected = &case["response"];
    let framing = Framing::of(protocol);
    let request_id = if is_xml(protocol) { "foo-id" } else { "amazon-uniq-request-id" };
    let name = model::leak(case["given"]["name"].as_str().unwrap());
    let output_name = case["given"]["output"]["shape"].as_str();
    let output_schema = output_name.map_or(Unit::SCHEMA, |name| model::schema(&suite["shapes"], name));
    let operation = Operation {
        name,
        http: HttpBinding { method: "POST", uri: "/", code: 200 },
        input: Unit::SCHEMA,
        output: output_schema,
        has_output: output_name.is_some(),
        // Models name it; the suites' models leave it to the reader.
        result_wrapper: Some(model::leak(&format!("{name}Result"))),
        errors: &[],
        read_only: false,
        data_event: false,
        unsigned: false,
    };
    let service = ServiceSchema {
        name: "test",
        full_name: "Test",
        signing_name: "test",
        api_version: "2020-01-08",
        target_prefix: None,
        shape_namespace: "com.example",
        protocols: &[],
        query_compatible: suite["metadata"].get("awsQueryCompatible").is_some(),
        // The suites expect a namespace of results and none of errors; services have one on both.
        xml_namespace: case.get("result").map(|_| "https://example.com/"),
        event_source: "test.amazonaws.com",
        home_region: None,
        error_message: "message",
        invalid_input: "ValidationException",
        left_out: &[],
        operations: &[],
    };

    let answer = if let Some(result) = case.get("result") {
        let mut output = model::structure(output_schema, result);
        envelope::success(framing, &service, &operation, &mut output, request_id).map(whole)
    } else {
        let shapes = case["given"]["errors"].as_array().unwrap().iter();
        let mut shapes =
            shapes.map(|error| model::error_shape(&suite["shapes"], error["shape"].as_str().unwrap()));
        let code = case["errorCode"].as_str().unwrap();
        let shape = shapes.find(|shape| shape.name == code || shape.query.is_some_and(|it| it.code == code));
        let shape = shape.unwrap_or_else(|| panic!("{id}: no error {code}"));
        let fields = model::structure(shape.schema, &case["error"]);
        let view = ErrorView {
            code: shape.name,
            query: shape.query,
            status: None,
            fault: shape.fault,
            message: None,
            fields: Some(&fields as &dyn Structure),
            details: &[],
            headers: &[],
        };
        envelope::error(framing, Some(&service), &view, request_id)
    };

    assert_eq!(u64::from(answer.status().as_u16()), expected["status_code"].as_u64().unwrap(), "{id}");
    for (name, value) in &header_map(&expected["headers"]) {
        // One case's answer has the header of a request, and some leave out the character set.
        let whole = answer.headers().get(name).map(|value| value.to_str().unwrap());
        let media_type = whole.map(|value| value.split(';').next().unwrap());
        if name != "x-amz-target" {
            assert!(whole == value.to_str().ok() || media_type == value.to_str().ok(), "{id}: {name}");
        }
    }
    let Some(expected) = expected["body"].as_str() else { return };
    if protocol == Protocol::RpcV2Cbor {
        let expected = bytes(protocol, expected);
        if expected.is_empty() {
            assert!(answer.body().is_empty(), "{id}");
        } else {
            let mut expected = cbor_tree::parse(&expected);
            if let Some(Item::Text(code)) = expected.get_mut("__type") {
                // The namespaces of the suites are not those of our service.
                *code = code.replace("smithy.protocoltests.rpcv2Cbor#", "com.amazon.coral.service#");
                *code = code.replace("aws.protocoltests.rpcv2cbor#", "com.amazon.coral.service#");
            }
            assert_eq!(cbor_tree::parse(answer.body()), expected, "{id}");
        }
        return;
    }
    let body = std::str::from_utf8(answer.body()).unwrap();
    if is_xml(protocol) {
        let (mut written, mut expected) = (xml_tree::parse(body), xml_tree::parse(expected));
        if case.get("result").is_some() && protocol == Protocol::Query {
            let metadata = written.take("ResponseMetadata").unwrap();
            assert_eq!(metadata.child("RequestId").unwrap().text, request_id, "{id}");
        } else if case.get("result").is_some() {
            // The suites have it last, EC2 has it first, and some cases have none.
            assert_eq!(written.take("requestId").unwrap().text, request_id, "{id}");
            expected.take("requestId");
        }
        assert_eq!(written.without_blanks(), expected.without_blanks(), "{id}");
    } else if expected.is_empty() {
        assert_eq!(body, "", "{id}");
    } else {
        let mut expected: Json = serde_json::from_str(expected).unwrap();
        if let Some(Json::String(code)) = expected.get_mut("__type") {
            // Clients take a code with a namespace and a URI around it; KMS sends it bare, and so do we.
            let bare = code.rsplit_once('#').map_or(code.as_str(), |(_, bare)| bare);
            *code = bare.split(':').next().unwrap().to_owned();
        }
        assert_eq!(serde_json::from_str::<Json>(body).unwrap(), expected, "{id}");
    }
}

fn header_map(headers: &Json) -> HeaderMap {
    let headers = headers.as_object().into_iter().flatten();
    headers
        .map(|(name, value)| {
            let name = HeaderName::try_from(name.as_str()).unwrap();
            (name, HeaderValue::from_str(value.as_str().unwrap()).unwrap())
        })
        .collect()
}
