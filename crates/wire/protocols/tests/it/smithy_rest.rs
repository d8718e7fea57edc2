//! Smithy's published test cases of rest-xml, see `testdata/smithy/SOURCE.md`, as far as S3's form of the protocol has
//! what they test.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value as Json;
use strongroom_protocols::Limits;
use strongroom_protocols::envelope::{self, Framing};
use strongroom_protocols::rest::{Request, Routes};
use strongroom_schema::{HttpBinding, Operation, Protocol, ServiceSchema, Unit};

use crate::dynamic::DynStructure;
use crate::envelope::whole;
use crate::{model, xml_tree};

const QUERY_COLLECTION: &str = "lists and maps in the query string, which S3 has none of";
const HOST: &str = "a label of the host's name";
const GZIP: &str = "compressed bodies, which S3 stores as they are";
const TOKEN: &str = "the client makes the token up";
const COMMAS: &str = "items with commas in them, quoted or as dates, which S3 has none of";
const CLIENT: &str = "a member that is not sent by clients, and so not read";
const UNSET: &str = "a union without a member, which is refused";
const EMPTY_PREFIX: &str = "a map without entries is not told from one that is not set";
const ROOT: &str =
    "a root named after its shape though its member has a name, which S3's roots are named after";
const NAMESPACE: &str = "namespaces of single elements, where S3 has one for all";
const STATUS: &str = "a member that is the status, which S3 has none of";
const WRAPPED: &str = "errors in a frame that S3's do not have";
const TOLERANCE: &str = "a spelling that only clients have to know";

const INPUT_SKIPPED: &[(&str, &str)] = &[
    ("AllQueryStringTypes", QUERY_COLLECTION),
    ("RestXmlQueryStringMap", QUERY_COLLECTION),
    ("RestXmlQueryParamsStringListMap", QUERY_COLLECTION),
    ("RestXmlQueryPrecedence", QUERY_COLLECTION),
    ("RestXmlEndpointTrait", HOST),
    ("RestXmlEndpointTraitWithHostLabel", HOST),
    ("RestXmlEndpointTraitWithHostLabelAndHttpBinding", HOST),
    ("SDKAppliedContentEncoding_restXml", GZIP),
    ("SDKAppendedGzipAfterProvidedEncoding_restXml", GZIP),
    ("QueryIdempotencyTokenAutoFill", TOKEN),
    ("InputAndOutputWithStringHeaders", COMMAS),
    ("InputAndOutputWithTimestampHeaders", COMMAS),
    ("RestXmlOmitsNullQuery", CLIENT),
    ("NullAndEmptyHeaders", CLIENT),
    ("RestXmlHttpPayloadWithUnsetUnion", UNSET),
    ("HttpPrefixEmptyHeaders", EMPTY_PREFIX),
    ("HttpPrefixHeadersAreNotPresent", EMPTY_PREFIX),
    ("RestXmlHttpPayloadWithUnion", ROOT),
    ("HttpPayloadWithXmlName", ROOT),
    ("HttpPayloadWithXmlNamespace", ROOT),
    ("HttpPayloadWithXmlNamespaceAndPrefix", ROOT),
    ("XmlAttributesOnPayload", ROOT),
];

const OUTPUT_SKIPPED: &[(&str, &str)] = &[
    ("InvalidGreetingError", WRAPPED),
    ("ComplexError", WRAPPED),
    ("RestXmlHttpResponseCode", STATUS),
    ("InputAndOutputWithStringHeaders", COMMAS),
    ("SimpleScalarPropertiesWithXMLPreamble", TOLERANCE),
    ("RestXmlDateTimeWithNegativeOffset", TOLERANCE),
    ("RestXmlDateTimeWithPositiveOffset", TOLERANCE),
    ("RestXmlHttpPayloadWithUnsetUnion", UNSET),
    ("RestXmlHttpPayloadWithUnion", ROOT),
    ("HttpPayloadWithXmlName", ROOT),
    ("HttpPayloadWithXmlNamespace", ROOT),
    ("HttpPayloadWithXmlNamespaceAndPrefix", ROOT),
    ("XmlNamespaces", NAMESPACE),
];

#[test]
fn requests_are_routed_and_read() {
    let ran =
        each_case(include_str!("../../testdata/smithy/input/rest-xml.json"), INPUT_SKIPPED, read_request);
    assert_eq!(ran, 94);
}

#[test]
fn answers_are_written() {
    let ran =
        each_case(include_str!("../../testdata/smithy/output/rest-xml.json"), OUTPUT_SKIPPED, write_answer);
    assert_eq!(ran, 78);
}

