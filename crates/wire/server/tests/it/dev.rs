//! Dev mode: the clock that is moved, the server that begins anew, and who may not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};
use strongroom_server::{Advanced, DevClock, DevError, DevTools, Limits, Origins};
use tokio::sync::Semaphore;

use crate::doors::Doors;
use crate::http2;
use crate::rig::{HOST, Keys, NOW_MS, RENEWED_SECRET, Records, Rig, Setup, until};
use crate::security_log::logged;
use crate::signing::{Order, Request};
use crate::wire::Answer;

const CLOCK: &str = "/_strongroom/clock";
const RESET: &str = "/_strongroom/reset";

/// A day, which is also how far the clock is ahead at first.
const DAY: u64 = 24 * 60 * 60;

/// Does as it is told by the seconds, and notes what goes on around it.
pub(crate) struct Tools {
    setup: (Arc<Doors>, Arc<Records>, Arc<Keys>),
    offset_ms: Mutex<i64>,
    /// What began and ended, with how many operations had run and been recorded by then.
    noted: Mutex<Vec<(&'static str, usize, usize)>>,
    /// Both wait for a permit of the gate.
    slow: AtomicBool,
    gate: Semaphore,
    /// What goes wrong, by id.
    pub(crate) faults: Mutex<BTreeMap<String, Map<String, Value>>>,
}

/// Seconds that are refused, that fail, and that panic.
const TOO_FAR: u64 = u64::MAX;
const FAILS: u64 = 13;
const PANICS: u64 = 14;

impl Tools {
    fn note(&self, what: &'static str) {
        let (doors, records, _) = &self.setup;
        self.noted.lock().unwrap().push((what, doors.ran().len(), records.len()));
    }

    fn noted(&self) -> Vec<(&'static str, usize, usize)> {
        self.noted.lock().unwrap().clone()
    }

    pub(crate) fn steps(&self) -> Vec<&'static str> {
        self.noted().iter().map(|(what, _, _)| *what).collect()
    }

    async fn wait(&self) {
        if self.slow.load(Ordering::SeqCst) {
            self.gate.acquire().await.unwrap().forget();
        }
    }
}

#[async_trait]
impl DevTools for Tools {
    fn clock(&self) -> DevClock {
        let offset_ms = *self.offset_ms.lock().unwrap();
        DevClock { now_ms: NOW_MS + 123 + offset_ms, offset_ms }
    }

    async fn advance(&self, seconds: u64) -> Result<Advanced, DevError> {
        match seconds {
            TOO_FAR => return Err(DevError::Refused("that is too far; ask for less".to_owned())),
            FAILS => return Err(DevError::Failed("the spring broke".into())),
            PANICS => panic!("a clock panics"),
            _ => {}
        }
        self.note("advancing");
        self.wait().await;
        *self.offset_ms.lock().unwrap() += seconds as i64 * 1_000;
        self.note("advanced");
        Ok(Advanced { clock: self.clock(), settled: seconds <= DAY })
    }

    async fn reset(&self) -> Result<(), DevError> {
        self.note("resetting");
        self.wait().await;
        self.setup.2.renewed.store(true, Ordering::SeqCst);
        self.note("reset");
        Ok(())
    }

    async fn faults(&self) -> Vec<Map<String, Value>> {
        self.faults.lock().unwrap().values().cloned().collect()
    }

    async fn set_fault(&self, mut asked: Map<String, Value>) -> Result<(), DevError> {
        let id = asked.get("fault").and_then(Value::as_str).unwrap_or_default().to_owned();
        match id.as_str() {
            "" => return Err(DevError::Refused("name a fault".to_owned())),
            "broken" => return Err(DevError::Failed("the spring broke".into())),
            _ => {}
        }
        self.note("setting");
        self.wait().await;
        asked.insert("id".to_owned(), id.clone().into());
        self.faults.lock().unwrap().insert(id, asked);
        Ok(())
    }

    async fn clear_faults(&self, id: Option<&str>) -> Result<bool, DevError> {
        let mut faults = self.faults.lock().unwrap();
        let before = faults.len();
        faults.retain(|known, _| id.is_some_and(|id| id != known));
        Ok(faults.len() < before)
    }
}

