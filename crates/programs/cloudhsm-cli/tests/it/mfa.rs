//! A second factor.

use std::path::Path;

use serde_json::json;

use crate::desk::Desk;
use crate::rig::PASSWORD;
use crate::signer::Signer;

const SIGNED: &str = "Enter signed token file path (press enter if same as the unsigned token file):";

#[test]
fn a_signature_is_needed_to_log_in() {
    let desk = Desk::activated(2);
    let signer = Signer::new();
    signer.write_public_key(&desk.path("key.pub"));
    let file = desk.file("mfa.json");

    let mut session = desk.session("crypto-user/cu1");
    session.write(&format!("user change-mfa token-sign --username cu1 --role crypto-user --token {file}"));
    session.asks("Enter password:");
    session.write(PASSWORD);
    session.asks("Confirm password:");
    session.write(PASSWORD);
    session.asks(SIGNED);
    let signed = signer.sign_challenges(Path::new(&file));
    let entries = signed["tokens"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "one for each HSM");
    assert_eq!(entries[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["unsigned", "signed"]);
    session.write("");
    session.asks("Enter public key PEM file path:");
    session.write(&desk.file("key.pub"));
    assert_eq!(session.answered(), json!({ "username": "cu1", "role": "crypto-user" }));
    let listed = desk.run(&["user", "list"]).data();
    let user = listed["users"].as_array().unwrap().iter().find(|user| user["username"] == "cu1").unwrap();
    assert_eq!(user["mfa"], json!([{ "strategy": "token-sign", "status": "enabled" }]));

    let refusal = desk.run_as("crypto-user/cu1", &["key", "list"]).refusal();
    assert!(refusal.contains("second factor"), "{refusal}");
    let mut session = desk.interactive();
    let login = format!("login --username cu1 --role crypto-user --password {PASSWORD}");
    assert!(session.refusal(&login).contains("mfa-token-sign"));
    session.write(&format!("{login} mfa-token-sign --token {file}"));
    session.asks(SIGNED);
    signer.sign_challenges(Path::new(&file));
    session.write(&file);
    assert_eq!(session.answered(), json!({ "username": "cu1", "role": "crypto-user" }));
    session.data("key generate-symmetric aes --label a --key-length-bytes 32");
    assert_eq!(session.quit(), 0);

    let mut session = desk.interactive();
    session.write(&format!("{login} mfa-token-sign --token {file}"));
    session.asks(SIGNED);
    session.write("");
    assert!(session.refused().contains("is not signed"));
    session.write(&format!("{login} mfa-token-sign --token {file}"));
    session.asks(SIGNED);
    Signer::new().sign_challenges(Path::new(&file));
    session.write("");
    session.refused();
    session.refusal("key list");

    desk.admin(&[
        "user",
        "change-mfa",
        "token-sign",
        "--username",
        "cu1",
        "--role",
        "crypto-user",
        "--deregister",
    ]);
    desk.cu1(&["key", "list"]);
}
