//! Connections: how many, and how long without a request.

use std::time::Duration;

use strongroom_server::Limits;
use tokio::time::{sleep, timeout};

use crate::http2;
use crate::rig::{Rig, in_time, until};
use crate::signing::{Order, Request};
use crate::wire::Wire;

const HEAD_TIME: Duration = Duration::from_millis(100);

fn get(door: &str) -> Request {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign()
}

async fn impatient() -> Rig {
    Rig::with(Limits { head_time: HEAD_TIME, ..Limits::default() }).await
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_those_at_work() {
    let rig = Rig::with(Limits { connections: 2, ..Limits::default() }).await;
    let (mut first, mut second) = (rig.connect().await, rig.connect().await);
    for wire in [&mut first, &mut second] {
        wire.send(get("wait").bytes()).await;
    }
    until(|| rig.doors.ran().len() == 2).await;
    let mut third = rig.connect().await;
    third.send(get("back").bytes()).await;
    assert!(timeout(HEAD_TIME, third.answer()).await.is_err());
    rig.doors.gate.add_permits(2);
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(second.answer().await.status, 200);
    assert_eq!(third.answer().await.status, 200);
}

#[tokio::test]
async fn a_connection_that_nobody_uses_makes_room_for_the_next() {
    let rig = Rig::with(Limits { connections: 3, ..Limits::default() }).await;
    let (mut used, mut silent, mut slow) = (rig.connect().await, rig.connect().await, rig.connect().await);
    assert_eq!(used.call(&get("front")).await.status, 200);
    slow.send(b"POST / HTTP/1.1\r\nhost: a").await;
    let (mut fourth, mut fifth) = (rig.connect().await, rig.connect().await);
    assert_eq!(fourth.call(&get("back")).await.status, 200);
    assert_eq!(fifth.call(&get("back")).await.status, 200);
    assert_eq!((silent.end().await, slow.end().await), (Vec::new(), Vec::new()));
    assert_eq!(used.call(&get("front")).await.status, 200, "the one that is used is the last to go");
}

#[tokio::test]
async fn a_request_that_came_while_the_process_stood_still_is_answered() {
    let rig = impatient().await;
    for _ in 0..20 {
        let mut wire = rig.connect().await;
        assert_eq!(wire.call(&get("front")).await.status, 200);
        wire.send(get("back").bytes()).await;
        // The server runs on this thread: when it goes on, the connection has been idle for too long, too.
        std::thread::sleep(HEAD_TIME * 2);
        assert_eq!(wire.answer().await.status, 200);
    }
}

#[tokio::test]
async fn bodies_that_come_by_drips_keep_nobody_out() {
    let limits = Limits { connections: 3, body_time: Duration::from_mins(10), ..Limits::default() };
    let rig = Rig::with(limits).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut wire = rig.connect().await;
        let request = get("front");
        wire.send(request.head(&format!("content-length: {}", request.body.len()))).await;
        wire.send(&request.body[..1]).await;
        slow.push(wire);
    }
    for _ in 0..3 {
        assert_eq!(rig.call(&get("back")).await.status, 200);
    }
    let [one, two, three] = &mut slow[..] else { unreachable!() };
    let end = tokio::select! { end = one.end() => end, end = two.end() => end, end = three.end() => end };
    // The next may have been asked to end as well when its body was complete.
    let is_refused = end.is_empty() || end.starts_with(b"HTTP/1.1 503 ");
    assert!(is_refused, "one of them has made room, and nothing was done: {}", String::from_utf8_lossy(&end));
}

