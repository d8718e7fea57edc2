//! The health of the server, for anyone who asks.

use std::sync::atomic::Ordering;

use crate::http2;
use crate::rig::{HOST, Rig};
use crate::signing::{Order, Request};

fn ask(method: &'static str, path: &str) -> Request {
    let headers = vec![("host".to_owned(), HOST.to_owned())];
    Request { method, target: path.to_owned(), headers, body: Vec::new() }
}

const OURS: &str = "/_strongroom/health";
const LOCALSTACK: &str = "/_localstack/health";

#[tokio::test]
async fn health_is_told_to_anyone() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let answer = wire.call(&ask("GET", OURS)).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("ok")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.json()["version"].is_string());

    let answer = wire.call(&ask("GET", LOCALSTACK)).await;
    let services = serde_json::json!({"doors": "running", "gates": "running", "windows": "running"});
    assert_eq!((answer.status, &answer.json()["services"]), (200, &services));
    assert_eq!(wire.call(&ask("GET", "/_strongroom/health?verbose")).await.status, 200);
    assert_eq!(rig.records.len(), 0);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let length = wire.call(&ask("GET", OURS)).await.body.len().to_string();
    wire.send(ask("HEAD", OURS).bytes()).await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-length")), (200, Some(length.as_str())));
    // Had a body come, this would be its answer.
    assert_eq!(wire.call(&ask("GET", OURS)).await.status, 200);

    let (mut client, _connection) = http2::connect(rig.address).await;
    let head = http2::call(&mut client, &ask("HEAD", OURS)).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some(length.as_str())));
    assert_eq!(head.body, b"");
    let refused = http2::call(&mut client, &ask("HEAD", "/")).await;
    assert_eq!((refused.status, refused.body.len()), (400, 0));
    assert_ne!(refused.header("content-length"), Some("0"));
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    for (method, path) in [("POST", OURS), ("DELETE", OURS), ("POST", LOCALSTACK)] {
        let answer = wire.call(&ask(method, path)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_record_says_so() {
    let rig = Rig::start().await;
    rig.records.full.store(true, Ordering::SeqCst);
    rig.call(&Order::json("GetDoor", r#"{"DoorId":"front"}"#).sign()).await;
    let answer = rig.call(&ask("GET", OURS)).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("journal unavailable")));
    let answer = rig.call(&ask("GET", LOCALSTACK)).await;
    assert_eq!((answer.status, answer.json()["services"]["doors"].as_str()), (503, Some("error")));
    let mut wire = rig.connect().await;
    wire.send(ask("HEAD", OURS).bytes()).await;
    assert_eq!(wire.head().await.status, 503);
}
