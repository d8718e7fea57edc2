//! Bodies that are too large, too slow or never whole, and the memory that they take.

use std::time::Duration;

use strongroom_server::{Limits, LongerBody};
use tokio::time::sleep;

use crate::metrics::{text, value};
use crate::rig::{Rig, in_time, until};
use crate::signing::{Order, Request};

const TOO_LARGE: &str = "The request body is too large.";
const INCOMPLETE: &str = "The request body is incomplete.";

fn get(door: &str) -> Request {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign()
}

fn told(status: u16, code: &str, message: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), Some(message.to_owned()))
}

/// A call whose body is that long.
fn long(length: usize) -> Request {
    let filler = "x".repeat(length - r#"{"DoorId":"front","X":""}"#.len());
    let order = Order::json("GetDoor", format!(r#"{{"DoorId":"front","X":"{filler}"}}"#));
    assert_eq!(order.body.len(), length);
    order.sign()
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    wire.send(get("front").head("content-length: 10000000000")).await;
    let expected = told(413, "RequestEntityTooLargeException", TOO_LARGE);
    assert_eq!(wire.answer().await.fault(), expected);

    let mut wire = rig.connect().await;
    wire.send(Order::query("GetDoor", "").sign().head("content-length: 1048577")).await;
    assert_eq!(wire.answer().await.fault(), told(413, "RequestEntityTooLarge", TOO_LARGE));

    let mut wire = rig.connect().await;
    wire.send(get("front").head("expect: 100-continue\r\ncontent-length: 1048577")).await;
    assert_eq!(wire.answer().await.status, 413);
    assert_eq!(rig.records.len(), 0);
}

#[tokio::test]
async fn a_body_at_the_bound_is_read() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    assert_eq!(wire.call(&long(1024 * 1024)).await.status, 200);
    assert_eq!(wire.call(&long(1024 * 1024 + 1)).await.status, 413);
}

#[tokio::test]
async fn some_operations_take_longer_bodies() {
    let bytes = 8 * 1024 * 1024;
    let of_get_door = LongerBody { service: "doors", operation: "GetDoor", bytes };
    let limits = Limits { longer_bodies: Box::leak(Box::new([of_get_door])), ..Limits::default() };
    let rig = Rig::with(limits).await;
    assert_eq!(rig.call(&long(bytes)).await.status, 200);
    let mut wire = rig.connect().await;
    wire.send(get("front").head("content-length: 8388609")).await;
    assert_eq!(wire.answer().await.status, 413);
    // Others do not, and neither does one whose operation is told in the body.
    for order in [Order::json("OpenDoor", "{}"), Order::query("GetDoor", "")] {
        let mut wire = rig.connect().await;
        wire.send(order.sign().head("content-length: 1048577")).await;
        assert_eq!(wire.answer().await.status, 413);
    }
}

#[tokio::test]
async fn a_client_that_sends_first_and_reads_then_is_told_all_the_same() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let request = get("front");
    wire.send(request.head("content-length: 16777216")).await;
    wire.send(vec![b'x'; 16 * 1024 * 1024]).await;
    assert_eq!(wire.answer().await.status, 413);
    assert_eq!(wire.end().await, b"");

    // A head may be refused before there is anything of its body.
    let mut wire = rig.connect().await;
    wire.send(Order::json_target("Nowhere", "{}").sign().head("content-length: 2")).await;
    wire.send("{").await;
    sleep(Duration::from_millis(20)).await;
    wire.send("}").await;
    assert_eq!(wire.answer().await.status, 400);
    assert_eq!(rig.call(&request).await.status, 200);
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_refused_where_it_does() {
    let rig = Rig::with(Limits { body_bytes: 64 * 1024, ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    wire.send(get("front").head("transfer-encoding: chunked")).await;
    let chunk = [b"4000\r\n", &[b'x'; 0x4000][..], b"\r\n"].concat();
    for _ in 0..5 {
        wire.send(&chunk).await;
    }
    assert_eq!(wire.answer().await.fault(), told(413, "RequestEntityTooLargeException", TOO_LARGE));
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_not_waited_for() {
    let rig = Rig::with(Limits { body_time: Duration::from_millis(50), ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    wire.send(get("front").head("content-length: 100")).await;
    wire.send("{").await;
    assert_eq!(wire.answer().await.fault(), told(400, "SerializationException", INCOMPLETE));
    let mut wire = rig.connect().await;
    wire.send(Order::query("GetDoor", "").sign().head("content-length: 100")).await;
    assert_eq!(wire.answer().await.fault(), told(400, "MalformedInput", INCOMPLETE));
    assert_eq!(rig.records.len(), 0);
}

#[tokio::test]
async fn a_body_that_is_broken_off_is_no_call() {
    let rig = Rig::with(Limits { connections: 1, ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    wire.send(get("front").head("content-length: 100")).await;
    wire.send("{").await;
    drop(wire);
    // Framing that makes no sense is answered, or the connection closed.
    let mut wire = rig.connect().await;
    wire.send(get("front").head("transfer-encoding: chunked")).await;
    wire.send("no length\r\n").await;
    if let Some(answer) = wire.answer_or_end().await {
        assert_eq!(answer.fault(), told(400, "SerializationException", INCOMPLETE));
    }
    drop(wire);
    assert_eq!(rig.call(&get("front")).await.status, 200);
    assert_eq!(rig.records.len(), 1);
}

#[tokio::test]
async fn bodies_share_memory_and_give_it_back_however_they_end() {
    let kibibytes = 16;
    let limits = Limits {
        body_bytes: kibibytes * 1024,
        // A quarter is for small ones, and too little for any of these.
        body_memory: (kibibytes + 6) * 1024,
        body_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let rig = Rig::with(limits).await;
    let whole = long(kibibytes * 1024);
    assert_eq!(rig.call(&whole).await.status, 200);

    // Each would leave nothing for the rest if it kept what it had.
    rig.call(&long(kibibytes * 1024 + 1)).await;
    rig.call(&whole.clone().without("authorization")).await;
    rig.call(&whole.clone().alter("x-amz-target", |target| Some(format!("{target}s")))).await;
    rig.call(&whole.clone().alter("x-amz-date", |_| Some("never".to_owned()))).await;
    let mut form = Order::form("%zz=").sign();
    form.body.resize(kibibytes * 1024, b'&');
    rig.call(&form).await;
    let mut slow = rig.connect().await;
    slow.send(whole.head(&format!("content-length: {}", whole.body.len()))).await;
    slow.send(&whole.body[1..]).await;
    assert_eq!(slow.answer().await.status, 400);
    let mut gone = rig.connect().await;
    gone.send(whole.head(&format!("content-length: {}", whole.body.len()))).await;
    gone.send(&whole.body[1..]).await;
    drop(gone);

    let busy = told(503, "ServiceUnavailableException", "The service is busy. Try again in a moment.");
    let mut answer = rig.call(&whole).await;
    while answer.status == 503 {
        // The server has not yet seen that the last client is gone.
        assert_eq!(answer.fault(), busy);
        answer = rig.call(&whole).await;
    }
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_an_operation_was_sent_counts_until_it_ends() {
    let limits = Limits { body_memory: 24 * 1024, ..Limits::default() };
    let rig = Rig::with(limits).await;
    let mut waiting = rig.connect().await;
    let mut body = br#"{"DoorId":"wait"}"#.to_vec();
    body.resize(10 * 1024, b' ');
    waiting.send(Order::json("GetDoor", body).sign().bytes()).await;
    until(|| rig.doors.ran() == ["get wait"]).await;

    assert_eq!(rig.call(&long(10 * 1024)).await.status, 503);
    assert_eq!(rig.call(&long(5 * 1024)).await.status, 200);
    rig.doors.gate.add_permits(1);
    assert_eq!(waiting.answer().await.status, 200);
    assert_eq!(rig.call(&long(10 * 1024)).await.status, 200);
}

#[tokio::test]
async fn memory_is_taken_for_what_has_come_and_not_for_what_is_announced() {
    let limits = Limits { body_memory: 1024 * 1024, ..Limits::default() };
    let rig = Rig::with(limits).await;
    let mut idlers = Vec::new();
    for _ in 0..10 {
        let mut wire = rig.connect().await;
        wire.send(get("front").head("content-length: 1048576")).await;
        wire.send("{").await;
        idlers.push(wire);
    }
    assert_eq!(rig.call(&long(100 * 1024)).await.status, 200);
}

#[tokio::test]
async fn large_bodies_that_never_end_leave_room_for_small_ones() {
    let large = long(1024 * 1024);
    let limits = Limits { body_memory: 4 * large.body.len(), ..Limits::default() };
    let rig = Rig::with(limits).await;
    // All that they can have: with the usual bounds, they are 192.
    let mut stalled = Vec::new();
    for _ in 0..3 {
        let mut wire = rig.connect().await;
        wire.send(large.head(&format!("content-length: {}", large.body.len()))).await;
        wire.send(&large.body[1..]).await;
        stalled.push(wire);
    }
    let taken = (stalled.len() * large.body.len()) as f64;
    in_time(async {
        while value(&text(&rig).await, "strongroom_body_memory_bytes") != Some(&format!("{taken:?}")) {}
    })
    .await;
    assert_eq!(rig.call(&long(16 * 1024)).await.status, 503);
    assert_eq!(rig.call(&get("front")).await.status, 200);
    assert_eq!(rig.call(&long(8 * 1024)).await.status, 200);
}
