//! `crypto sign` and `crypto verify`

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use strongroom_crypto::digest::{Hash, sha256};
use strongroom_crypto::ec;

use crate::desk::Desk;
use crate::keys::EC_PAIR;

#[test]
fn what_is_signed_is_verified_here_and_elsewhere() {
    let desk = Desk::activated(2);
    let pair = desk.cu1(&EC_PAIR);
    let data = BASE64.encode("message");
    let signed = desk.cu1(&[
        "crypto",
        "sign",
        "ecdsa",
        "--key-filter",
        "attr.label=ec-private",
        "--hash-function",
        "sha256",
        "--data",
        &data,
    ]);
    assert_eq!(signed["key-reference"], pair["private_key"]["key-reference"]);
    let signature = signed["signature"].as_str().unwrap();
    let raw = BASE64.decode(signature).unwrap();
    assert_eq!(raw.len(), 64, "r and then s");

    let file = desk.file("public.pem");
    desk.cu1(&[
        "key",
        "generate-file",
        "--encoding",
        "pem",
        "--path",
        &file,
        "--filter",
        "attr.label=ec-public",
    ]);
    let pem = fs::read_to_string(&file).unwrap();
    let spki: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = ec::PublicKey::from_spki(&BASE64.decode(spki).unwrap()).unwrap();
    key.verify_digest(&sha256(b"message"), &raw).unwrap();

    let verify = |data: &str| {
        desk.run_as(
            "crypto-user/cu1",
            &[
                "crypto",
                "verify",
                "ecdsa",
                "--key-filter",
                "attr.label=ec-public",
                "--hash-function",
                "sha256",
                "--data",
                data,
                "--signature",
                signature,
            ],
        )
    };
    assert_eq!(verify(&data).data(), json!({ "message": "Signature verified successfully" }));
    assert_eq!(verify(&BASE64.encode("massage")).refusal(), "Signature verification failed");
    assert!(verify("not base64").refusal().contains("--data is not base64"));
}

#[test]
fn files_of_any_length_are_signed_and_digests_too() {
    let desk = Desk::activated(2);
    desk.cu1(&EC_PAIR);
    let long = vec![7; 200_000];
    fs::write(desk.path("long"), &long).unwrap();
    let signature = desk.cu1(&[
        "crypto",
        "sign",
        "ecdsa",
        "--key-filter",
        "attr.label=ec-private",
        "--hash-function",
        "sha384",
        "--data-path",
        &desk.file("long"),
    ])["signature"]
        .take();
    fs::write(desk.path("signature"), BASE64.decode(signature.as_str().unwrap()).unwrap()).unwrap();
    let digest = BASE64.encode(Hash::Sha384.digest(&long));
    desk.cu1(&[
        "crypto",
        "verify",
        "ecdsa",
        "--key-filter",
        "attr.label=ec-public",
        "--hash-function",
        "sha384",
        "--data",
        &digest,
        "--data-type",
        "digest",
        "--signature-path",
        &desk.file("signature"),
    ]);
}

#[test]
fn rsa_and_the_newer_mechanisms_work() {
    let desk = Desk::activated(2);
    let mut session = desk.session("crypto-user/cu1");
    let usage = "--public-attributes verify=true --private-attributes sign=true";
    session.data(&format!(
        "key generate-asymmetric-pair rsa --modulus-size-bits 2048 --public-exponent 65537 --public-label rsa \
         --private-label rsa-private {usage}"
    ));
    session.data(&format!(
        "key generate-asymmetric-pair ec --curve ed25519 --public-label ed --private-label ed-private {usage}"
    ));
    session.data(&format!(
        "key generate-asymmetric-pair ml-dsa --mldsa-algorithm ML-DSA-65 --public-label mldsa --private-label \
         mldsa-private {usage}"
    ));
    let data = BASE64.encode("message");
    for (label, mechanism) in [
        ("rsa", "rsa-pkcs --hash-function sha256"),
        ("rsa", "rsa-pkcs-pss --hash-function sha512 --mgf mgf1-sha512 --salt-length 64"),
        ("ed", "ed25519"),
        ("ed", "ed25519ph --data-type raw --hash-function sha512"),
        ("mldsa", "ml-dsa --data-type raw --hash-function shake256"),
    ] {
        let signed = session
            .data(&format!("crypto sign {mechanism} --key-filter attr.label={label}-private --data {data}"));
        let signature = signed["signature"].as_str().unwrap();
        let verified = session.data(&format!(
            "crypto verify {mechanism} --key-filter attr.label={label} --data {data} --signature {signature}"
        ));
        assert_eq!(verified["message"], "Signature verified successfully", "{mechanism}");
    }
    let mixed = session.refusal(&format!(
        "crypto sign rsa-pkcs-pss --hash-function sha256 --mgf mgf1-sha1 --salt-length 32 --key-filter \
         attr.label=rsa-private --data {data}"
    ));
    assert!(mixed.contains("--mgf"), "{mixed}");
}