/// Runs every case that is not skipped, and gives how many there are.
fn each_case(suites: &str, skipped: &[(&str, &str)], run: fn(&Json, &Json)) -> usize {
    let suites: Json = serde_json::from_str(suites).unwrap();
    let (mut ids, mut failed) = (Vec::new(), Vec::new());
    for suite in suites.as_array().unwrap() {
        for case in suite["cases"].as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            if !skipped.iter().any(|(known, _)| *known == id) {
                // Each says what is wrong with it; all of them are told.
                if std::panic::catch_unwind(|| run(suite, case)).is_err() {
                    failed.push(id);
                }
            }
            ids.push(id);
        }
    }
    for (id, _) in skipped {
        assert!(ids.contains(id), "{id} is listed, and no suite has it");
    }
    assert_eq!(failed, [""; 0]);
    ids.len()
}

/// A service with the one operation of a case.
fn service(suite: &Json, case: &Json, root: Option<&str>) -> &'static ServiceSchema {
    let given = &case["given"];
    let schema = |part: &str| {
        let name = given[part]["shape"].as_str();
        name.map_or(Unit::SCHEMA, |name| model::schema(&suite["shapes"], name))
    };
    let operation = Operation {
        name: model::leak(given["name"].as_str().unwrap()),
        http: HttpBinding {
            method: model::leak(given["http"]["method"].as_str().unwrap()),
            uri: model::leak(given["http"]["requestUri"].as_str().unwrap()),
            code: 200,
        },
        input: schema("input"),
        output: schema("output"),
        has_output: true,
        result_wrapper: root.map(model::leak),
        errors: &[],
        read_only: false,
        data_event: false,
        unsigned: false,
    };
    Box::leak(Box::new(ServiceSchema {
        name: "test",
        full_name: "Test",
        signing_name: "test",
        api_version: "2020-01-08",
        target_prefix: None,
        shape_namespace: "com.example",
        protocols: &[Protocol::RestXml],
        query_compatible: false,
        xml_namespace: None,
        event_source: "test.amazonaws.com",
        home_region: None,
        error_message: "message",
        invalid_input: "ValidationException",
        left_out: &[],
        operations: Vec::leak(vec![operation]),
    }))
}

fn read_request(suite: &Json, case: &Json) {
    let id = case["id"].as_str().unwrap();
    let service = service(suite, case, None);
    let operation = &service.operations[0];
    let serialized = &case["serialized"];
    let headers = header_map(&serialized["headers"]);
    let uri = serialized["uri"].as_str().unwrap();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let method: Method = serialized["method"].as_str().unwrap_or(operation.http.method).parse().unwrap();
    let called = Routes::of(service).find(&method, path, query, &headers);
    let called = called.unwrap_or_else(|fault| panic!("{id}: {fault}"));
    let body = serialized["body"].as_str().unwrap_or_default().as_bytes();
    let mut read = DynStructure::new(operation.input);
    let request = Request { called: &called, headers: &headers, body };
    let done = request.read(operation, &mut read, &Limits::default());
    done.unwrap_or_else(|fault| panic!("{id}: {fault}"));
    assert_eq!(read, model::structure(operation.input, &case["params"]), "{id}");
}

fn write_answer(suite: &Json, case: &Json) {
    let id = case["id"].as_str().unwrap();
    let expected = &case["response"];
    let body = expected["body"].as_str().unwrap_or_default();
    let body = body.split_once("?>\n").map_or(body, |(_, document)| document);
    let root = body.trim_start().starts_with('<').then(|| xml_tree::parse(body).name);
    let service = service(suite, case, root.as_deref());
    let operation = &service.operations[0];
    let mut output = model::structure(operation.output, &case["result"]);
    let answer = envelope::success(Framing::RestXml, service, operation, &mut output, "r-1").map(whole);
    assert_eq!(u64::from(answer.status().as_u16()), expected["status_code"].as_u64().unwrap(), "{id}");
    for (name, value) in &header_map(&expected["headers"]) {
        if name != "content-type" {
            assert_eq!(answer.headers().get(name), Some(value), "{id}: {name}");
        }
    }
    let written: &Bytes = answer.body();
    if root.is_some() {
        let written = std::str::from_utf8(written).unwrap();
        let written = written.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
        let (written, expected) = (xml_tree::parse(written), xml_tree::parse(body));
        assert_eq!(written.without_blanks(), expected.without_blanks(), "{id}");
    } else {
        assert_eq!(written, body, "{id}");
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
