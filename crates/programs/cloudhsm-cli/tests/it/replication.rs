//! Copies of users and keys in a clone of the cluster: a cluster that began as the same one did.

use serde_json::json;

use crate::desk::{Desk, Ended};
use crate::rig::{Authority, CLUSTER, PASSWORD, Rig};

const CLUSTERS: [&str; 4] = ["--source-cluster-id", CLUSTER, "--destination-cluster-id", "cluster-clone"];

/// A desk at which two clusters are configured.
fn desk() -> (Desk, Rig) {
    let desk = Desk::activated(2);
    let clone = Rig::named(2, "cluster-clone", &Authority::new("another customer"));
    let addresses = |rig: &Rig| rig.nodes.iter().map(|node| node.address.to_string()).collect::<Vec<_>>();
    let ca = desk.file("cloneCA.crt");
    std::fs::write(&ca, &clone.authority).unwrap();
    std::fs::remove_file(desk.path("cli.cfg")).unwrap();
    for (id, addresses, ca) in [
        (CLUSTER, addresses(&desk.rig), desk.file("customerCA.crt")),
        ("cluster-clone", addresses(&clone), ca),
    ] {
        let mut command = desk.command("configure-cli");
        command.args(["add-cluster", "--cluster-id", id, "--hsm-ca-cert", &ca, "-a"]).args(addresses);
        assert!(command.output().unwrap().status.success());
    }
    (desk, clone)
}

/// Runs a command as the same user at both clusters.
fn run(desk: &Desk, role: &str, name: &str, words: &[&str]) -> Ended {
    let pin = format!("{name}:{PASSWORD}");
    let mut command = desk.command("cloudhsm-cli");
    command.envs([("CLOUDHSM_ROLE", role), ("CLOUDHSM_PIN", &pin)]);
    command.envs([("DESTINATION_CLOUDHSM_ROLE", role), ("DESTINATION_CLOUDHSM_PIN", &pin)]);
    Ended::of(command.args(words).output().unwrap())
}

fn at<'a>(cluster: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    [words, &["--cluster-id", cluster]].concat()
}

#[test]
fn a_user_and_a_key_are_copied_with_their_names() {
    let (desk, _clone) = desk();
    let user = ["--username", "bob", "--role", "crypto-user"];
    let create = [&["user", "create"][..], &user, &["--password", PASSWORD]].concat();
    run(&desk, "admin", "admin", &at(CLUSTER, &create)).data();
    let replicated =
        run(&desk, "admin", "admin", &[&["user", "replicate"][..], &user, &CLUSTERS].concat()).data();
    assert_eq!(replicated["message"], "Successfully replicated user");
    assert_eq!(
        (&replicated["user"]["username"], &replicated["user"]["cluster-coverage"]),
        (&json!("bob"), &json!("full"))
    );

    let generate = ["key", "generate-symmetric", "aes", "--label", "k", "--key-length-bytes", "32"];
    let made = run(&desk, "crypto-user", "bob", &at(CLUSTER, &generate)).data();
    let filter = ["--filter", "attr.label=k"];
    let copied =
        run(&desk, "crypto-user", "bob", &[&["key", "replicate"][..], &filter, &CLUSTERS].concat()).data();
    assert_eq!(copied["message"], "Successfully replicated key");
    assert_eq!(copied["key"], made["key"], "the same handle, owner and attributes");
    let listed = run(&desk, "crypto-user", "bob", &at("cluster-clone", &["key", "list"])).data();
    assert_eq!(listed["total_key_count"], 1);
}

#[test]
fn a_cluster_has_to_be_named_and_the_prompt_names_it() {
    let (desk, _clone) = desk();
    let refusal = desk.run(&["user", "list"]).refusal();
    assert!(refusal.contains("--cluster-id"), "{refusal}");
    let refusal = desk.run(&["user", "list", "--cluster-id", "cluster-other"]).refusal();
    assert!(refusal.contains("configure add-cluster --cluster-id cluster-other"), "{refusal}");
    let mut session = desk.interactive();
    let login = format!("login --username cu1 --role crypto-user --password {PASSWORD}");
    session.data(&format!("{login} --cluster-id {CLUSTER}"));
    session.data(&format!("key list --cluster-id {CLUSTER}"));
    session.refusal("key list --cluster-id cluster-clone");
    session.data(&format!("{login} --cluster-id cluster-clone"));
    session.data("key list --cluster-id cluster-clone");
}
