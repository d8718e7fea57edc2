//! How operations end: with nobody waiting, out of time, in a panic, without a record.

use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_server::Limits;

use crate::metrics;
use crate::rig::{Rig, until};
use crate::signing::{Order, Request};

fn get(door: &str) -> Request {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign()
}

#[tokio::test]
async fn an_operation_whose_client_has_gone_ends_and_is_recorded() {
    // The only place for a connection is free again when the server has seen that the client is gone.
    let rig = Rig::with(Limits { connections: 1, ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    let open = Order::json("OpenDoor", r#"{"DoorId":"wait","Code":"1"}"#).sign();
    wire.send(open.bytes()).await;
    until(|| rig.doors.ran() == ["open wait"]).await;
    drop(wire);
    assert_eq!(rig.call(&get("front")).await.status, 200);
    assert_eq!(rig.records.only().event_name, "GetDoor");

    rig.doors.gate.add_permits(1);
    until(|| rig.records.len() == 2).await;
    let record = &rig.records.all()[1];
    assert_eq!((record.event_name.as_str(), &record.error_code), ("OpenDoor", &None));
    assert!(record.response_elements.is_some());
    let counted = r#"strongroom_calls_total{service="doors",operation="OpenDoor",outcome="ok"}"#;
    let text = metrics::text(&rig).await;
    assert_eq!(metrics::value(&text, counted), Some("1"), "{text}");
    assert!(rig.stop(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_not_waited_for_and_recorded_as_it_ends() {
    let rig = Rig::with(Limits { operation_time: Duration::from_millis(50), ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    let message = "The operation did not end in time. It may yet take effect.";
    let fault = wire.call(&get("wait")).await.fault();
    assert_eq!(fault, (503, "ServiceUnavailableException".to_owned(), Some(message.to_owned())));
    let fault = wire.call(&Order::query("GetDoor", "&DoorId=wait").sign()).await.fault();
    assert_eq!(fault, (503, "ServiceUnavailable".to_owned(), Some(message.to_owned())));
    assert_eq!(wire.call(&get("front")).await.status, 200);
    assert_eq!(rig.records.len(), 1);

    rig.doors.gate.add_permits(2);
    until(|| rig.records.len() == 3).await;
    assert!(rig.records.all().iter().all(|record| record.error_code.is_none()));
}

#[tokio::test]
async fn operations_beyond_the_bound_wait_for_a_place() {
    let rig = Rig::with(Limits { requests: 1, ..Limits::default() }).await;
    let (mut first, mut second) = (rig.connect().await, rig.connect().await);
    first.send(get("wait").bytes()).await;
    until(|| rig.doors.ran() == ["get wait"]).await;
    second.send(get("front").bytes()).await;
    // A request that needs no place is answered meanwhile.
    assert_eq!(rig.call(&Order::json("Nothing", "{}").sign()).await.status, 400);
    assert_eq!(rig.doors.ran(), ["get wait"]);

    rig.doors.gate.add_permits(1);
    assert_eq!((first.answer().await.status, second.answer().await.status), (200, 200));
    assert_eq!(rig.doors.ran(), ["get wait", "get front"]);
}

#[tokio::test]
async fn operations_that_find_no_place_in_time_are_refused_and_do_nothing() {
    let time = Duration::from_millis(100);
    let rig = Rig::with(Limits { requests: 1, operation_time: time, ..Limits::default() }).await;
    let (mut first, mut second) = (rig.connect().await, rig.connect().await);
    first.send(get("wait").bytes()).await;
    until(|| rig.doors.ran() == ["get wait"]).await;
    second.send(get("front").bytes()).await;
    assert_eq!((first.answer().await.status, second.answer().await.status), (503, 503));
    until(|| rig.records.len() == 1).await;
    assert_eq!(rig.records.only().error_code.as_deref(), Some("ServiceUnavailableException"));
    assert_eq!(rig.doors.ran(), ["get wait"]);

    rig.doors.gate.add_permits(1);
    until(|| rig.records.len() == 2).await;
    assert_eq!(rig.records.all()[1].error_code, None);
    assert_eq!(second.call(&get("front")).await.status, 200);
}

#[tokio::test]
async fn a_panic_is_an_internal_failure_and_takes_nothing_along() {
    let rig = Rig::with(Limits { requests: 1, ..Limits::default() }).await;
    let mut wire = rig.connect().await;
    let (status, code, _) = wire.call(&get("panic")).await.fault();
    assert_eq!((status, code.as_str()), (500, "InternalFailure"));
    assert_eq!(rig.records.only().error_code.as_deref(), Some("InternalFailure"));
    // Its place is free again.
    assert_eq!(wire.call(&get("front")).await.status, 200);
}

#[tokio::test]
async fn nothing_succeeds_without_a_record() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    rig.records.full.store(true, Ordering::SeqCst);

    // The first that cannot be recorded has run, and is not said to have succeeded.
    let message = "The call could not be recorded in the audit journal. See the server's log.";
    let fault = wire.call(&get("front")).await.fault();
    assert_eq!(fault, (503, "ServiceUnavailableException".to_owned(), Some(message.to_owned())));
    assert_eq!(rig.doors.ran(), ["get front"]);

    // From then on none runs.
    for _ in 0..3 {
        let fault = wire.call(&Order::query("GetDoor", "&DoorId=front").sign()).await.fault();
        assert_eq!(fault, (503, "ServiceUnavailable".to_owned(), Some(message.to_owned())));
    }
    // What is wrong with a call does not show either.
    assert_eq!(wire.call(&Order::json("GetDoor", "{}").sign()).await.status, 503);
    assert_eq!((rig.doors.ran().len(), rig.records.len()), (1, 0));

    // There is room again: one refusal finds out, and is recorded.
    rig.records.full.store(false, Ordering::SeqCst);
    let message = "The audit journal cannot be written, so no call is served. See the server's log.";
    let fault = wire.call(&get("front")).await.fault();
    assert_eq!(fault, (503, "ServiceUnavailableException".to_owned(), Some(message.to_owned())));
    assert_eq!(rig.records.only().error_code.as_deref(), Some("ServiceUnavailableException"));

    assert_eq!(wire.call(&get("front")).await.status, 200);
    assert_eq!((rig.doors.ran().len(), rig.records.len()), (2, 2));
}

#[tokio::test]
async fn those_who_are_not_known_learn_nothing_of_the_journal() {
    let rig = Rig::start().await;
    rig.records.full.store(true, Ordering::SeqCst);
    rig.call(&get("front")).await;
    let fault = rig.call(&get("front").without("authorization")).await.fault();
    assert_eq!(fault.1, "MissingAuthenticationTokenException");
}
