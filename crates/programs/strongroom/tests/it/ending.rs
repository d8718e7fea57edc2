//! How a server ends: asked to, or killed.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::program::Place;

#[test]
fn asked_to_stop_it_closes_what_is_open() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let program = place.start();
        program.client().done("CreateKey", &json!({}));
        // Clients that stay connected do not hold it up.
        let mut idle = program.client();
        idle.get("/_strongroom/health").unwrap();
        program.signal(signal);
        assert_eq!(program.end().code(), Some(0));
        assert!(idle.get("/_strongroom/health").is_err());

        // No note: the journal was closed, and the second checkpoint, after that of the start, says where.
        let (intact, said) = place.verify_audit();
        assert!(intact && said.starts_with("The journal is intact: 1 records in "), "{said}");
        assert!(said.contains("1 streams, 2 checkpoints") && !said.contains("note"), "{said}");
        let mut left: Vec<_> =
            fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        // Written a moment after the start, if it comes to that.
        left.retain(|name| name != "index");
        left.sort();
        assert_eq!(
            left,
            ["failures", "journal", "lock", "logs.db", "metrics.db", "objects", "seal", "strongroom.db"]
        );
    }
}

#[test]
fn an_ephemeral_server_leaves_nothing() {
    let place = Place::new();
    let program = place.start_ephemeral();
    assert!(program.welcome.contains("data     forgotten at the end"), "{}", program.welcome);
    program.client().done("CreateKey", &json!({}));
    assert!(fs::read_dir(place.temporary()).unwrap().next().is_some());
    program.stop();
    let left: Vec<_> = fs::read_dir(place.temporary()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!place.data().exists());
}

#[test]
fn killed_it_starts_again_with_everything() {
    let place = Place::new();
    let program = place.start();
    let mut client = program.client();
    let key = client.done("CreateKey", &json!({}))["KeyMetadata"]["KeyId"].clone();
    let blob =
        client.done("Encrypt", &json!({"KeyId": key, "Plaintext": "c2VjcmV0"}))["CiphertextBlob"].clone();
    program.kill();

    // Whether the newest stream's writer still runs the journal cannot know.
    let (intact, said) = place.verify_audit();
    assert!(intact && said.contains("2 records in "), "{said}");

    let program = place.start();
    let decrypted = program.client().done("Decrypt", &json!({"CiphertextBlob": blob}));
    assert_eq!(decrypted["Plaintext"], "c2VjcmV0");
    program.stop();
    let (intact, said) = place.verify_audit();
    assert!(intact, "{said}");
    assert!(said.contains("The journal is intact: 3 records in "), "{said}");
}

#[test]
fn killed_as_soon_as_it_is_ready_it_starts_again() {
    let place = Place::new();
    for _ in 0..5 {
        place.start().kill();
    }
    place.start().stop();
    let (intact, said) = place.verify_audit();
    assert!(intact, "{said}");
}

#[test]
fn asked_to_stop_as_soon_as_it_is_ready_it_closes_what_is_open() {
    for _ in 0..20 {
        let place = Place::new();
        let program = place.start_ephemeral();
        program.signal(Signal::TERM);
        assert_eq!(program.end().code(), Some(0));
        assert_eq!(fs::read_dir(place.temporary()).unwrap().count(), 0);
    }
}