async fn start(limits: Limits, slow: bool) -> (Rig, Arc<Tools>) {
    let setup = Setup {
        limits,
        origins: Origins::listed(vec!["https://console.example.com".to_owned()]).unwrap(),
        ..Setup::default()
    };
    let tools = Arc::new(Tools {
        setup: (setup.doors.clone(), setup.records.clone(), setup.keys.clone()),
        offset_ms: Mutex::new(DAY as i64 * 1_000),
        noted: Mutex::default(),
        slow: AtomicBool::new(slow),
        gate: Semaphore::new(0),
        faults: Mutex::default(),
    });
    let rig = Rig::of(Setup { dev: Some(tools.clone()), ..setup }).await;
    (rig, tools)
}

pub(crate) async fn quick() -> (Rig, Arc<Tools>) {
    start(Limits::default(), false).await
}

async fn slow() -> (Rig, Arc<Tools>) {
    start(Limits::default(), true).await
}

pub(crate) fn ask(method: &'static str, path: &str, body: &str) -> Request {
    let headers = [("host", "localhost:4566"), ("x-strongroom-dev", "1")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Request { method, target: path.to_owned(), headers, body: body.as_bytes().to_vec() }
}

fn advance(seconds: u64) -> Request {
    ask("POST", CLOCK, &format!(r#"{{"advance_seconds":{seconds}}}"#))
}

fn reset() -> Request {
    ask("POST", RESET, "")
}

pub(crate) fn with(mut request: Request, name: &str, value: &str) -> Request {
    request.headers.push((name.to_owned(), value.to_owned()));
    request
}

fn get(door: &str) -> Request {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign()
}

pub(crate) fn message(answer: &Answer) -> String {
    let json = answer.json();
    assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
    json["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_clock_is_told_and_moved() {
    let (rig, _tools) = quick().await;
    let mut wire = rig.connect().await;
    let answer = wire.call(&ask("GET", CLOCK, "")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text(), r#"{"now":"2015-08-31T12:36:00.123Z","offset_seconds":86400}"#);
    let answer = wire.call(&advance(90)).await;
    let moved = r#"{"now":"2015-08-31T12:37:30.123Z","offset_seconds":86490,"settled":true}"#;
    assert_eq!((answer.status, answer.text()), (200, moved));
    let answer = wire.call(&advance(DAY + 1)).await;
    assert_eq!(answer.json()["settled"], false);
    assert_eq!(wire.call(&advance(0)).await.status, 200);
    wire.send(ask("HEAD", CLOCK, "").bytes()).await;
    assert_eq!(wire.head().await.status, 200);
    assert_eq!(rig.records.len(), 0);
}

#[tokio::test]
async fn a_reset_is_answered_when_it_is_done() {
    let (rig, tools) = quick().await;
    let mut wire = rig.connect().await;
    for body in ["", "{}", "whatever"] {
        let answer = wire.call(&ask("POST", RESET, body)).await;
        assert_eq!((answer.status, answer.text()), (200, r#"{"status":"reset"}"#));
    }
    assert_eq!(tools.steps(), ["resetting", "reset"].repeat(3));
}

#[tokio::test]
async fn every_guard_refuses() {
    let (rig, tools) = quick().await;
    for request in [ask("GET", CLOCK, ""), advance(1), reset(), ask("DELETE", RESET, "")] {
        let host = |host: &str| request.clone().alter("host", |_| Some(host.to_owned()));
        let header = |value: &str| request.clone().alter("x-strongroom-dev", |_| Some(value.to_owned()));
        let origin = |origin: &str| with(request.clone(), "origin", origin);
        for (refused, reason) in [
            (request.clone().without("x-strongroom-dev"), "`x-strongroom-dev: 1`"),
            (header("0"), "`x-strongroom-dev: 1`"),
            (header("true"), "`x-strongroom-dev: 1`"),
            (header(""), "`x-strongroom-dev: 1`"),
            (with(request.clone(), "x-strongroom-dev", "1"), "`x-strongroom-dev: 1`"),
            (host(HOST), "loopback host"),
            (host("localhost.example.com:4566"), "loopback host"),
            (host("10.0.0.1"), "loopback host"),
            (host(""), "loopback host"),
            (with(request.clone(), "host", HOST), "loopback host"),
            (origin("https://console.example.com"), "loopback origins"),
            (origin("null"), "loopback origins"),
            (with(origin("http://localhost"), "origin", "http://localhost"), "loopback origins"),
        ] {
            let answer = rig.call(&refused).await;
            assert_eq!(answer.status, 403, "{refused:?}");
            assert!(message(&answer).contains(reason), "{refused:?}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        let aimed = Request { target: format!("http://{HOST}{}", request.target), ..request.clone() };
        assert_eq!(rig.call(&aimed).await.status, 403);
    }
    assert_eq!(tools.steps(), [""; 0]);
}

#[tokio::test]
async fn this_machine_has_many_names() {
    let (rig, _tools) = quick().await;
    for host in
        ["localhost", "LOCALHOST:80", "dev.localhost:4566", "127.0.0.1:4566", "127.8.8.8", "[::1]:4566"]
    {
        let request = ask("GET", CLOCK, "").alter("host", |_| Some(host.to_owned()));
        assert_eq!(rig.call(&request).await.status, 200, "{host}");
    }
    let (mut client, _connection) = http2::connect(rig.address).await;
    for (host, status) in [("localhost:4566", 200), ("doors.example.com", 403)] {
        let mut request = ask("GET", CLOCK, "").http2();
        *request.uri_mut() = format!("http://{host}{CLOCK}").parse().unwrap();
        assert_eq!(http2::answer(client.send_request(request)).await.unwrap().status, status, "{host}");
    }
}

#[tokio::test]
async fn pages_of_this_machine_may_use_dev_mode_and_no_others() {
    let (rig, _tools) = quick().await;
    let preflight = |path: &'static str, origin: &str| {
        let request = ask("OPTIONS", path, "").without("x-strongroom-dev");
        let request = with(request, "access-control-request-method", "POST");
        let request = with(request, "access-control-request-headers", "content-type,x-strongroom-dev");
        with(request, "origin", origin)
    };
    let local = "http://localhost:3000";
    for path in [CLOCK, RESET] {
        let answer = rig.call(&preflight(path, local)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(local)));
        let names = Some("content-type, x-strongroom-dev");
        assert_eq!(answer.header("access-control-allow-headers"), names);
        assert_eq!(rig.call(&preflight(path, "https://console.example.com")).await.status, 403);
    }
    let answer = rig.call(&preflight("/", "https://console.example.com")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-headers")), (204, Some("content-type")));
    assert_eq!(rig.call(&preflight("/", local)).await.status, 403);

    for (request, status) in [(ask("GET", CLOCK, ""), 200), (ask("GET", RESET, ""), 405)] {
        let answer = rig.call(&with(request, "origin", local)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(local)));
    }
}

#[tokio::test]
async fn a_body_that_says_anything_else_moves_nothing() {
    let (rig, tools) = quick().await;
    let mut wire = rig.connect().await;
    for body in [
        "",
        "{}",
        "[]",
        "[1]",
        "1",
        "null",
        r#"{"advance_seconds":-1}"#,
        r#"{"advance_seconds":1.5}"#,
        r#"{"advance_seconds":1e3}"#,
        r#"{"advance_seconds":"1"}"#,
        r#"{"advance_seconds":null}"#,
        r#"{"advance_seconds":18446744073709551616}"#,
        r#"{"advance_seconds":1,"settle":true}"#,
        r#"{"seconds":1}"#,
        r#"{"advance_seconds":1}x"#,
        r#"{"advance_seconds":1}{}"#,
        r#"{"advance_seconds":1"#,
        &"[".repeat(4_000),
        "advance_seconds=1",
    ] {
        let answer = wire.call(&ask("POST", CLOCK, body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(message(&answer).contains("advance_seconds"), "{body}");
    }
    assert_eq!(tools.steps(), [""; 0]);
}

#[tokio::test]
async fn a_body_above_4_kib_does_nothing() {
    let (rig, tools) = quick().await;
    let padded = |length: usize| format!("{:length$}", r#"{"advance_seconds":1}"#);
    assert_eq!(rig.call(&ask("POST", CLOCK, &padded(4_096))).await.status, 200);
    for path in [CLOCK, RESET] {
        let answer = rig.call(&ask("POST", path, &padded(4_097))).await;
        assert_eq!((answer.status, message(&answer).contains("4 KiB")), (400, true));
    }
    assert_eq!(tools.steps(), ["advancing", "advanced"]);
}

#[tokio::test]
async fn half_a_request_resets_nothing() {
    let (rig, tools) =
        start(Limits { body_time: Duration::from_millis(50), ..Limits::default() }, false).await;
    let mut wire = rig.connect().await;
    wire.send(reset().head("content-length: 10")).await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, message(&answer).as_str()), (400, "The request body is incomplete."));
    assert_eq!(tools.steps(), [""; 0]);
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let (rig, tools) = quick().await;
    for (method, path, allowed) in [
        ("DELETE", CLOCK, "GET, HEAD, POST"),
        ("OPTIONS", CLOCK, "GET, HEAD, POST"),
        ("GET", RESET, "POST"),
        ("PUT", RESET, "POST"),
    ] {
        let answer = rig.call(&ask(method, path, "")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
        assert!(message(&answer).contains(allowed));
    }
    assert_eq!(tools.steps(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_is_told_and_a_failure_logged() {
    let (rig, tools) = quick().await;
    let mut wire = rig.connect().await;
    let answer = wire.call(&advance(TOO_FAR)).await;
    assert_eq!((answer.status, message(&answer).as_str()), (400, "that is too far; ask for less"));
    assert_eq!(logged(), "");

    for seconds in [FAILS, PANICS] {
        let answer = wire.call(&advance(seconds)).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("spring") && message(&answer).contains("log"));
    }
    assert!(logged().contains("the spring broke"), "{}", logged());
    assert_eq!(wire.call(&advance(1)).await.status, 200);
    assert_eq!(tools.steps(), ["advancing", "advanced"]);
}

#[tokio::test]
async fn a_reset_waits_for_operations_and_operations_for_it() {
    let (rig, tools) = slow().await;
    let (mut first, mut second, mut third) = (rig.connect().await, rig.connect().await, rig.connect().await);
    first.send(get("wait").bytes()).await;
    until(|| rig.doors.ran().len() == 1).await;
    second.send(reset().bytes()).await;
    // What needs no place is answered meanwhile.
    for _ in 0..10 {
        assert_eq!(rig.call(&ask("GET", CLOCK, "")).await.status, 200);
    }
    rig.doors.gate.add_permits(1);
    until(|| tools.steps() == ["resetting"]).await;
    // The operation has ended and been recorded.
    assert_eq!(tools.noted(), [("resetting", 1, 1)]);
    assert_eq!(first.answer().await.status, 200);

    third.send(get("front").bytes()).await;
    for _ in 0..10 {
        assert_eq!(rig.call(&ask("GET", CLOCK, "")).await.status, 200);
    }
    tools.gate.add_permits(1);
    assert_eq!(second.answer().await.status, 200);
    assert_eq!(third.answer().await.status, 200);
    assert_eq!(tools.noted(), [("resetting", 1, 1), ("reset", 1, 1)]);
    assert_eq!(rig.doors.ran(), ["get wait", "get front"]);
}

#[tokio::test]
async fn a_reset_that_finds_no_peace_does_nothing() {
    let limits = Limits { requests: 2, operation_time: Duration::from_millis(100), ..Limits::default() };
    let (rig, tools) = start(limits, false).await;
    let mut wire = rig.connect().await;
    wire.send(get("wait").bytes()).await;
    until(|| rig.doors.ran().len() == 1).await;
    let answer = rig.call(&reset()).await;
    assert_eq!(answer.status, 503);
    assert!(message(&answer).contains("nothing was done"));
    assert_eq!(tools.steps(), [""; 0]);

    // The other place is free, and in the end both are.
    assert_eq!(rig.call(&get("front")).await.status, 200);
    rig.doors.gate.add_permits(1);
    until(|| rig.records.len() == 2).await;
    assert_eq!(rig.call(&reset()).await.status, 200);
    assert_eq!(rig.call(&Order { secret: RENEWED_SECRET, ..order("front") }.sign()).await.status, 200);
}

fn order(door: &str) -> Order {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#))
}

#[tokio::test]
async fn a_reset_forgets_what_it_knew_of_secrets() {
    let (rig, _tools) = quick().await;
    let (old, new) = (order("front").sign(), Order { secret: RENEWED_SECRET, ..order("front") }.sign());
    assert_eq!(rig.call(&old).await.status, 200);
    assert_eq!(rig.call(&reset()).await.status, 200);
    assert_eq!(rig.call(&old).await.fault().1, "InvalidSignatureException");
    assert_eq!(rig.call(&new).await.status, 200);
}

#[tokio::test]
async fn operations_go_on_while_the_clock_is_moved() {
    let (rig, tools) = slow().await;
    let mut wire = rig.connect().await;
    wire.send(advance(1).bytes()).await;
    until(|| tools.steps() == ["advancing"]).await;
    assert_eq!(rig.call(&get("front")).await.status, 200);
    tools.gate.add_permits(1);
    assert_eq!(wire.answer().await.status, 200);
}

#[tokio::test]
async fn what_was_begun_ends_also_when_the_client_has_gone() {
    // The only place for a connection is free again when the server has seen that the client is gone.
    let (rig, tools) = start(Limits { connections: 1, ..Limits::default() }, true).await;
    for (request, steps) in [(advance(1), ["advancing", "advanced"]), (reset(), ["resetting", "reset"])] {
        tools.noted.lock().unwrap().clear();
        let mut wire = rig.connect().await;
        wire.send(request.bytes()).await;
        until(|| tools.steps() == steps[..1]).await;
        drop(wire);
        assert_eq!(rig.call(&ask("GET", CLOCK, "")).await.status, 200);
        assert_eq!(tools.steps(), steps[..1]);
        tools.gate.add_permits(1);
        until(|| tools.steps() == steps).await;
    }
    assert!(rig.stop(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn there_is_one_at_a_time() {
    let (rig, tools) = slow().await;
    let mut wires = Vec::new();
    for request in [advance(1), reset(), reset(), advance(2)] {
        let mut wire = rig.connect().await;
        wire.send(request.bytes()).await;
        wires.push(wire);
    }
    until(|| tools.steps().len() == 1).await;
    tools.gate.add_permits(wires.len());
    for mut wire in wires {
        assert_eq!(wire.answer().await.status, 200);
    }
    for pair in tools.steps().chunks(2) {
        assert!(matches!(pair, ["advancing", "advanced"] | ["resetting", "reset"]), "{:?}", tools.steps());
    }
}

#[tokio::test]
async fn one_that_does_not_get_its_turn_does_nothing() {
    let limits = Limits { operation_time: Duration::from_millis(50), ..Limits::default() };
    let (rig, tools) = start(limits, true).await;
    let mut wire = rig.connect().await;
    wire.send(advance(1).bytes()).await;
    until(|| tools.steps() == ["advancing"]).await;
    for request in [advance(1), reset()] {
        assert_eq!(rig.call(&request).await.status, 503);
    }
    tools.gate.add_permits(1);
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(tools.steps(), ["advancing", "advanced"]);
}

#[tokio::test]
async fn without_dev_mode_the_paths_do_not_exist() {
    let rig = Rig::start().await;
    for (request, path) in [(ask("GET", CLOCK, ""), CLOCK), (advance(1), CLOCK), (reset(), RESET)] {
        let elsewhere = Request { target: "/_strongroom/nothing".to_owned(), ..request.clone() };
        let (expected, answer) = (rig.call(&elsewhere).await, rig.call(&request).await);
        assert_eq!((answer.status, answer.fault()), (400, expected.fault()), "{path}");
    }
}
