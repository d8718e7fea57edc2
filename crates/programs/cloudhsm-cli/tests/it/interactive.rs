//! Commands that follow each other.

use serde_json::json;

use crate::desk::Desk;
use crate::rig::PASSWORD;

#[test]
fn a_log_in_holds_until_one_logs_out() {
    let desk = Desk::activated(2);
    let mut session = desk.interactive();
    assert!(session.data("user list")["users"].is_array());
    session.refusal("key list");
    session.write("login --username CU1 --role crypto-user");
    session.asks("Enter password:");
    session.write(PASSWORD);
    assert_eq!(session.answered(), json!({ "username": "cu1", "role": "crypto-user" }));
    let key = session.data("key generate-symmetric aes --label 'my key' --key-length-bytes 32 --session");
    assert_eq!(key["key"]["key-info"]["cluster-coverage"], "session");
    assert_eq!(
        key["key"]["key-info"]["key-owners"],
        json!([{ "username": "cu1", "key-coverage": "session" }])
    );
    assert_eq!(session.data("key list --filter \"attr.label=my key\"")["total_key_count"], 1);
    assert_eq!(session.data("logout"), json!("Logout successful"));
    session.refusal("key list");
    session.data(&format!("login --username cu1 --role crypto-user --password {PASSWORD}"));
    assert_eq!(session.data("key list")["total_key_count"], 0, "session keys are gone");
    assert_eq!(session.quit(), 0);
}

#[test]
fn what_is_not_understood_ends_nothing() {
    let desk = Desk::activated(1);
    let mut session = desk.interactive();
    session.write("");
    session.write("usr list");
    session.asks("unrecognized subcommand 'usr'");
    assert!(session.refusal("user list 'x").contains("quotation marks"));
    session.write("user create --username x");
    session.asks("--role <ROLE>");
    let wrong = session.refusal("login --username cu1 --role crypto-user --password 'wrong password'");
    assert!(!wrong.is_empty());
    assert!(session.data("user list")["users"].is_array());
    assert_eq!(session.quit(), 0);
}

#[test]
fn the_end_of_the_input_is_the_end() {
    let desk = Desk::activated(1);
    let output = desk.command("cloudhsm-cli").arg("interactive").output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
}
