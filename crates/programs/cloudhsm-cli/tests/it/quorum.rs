//! Approval by several.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use strongroom_crypto::digest::sha256;

use crate::desk::Desk;
use crate::rig::PASSWORD;
use crate::signer::{Signer, read, write};

const NEEDED: &str = "Quorum approval is required for this operation";

#[test]
fn two_officers_approve_a_user() {
    let desk = Desk::activated(2);
    let signers: Vec<_> = ["officer1", "officer2"]
        .iter()
        .map(|name| {
            let signer = Signer::new();
            signer.register(&desk, &mut desk.session(&format!("admin/{name}")), name);
            signer
        })
        .collect();
    let registration = read(&desk.path("officer1.reg"));
    assert_eq!(registration["tokens"].as_array().unwrap().len(), 2, "one for each HSM");
    let listed = desk.run(&["user", "list"]).data();
    let officer =
        listed["users"].as_array().unwrap().iter().find(|user| user["username"] == "officer1").unwrap();
    assert_eq!(officer["quorum"], json!([{ "strategy": "token-sign", "status": "enabled" }]));

    let mut admin = desk.session("admin/admin");
    assert_eq!(
        admin.data("quorum token-sign list-quorum-values"),
        json!({ "user": 1, "quorum": 1, "cluster": 1 })
    );
    assert_eq!(
        admin.data("quorum token-sign set-quorum-value --service user --value 2"),
        json!("Set quorum value successful")
    );
    let create = |name: &str, approval: &str| {
        format!("user create --username {name} --role crypto-user --password {PASSWORD} {approval}")
    };
    assert_eq!(admin.refusal(&create("bob", "")), NEEDED);

    let token = desk.file("token.json");
    assert_eq!(
        admin.data(&format!("quorum token-sign generate --service user --token {token}")),
        json!({ "path": token })
    );
    let file = read(Path::new(&token));
    let data = BASE64.decode(file["approval_data"].as_str().unwrap()).unwrap();
    assert_eq!(data.len(), 2 * 80, "one record for each HSM");
    assert_eq!(file["token"], BASE64.encode(sha256(&data)));
    assert_eq!(
        file.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["version", "approval_data", "token", "signatures"]
    );
    let tokens = admin.data("quorum token-sign list");
    let listed = &tokens["tokens"][0];
    assert_eq!(
        (&listed["username"], &listed["service"], &listed["cluster-coverage"]),
        (&json!("admin"), &json!("user"), &json!("full"))
    );
    assert_eq!((&listed["approvals-required"], &listed["number-of-approvals"]), (&json!(2), &json!(0)));

    let approval = format!("--approval {token}");
    signers[0].approve(Path::new(&token), "officer1", None);
    admin.refusal(&create("bob", &approval));
    signers[1].approve(Path::new(&token), "officer2", None);

    // A file that somebody has changed is refused before it is sent, and by the HSM if it is made to fit.
    let good = read(Path::new(&token));
    let mut altered = good.clone();
    let mut changed = data.clone();
    changed[30] ^= 1;
    altered["approval_data"] = json!(BASE64.encode(&changed));
    write(Path::new(&token), &altered);
    assert!(admin.refusal(&create("bob", &approval)).contains("altered"));
    altered["token"] = json!(BASE64.encode(sha256(&changed)));
    write(Path::new(&token), &altered);
    admin.refusal(&create("bob", &approval));

    write(Path::new(&token), &good);
    assert_eq!(admin.data(&create("bob", &approval)), json!({ "username": "bob", "role": "crypto-user" }));
    for _ in 0..2 {
        // Whichever HSM is asked: it was good for one user.
        admin.refusal(&create("carol", &approval));
    }
    assert_eq!(admin.data("quorum token-sign list")["tokens"], json!([]));
}

#[test]
fn tokens_are_deleted_and_expire_with_the_session() {
    let desk = Desk::activated(2);
    let mut admin = desk.session("admin/admin");
    let token = desk.file("token.json");
    admin.data(&format!("quorum token-sign generate --service quorum --token {token}"));
    assert_eq!(
        admin.data("quorum token-sign delete --scope user"),
        json!("Deletion of quorum token(s) successful")
    );
    assert_eq!(admin.data("quorum token-sign list")["tokens"], json!([]));
    assert_eq!(admin.data("quorum token-sign list-timeouts"), json!({ "generated": 600, "approved": 600 }));
    assert_eq!(
        admin.data("quorum token-sign set-timeout --generated 300"),
        json!("Set token timeout successful")
    );
    assert_eq!(admin.data("quorum token-sign list-timeouts"), json!({ "generated": 300, "approved": 600 }));
    fs::write(&token, "{}").unwrap();
    let refusal = admin
        .refusal(&format!("quorum token-sign set-quorum-value --service user --value 2 --approval {token}"));
    assert!(refusal.contains("not a token file"), "{refusal}");
}

#[test]
fn a_key_signs_only_with_approvals() {
    let desk = Desk::activated(2);
    let signers: Vec<_> = ["cu1", "cu2"]
        .iter()
        .map(|name| {
            let signer = Signer::new();
            signer.register(&desk, &mut desk.session(&format!("crypto-user/{name}")), name);
            signer
        })
        .collect();
    let mut cu1 = desk.session("crypto-user/cu1");
    let pair = cu1.data(
        "key generate-asymmetric-pair ec --curve secp256r1 --public-label p --private-label q --private-attributes \
         sign=true --share-crypto-users cu2 --use-private-key-quorum-value 2",
    );
    assert_eq!(
        pair["private_key"]["key-info"]["key-quorum-values"],
        json!({ "manage-key-quorum-value": 0, "use-key-quorum-value": 2 })
    );
    let sign = "crypto sign ecdsa --key-filter attr.label=q --hash-function sha256 --data bWVzc2FnZQ==";
    assert_eq!(cu1.refusal(sign), "Quorum Failed");
    let token = desk.file("token.json");
    cu1.data(&format!(
        "quorum token-sign generate --service key-usage --filter attr.label=q --token {token}"
    ));
    let file = read(Path::new(&token));
    assert_eq!(
        (&file["service"], &file["key_reference"]),
        (&json!("key-usage"), &pair["private_key"]["key-reference"])
    );
    let tokens = cu1.data("quorum token-sign list");
    assert_eq!(
        tokens["tokens"][0],
        json!({
            "username": "cu1", "service": "key-usage", "key-reference": pair["private_key"]["key-reference"],
            "minimum-token-count": 1,
        })
    );
    for (signer, name) in signers.iter().zip(["cu1", "cu2"]) {
        signer.approve(Path::new(&token), name, Some("crypto-user"));
    }
    let signed = cu1.data(&format!("{sign} --approval {token}"));
    assert!(signed["signature"].is_string());
    assert_eq!(cu1.refusal(&format!("{sign} --approval {token}")), "Quorum Failed");
}
