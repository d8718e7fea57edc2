//! `user ...`

use serde_json::json;

use crate::desk::Desk;
use crate::rig::PASSWORD;

#[test]
fn users_are_made_listed_changed_and_deleted() {
    let desk = Desk::activated(2);
    let bob = ["--username", "Bob", "--role", "crypto-user"];
    let create = [&["user", "create"][..], &bob, &["--password", PASSWORD]].concat();
    assert_eq!(desk.admin(&create), json!({ "username": "bob", "role": "crypto-user" }));
    desk.run_as("admin/admin", &create).refusal();

    let listed = desk.run(&["user", "list"]).data();
    let users = listed["users"].as_array().unwrap();
    let found = users.iter().find(|user| user["username"] == "bob").unwrap();
    assert_eq!(
        *found,
        json!({
            "username": "bob", "role": "crypto-user", "locked": "false", "mfa": [], "quorum": [],
            "cluster-coverage": "full"
        })
    );
    let roles: Vec<_> = users.iter().map(|user| user["role"].as_str().unwrap()).collect();
    assert!(roles.contains(&"admin") && roles.contains(&"internal(APPLIANCE_USER)"), "{roles:?}");

    let change = [&["user", "change-password"][..], &bob, &["--password", "another password"]].concat();
    assert_eq!(desk.admin(&change), json!({ "username": "bob", "role": "crypto-user" }));
    desk.run_as("crypto-user/bob", &["key", "list"]).refusal();
    let delete = [&["user", "delete"][..], &bob].concat();
    assert_eq!(desk.admin(&delete), json!({ "username": "bob", "role": "crypto-user" }));
    desk.run_as("admin/admin", &delete).refusal();
}

#[test]
fn the_environment_says_who_logs_in() {
    let desk = Desk::activated(1);
    let run = |role: Option<&str>, pin: Option<&str>| {
        let mut command = desk.command("cloudhsm-cli");
        for (name, value) in [("CLOUDHSM_ROLE", role), ("CLOUDHSM_PIN", pin)] {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        crate::desk::Ended::of(command.args(["key", "list"]).output().unwrap()).refusal()
    };
    assert!(run(None, Some("cu1:password1")).contains("CLOUDHSM_ROLE is not"));
    assert!(run(Some("admin"), None).contains("CLOUDHSM_PIN is not"));
    assert!(run(Some("king"), Some("cu1:password1")).contains("neither admin nor crypto-user"));
    assert!(run(Some("crypto-user"), Some("cu1")).contains("username:password"));
    let wrong = run(Some("crypto-user"), Some("cu1:wrong password"));
    assert!(!wrong.contains("wrong password"), "{wrong}");
    assert!(!run(None, None).is_empty());
}

#[test]
fn an_hsm_that_does_not_know_a_user_shows_in_the_coverage() {
    let desk = Desk::activated(2);
    desk.rig.nodes[1].faults.is_behind.store(true, std::sync::atomic::Ordering::SeqCst);
    // Whoever made it has seen the new state; who comes later asks both as they are.
    desk.admin(&["user", "create", "--username", "bob", "--role", "crypto-user", "--password", PASSWORD]);
    let listed = desk.run(&["user", "list"]).data();
    let users = listed["users"].as_array().unwrap();
    let coverage =
        |name: &str| users.iter().find(|user| user["username"] == name).unwrap()["cluster-coverage"].clone();
    assert_eq!((coverage("cu1"), coverage("bob")), (json!("full"), json!("partial")));
}
