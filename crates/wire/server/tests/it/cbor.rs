//! Calls in CBOR.

use crate::rig::Rig;
use crate::signing::Order;

const DOOR: &[u8] = b"\xA1\x66DoorId\x65front";

/// A text as CBOR has it.
fn text(text: &str) -> Vec<u8> {
    let head = match text.len() {
        length @ 0..24 => vec![0x60 | length as u8],
        length @ 24..256 => vec![0x78, length as u8],
        length => vec![0x79, (length >> 8) as u8, length as u8],
    };
    [head, text.as_bytes().to_vec()].concat()
}

/// An error's body.
fn fault(shape: &str, message: &str, named: &str) -> Vec<u8> {
    let parts = [vec![0xA2], text("__type"), text(shape), text(named), text(message)];
    parts.concat()
}

#[tokio::test]
async fn calls_are_read_answered_and_recorded() {
    let rig = Rig::start().await;
    let answer = rig.call(&Order::cbor("GetDoor", DOOR).sign()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, DOOR));
    assert_eq!(answer.header("content-type"), Some("application/cbor"));
    assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
    assert_eq!(rig.records.only().request_parameters.as_deref(), Some(r#"{"doorId":"front"}"#));

    let answer = rig.call(&Order::cbor("CloseDoor", b"\xBF\x66DoorId\x65front\xFF").sign()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
    assert_eq!(rig.doors.ran(), ["get front", "close front"]);
}

#[tokio::test]
async fn whatever_is_refused_is_refused_in_cbor() {
    let front = |code: &str| format!("com.amazon.coral.service#{code}");
    let null = "1 validation error detected: Value null at 'doorId' failed to satisfy constraint: Member must \
                not be null";
    for (order, status, code, message, named) in [
        (
            Order::cbor("GetDoor", b"\xA1"),
            400,
            "SerializationException",
            "Unexpected end of the message",
            "Message",
        ),
        (Order::cbor("GetDoor", b""), 400, "ValidationException", null, "message"),
        (
            Order { secret: "wrong", ..Order::cbor("GetDoor", DOOR) },
            400,
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details.",
            "message",
        ),
        (
            Order::cbor("GetDoor", b"\xA1\x66DoorId\x66denied"),
            400,
            "AccessDeniedException",
            "User: you is not authorized to perform: doors:GetDoor",
            "Message",
        ),
        (
            Order::cbor("GetDoor", b"\xA1\x66DoorId\x64gone"),
            400,
            "NoSuchDoorException",
            "Door 'gone' does not exist",
            "message",
        ),
    ] {
        let answer = Rig::start().await.call(&order.sign()).await;
        assert_eq!(answer.status, status, "{code}");
        let expected = fault(&front(code), message, named);
        assert_eq!(
            String::from_utf8_lossy(&answer.body),
            String::from_utf8_lossy(&expected),
            "{code}: {answer:?}"
        );
        assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
    }
}

#[tokio::test]
async fn paths_that_lead_nowhere() {
    let bare = [vec![0xA1], text("__type"), text("com.amazon.coral.service#UnknownOperationException")];
    for target in [
        "/service/com.example.Doors_20200101/operation/Nothing",
        "/service/Doors/operation/GetDoor",
        "/service/com.example.Doors_20200101/operation/",
        "/service/Windows/operation/GetWindow",
        "/",
    ] {
        let order = Order { target: target.to_owned(), ..Order::cbor("GetDoor", DOOR) };
        let answer = Rig::start().await.call(&order.sign()).await;
        assert_eq!((answer.status, answer.body), (400, bare.concat()), "{target}");
        assert_eq!(
            answer.headers.iter().find(|(name, _)| name == "content-type").unwrap().1,
            "application/cbor"
        );
    }
}
