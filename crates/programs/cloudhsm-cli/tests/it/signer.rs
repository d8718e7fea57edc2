//! An approver's key, and what `openssl pkeyutl -sign -pkeyopt digest:sha256` does with it.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::rsa::PrivateKey;

use crate::desk::{Desk, Session};

pub(crate) struct Signer(PrivateKey);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(PrivateKey::generate(2_048, 65_537).unwrap())
    }

    /// Writes the public key as PEM.
    pub(crate) fn write_public_key(&self, path: &Path) {
        let text = BASE64.encode(self.0.public_key().to_spki().unwrap());
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        fs::write(path, pem).unwrap();
    }

    /// Signs a digest in base64.
    pub(crate) fn sign(&self, digest: &Value) -> Value {
        let digest = BASE64.decode(digest.as_str().unwrap()).unwrap();
        assert_eq!(digest.len(), 32);
        json!(BASE64.encode(self.0.sign_pkcs1(Hash::Sha256, &digest).unwrap()))
    }

    /// Signs every entry of a file of challenges.
    pub(crate) fn sign_challenges(&self, path: &Path) -> Value {
        let mut file = read(path);
        assert_eq!(file["version"], "2.0");
        for entry in file["tokens"].as_array_mut().unwrap() {
            assert_eq!(entry["signed"], "");
            entry["signed"] = self.sign(&entry["unsigned"]);
        }
        write(path, &file);
        file
    }

    /// Adds an approval to a token file.
    pub(crate) fn approve(&self, path: &Path, username: &str, role: Option<&str>) {
        let mut file = read(path);
        let mut entry = json!({ "username": username, "signature": self.sign(&file["token"]) });
        if let Some(role) = role {
            entry["role"] = json!(role);
        }
        file["signatures"].as_array_mut().unwrap().push(entry);
        write(path, &file);
    }

    /// Registers the key for approvals, in a session.
    pub(crate) fn register(&self, desk: &Desk, session: &mut Session, name: &str) {
        let (file, public) = (desk.file(&format!("{name}.reg")), desk.file(&format!("{name}.pub")));
        session.data(&format!("quorum token-sign generate --service registration --token {file}"));
        self.sign_challenges(Path::new(&file));
        self.write_public_key(Path::new(&public));
        session.data(&format!(
            "user change-quorum token-sign register --public-key {public} --signed-token {file}"
        ));
    }
}

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn write(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_vec(value).unwrap()).unwrap();
}
