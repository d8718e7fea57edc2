//! `key generate-...`, `import`, `set-attribute`, `share`, `delete` and `generate-file`

use std::fs;

use serde_json::json;

use crate::desk::Desk;
use crate::signer::Signer;

pub(crate) const EC_PAIR: [&str; 13] = [
    "key",
    "generate-asymmetric-pair",
    "ec",
    "--curve",
    "secp256r1",
    "--public-label",
    "ec-public",
    "--private-label",
    "ec-private",
    "--public-attributes",
    "verify=true",
    "--private-attributes",
    "sign=true",
];

#[test]
fn an_aes_key_shows_what_aws_shows() {
    let desk = Desk::activated(2);
    let generate = ["key", "generate-symmetric", "aes", "--label", "example-aes", "--key-length-bytes", "24"];
    let mut made = desk.cu1(&generate);
    let key = made["key"].take();
    let reference = key["key-reference"].as_str().unwrap();
    assert!(reference.starts_with("0x") && reference.len() == 18, "{reference}");
    assert_eq!(
        key["key-info"],
        json!({
            "key-owners": [{ "username": "cu1", "key-coverage": "full" }],
            "shared-users": [],
            "key-quorum-values": { "manage-key-quorum-value": 0, "use-key-quorum-value": 0 },
            "cluster-coverage": "full",
        })
    );
    let attributes = key["attributes"].as_object().unwrap();
    let check_value = attributes["check-value"].as_str().unwrap();
    assert_eq!((check_value.len(), &check_value[..2]), (8, "0x"));
    let names: Vec<_> = attributes.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "key-type",
            "label",
            "id",
            "check-value",
            "class",
            "encrypt",
            "decrypt",
            "token",
            "always-sensitive",
            "derive",
            "destroyable",
            "extractable",
            "local",
            "modifiable",
            "never-extractable",
            "private",
            "sensitive",
            "sign",
            "trusted",
            "unwrap",
            "verify",
            "wrap",
            "wrap-with-trusted",
            "key-length-bytes",
        ]
    );
    assert_eq!(attributes["id"], "0x");
    assert_eq!(attributes["key-length-bytes"], 24);
    assert_eq!((&attributes["sign"], &attributes["encrypt"]), (&json!(true), &json!(false)));
}

#[test]
fn pairs_show_both_halves() {
    let desk = Desk::activated(2);
    let pair = desk.cu1(&EC_PAIR);
    let (public, private) = (&pair["public_key"]["attributes"], &pair["private_key"]["attributes"]);
    assert_eq!((&public["class"], &private["class"]), (&json!("public-key"), &json!("private-key")));
    assert_eq!(public["curve"], "secp256r1");
    assert!(public["ec-point"].as_str().unwrap().starts_with("0x04"), "{public}");
    let rsa = desk.cu1(&[
        "key",
        "generate-asymmetric-pair",
        "rsa",
        "--modulus-size-bits",
        "2048",
        "--public-exponent",
        "65537",
        "--public-label",
        "rsa-public",
        "--private-label",
        "rsa-private",
    ]);
    let public = &rsa["public_key"]["attributes"];
    assert_eq!(public["public-exponent"], "0x010001");
    assert_eq!(public["modulus-size-bits"], 2048);
    assert_eq!(public["modulus"].as_str().unwrap().len(), 2 + 512);
}

