//! Metrics: what is counted, who may read it, and that callers cannot make it grow.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_server::{FailedAuthentication, FailureLog, Figure, Figures, Reading, Scrapers};

use crate::rig::{ACCESS_KEY_ID, HOST, NOW_MS, Rig, Setup};
use crate::signing::{Order, Request};

fn scrape() -> Request {
    let headers = vec![("host".to_owned(), HOST.to_owned())];
    Request { method: "GET", target: "/_strongroom/metrics".to_owned(), headers, body: Vec::new() }
}

pub(crate) async fn text(rig: &Rig) -> String {
    let answer = rig.call(&scrape()).await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    text
}

/// The value of a series, as it is written.
pub(crate) fn value<'t>(text: &'t str, series: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

struct Disk;

impl Figures for Disk {
    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure { name: "disk_free_bytes", help: "Room", value: Reading::Gauge(7.5) },
            Figure { name: "disk_writes", help: "Writes", value: Reading::Counter(9) },
            Figure { name: "disk_seconds", help: "Time", value: Reading::Time(Duration::from_millis(1500)) },
        ]
    }
}

#[tokio::test]
async fn calls_are_counted_by_operation_and_outcome() {
    let rig = Rig::of(Setup { figures: vec![Arc::new(Disk)], ..Setup::default() }).await;
    let order = Order::json("GetDoor", r#"{"DoorId":"front"}"#);
    let mut wire = rig.connect().await;
    for _ in 0..3 {
        assert_eq!(wire.call(&order.sign()).await.status, 200);
    }
    assert_eq!(wire.call(&Order::json("GetDoor", "{}").sign()).await.status, 400);
    let wrong = Order { secret: "wrong", ..order };
    wire.call(&wrong.sign()).await;

    let text = text(&rig).await;
    let series = |outcome| {
        format!(r#"strongroom_calls_total{{service="doors",operation="GetDoor",outcome="{outcome}"}}"#)
    };
    assert_eq!(value(&text, &series("ok")), Some("3"), "{text}");
    assert_eq!(value(&text, &series("refused")), Some("1"), "{text}");
    assert_eq!(value(&text, r#"strongroom_call_seconds_count{service="doors"}"#), Some("4"), "{text}");
    let refused = r#"strongroom_unauthenticated_total{code="InvalidSignatureException"}"#;
    assert_eq!(value(&text, refused), Some("1"), "{text}");
    assert_eq!(value(&text, "strongroom_ready"), Some("1.0"), "{text}");
    // The connection above, that of the scrape, and those of which the server has not heard that they have ended.
    let connections: f64 = value(&text, "strongroom_connections").unwrap().parse().unwrap();
    assert!((2.0..=4.0).contains(&connections), "{text}");
    assert_eq!(value(&text, "strongroom_calls_at_work"), Some("0.0"), "{text}");
    assert_eq!(value(&text, "strongroom_disk_free_bytes"), Some("7.5"), "{text}");
    assert_eq!(value(&text, "strongroom_disk_writes_total"), Some("9"), "{text}");
    assert_eq!(value(&text, "strongroom_disk_seconds_total"), Some("1.5"), "{text}");
}

#[tokio::test]
async fn strangers_make_no_series() {
    let rig = Rig::start().await;
    for number in 0..50 {
        rig.call(&Order::json(&format!("Door{number}"), "{}").sign()).await;
    }
    for access_key_id in ["AKIDA", "AKIDB", "AKIDC"] {
        rig.call(&Order { access_key_id, ..Order::json("GetDoor", "{}") }.sign()).await;
    }
    let after = text(&rig).await;
    let series: Vec<_> = after.lines().filter(|line| line.contains('{')).collect();
    assert_eq!(series, [r#"strongroom_unauthenticated_total{code="UnrecognizedClientException"} 3"#]);
}

#[tokio::test]
async fn only_those_who_are_named_read_them() {
    let scrapers = Scrapers::of(vec!["10.1.0.0/16".parse().unwrap()]);
    let rig = Rig::of(Setup { scrapers, ..Setup::default() }).await;
    let answer = rig.call(&scrape()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("[metrics] allow"), "{}", answer.text());
}

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl FailureLog for Kept {
    fn note(&self, failure: &FailedAuthentication<'_>) {
        let FailedAuthentication { time_ms, source, access_key_id, code } = failure;
        assert_eq!(*time_ms, NOW_MS);
        self.0.lock().unwrap().push(format!("{source} {} {code}", access_key_id.unwrap_or("-")));
    }
}

#[tokio::test]
async fn every_failure_is_told_to_the_failure_log() {
    let kept = Arc::new(Kept::default());
    let rig = Rig::of(Setup { failures: Some(kept.clone()), ..Setup::default() }).await;
    let order = Order::json("GetDoor", r#"{"DoorId":"front"}"#);
    assert_eq!(rig.call(&order.sign()).await.status, 200);
    for _ in 0..30 {
        rig.call(&Order { secret: "wrong", ..order.clone() }.sign()).await;
    }
    let kept = kept.0.lock().unwrap();
    assert_eq!(kept.len(), 30);
    assert_eq!(kept[0], format!("127.0.0.1 {ACCESS_KEY_ID} InvalidSignatureException"));
}
