//! What a server that does not hear from the store may still answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_schema::{Operation, ServiceSchema};
use strongroom_server::Freshness;
use strongroom_service::ApiError;

use crate::rig::{HOST, Rig, Setup};
use crate::signing::{Order, Request};

/// What is in memory is fresh until so many questions about it have been asked.
struct FreshFor(AtomicU64);

impl FreshFor {
    fn new(questions: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(questions)))
    }

    fn ask(&self) -> bool {
        let left = self.0.load(Ordering::SeqCst);
        self.0.store(left.saturating_sub(1), Ordering::SeqCst);
        left > 0
    }
}

impl Freshness for FreshFor {
    fn mark(&self) -> Option<u64> {
        self.ask().then_some(7)
    }

    fn holds(&self, mark: u64) -> bool {
        assert_eq!(mark, 7);
        self.ask()
    }

    fn refusal(&self, service: &'static ServiceSchema, operation: &'static Operation) -> ApiError {
        assert_eq!(service.name, "doors");
        assert!(service.operations.iter().any(|known| known.name == operation.name));
        ApiError::unavailable("Too old.")
    }
}

async fn rig(questions: u64) -> Rig {
    Rig::of(Setup { freshness: Some(FreshFor::new(questions)), ..Setup::default() }).await
}

#[tokio::test]
async fn a_call_that_comes_too_late_is_not_looked_at() {
    let rig = rig(0).await;
    // Not even who calls is asked, which is in memory too.
    let call = Order::json("GetDoor", r#"{"DoorId":"front"}"#.to_owned()).sign().without("authorization");
    let answer = rig.call(&call).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("Too old."));
    assert!(rig.doors.ran().is_empty() && rig.records.all().is_empty());
}

#[tokio::test]
async fn what_was_only_looked_at_is_not_answered_when_it_has_grown_old_meanwhile() {
    let call = || Order::json("GetDoor", r#"{"DoorId":"front"}"#.to_owned()).sign();
    let fresh = rig(3).await;
    assert_eq!(fresh.call(&call()).await.status, 200);
    let rig = rig(2).await;
    let answer = rig.call(&call()).await;
    assert_eq!(answer.status, 503);
    let records = rig.records.all();
    assert_eq!(records.len(), 1, "the record tells what the caller was told");
    assert_eq!(records[0].error_message.as_deref(), Some("Too old."));
}

#[tokio::test]
async fn a_change_that_waited_too_long_for_its_turn_is_not_made() {
    let call = || Order::json("OpenDoor", r#"{"DoorId":"front","Code":"1"}"#.to_owned()).sign();
    let fresh = rig(2).await;
    assert_eq!(fresh.call(&call()).await.status, 200);
    let request_id = fresh.records.only().request_id;
    assert_eq!(fresh.doors.mark(&request_id), Some(7), "the store is to ask once more");
    let rig = rig(1).await;
    assert_eq!(rig.call(&call()).await.status, 503);
    assert!(rig.doors.ran().is_empty());
    assert_eq!(rig.records.only().error_message.as_deref(), Some("Too old."));
}

#[tokio::test]
async fn health_tells() {
    let ask = || {
        let headers = vec![("host".to_owned(), HOST.to_owned())];
        Request { method: "GET", target: "/_strongroom/health".to_owned(), headers, body: Vec::new() }
    };
    assert_eq!(rig(1).await.call(&ask()).await.status, 200);
    let answer = rig(0).await.call(&ask()).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("store unavailable"));
}
