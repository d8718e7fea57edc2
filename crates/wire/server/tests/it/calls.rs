//! Calls that succeed, in every protocol.

use crate::rig::{ACCOUNT, NOW, Rig};
use crate::signing::Order;

const DOOR: &str = r#"{"DoorId":"front"}"#;

/// `x-amzn-RequestId` is a random UUID.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups[2].starts_with('4')
        && groups[3].starts_with(['8', '9', 'a', 'b'])
        && text.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9' | b'a'..=b'f'))
}

#[tokio::test]
async fn one_connection_carries_calls_in_every_protocol() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;

    let json_11 = wire.call(&Order::json("GetDoor", DOOR).sign()).await;
    assert_eq!((json_11.status, json_11.text()), (200, DOOR));
    assert_eq!(json_11.header("content-type"), Some("application/x-amz-json-1.1"));

    let json_10 = wire.call(&Order::json_10("GetDoor", DOOR).sign()).await;
    assert_eq!((json_10.status, json_10.text()), (200, DOOR));
    assert_eq!(json_10.header("content-type"), Some("application/x-amz-json-1.0"));

    let query = wire.call(&Order::query("GetDoor", "&DoorId=front").sign()).await;
    let expected = format!(
        "<GetDoorResponse xmlns=\"https://doors.example.com/doc/2020-01-01/\"><GetDoorResult>\
         <DoorId>front</DoorId></GetDoorResult><ResponseMetadata><RequestId>{}</RequestId>\
         </ResponseMetadata></GetDoorResponse>",
        query.request_id()
    );
    assert_eq!((query.status, query.text()), (200, expected.as_str()));
    assert_eq!(query.header("content-type"), Some("text/xml"));

    let answers = [json_11, json_10, query];
    for answer in &answers {
        assert_eq!(answer.header("date"), Some(NOW));
        assert!(is_uuid(answer.request_id()), "{answer:?}");
    }
    let recorded: Vec<_> = rig.records.all().into_iter().map(|record| record.request_id).collect();
    assert_eq!(recorded, answers.map(|answer| answer.request_id().to_owned()));
    assert_ne!(recorded[0], recorded[1]);
}

#[tokio::test]
async fn a_signed_url_is_a_call() {
    let rig = Rig::start().await;
    let request = Order::url("GetDoor", "&DoorId=front").sign();
    assert!(request.headers.iter().all(|(name, _)| name == "host"), "{request:?}");
    let answer = rig.call(&request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text().contains("<DoorId>front</DoorId>"), "{answer:?}");
    assert_eq!(rig.records.only().request_parameters.as_deref(), Some(r#"{"doorId":"front"}"#));
}

#[tokio::test]
async fn an_operation_without_output_has_an_empty_answer_in_json() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let json = wire.call(&Order::json("CloseDoor", DOOR).sign()).await;
    assert_eq!((json.status, json.text()), (200, ""));
    assert_eq!(json.header("content-length"), Some("0"));
    assert!(is_uuid(json.request_id()));

    let query = wire.call(&Order::query("CloseDoor", "&DoorId=front").sign()).await;
    let expected = format!(
        "<CloseDoorResponse xmlns=\"https://doors.example.com/doc/2020-01-01/\"><ResponseMetadata>\
         <RequestId>{}</RequestId></ResponseMetadata></CloseDoorResponse>",
        query.request_id()
    );
    assert_eq!((query.status, query.text()), (200, expected.as_str()));
}

#[tokio::test]
async fn chunked_bodies_are_bodies() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    for _ in 0..2 {
        wire.send(Order::json("GetDoor", DOOR).sign().head("transfer-encoding: chunked")).await;
        wire.send("9\r\n{\"DoorId\"\r\n").await;
        wire.send("9\r\n:\"front\"}\r\n0\r\n\r\n").await;
        assert_eq!(wire.answer().await.text(), DOOR);
    }
    assert_eq!(rig.doors.ran(), ["get front", "get front"]);
}

#[tokio::test]
async fn the_answer_comes_although_something_follows_the_request() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let request = Order::json("GetDoor", DOOR).sign().bytes();

    // Some old clients end a body with a line of its own.
    wire.send([&request[..], b"\r\n"].concat()).await;
    assert_eq!(wire.answer().await.text(), DOOR);

    // The next request comes in two halves.
    let (first, second) = request.split_at(20);
    wire.send([&request[..], first].concat()).await;
    assert_eq!(wire.answer().await.text(), DOOR);
    wire.send(second).await;
    assert_eq!(wire.answer().await.text(), DOOR);
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let door = |number: usize| Order::json("GetDoor", format!(r#"{{"DoorId":"{number}"}}"#)).sign().bytes();
    wire.send((0..20).flat_map(door).collect::<Vec<_>>()).await;
    for number in 0..20 {
        assert_eq!(wire.answer().await.text(), format!(r#"{{"DoorId":"{number}"}}"#));
    }
    assert_eq!(rig.records.len(), 20);
}

#[tokio::test]
async fn a_client_that_asks_whether_to_go_on_is_told_so() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let request = Order::json("GetDoor", DOOR).sign();
    wire.send(request.head(&format!("expect: 100-continue\r\ncontent-length: {}", DOOR.len()))).await;
    assert_eq!(wire.head().await.status, 100);
    wire.send(DOOR).await;
    assert_eq!(wire.answer().await.text(), DOOR);
}

#[tokio::test]
async fn the_host_may_stand_in_the_request_line() {
    let rig = Rig::start().await;
    let mut request = Order::json("GetDoor", DOOR).sign();
    request.target = format!("http://{}/", crate::rig::HOST);
    assert_eq!(rig.call(&request.clone().without("host")).await.text(), DOOR);
    assert_eq!(rig.call(&request).await.text(), DOOR);
}

#[tokio::test]
async fn the_caller_is_who_signed_and_the_region_what_was_signed_for() {
    let rig = Rig::start().await;
    let order = Order { region: "eu-central-1", ..Order::json("GetDoor", DOOR) };
    rig.call(&order.sign()).await;
    let record = rig.records.only();
    assert_eq!(record.who, format!("arn:aws:iam::{ACCOUNT}:root"));
    assert_eq!((record.region.as_str(), record.source_ip.as_str()), ("eu-central-1", "127.0.0.1"));
}
