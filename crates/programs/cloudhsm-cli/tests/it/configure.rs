//! `configure` and `configure-cli`

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::desk::{Desk, Ended};

/// Runs `configure-cli` with a home of its own.
fn configure(home: &TempDir, words: &[&str]) -> Ended {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_configure-cli"));
    command.env_clear().env("STRONGROOM_CLOUDHSM_CONFIG", home.path().join("cli.cfg"));
    Ended::of(command.args(words).output().unwrap())
}

fn written(home: &TempDir) -> Value {
    serde_json::from_slice(&fs::read(home.path().join("cli.cfg")).unwrap()).unwrap()
}

fn home() -> (TempDir, String) {
    let home = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ca = home.path().join("ca.crt");
    fs::write(&ca, "x").unwrap();
    let ca = fs::canonicalize(ca).unwrap().display().to_string();
    (home, ca)
}

#[test]
fn the_file_is_like_aws_s() {
    let (home, ca) = home();
    let ended = configure(&home, &["-a", "10.0.1.12", "10.0.2.9:2224", "--hsm-ca-cert", &ca]);
    assert_eq!(ended.status, 0, "{ended:?}");
    assert_eq!(ended.stdout, format!("The configuration is in {}\n", home.path().join("cli.cfg").display()));
    assert_eq!(
        written(&home),
        json!({ "clusters": [{ "type": "hsm1", "cluster": {
            "hsm_ca_file": ca,
            "servers": [
                { "hostname": "10.0.1.12", "port": 2223, "enable": true },
                { "hostname": "10.0.2.9", "port": 2224, "enable": true },
            ],
        } }] })
    );
    // What is not said again stays.
    let more = [
        "--disable-key-availability-check",
        "--default-retry-mode",
        "off",
        "--log-type",
        "file",
        "--log-file",
        "/var/log/x.log",
        "--log-level",
        "debug",
        "--log-rotation",
        "daily",
    ];
    assert_eq!(configure(&home, &more).status, 0);
    let configuration = written(&home);
    assert_eq!(configuration["clusters"][0]["cluster"]["servers"].as_array().unwrap().len(), 2);
    assert_eq!(
        configuration["clusters"][0]["cluster"]["options"],
        json!({ "disable_key_availability_check": true, "retry_mode": "off" })
    );
    assert_eq!(
        configuration["logging"],
        json!({
            "log_type": "file", "log_file": "/var/log/x.log", "log_level": "debug", "log_interval": "daily"
        })
    );
    assert_eq!(configure(&home, &["--enable-key-availability-check", "-a", "10.0.9.9"]).status, 0);
    let cluster = written(&home)["clusters"][0]["cluster"].take();
    assert_eq!(cluster["options"]["disable_key_availability_check"], false);
    assert_eq!(cluster["servers"], json!([{ "hostname": "10.0.9.9", "port": 2223, "enable": true }]));
}

#[test]
fn several_clusters_have_names() {
    let (home, ca) = home();
    for (id, address) in [("cluster-a", "10.0.1.1"), ("cluster-b", "10.0.2.1")] {
        let ended =
            configure(&home, &["add-cluster", "--cluster-id", id, "-a", address, "--hsm-ca-cert", &ca]);
        assert_eq!(ended.status, 0, "{ended:?}");
    }
    let again = configure(&home, &["add-cluster", "--cluster-id", "cluster-a", "-a", "10.0.1.1"]);
    assert_eq!(
        (again.status, again.stderr.as_str()),
        (1, "configure: cluster cluster-a is configured already\n")
    );
    let unnamed = configure(&home, &["--disable-key-availability-check"]);
    assert!(unnamed.stderr.contains("several clusters are configured"), "{unnamed:?}");
    assert_eq!(configure(&home, &["remove-cluster", "--cluster-id", "cluster-a"]).status, 0);
    assert_eq!(configure(&home, &["remove-cluster", "--cluster-id", "cluster-a"]).status, 1);
    let configuration = written(&home);
    let clusters = configuration["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 1);
    assert_eq!(clusters[0]["cluster"]["cluster_id"], "cluster-b");
}

#[test]
fn what_cannot_be_is_told() {
    let (home, ca) = home();
    for (words, part) in [
        (vec!["-a", "10.0.1.12", "--hsm-ca-cert", "/nonexistent.crt"], "/nonexistent.crt"),
        (vec!["-a", "http://x", "--hsm-ca-cert", &ca], "no address of an HSM"),
        (vec!["-a", "10.0.1.12", "--client-cert-hsm-tls-file", &ca], "--client-key-hsm-tls-file"),
        (vec!["-a", "10.0.1.12", "--cluster-id", "cluster-a"], "cannot be used with"),
        (vec!["--log-level", "loud"], "possible values"),
    ] {
        let ended = configure(&home, &words);
        assert_eq!((ended.status, ended.stdout.as_str()), (1, ""), "{words:?}");
        assert!(ended.stderr.contains(part), "{words:?}: {}", ended.stderr);
    }
    assert!(!home.path().join("cli.cfg").exists());
    fs::write(home.path().join("cli.cfg"), "{").unwrap();
    let ended = configure(&home, &["-a", "10.0.1.12"]);
    assert!(ended.stderr.contains("not a configuration file"), "{ended:?}");
    assert_eq!(fs::read(home.path().join("cli.cfg")).unwrap(), b"{", "it is left as it was");
}

#[test]
fn without_a_name_the_file_is_the_user_s_own() {
    let (home, ca) = home();
    if rustix::fs::access("/opt/cloudhsm/etc", rustix::fs::Access::WRITE_OK).is_ok() {
        // AWS's own folder comes first where it is there.
        return;
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cloudhsm-cli"));
    command.env_clear().env("HOME", home.path());
    let output = command.args(["configure", "-a", "10.0.1.12", "--hsm-ca-cert", &ca]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(home.path().join(".config/strongroom/cloudhsm-cli.cfg").exists());
}

#[test]
fn commands_are_logged_where_the_configuration_says() {
    let desk = Desk::activated(2);
    let log = desk.file("logs/cli.log");
    desk.run(&["configure", "--log-type", "file", "--log-file", &log, "--log-level", "info"]);
    desk.rig.nodes[0].kill();
    desk.run(&["user", "list"]).data();
    let text = fs::read_to_string(log).unwrap();
    assert!(text.contains("an HSM cannot be asked"), "{text}");
}
