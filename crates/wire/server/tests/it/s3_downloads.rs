//! Answers of S3 that their clients do not take, or take slowly.

use std::time::Duration;

use http_body_util::BodyExt as _;
use strongroom_server::{Limits, Pace};
use tokio::io::AsyncReadExt as _;

use crate::http2;
use crate::rig::{Rig, in_time};
use crate::s3::{code, rig};
use crate::signing::Order;

/// More than lies on the way between server and client.
const LONG: usize = 32 << 20;

fn get(key: &str) -> Order {
    Order::s3("GET", &format!("/b/{key}"), "")
}

fn one_at_a_time(time: Duration) -> Limits {
    Limits { downloads: 1, pace: Pace { bytes: 64 * 1024, time }, ..Limits::default() }
}

/// Calls until there is a place.
async fn until_served(rig: &Rig) {
    in_time(async {
        while rig.call(&get("short").sign()).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn downloads_have_places_of_their_own() {
    let (rig, shelf) = rig(one_at_a_time(Duration::from_mins(1))).await;
    shelf.put("long", vec![0; LONG]);
    shelf.put("short", "hello");
    let mut taking = rig.connect().await;
    taking.send(get("long").sign().bytes()).await;
    assert_eq!(taking.head().await.status, 200);
    let refused = rig.call(&get("short").sign()).await;
    assert_eq!(code(&refused), (503, "SlowDown".to_owned()));
    // It is recorded, and others have their places.
    assert_eq!(rig.records.all().last().unwrap().error_code.as_deref(), Some("SlowDown"));
    assert_eq!(rig.call(&Order::s3("PUT", "/b/other", "hello").sign()).await.status, 200);
    drop(taking);
    until_served(&rig).await;
}

#[tokio::test]
async fn what_nobody_takes_is_let_go_of() {
    let (rig, shelf) = rig(one_at_a_time(Duration::from_millis(300))).await;
    shelf.put("long", vec![0; LONG]);
    shelf.put("short", "hello");
    // Over HTTP/1.1, and over HTTP/2 on a connection that goes on.
    let mut stalled = rig.connect().await;
    stalled.send(get("long").sign().bytes()).await;
    assert_eq!(stalled.head().await.status, 200);
    until_served(&rig).await;
    assert!(stalled.end().await.len() < LONG);

    let (mut client, _connection) = http2::connect(rig.address).await;
    let stalled = in_time(client.send_request(get("long").sign().http2())).await.unwrap();
    assert_eq!(stalled.status(), 200);
    until_served(&rig).await;
    assert_eq!(http2::call(&mut client, &get("short").sign()).await.status, 200);
    assert!(in_time(stalled.into_body().collect()).await.is_err(), "it has no end");
}

#[tokio::test]
async fn who_takes_it_slowly_gets_it_all() {
    let (rig, shelf) = rig(one_at_a_time(Duration::from_secs(1))).await;
    shelf.put("long", vec![0; LONG]);
    let mut wire = rig.connect().await;
    wire.send(get("long").sign().bytes()).await;
    assert_eq!(wire.head().await.status, 200);
    let mut part = vec![0; 1 << 20];
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        in_time(wire.stream.read_exact(&mut part)).await.unwrap();
    }
    // Some came along with the head.
    let mut rest = vec![0; LONG - 8 * part.len() - (64 << 10)];
    in_time(wire.stream.read_exact(&mut rest)).await.unwrap();
}