#[test]
fn attributes_labels_and_owners_change() {
    let desk = Desk::activated(2);
    desk.cu1(&["key", "generate-symmetric", "aes", "--label", "a", "--key-length-bytes", "32"]);
    let filter = ["--filter", "attr.label=a"];
    let set = |name: &str, value: &str| {
        [&["key", "set-attribute"][..], &filter, &["--name", name, "--value", value]]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let run = |user: &str, words: &[String]| {
        desk.run_as(user, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(
        run("crypto-user/cu1", &set("encrypt", "true")).data(),
        json!({ "message": "Attribute set successfully" })
    );
    run("crypto-user/cu2", &set("encrypt", "true")).refusal();
    run("crypto-user/cu1", &set("trusted", "true")).refusal();
    assert!(run("crypto-user/cu1", &set("encrypt", "maybe")).refusal().contains("true or false"));

    let share = |verb: &'static str| {
        [&["key", verb][..], &filter, &["--username", "cu2", "--role", "crypto-user"]].concat()
    };
    assert_eq!(desk.cu1(&share("share")), json!({ "message": "Key shared successfully" }));
    let listed = desk.run_as("crypto-user/cu2", &[&["key", "list", "-v"][..], &filter].concat()).data();
    let key = &listed["matched_keys"][0];
    assert_eq!(key["key-info"]["shared-users"], json!([{ "username": "cu2", "key-coverage": "full" }]));
    assert_eq!(key["attributes"]["encrypt"], true);
    assert_eq!(desk.cu1(&share("unshare")), json!({ "message": "Key unshared successfully" }));
    let gone = desk.run_as("crypto-user/cu2", &[&["key", "delete"][..], &filter].concat()).refusal();
    assert_eq!(
        gone,
        "Key selection criteria matched 0 keys. Refine selection criteria to select a single key."
    );
    let delete = [&["key", "delete"][..], &filter].concat();
    assert_eq!(desk.cu1(&delete), json!({ "message": "Key deleted successfully" }));
    desk.run_as("crypto-user/cu1", &delete).refusal();
}

#[test]
fn a_single_key_is_meant_or_none() {
    let desk = Desk::activated(2);
    for _ in 0..2 {
        desk.cu1(&["key", "generate-symmetric", "aes", "--label", "twin", "--key-length-bytes", "32"]);
    }
    let refusal = desk.run_as("crypto-user/cu1", &["key", "delete", "--filter", "attr.label=twin"]).refusal();
    assert_eq!(
        refusal,
        "Key selection criteria matched 2 keys. Refine selection criteria to select a single key."
    );
    let listed = desk.cu1(&["key", "list", "--filter", "attr.label=twin"]);
    let reference = listed["matched_keys"][0]["key-reference"].as_str().unwrap();
    let filter = format!("key-reference={reference}");
    desk.cu1(&["key", "delete", "--filter", &filter]);
    let refusal = desk.run_as("crypto-user/cu1", &["key", "delete", "--filter", &filter]).refusal();
    assert!(refusal.contains("matched 0 keys"), "{refusal}");
}

#[test]
fn one_hsm_is_not_enough_for_a_key_unless_one_says_so() {
    let desk = Desk::activated(1);
    let generate = ["key", "generate-symmetric", "aes", "--label", "a", "--key-length-bytes", "32"];
    let refusal = desk.run_as("crypto-user/cu1", &generate).refusal();
    assert!(refusal.starts_with("Key 0x"), "{refusal}");
    assert!(refusal.ends_with(
        " does not meet the availability requirements - The key must be available on at least 2 HSMs before being \
         used."
    ));
    desk.run(&["configure", "--disable-key-availability-check"]);
    desk.cu1(&generate);
}

#[test]
fn public_keys_come_in_and_go_out_as_pem() {
    let desk = Desk::activated(2);
    Signer::new().write_public_key(&desk.path("rsa.pem"));
    let import = |class: &str| {
        desk.run_as(
            "crypto-user/cu1",
            &[
                "key",
                "import",
                "pem",
                "--path",
                &desk.file("rsa.pem"),
                "--label",
                "in",
                "--key-type-class",
                class,
            ],
        )
    };
    assert!(import("ec-public").refusal().contains("--key-type-class"));
    let imported = import("rsa-public").data();
    assert_eq!(imported["message"], "Successfully imported key");
    assert_eq!(imported["key"]["attributes"]["local"], false);
    let written = desk.cu1(&[
        "key",
        "generate-file",
        "--encoding",
        "pem",
        "--path",
        &desk.file("out.pem"),
        "--filter",
        "attr.label=in",
    ]);
    assert_eq!(written, json!({ "message": "Successfully generated key file" }));
    assert_eq!(fs::read(desk.path("out.pem")).unwrap(), fs::read(desk.path("rsa.pem")).unwrap());
}

#[test]
fn a_file_can_stand_for_a_private_key() {
    let desk = Desk::activated(2);
    let pair = desk.cu1(&EC_PAIR);
    let write = |encoding: &str, filter: &str| {
        let path = desk.file("reference.pem");
        desk.run_as(
            "crypto-user/cu1",
            &["key", "generate-file", "--encoding", encoding, "--path", &path, "--filter", filter],
        )
    };
    write("reference-pem", "attr.label=ec-public").refusal();
    write("pem", "attr.label=ec-private").refusal();
    write("reference-pem", "attr.label=ec-private").data();
    let text = fs::read_to_string(desk.path("reference.pem")).unwrap();
    assert!(text.starts_with("-----BEGIN EC PRIVATE KEY-----\n"), "{text}");
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let der = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(body).unwrap()
    };
    let digits = pair["private_key"]["key-reference"].as_str().unwrap().trim_start_matches("0x");
    let handle = strongroom_crypto::hex::decode(digits).unwrap();
    assert!(der.windows(8).any(|window| window == handle), "it names the key");
}
