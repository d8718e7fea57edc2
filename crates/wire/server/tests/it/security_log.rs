//! The log of failed authentication: there, bounded, and without what attackers would like to write there.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use crate::rig::{ACCESS_KEY_ID, Rig, UNDECIDED_KEY_ID};
use crate::signing::Order;

thread_local! {
    /// What was logged on this thread: a test and its server have one of their own.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct ThisThread;

impl io::Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the logs of all tests. To be called before anything is logged: what was looked up without a
/// subscriber may never ask for one again.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(|| ThisThread).init();
    });
}

pub(crate) fn logged() -> String {
    LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap())
}

#[tokio::test]
async fn failed_authentication_leaves_a_bounded_trace() {
    let rig = Rig::start().await;
    let order = Order::json("GetDoor", r#"{"DoorId":"front"}"#);
    let mut wire = rig.connect().await;
    assert_eq!(wire.call(&order.sign()).await.status, 200);
    assert_eq!(logged(), "");

    let wrong = Order { secret: "wrong", ..order.clone() }.sign();
    wire.call(&wrong).await;
    let line = logged();
    for part in ["WARN", "source=127.0.0.1", ACCESS_KEY_ID, "InvalidSignatureException"] {
        assert!(line.contains(part), "{line}");
    }

    let written = Order { access_key_id: "AKID[31m", ..order.clone() };
    wire.call(&written.sign()).await;
    let undecided = Order { access_key_id: UNDECIDED_KEY_ID, ..order }.sign();
    assert_eq!(wire.call(&undecided).await.status, 500);
    assert!(logged().contains("the store is away"), "{}", logged());
    for _ in 0..100 {
        wire.call(&wrong).await;
        wire.call(&undecided).await;
    }
    let text = logged();
    assert_eq!(text.lines().count(), 20, "{text}");
    assert!(!text.contains("[31m"), "{text}");
    assert_eq!(rig.records.len(), 1);
}
