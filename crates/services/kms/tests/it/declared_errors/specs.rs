//! Keys of every spec and usage that the model has: made, and used with each algorithm that they have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_schema::Kind;

use crate::fixture::{Client, operation};

/// What became of keys of a spec and usage.
pub(super) struct Made {
    pub(super) spec: &'static str,
    pub(super) usage: &'static str,
    /// What the keys were used with.
    pub(super) algorithms: Vec<String>,
    /// In the built-in backend, and in a custom key store: `works`, or the code of the refusal.
    pub(super) built_in: String,
    pub(super) in_store: String,
}

/// The values that the model has for a member of CreateKey.
fn values(member: &str) -> &'static [&'static str] {
    let input = operation("CreateKey").input;
    let Kind::Structure(members) = &input.kind else { panic!("the input is no structure") };
    match &members.iter().find(|known| known.name == member).unwrap().schema.kind {
        Kind::Enum(values) => values,
        _ => panic!("{member} is no enumeration"),
    }
}

/// Makes and uses a key of every spec and usage that go together.
pub(super) async fn all(client: &Client) -> Vec<Made> {
    let (store, _cluster) = client.connected_store().await;
    let mut all = Vec::new();
    for spec in values("KeySpec") {
        for usage in values("KeyUsage") {
            let built_in = made(client, &json!({"KeySpec": spec, "KeyUsage": usage})).await;
            let unfit =
                format!("ValidationException: KeyUsage {usage} is not compatible with KeySpec {spec}");
            if built_in == Err(unfit) {
                continue;
            }
            let origin = json!({
                "KeySpec": spec, "KeyUsage": usage, "Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store,
            });
            let in_store = made(client, &origin).await;
            let algorithms = built_in.clone().unwrap_or_default();
            all.push(Made { spec, usage, algorithms, built_in: shown(built_in), in_store: shown(in_store) });
        }
    }
    all
}

/// `works`, or the code alone.
fn shown(made: Result<Vec<String>, String>) -> String {
    match made {
        Ok(_) => "works".to_owned(),
        Err(refusal) => format!("`{}`", refusal.split(':').next().unwrap_or_default()),
    }
}

/// The algorithms that a new key was used with, or why there is none.
async fn made(client: &Client, input: &Value) -> Result<Vec<String>, String> {
    let answer = client.call("CreateKey", input).await.map_err(|error| error.to_string())?;
    let metadata = &answer["KeyMetadata"];
    let list = match input["KeyUsage"].as_str().unwrap() {
        "ENCRYPT_DECRYPT" => "EncryptionAlgorithms",
        "SIGN_VERIFY" => "SigningAlgorithms",
        "GENERATE_VERIFY_MAC" => "MacAlgorithms",
        "KEY_AGREEMENT" => "KeyAgreementAlgorithms",
        "ENCAPSULATE_DECAPSULATE" => "EncapsulationAlgorithms",
        other => panic!("{other} is not known here"),
    };
    let key = metadata["KeyId"].as_str().unwrap();
    let algorithms: Vec<_> =
        metadata[list].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(!algorithms.is_empty(), "{metadata}");
    for algorithm in &algorithms {
        used(client, key, list, algorithm).await;
    }
    Ok(algorithms.into_iter().map(str::to_owned).collect())
}

/// Uses the key both ways.
async fn used(client: &Client, key: &str, list: &str, algorithm: &str) {
    let call = async |operation: &str, mut input: Value| {
        input["KeyId"] = key.into();
        client.call(operation, &input).await.unwrap_or_else(|error| panic!("{algorithm}: {error}"))
    };
    let message = STANDARD.encode([7; 64]);
    match list {
        "EncryptionAlgorithms" => {
            let mut input = json!({"EncryptionAlgorithm": algorithm, "Plaintext": message});
            input["CiphertextBlob"] = call("Encrypt", input.clone()).await["CiphertextBlob"].clone();
            input.as_object_mut().unwrap().remove("Plaintext");
            assert_eq!(call("Decrypt", input).await["Plaintext"], message);
        }
        "SigningAlgorithms" => {
            let form = if algorithm == "ED25519_PH_SHA_512" { "DIGEST" } else { "RAW" };
            let mut input = json!({"SigningAlgorithm": algorithm, "MessageType": form, "Message": message});
            input["Signature"] = call("Sign", input.clone()).await["Signature"].clone();
            assert_eq!(call("Verify", input).await["SignatureValid"], true);
        }
        "MacAlgorithms" => {
            let mut input = json!({"MacAlgorithm": algorithm, "Message": message});
            input["Mac"] = call("GenerateMac", input.clone()).await["Mac"].clone();
            assert_eq!(call("VerifyMac", input).await["MacValid"], true);
        }
        "KeyAgreementAlgorithms" => {
            let public = call("GetPublicKey", json!({})).await["PublicKey"].clone();
            let input = json!({"KeyAgreementAlgorithm": algorithm, "PublicKey": public});
            assert!(call("DeriveSharedSecret", input).await["SharedSecret"].is_string());
        }
        _ => {
            let made = call("Encapsulate", json!({"EncapsulationAlgorithm": algorithm})).await;
            let blob = &made["SharedSecretCiphertextBlob"];
            let input = json!({"EncapsulationAlgorithm": algorithm, "SharedSecretCiphertextBlob": blob});
            assert_eq!(call("Decapsulate", input).await["SharedSecret"], made["SharedSecret"]);
        }
    }
}
