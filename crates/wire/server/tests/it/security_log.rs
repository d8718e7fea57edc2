//! The log of failed authentication: there, bounded, and without what attackers would like to write there.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::rig::{ACCESS_KEY_ID, Rig, UNDECIDED_KEY_ID};
use crate::signing::Order;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn failed_authentication_leaves_a_bounded_trace() {
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(lines.clone()).finish();
    // Everything runs on this thread, so everything that is logged comes here.
    let _logging = tracing::subscriber::set_default(subscriber);

    let rig = Rig::start().await;
    let order = Order::json("GetDoor", r#"{"DoorId":"front"}"#);
    let mut wire = rig.connect().await;
    assert_eq!(wire.call(&order.sign()).await.status, 200);
    assert_eq!(lines.text(), "");

    let wrong = Order { secret: "wrong", ..order.clone() }.sign();
    wire.call(&wrong).await;
    let line = lines.text();
    for part in ["WARN", "source=127.0.0.1", ACCESS_KEY_ID, "InvalidSignatureException"] {
        assert!(line.contains(part), "{line}");
    }

    let written = Order { access_key_id: "AKID[31m", ..order.clone() };
    wire.call(&written.sign()).await;
    let undecided = Order { access_key_id: UNDECIDED_KEY_ID, ..order }.sign();
    assert_eq!(wire.call(&undecided).await.status, 500);
    assert!(lines.text().contains("the store is away"), "{}", lines.text());
    for _ in 0..100 {
        wire.call(&wrong).await;
        wire.call(&undecided).await;
    }
    let text = lines.text();
    assert_eq!(text.lines().count(), 20, "{text}");
    assert!(!text.contains("[31m"), "{text}");
    assert_eq!(rig.records.len(), 1);
}
