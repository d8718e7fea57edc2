//! Who is not let in, and what they are told in each protocol.

use crate::rig::{Rig, SOUGHT_KEY_ID, UNDECIDED_KEY_ID};
use crate::signing::{Order, Request};
use std::time::Duration;
use strongroom_server::Limits;

const WRONG: &str = "The request signature we calculated does not match the signature you provided. Check your \
    AWS Secret Access Key and signing method. Consult the service documentation for details.";
const UNKNOWN: &str = "The security token included in the request is invalid.";
const MINUTE_MS: i64 = 60_000;

fn json() -> Order {
    Order::json("GetDoor", r#"{"DoorId":"front"}"#)
}

fn query() -> Order {
    Order::query("GetDoor", "&DoorId=front")
}

/// Sends the request in both protocols and compares what is told: code and status in JSON, then in the query
/// protocol, and the message that both share.
async fn refused(alter: impl Fn(Order) -> Request, json_code: &str, query_fault: (u16, &str), message: &str) {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let answer = wire.call(&alter(json())).await;
    assert_eq!(answer.fault(), (400, json_code.to_owned(), Some(message.to_owned())));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    assert!(answer.header("x-amzn-requestid").is_some());

    let answer = wire.call(&alter(query())).await;
    let (status, code) = query_fault;
    assert_eq!(answer.fault(), (status, code.to_owned(), Some(message.to_owned())));
    let expected = format!(
        "<ErrorResponse xmlns=\"https://doors.example.com/doc/2020-01-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code>"
    );
    assert!(answer.text().starts_with(&expected), "{answer:?}");
    let end = format!("</Error><RequestId>{}</RequestId></ErrorResponse>", answer.request_id());
    assert!(answer.text().ends_with(&end), "{answer:?}");

    // The connection is as good as before, and a right signature is let in.
    assert_eq!(wire.call(&json().sign()).await.status, 200);
    assert_eq!(rig.records.len(), 1);
}

#[tokio::test]
async fn no_signature() {
    refused(
        |order| order.sign().without("authorization"),
        "MissingAuthenticationTokenException",
        (403, "MissingAuthenticationToken"),
        "Request is missing Authentication Token",
    )
    .await;
}

#[tokio::test]
async fn a_wrong_secret() {
    let alter = |order| Order { secret: "wrong", ..order }.sign();
    refused(alter, "InvalidSignatureException", (403, "SignatureDoesNotMatch"), WRONG).await;
}

#[tokio::test]
async fn another_body_than_the_signed_one() {
    let alter = |order: Order| {
        let mut request = order.sign();
        request.body[0] ^= 1;
        request
    };
    // A form names the operation, so what is altered there is a value.
    let rig = Rig::start().await;
    let fault = rig.call(&alter(json())).await.fault();
    assert_eq!(fault, (400, "InvalidSignatureException".to_owned(), Some(WRONG.to_owned())));
    let mut request = query().sign();
    *request.body.last_mut().unwrap() ^= 1;
    let fault = rig.call(&request).await.fault();
    assert_eq!(fault, (403, "SignatureDoesNotMatch".to_owned(), Some(WRONG.to_owned())));
}

#[tokio::test]
async fn another_operation_than_the_signed_one() {
    let rig = Rig::start().await;
    let request = json().sign().alter("x-amz-target", |target| Some(target.replace("Get", "Close")));
    let fault = rig.call(&request).await.fault();
    assert_eq!(fault, (400, "InvalidSignatureException".to_owned(), Some(WRONG.to_owned())));
    assert_eq!(rig.doors.ran().len(), 0);
}

#[tokio::test]
async fn an_unknown_access_key() {
    let alter = |order| Order { access_key_id: "AKIDNOBODY", ..order }.sign();
    refused(alter, "UnrecognizedClientException", (403, "InvalidClientTokenId"), UNKNOWN).await;
}

#[tokio::test]
async fn a_session_token_with_a_long_term_key() {
    refused(
        |order| Order { session_token: Some("token"), ..order }.sign(),
        "UnrecognizedClientException",
        (403, "InvalidClientTokenId"),
        "The security token included in the request is invalid",
    )
    .await;
}

#[tokio::test]
async fn a_signature_of_the_past() {
    refused(
        |order| Order { signed_at_ms: order.signed_at_ms - 6 * MINUTE_MS, ..order }.sign(),
        "InvalidSignatureException",
        (403, "SignatureDoesNotMatch"),
        "Signature expired: 20150830T123000Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)",
    )
    .await;
}

#[tokio::test]
async fn a_signature_of_the_future() {
    refused(
        |order| Order { signed_at_ms: order.signed_at_ms + 6 * MINUTE_MS, ..order }.sign(),
        "InvalidSignatureException",
        (403, "SignatureDoesNotMatch"),
        "Signature not yet current: 20150830T124200Z is still later than 20150830T124100Z \
         (20150830T123600Z + 5 min.)",
    )
    .await;
}

#[tokio::test]
async fn a_region_that_does_not_exist() {
    refused(
        |order| Order { region: "us-east-9", ..order }.sign(),
        "InvalidSignatureException",
        (403, "SignatureDoesNotMatch"),
        "Credential should be scoped to a valid region, not 'us-east-9'.",
    )
    .await;
}

#[tokio::test]
async fn a_signature_for_another_service() {
    for service in ["windows", "walls"] {
        refused(
            |order| Order { service, ..order }.sign(),
            "InvalidSignatureException",
            (403, "SignatureDoesNotMatch"),
            "Credential should be scoped to correct service: 'doors'.",
        )
        .await;
    }
}

#[tokio::test]
async fn a_signature_in_both_places() {
    let rig = Rig::start().await;
    let mut request = Order::url("GetDoor", "&DoorId=front").sign();
    request.headers.push(("authorization".to_owned(), "AWS4-HMAC-SHA256 Credential=a".to_owned()));
    let message = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";
    let fault = rig.call(&request).await.fault();
    assert_eq!(fault, (403, "SignatureDoesNotMatch".to_owned(), Some(message.to_owned())));
}

#[tokio::test]
async fn a_header_that_is_no_signature() {
    let basic = "Unsupported AWS 'algorithm': 'Basic'.";
    let bare = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
        parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256";
    for (value, message) in [("Basic dGVzdDp0ZXN0", basic), ("AWS4-HMAC-SHA256", bare)] {
        refused(
            |order| order.sign().alter("authorization", |_| Some(value.to_owned())),
            "IncompleteSignatureException",
            (400, "IncompleteSignature"),
            message,
        )
        .await;
    }
}

#[tokio::test]
async fn a_url_after_its_time() {
    let rig = Rig::start().await;
    let order = Order::url("GetDoor", "&DoorId=front");
    let late = Order { signed_at_ms: order.signed_at_ms - 2 * MINUTE_MS, ..order.clone() };
    let (status, code, message) = rig.call(&late.sign()).await.fault();
    assert_eq!((status, code.as_str()), (403, "SignatureDoesNotMatch"));
    assert!(message.unwrap().starts_with("Signature expired: 20150830T123400Z is now earlier than"));
    assert_eq!(rig.call(&Order { expires: Some(600), ..late }.sign()).await.status, 200);

    let mut altered = order.sign();
    altered.target = altered.target.replace("DoorId=front", "DoorId=back");
    assert_eq!(rig.call(&altered).await.fault().1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn nobody_is_let_in_while_nobody_knows_the_access_keys() {
    let rig = Rig::start().await;
    let message = "The request processing has failed because of an unknown error.";
    for order in [json(), query()] {
        let fault = rig.call(&Order { access_key_id: UNDECIDED_KEY_ID, ..order }.sign()).await.fault();
        assert_eq!(fault, (500, "InternalFailure".to_owned(), Some(message.to_owned())));
    }
}

#[tokio::test]
async fn an_access_key_is_not_looked_for_without_end() {
    let rig = Rig::with(Limits { operation_time: Duration::from_millis(50), ..Limits::default() }).await;
    let fault = rig.call(&Order { access_key_id: SOUGHT_KEY_ID, ..json() }.sign()).await.fault();
    assert_eq!((fault.0, fault.1.as_str()), (503, "ServiceUnavailableException"));
    let fault = rig.call(&Order { access_key_id: SOUGHT_KEY_ID, ..query() }.sign()).await.fault();
    assert_eq!((fault.0, fault.1.as_str()), (503, "ServiceUnavailable"));
    assert_eq!(rig.records.len(), 0);
}
