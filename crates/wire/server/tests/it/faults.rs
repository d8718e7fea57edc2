//! Dev mode: what goes wrong on demand.

use serde_json::json;

use crate::dev::{ask, message, quick, with};
use crate::rig::Rig;
use crate::security_log::logged;

const FAULTS: &str = "/_strongroom/faults";

#[tokio::test]
async fn faults_are_set_listed_and_cleared() {
    let (rig, tools) = quick().await;
    let mut wire = rig.connect().await;
    let answer = wire.call(&ask("GET", FAULTS, "")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text(), r#"{"faults":[]}"#);

    let answer = wire.call(&ask("POST", FAULTS, r#"{"fault":"slow:a","by":5}"#)).await;
    let slow = json!({ "fault": "slow:a", "by": 5, "id": "slow:a" });
    assert_eq!((answer.status, answer.json()), (200, json!({ "faults": [slow] })));
    for name in ["down", "down", "late"] {
        assert_eq!(wire.call(&ask("POST", FAULTS, &json!({ "fault": name }).to_string())).await.status, 200);
    }
    assert_eq!(tools.faults.lock().unwrap().len(), 3);

    let answer = wire.call(&ask("DELETE", "/_strongroom/faults/slow:a", "")).await;
    let down = json!({ "fault": "down", "id": "down" });
    let late = json!({ "fault": "late", "id": "late" });
    assert_eq!((answer.status, answer.json()), (200, json!({ "faults": [down, late] })));
    assert_eq!(wire.call(&ask("GET", FAULTS, "")).await.json(), answer.json());
    for _ in 0..2 {
        let answer = wire.call(&ask("DELETE", FAULTS, "")).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "faults": [] })), "also when there is none");
    }
    assert_eq!(rig.records.len(), 0, "these are no calls of AWS's");
}

#[tokio::test]
async fn what_cannot_be_set_or_cleared_is_told() {
    let (rig, tools) = quick().await;
    for body in ["", "[]", "null", r#""down""#, r#"{"fault":"down"}x"#, &"[".repeat(4_000)] {
        let answer = rig.call(&ask("POST", FAULTS, body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(message(&answer).contains("JSON object"), "{body}");
    }
    let answer = rig.call(&ask("POST", FAULTS, "{}")).await;
    assert_eq!((answer.status, message(&answer).as_str()), (400, "name a fault"));
    let answer = rig.call(&ask("POST", FAULTS, &format!("{:4097}", r#"{"fault":"down"}"#))).await;
    assert_eq!((answer.status, message(&answer).contains("4 KiB")), (400, true));
    for path in ["/_strongroom/faults/down", "/_strongroom/faults/"] {
        let answer = rig.call(&ask("DELETE", path, "")).await;
        assert_eq!(answer.status, 400);
        assert!(message(&answer).starts_with("There is no fault "), "{}", message(&answer));
    }
    assert_eq!(logged(), "");
    let answer = rig.call(&ask("POST", FAULTS, r#"{"fault":"broken"}"#)).await;
    assert_eq!(answer.status, 500);
    assert!(message(&answer).contains("log") && logged().contains("the spring broke"));
    assert!(tools.faults.lock().unwrap().is_empty() && tools.steps().is_empty());
}

#[tokio::test]
async fn who_may_not_move_the_clock_may_not_break_anything() {
    let (rig, tools) = quick().await;
    for request in [
        ask("GET", FAULTS, ""),
        ask("POST", FAULTS, r#"{"fault":"down"}"#),
        ask("DELETE", FAULTS, ""),
        ask("DELETE", "/_strongroom/faults/down", ""),
    ] {
        for (refused, reason) in [
            (request.clone().without("x-strongroom-dev"), "`x-strongroom-dev: 1`"),
            (request.clone().alter("host", |_| Some("doors.example.com".to_owned())), "loopback host"),
            (with(request.clone(), "origin", "https://console.example.com"), "loopback origins"),
        ] {
            let answer = rig.call(&refused).await;
            assert_eq!((answer.status, message(&answer).contains(reason)), (403, true), "{refused:?}");
        }
    }
    assert!(tools.faults.lock().unwrap().is_empty());
    for (method, path, allowed) in [
        ("PUT", FAULTS, "GET, HEAD, POST, DELETE"),
        ("GET", "/_strongroom/faults/down", "DELETE"),
        ("POST", "/_strongroom/faults/down", "DELETE"),
    ] {
        let answer = rig.call(&ask(method, path, "")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
    }
    let rig = Rig::start().await;
    for path in [FAULTS, "/_strongroom/faults/down"] {
        assert_eq!(rig.call(&ask("DELETE", path, "")).await.status, 400, "there is none without dev mode");
    }
}
