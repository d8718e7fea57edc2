//! Calls over HTTP/2, by clients that know that the server speaks it.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use strongroom_server::Limits;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::rig::{Rig, in_time, until};
use crate::signing::{Order, Request};
use crate::wire::Answer;

pub(crate) type Client = SendRequest<Full<Bytes>>;

/// A client, and the task that ends when its connection does.
pub(crate) async fn connect(address: SocketAddr) -> (Client, JoinHandle<hyper::Result<()>>) {
    let stream = in_time(TcpStream::connect(address)).await.unwrap();
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (client, tokio::spawn(connection))
}

pub(crate) async fn call(client: &mut Client, request: &Request) -> Answer {
    answer(client.send_request(request.http2())).await.unwrap()
}

pub(crate) async fn answer(
    answering: impl Future<Output = hyper::Result<http::Response<hyper::body::Incoming>>>,
) -> hyper::Result<Answer> {
    let (parts, body) = in_time(answering).await?.into_parts();
    let headers = parts.headers.iter();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: in_time(body.collect()).await?.to_bytes().to_vec(),
    })
}

fn get(door: &str) -> Request {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign()
}

#[tokio::test]
async fn calls_share_a_connection_and_do_not_wait_for_one_another() {
    let rig = Rig::start().await;
    let (client, _connection) = connect(rig.address).await;
    let mut waiting = client.clone();
    let waiting = tokio::spawn(async move { call(&mut waiting, &get("wait")).await });
    until(|| rig.doors.ran() == ["get wait"]).await;

    let calls = (0..50).map(|number| {
        let mut client = client.clone();
        tokio::spawn(async move {
            let answer = call(&mut client, &get(&number.to_string())).await;
            assert_eq!((answer.status, answer.json()["DoorId"].as_str()), (200, Some(&*number.to_string())));
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let mut query = client.clone();
    let query = call(&mut query, &Order::query("GetDoor", "&DoorId=front").sign()).await;
    assert!(query.text().contains("<DoorId>front</DoorId>"), "{query:?}");

    rig.doors.gate.add_permits(1);
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.header("date")), (200, Some(crate::rig::NOW)));
    assert_eq!(rig.records.len(), 52);
}

#[tokio::test]
async fn the_host_that_is_signed_is_the_one_that_is_asked() {
    let rig = Rig::start().await;
    let (mut client, _connection) = connect(rig.address).await;
    let request = get("front").http2();
    assert!(!request.headers().contains_key("host"));
    let mut other = request.clone();
    *other.uri_mut() = "http://windows.example.com/".parse().unwrap();
    assert_eq!(answer(client.send_request(request)).await.unwrap().status, 200);
    let refused = answer(client.send_request(other)).await.unwrap();
    assert_eq!(refused.fault().1, "InvalidSignatureException");
}

#[tokio::test]
async fn refusals_are_those_of_http_1() {
    let rig = Rig::start().await;
    let (mut client, _connection) = connect(rig.address).await;
    for request in [
        get("gone"),
        get("front").without("authorization"),
        Order::json("Nothing", "{}").sign(),
        Order::query("Nothing", "").sign(),
    ] {
        let expected = rig.call(&request).await.fault();
        assert_eq!(call(&mut client, &request).await.fault(), expected);
    }
}

#[tokio::test]
async fn the_bounds_of_heads_and_bodies_hold() {
    let limits = Limits { headers: 30, head_bytes: 16 * 1024, body_bytes: 64 * 1024, ..Limits::default() };
    let rig = Rig::with(limits).await;
    let (mut client, _connection) = connect(rig.address).await;

    let mut request = get("front");
    request.headers.extend((0..30).map(|number| (format!("x-{number}"), "x".to_owned())));
    assert_eq!(call(&mut client, &request).await.status, 431);

    let mut request = get("front");
    request.headers.push(("x-filler".to_owned(), "x".repeat(20 * 1024)));
    assert_eq!(answer(client.send_request(request.http2())).await.map_or(431, |answer| answer.status), 431);

    let body = vec![b' '; 64 * 1024 + 1];
    let answer = call(&mut client, &Order::json("GetDoor", body).sign()).await;
    assert_eq!((answer.status, answer.fault().1.as_str()), (413, "RequestEntityTooLargeException"));
    assert_eq!(call(&mut client, &get("front")).await.status, 200);
}

#[tokio::test]
async fn an_operation_whose_call_was_taken_back_ends_and_is_recorded() {
    let rig = Rig::start().await;
    let (mut client, _connection) = connect(rig.address).await;
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { call(&mut other, &get("wait")).await });
    until(|| rig.doors.ran() == ["get wait"]).await;
    waiting.abort();
    // The server has heard of it by the time it answers the next.
    assert!(waiting.await.is_err());
    assert_eq!(call(&mut client, &get("front")).await.status, 200);
    rig.doors.gate.add_permits(1);
    until(|| rig.records.len() == 2).await;
    assert_eq!(rig.records.all()[1].error_code, None);
}
