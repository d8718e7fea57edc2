//! `cluster ...`

use std::fs;

use serde_json::json;

use crate::desk::{Desk, Ended};
use crate::rig::{Authority, PASSWORD};

#[test]
fn activation_works_once() {
    let desk = Desk::founded(2);
    let users = desk.run(&["user", "list"]).data();
    assert_eq!(users["users"][0]["role"], "unactivated-admin");
    let short = desk.run(&["cluster", "activate", "--password", "short"]).refusal();
    assert!(!short.is_empty());
    assert_eq!(
        desk.run(&["cluster", "activate", "--password", PASSWORD]).data(),
        json!("Cluster activation successful")
    );
    desk.run(&["cluster", "activate", "--password", PASSWORD]).refusal();
    assert_eq!(
        desk.admin(&[
            "user",
            "create",
            "--username",
            "Alice",
            "--role",
            "crypto-user",
            "--password",
            PASSWORD
        ]),
        json!({ "username": "alice", "role": "crypto-user" })
    );
}

#[test]
fn the_password_is_asked_for_twice() {
    let desk = Desk::founded(1);
    let run = |input: &str| {
        use std::io::Write as _;
        let mut command = desk.command("cloudhsm-cli");
        let mut child =
            command.args(["cluster", "activate"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ended::of(child.wait_with_output().unwrap())
    };
    let ended = run("password1\npassword2\n");
    assert_eq!(ended.stderr, "Enter password:Confirm password:");
    assert_eq!(ended.refusal(), "the passwords are not the same");
    assert_eq!(run("password1\n").refusal(), "standard input has ended");
    assert_eq!(run("password1\npassword1\n").data(), json!("Cluster activation successful"));
}

#[test]
fn every_hsm_is_described_in_texts() {
    let desk = Desk::activated(2);
    let info = desk.run(&["cluster", "hsm-info"]).data();
    let hsms = info["hsms"].as_array().unwrap();
    assert_eq!(hsms.len(), 2);
    let names: Vec<_> = hsms[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "vendor",
            "model",
            "serial-number",
            "hardware-version-major",
            "hardware-version-minor",
            "firmware-version-major",
            "firmware-version-minor",
            "firmware-build-number",
            "firmware-id",
            "fips-state",
            "calls",
            "cryptographic-operations",
        ]
    );
    assert!(hsms.iter().flat_map(|hsm| hsm.as_object().unwrap().values()).all(serde_json::Value::is_string));
    assert_eq!(hsms[0]["serial-number"], "00000000");
    assert_eq!(hsms[1]["serial-number"], "00000001");
    assert_eq!(hsms[0]["fips-state"], "0 [non-FIPS mode with single factor authentication]");
}

#[test]
fn clients_can_be_made_to_show_certificates() {
    let desk = Desk::activated(2);
    let clients = Authority::new("clients");
    fs::write(desk.path("clients.pem"), clients.pem()).unwrap();
    let (certificate, key) = clients.client();
    fs::write(desk.path("client.crt"), certificate).unwrap();
    fs::write(desk.path("client.key"), key).unwrap();

    let registered =
        desk.admin(&["cluster", "mtls", "register-trust-anchor", "--path", &desk.file("clients.pem")]);
    let anchor = &registered["trust_anchor"];
    assert_eq!(anchor["certificate-reference"], "0x01");
    assert_eq!(anchor["cluster-coverage"], "full");
    assert_eq!(anchor["certificate"].as_str().unwrap().trim(), clients.pem().trim());
    let listed = desk.run(&["cluster", "mtls", "list-trust-anchors"]).data();
    assert_eq!(listed, json!({ "trust_anchors": [anchor] }));
    assert_eq!(
        desk.admin(&["cluster", "mtls", "get-enforcement"]),
        json!({ "mtls-enforcement-level": "none" })
    );

    let set = ["cluster", "mtls", "set-enforcement", "--level", "cluster"];
    desk.run_as("admin/admin", &set).refusal();
    let configured = desk.run(&[
        "configure",
        "--client-cert-hsm-tls-file",
        &desk.file("client.crt"),
        "--client-key-hsm-tls-file",
        &desk.file("client.key"),
    ]);
    assert_eq!(configured.status, 0, "{configured:?}");
    assert_eq!(desk.admin(&set), json!({ "message": "Mtls enforcement level set to Cluster successfully" }));
    assert_eq!(
        desk.admin(&["cluster", "mtls", "get-enforcement"]),
        json!({ "mtls-enforcement-level": "cluster" })
    );
    let none = ["cluster", "mtls", "set-enforcement", "--level", "none"];
    assert_eq!(desk.admin(&none), json!({ "message": "Mtls enforcement level set to None successfully" }));
    assert_eq!(
        desk.admin(&["cluster", "mtls", "deregister-trust-anchor", "--certificate-reference", "1"]),
        json!({ "message": "Trust anchor with reference 0x01 deregistered successfully" })
    );
}
