//! Heads of requests that are too large, or have too much in them.

use strongroom_server::Limits;

use crate::rig::Rig;
use crate::signing::{Order, Request};

fn get() -> Request {
    Order::json("GetDoor", r#"{"DoorId":"front"}"#).sign()
}

fn with_headers(count: usize) -> Request {
    let mut request = get();
    let more = count - request.headers.len() - 1;
    request.headers.extend((0..more).map(|number| (format!("x-{number}"), "x".to_owned())));
    request
}

#[tokio::test]
async fn a_head_beyond_the_bound_is_refused() {
    let rig = Rig::with(Limits { head_bytes: 16 * 1024, ..Limits::default() }).await;
    let mut request = get();
    request.headers.push(("x-filler".to_owned(), "x".repeat(14 * 1024)));
    assert_eq!(rig.call(&request).await.status, 200);
    request.headers.push(("x-more".to_owned(), "x".repeat(14 * 1024)));
    assert_eq!(rig.call(&request).await.status, 431);
    let mut request = get();
    request.target = format!("/{}", "x".repeat(20 * 1024));
    assert!([414, 431].contains(&rig.call(&request).await.status));
    assert_eq!(rig.records.len(), 1);
}

#[tokio::test]
async fn a_client_that_sends_a_huge_head_first_and_reads_then_is_told_all_the_same() {
    let rig = Rig::start().await;
    let mut request = get();
    request.headers.push(("x-filler".to_owned(), "x".repeat(16 * 1024 * 1024)));
    assert_eq!(rig.call(&request).await.status, 431);
}

#[tokio::test]
async fn more_headers_than_the_bound_are_refused() {
    let rig = Rig::with(Limits { headers: 30, ..Limits::default() }).await;
    assert_eq!(rig.call(&with_headers(30)).await.status, 200);
    assert_eq!(rig.call(&with_headers(31)).await.status, 431);
    assert_eq!(rig.call(&with_headers(500)).await.status, 431);
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let rig = Rig::start().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client that speaks TLS \r\n\r\n"[..],
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot what follows",
    ] {
        let mut wire = rig.connect().await;
        wire.send(bytes).await;
        let answer = wire.end().await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"\0\0"),
            "{bytes:?}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    assert_eq!(rig.call(&get()).await.status, 200);
}

#[tokio::test]
async fn a_head_of_the_smallest_bound_is_served() {
    // The HTTP library has a bound of its own below which it does not go.
    let rig = Rig::with(Limits { head_bytes: 1, ..Limits::default() }).await;
    assert_eq!(rig.call(&get()).await.status, 200);
}
