//! `configure --cluster-id`: CloudHSM's API is asked for addresses.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::desk::Ended;

/// An API that answers one request; what it was asked comes back.
fn configure(
    status: &str,
    answer: &Value,
    environment: &[(&str, &str)],
    words: &[&str],
) -> (Ended, String, Option<Value>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_string();
    let response =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len());
    let asked = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4_096];
        while !request.ends_with(b"}") {
            let count = socket.read(&mut buffer).unwrap();
            if count == 0 {
                return String::new();
            }
            request.extend_from_slice(&buffer[..count]);
        }
        socket.write_all(response.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    let home = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ca = home.path().join("ca.crt");
    fs::write(&ca, "x").unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(
        home.path().join(".aws/credentials"),
        "[work]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n",
    )
    .unwrap();
    let file = home.path().join("cli.cfg");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudhsm-cli"));
    command.env_clear().env("HOME", home.path()).env("STRONGROOM_CLOUDHSM_CONFIG", &file);
    command.envs(environment.iter().copied());
    command.args(["configure", "--endpoint", &endpoint, "--hsm-ca-cert"]).arg(ca).args(words);
    let ended = Ended::of(command.output().unwrap());
    // Where nothing was asked, something has to come so that the listener ends.
    if !ended.stderr.is_empty() {
        let _ = std::net::TcpStream::connect(endpoint.trim_start_matches("http://"));
    }
    let written = fs::read(file).ok().map(|text| serde_json::from_slice(&text).unwrap());
    (ended, asked.join().unwrap(), written)
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
const CLUSTER: [&str; 2] = ["--cluster-id", "cluster-aaaabbbbccc"];

#[test]
fn the_addresses_of_all_hsms_are_written() {
    let answer = json!({ "Clusters": [{ "ClusterId": CLUSTER[1], "Hsms": [
        { "HsmId": "hsm-1", "EniIp": "127.31.0.5", "State": "ACTIVE" },
        { "HsmId": "hsm-2", "EniIp": "127.31.16.5", "State": "ACTIVE" },
        { "HsmId": "hsm-3", "State": "CREATE_IN_PROGRESS" },
    ] }] });
    let words = [&CLUSTER[..], &["--region", "eu-west-1"]].concat();
    let (ended, asked, written) = configure("200 OK", &answer, &KEYS, &words);
    assert_eq!(ended.status, 0, "{ended:?}");
    let cluster = &written.unwrap()["clusters"][0]["cluster"];
    assert_eq!(cluster["cluster_id"], CLUSTER[1]);
    let addresses: Vec<_> =
        cluster["servers"].as_array().unwrap().iter().map(|server| server["hostname"].clone()).collect();
    assert_eq!(addresses, ["127.31.0.5", "127.31.16.5"]);
    assert!(asked.starts_with("POST / HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-amz-target: BaldrApiService.DescribeClusters\r\n"));
    assert!(asked.contains("authorization: AWS4-HMAC-SHA256 Credential=test/"));
    assert!(asked.contains(
        "/eu-west-1/cloudhsm/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target"
    ));
    assert!(asked.ends_with(r#"{"Filters":{"clusterIds":["cluster-aaaabbbbccc"]}}"#));
}

#[test]
fn a_profile_says_who_asks() {
    let answer = json!({ "Clusters": [{ "Hsms": [{ "EniIp": "10.0.0.1" }] }] });
    let (ended, asked, _) = configure("200 OK", &answer, &[("AWS_PROFILE", "work")], &CLUSTER);
    assert_eq!(ended.status, 0, "{ended:?}");
    assert!(asked.contains("Credential=AKIDPROFILE/") && asked.contains("/us-east-1/cloudhsm/"), "{asked}");
}

#[test]
fn what_the_api_says_instead_is_told() {
    let refused =
        json!({ "__type": "com.amazonaws.cloudhsm#CloudHsmAccessDeniedException", "message": "no" });
    for (status, answer, part) in [
        ("400 Bad Request", refused, "DescribeClusters: CloudHsmAccessDeniedException: no"),
        ("500 Oops", json!("x"), "HTTP status 500"),
        ("200 OK", json!({ "Clusters": [] }), "there is no cluster cluster-aaaabbbbccc"),
        ("200 OK", json!({ "Clusters": [{ "Hsms": [] }] }), "create one first"),
    ] {
        let (ended, _, written) = configure(status, &answer, &KEYS, &CLUSTER);
        assert_eq!((ended.status, written), (1, None));
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let (ended, _, _) = configure("200 OK", &json!({}), &[], &CLUSTER);
    assert!(ended.stderr.contains("no AWS credentials"), "{}", ended.stderr);
}
