//! What the calls of the table are about.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_api_kms::{CreateKeyRequest, KeySpec, KeyUsageType};
use strongroom_crypto::ec;
use strongroom_kms::MIGRATIONS;
use strongroom_service::ApiError;
use strongroom_store::{Db, Migration};
use strongroom_testkit::TestDatabase;

use super::rows::Row;
use crate::fixture::{ACCOUNT, Client, DAY, FAR_REGION, NOW, REGION, external, new_store, open, owner};

/// Kinds of keys, and how they are made. Those of Origin EXTERNAL have a material.
const KINDS: [(&str, &str); 7] = [
    ("symmetric", "{}"),
    ("ecc", r#"{"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}"#),
    ("hmac", r#"{"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}"#),
    ("agreeing", r#"{"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}"#),
    ("kem", r#"{"KeySpec": "ML_KEM_512", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}"#),
    ("external", r#"{"Origin": "EXTERNAL"}"#),
    ("multi", r#"{"MultiRegion": true}"#),
];

const ENCRYPTING: KeyUsageType = KeyUsageType::EncryptDecrypt;

/// The material of keys of Origin EXTERNAL.
const MATERIAL: [u8; 32] = [7; 32];

/// What keys of the kinds made while they were enabled.
const MADE: [&str; 4] = ["sealed", "signature", "mac", "encapsulated"];

/// Takes the tables away that calls of KMS read.
const GONE: &str = "
ALTER TABLE kms_keys RENAME TO kms_keys_gone;
ALTER TABLE kms_aliases RENAME TO kms_aliases_gone;
ALTER TABLE kms_grants RENAME TO kms_grants_gone;
ALTER TABLE kms_key_stores RENAME TO kms_key_stores_gone;
ALTER TABLE kms_last_uses RENAME TO kms_last_uses_gone;
";

/// Whether there are a disabled one and one that is to be deleted.
pub(super) fn has_states(name: &str) -> bool {
    KINDS.iter().any(|(kind, _)| *kind == name) || MADE.contains(&name)
}

/// Has every statement on KMS's tables fail.
pub(super) async fn break_tables(db: &Db) {
    let gone = [Migration { component: "gone", version: 1, name: "tables", sql: GONE }];
    db.migrate(&[MIGRATIONS, strongroom_journal::MIGRATIONS, &gone]).await.unwrap();
}

/// A caller and what he has.
pub(super) struct World {
    pub(super) client: Client,
    db: Db,
    values: BTreeMap<String, String>,
    names: AtomicUsize,
}

impl World {
    pub(super) async fn new(database: &TestDatabase) -> Self {
        let db = open(database).await;
        let client = owner(&db);
        let mut world = Self { client, db, values: BTreeMap::new(), names: AtomicUsize::new(0) };
        let peer = ec::PrivateKey::generate(ec::Curve::P256).unwrap().public_key().to_spki().unwrap();
        world.put("peer", STANDARD.encode(peer));
        world.put("role", world.client.iam("role/app"));
        world.put("policy", policy(&format!("arn:aws:iam::{ACCOUNT}:root")));
        for (kind, _) in KINDS {
            for state in ["", " disabled", " pending"] {
                world.add_key(kind, state).await;
            }
        }
        let key = world.value("symmetric").to_owned();
        world.client.create_alias("alias/there", &key).await.unwrap();
        world.put("alias", "alias/there".to_owned());
        let crowded = world.make_key("symmetric").await;
        for number in 0..50 {
            world.client.create_alias(&format!("alias/crowd-{number}"), &crowded).await.unwrap();
        }
        world.put("crowded", crowded);
        world.add_parameters().await;
        world.add_replicas().await;
        world
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    fn put(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).unwrap_or_else(|| panic!("there is no <{name}>"))
    }

    /// A key of that kind, with what it makes, in that state.
    async fn add_key(&mut self, kind: &str, state: &str) {
        let id = self.make_key(kind).await;
        let made = match kind {
            "symmetric" => Some(("sealed", "Encrypt", json!({"Plaintext": "cGxhaW4="}), "CiphertextBlob")),
            "ecc" => Some((
                "signature",
                "Sign",
                json!({"Message": "cGxhaW4=", "SigningAlgorithm": "ECDSA_SHA_256"}),
                "Signature",
            )),
            "hmac" => Some((
                "mac",
                "GenerateMac",
                json!({"Message": "cGxhaW4=", "MacAlgorithm": "HMAC_SHA_256"}),
                "Mac",
            )),
            "kem" => Some((
                "encapsulated",
                "Encapsulate",
                json!({"EncapsulationAlgorithm": "ML_KEM"}),
                "SharedSecretCiphertextBlob",
            )),
            _ => None,
        };
        if let Some((name, operation, mut input, member)) = made {
            input["KeyId"] = id.as_str().into();
            let answer = self.client.call(operation, &input).await.unwrap();
            self.put(&format!("{name}{state}"), answer[member].as_str().unwrap().to_owned());
        }
        self.bring_into(&id, state).await;
        self.put(&format!("{kind}{state} arn"), self.client.arn(&format!("key/{id}")));
        self.put(&format!("{kind}{state}"), id);
    }

    /// What a material is imported with into the key of Origin EXTERNAL.
    async fn add_parameters(&mut self) {
        let key = self.value("external").to_owned();
        let parameters = self.client.parameters(&key, "RSAES_OAEP_SHA_256").await;
        self.put("token", STANDARD.encode(&parameters.token));
        self.put("wrapped", STANDARD.encode(parameters.wrap(&MATERIAL)));
        self.put("other wrapped", STANDARD.encode(parameters.wrap(&[8; 32])));
        let before = self.client.at(NOW - 2 * DAY);
        let expired = before.parameters(&key, "RSAES_OAEP_SHA_256").await;
        self.put("expired token", STANDARD.encode(&expired.token));
    }

    /// A key with a replica in the far Region, and a replica here that is still being made.
    async fn add_replicas(&mut self) {
        let replicated = self.client.create_related().await.0;
        self.put("replicated", replicated);
        let there = self.client.in_region(FAR_REGION).at(NOW + DAY);
        let input =
            CreateKeyRequest { multi_region: Some(true), ..external(KeySpec::SymmetricDefault, ENCRYPTING) };
        let creating = there.try_create_key(input).await.unwrap().key_id;
        there.bring(&creating, &MATERIAL).await.unwrap();
        there.replicate(&creating, REGION).await.unwrap();
        self.put("creating arn", self.client.arn(&format!("key/{creating}")));
        self.put("creating", creating);
    }

    async fn make_key(&self, kind: &str) -> String {
        let (_, input) = KINDS.iter().find(|(known, _)| *known == kind).unwrap();
        let made = self.client.call("CreateKey", &serde_json::from_str(input).unwrap()).await.unwrap();
        let id = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        if kind == "external" {
            self.client.bring(&id, &MATERIAL).await.unwrap();
        }
        id
    }

    async fn bring_into(&self, id: &str, state: &str) {
        match state {
            " disabled" => self.client.disable(id).await.unwrap(),
            " pending" => drop(self.client.schedule_deletion(id, None).await.unwrap()),
            _ => {}
        }
    }

    /// Something that is there for one call alone.
    async fn fresh(&self, what: &str) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let name = format!("alias/new-{number}");
        match what {
            "alias name" => name,
            "alias" => {
                self.client.create_alias(&name, self.value("symmetric")).await.unwrap();
                name
            }
            "grant" => self.client.grant(self.value("symmetric"), self.value("role"), &["DescribeKey"]).await,
            "store" => {
                self.client.create_store(new_store(&name, &self.client.cloud().cluster())).await.unwrap()
            }
            "connected store" => self.client.connected_store().await.0,
            "replicated" => self.client.create_related().await.0,
            "cluster" => self.client.cloud().cluster().id.clone(),
            key => {
                let (kind, state) = key.split_at(key.find(' ').unwrap_or(key.len()));
                let id = self.make_key(kind).await;
                self.bring_into(&id, state).await;
                id
            }
        }
    }

    /// The text with what its brackets stand for.
    async fn filled(&self, text: &str) -> String {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, (name, after))) =
            rest.split_once('<').and_then(|(before, after)| Some((before, after.split_once('>')?)))
        {
            filled.push_str(before);
            match (name.strip_prefix("new "), name.strip_prefix("arn of ")) {
                (Some(what), _) => filled.push_str(&self.fresh(what).await),
                (_, Some(id)) => filled.push_str(&self.client.arn(&format!("key/{id}"))),
                (None, None) => filled.push_str(self.value(name)),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// The input with what its brackets stand for.
    pub(super) async fn resolved(&self, input: &Value) -> Value {
        match input {
            Value::String(text) => self.filled(text).await.into(),
            Value::Array(items) => {
                let mut resolved = Vec::new();
                for item in items {
                    resolved.push(Box::pin(self.resolved(item)).await);
                }
                resolved.into()
            }
            Value::Object(members) => {
                let mut resolved = serde_json::Map::new();
                for (name, value) in members {
                    resolved.insert(name.clone(), Box::pin(self.resolved(value)).await);
                }
                resolved.into()
            }
            other => other.clone(),
        }
    }

    pub(super) async fn call(&self, operation: &str, input: &Value) -> Result<Value, ApiError> {
        self.client.call(operation, &self.resolved(input).await).await
    }

    /// Whether the call of the row is refused as it says; what was answered if it is not.
    pub(super) async fn refused(&self, row: &Row) -> Result<(), String> {
        let text = self.filled(&row.text).await;
        let (operation, code) = (row.operation, row.code);
        match self.call(operation, &row.input).await {
            Ok(answer) => Err(format!("{operation} {code}: answered {answer}")),
            Err(said) if said.code() == code && said.message().unwrap_or_default() == text => Ok(()),
            Err(said) => Err(format!("{operation}: expected {code} {text:?}, was {said}")),
        }
    }
}

/// A key policy that lets that principal do everything.
pub(super) fn policy(principal: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}],
    })
    .to_string()
}
