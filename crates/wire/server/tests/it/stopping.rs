//! Stopping: what is under way ends, what is idle closes, what is new is refused.

use std::time::Duration;

use strongroom_server::Limits;
use tokio::net::TcpStream;

use crate::http2;
use crate::rig::{Rig, in_time, until};
use crate::signing::{Order, Request};

/// More than any stop here takes, and less than a test waits.
const PATIENCE: Duration = Duration::from_secs(10);

fn get(door: &str) -> Request {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign()
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let rig = Rig::start().await;
    let mut wires = Vec::new();
    for beginning in [&b""[..], b"PRI", b"POST / HTTP/1.1\r\nhost: a"] {
        let mut wire = rig.connect().await;
        wire.send(beginning).await;
        wires.push(wire);
    }
    let mut wire = rig.connect().await;
    assert_eq!(wire.call(&get("front")).await.status, 200);
    wires.push(wire);
    let (mut client, connection) = http2::connect(rig.address).await;
    assert_eq!(http2::call(&mut client, &get("front")).await.status, 200);

    let address = rig.address;
    assert!(rig.stop(PATIENCE).await);
    for mut wire in wires {
        assert_eq!(wire.end().await, b"");
    }
    in_time(connection).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_is_under_way_ends_first() {
    let rig = Rig::start().await;
    let doors = rig.doors.clone();
    let records = rig.records.clone();
    let address = rig.address;
    let mut wire = rig.connect().await;
    let (mut client, connection) = http2::connect(rig.address).await;
    wire.send(get("wait").bytes()).await;
    let over_http2 = tokio::spawn(async move { http2::call(&mut client, &get("wait")).await });
    until(|| doors.ran().len() == 2).await;

    let stopping = tokio::spawn(rig.stop(PATIENCE));
    in_time(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    assert!(!stopping.is_finished());
    doors.gate.add_permits(2);
    assert!(stopping.await.unwrap());
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(wire.end().await, b"");
    assert_eq!(over_http2.await.unwrap().status, 200);
    in_time(connection).await.unwrap().unwrap();
    assert_eq!(records.len(), 2);
}

#[tokio::test]
async fn an_operation_whose_client_has_gone_is_waited_for() {
    let rig = Rig::start().await;
    let (doors, records) = (rig.doors.clone(), rig.records.clone());
    let mut wire = rig.connect().await;
    wire.send(get("wait").bytes()).await;
    until(|| doors.ran().len() == 1).await;
    drop(wire);
    let stopping = tokio::spawn(rig.stop(PATIENCE));
    doors.gate.add_permits(1);
    assert!(stopping.await.unwrap());
    assert_eq!(records.len(), 1);
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_does_not_hold_up_the_end() {
    let rig = Rig::with(Limits { linger_time: Duration::from_millis(100), ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    for _ in 0..3 {
        wire.send(get("large").bytes()).await;
    }
    until(|| !rig.doors.ran().is_empty()).await;
    assert!(rig.stop(PATIENCE).await);
}

#[tokio::test]
async fn the_end_comes_although_all_places_are_taken() {
    let rig = Rig::with(Limits { connections: 1, ..Limits::default() }).await;
    let (address, doors) = (rig.address, rig.doors.clone());
    let mut wire = rig.connect().await;
    wire.send(get("wait").bytes()).await;
    until(|| doors.ran().len() == 1).await;
    let stopping = tokio::spawn(rig.stop(PATIENCE));
    // The address is given up before the last connection is.
    in_time(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    doors.gate.add_permits(1);
    assert_eq!(wire.answer().await.status, 200);
    assert!(stopping.await.unwrap());
}

#[tokio::test]
async fn an_operation_without_end_is_given_up() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    wire.send(get("forever").bytes()).await;
    until(|| rig.doors.ran().len() == 1).await;
    assert!(!rig.stop(Duration::from_millis(100)).await);
}