#[tokio::test]
async fn an_answer_on_its_way_keeps_its_place() {
    let rig = Rig::with(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = rig.connect().await;
    first.send(get("large").bytes()).await;
    until(|| rig.records.len() == 1).await;
    let mut second = rig.connect().await;
    second.send(get("back").bytes()).await;
    assert!(timeout(HEAD_TIME, second.answer()).await.is_err(), "there is no room yet");
    let answer = first.answer().await;
    assert_eq!((answer.status, answer.json()["Picture"].as_str().unwrap().len()), (200, 4_000_000));
    assert_eq!(second.answer().await.status, 200);
}

#[tokio::test]
async fn whoever_makes_room_is_not_waited_for() {
    let limits = Limits { connections: 1, linger_time: Duration::from_mins(10), ..Limits::default() };
    let rig = Rig::with(limits).await;
    for _ in 0..3 {
        // Answered before its body, of which no byte ever comes, and then idle.
        let mut wire = rig.connect().await;
        wire.send("POST /_strongroom/health HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n").await;
        assert_eq!(wire.answer().await.status, 405);
        assert_eq!(rig.call(&get("back")).await.status, 200);
        drop(wire);
    }
}

#[tokio::test]
async fn a_client_that_does_not_get_to_the_point_is_left() {
    let rig = impatient().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    for beginning in [
        &b""[..],
        b"P",
        b"POST / HTTP/1.1\r\nhost: a",
        b"\r\n\r\n",
        &preface[..7],
        preface,
        &[&preface[..], settings].concat(),
    ] {
        let mut wire = rig.connect().await;
        wire.send(beginning).await;
        wire.end().await;
    }
}

#[tokio::test]
async fn a_head_that_comes_by_drips_is_not_waited_for() {
    let rig = impatient().await;
    let Wire { stream, .. } = rig.connect().await;
    let dripping = async {
        for byte in get("front").bytes().iter().cycle() {
            // The server closes; then, at the latest with the byte after, writing fails.
            match stream.try_write(&[*byte]) {
                Ok(_) => sleep(Duration::from_millis(5)).await,
                Err(_) => return,
            }
        }
    };
    in_time(dripping).await;
    assert_eq!(rig.doors.ran().len(), 0);
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let rig = impatient().await;
    let mut wire = rig.connect().await;
    assert_eq!(wire.call(&get("front")).await.status, 200);
    assert_eq!(wire.end().await, b"");

    let (mut client, connection) = http2::connect(rig.address).await;
    assert_eq!(http2::call(&mut client, &get("front")).await.status, 200);
    in_time(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_with_requests_is_not() {
    let rig = impatient().await;
    let mut wire = rig.connect().await;
    let (mut client, _connection) = http2::connect(rig.address).await;
    wire.send(get("wait").bytes()).await;
    let answered = tokio::spawn(async move {
        let answer = http2::call(&mut client, &get("wait")).await;
        (client, answer)
    });
    until(|| rig.doors.ran().len() == 2).await;
    sleep(HEAD_TIME * 5).await;
    rig.doors.gate.add_permits(2);
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, None));
    assert_eq!(wire.call(&get("front")).await.status, 200);
    let (mut client, answer) = in_time(answered).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(http2::call(&mut client, &get("front")).await.status, 200);
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_does_not_keep_its_place() {
    let rig = Rig::with(Limits {
        connections: 1,
        head_time: HEAD_TIME,
        linger_time: HEAD_TIME,
        ..Limits::default()
    })
    .await;
    let mut wire = rig.connect().await;
    // More than the buffers of both ends hold.
    for _ in 0..3 {
        wire.send(get("large").bytes()).await;
    }
    until(|| !rig.doors.ran().is_empty()).await;
    assert_eq!(rig.call(&get("front")).await.status, 200);
    drop(wire);
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    for _ in 0..2 {
        let answer = wire.call(&get("large")).await;
        assert_eq!((answer.status, answer.json()["Picture"].as_str().unwrap().len()), (200, 4_000_000));
    }
    let (mut client, _connection) = http2::connect(rig.address).await;
    assert_eq!(http2::call(&mut client, &get("large")).await.body.len(), answer_length(&mut wire).await);
}

async fn answer_length(wire: &mut Wire) -> usize {
    wire.call(&get("large")).await.body.len()
}

#[tokio::test]
async fn a_refused_body_is_not_read_for_long() {
    let rig = Rig::with(Limits { linger_time: HEAD_TIME, ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    wire.send(get("front").head("content-length: 10000000000")).await;
    assert_eq!(wire.answer().await.status, 413);
    // The client has the answer, and never sends the body.
    assert!(timeout(Duration::from_secs(10), wire.end()).await.is_ok());
}
