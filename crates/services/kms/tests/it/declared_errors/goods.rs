//! One good call of each operation.
//!
//! Texts in pointed brackets stand for what the world has: `<ecc>` is the id of an enabled key for signatures,
//! `<ecc disabled>` that of a disabled one, `<new ecc>` that of a key made for this call.

use serde_json::{Value, json};

use crate::fixture::FAR_REGION;

/// A call that is answered.
pub(super) struct Good {
    pub(super) operation: &'static str,
    /// The member that names the key, and of which kind the key is.
    pub(super) key: Option<(&'static str, &'static str)>,
    pub(super) input: Value,
}

impl Good {
    /// The same call on things in that state, as far as there are such things.
    pub(super) fn in_state(&self, state: &str) -> Value {
        fn turned(value: &Value, state: &str) -> Value {
            match value {
                Value::String(text) => {
                    let name = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
                    match name.map(|name| name.strip_prefix("new ").unwrap_or(name)) {
                        Some(name) if super::world::has_states(name) => format!("<{name} {state}>").into(),
                        _ => value.clone(),
                    }
                }
                Value::Object(members) => {
                    members.iter().map(|(name, value)| (name.clone(), turned(value, state))).collect()
                }
                other => other.clone(),
            }
        }
        turned(&self.input, state)
    }
}

/// A call that names no key.
fn other(operation: &'static str, input: Value) -> Good {
    Good { operation, key: None, input }
}

/// A call on a key that the call leaves as it is.
fn on(operation: &'static str, kind: &'static str, input: Value) -> Good {
    by_member(operation, "KeyId", kind, format!("<{kind}>"), input)
}

/// A call on a key that is made for it.
fn on_new(operation: &'static str, kind: &'static str, input: Value) -> Good {
    by_member(operation, "KeyId", kind, format!("<new {kind}>"), input)
}

fn by_member(
    operation: &'static str,
    member: &'static str,
    kind: &'static str,
    key: String,
    mut input: Value,
) -> Good {
    input[member] = key.into();
    Good { operation, key: Some((member, kind)), input }
}

/// One for each operation that is there.
pub(super) fn goods() -> Vec<Good> {
    let mut goods = cryptography();
    goods.extend(looking_after());
    goods.extend(grants());
    goods.extend(key_stores());
    goods.extend(imports_and_replicas());
    goods
}

fn cryptography() -> Vec<Good> {
    let plain = "cGxhaW4=";
    let signed = json!({"Message": plain, "SigningAlgorithm": "ECDSA_SHA_256"});
    let with = |input: &Value, member: &str, value: &str| {
        let mut input = input.clone();
        input[member] = value.into();
        input
    };
    let mac = json!({"Message": plain, "MacAlgorithm": "HMAC_SHA_256"});
    let pair = json!({"KeyPairSpec": "ECC_NIST_P256"});
    let kem = json!({"EncapsulationAlgorithm": "ML_KEM"});
    vec![
        on("Decapsulate", "kem", with(&kem, "SharedSecretCiphertextBlob", "<encapsulated>")),
        on("Decrypt", "symmetric", json!({"CiphertextBlob": "<sealed>"})),
        on("DeriveSharedSecret", "agreeing", json!({"KeyAgreementAlgorithm": "ECDH", "PublicKey": "<peer>"})),
        on("Encapsulate", "kem", kem),
        on("Encrypt", "symmetric", json!({"Plaintext": plain})),
        on("GenerateDataKey", "symmetric", json!({"KeySpec": "AES_256"})),
        on("GenerateDataKeyPair", "symmetric", pair.clone()),
        on("GenerateDataKeyPairWithoutPlaintext", "symmetric", pair),
        on("GenerateDataKeyWithoutPlaintext", "symmetric", json!({"NumberOfBytes": 16})),
        on("GenerateMac", "hmac", mac.clone()),
        other("GenerateRandom", json!({"NumberOfBytes": 16})),
        on("GetPublicKey", "ecc", json!({})),
        by_member(
            "ReEncrypt",
            "DestinationKeyId",
            "symmetric",
            "<symmetric>".to_owned(),
            json!({"CiphertextBlob": "<sealed>"}),
        ),
        on("Sign", "ecc", signed.clone()),
        on("Verify", "ecc", with(&signed, "Signature", "<signature>")),
        on("VerifyMac", "hmac", with(&mac, "Mac", "<mac>")),
    ]
}

fn looking_after() -> Vec<Good> {
    let on_target = |operation, alias: &str| {
        let key = "<symmetric>".to_owned();
        by_member(operation, "TargetKeyId", "symmetric", key, json!({"AliasName": alias}))
    };
    vec![
        on_new("CancelKeyDeletion", "symmetric pending", json!({})),
        on_target("CreateAlias", "<new alias name>"),
        other("CreateKey", json!({})),
        other("DeleteAlias", json!({"AliasName": "<new alias>"})),
        on("DescribeKey", "symmetric", json!({})),
        on_new("DisableKey", "symmetric", json!({})),
        on("DisableKeyRotation", "symmetric", json!({})),
        on("EnableKey", "symmetric", json!({})),
        on("EnableKeyRotation", "symmetric", json!({})),
        on("GetKeyLastUsage", "symmetric", json!({})),
        on("GetKeyPolicy", "symmetric", json!({})),
        on("GetKeyRotationStatus", "symmetric", json!({})),
        on("ListAliases", "symmetric", json!({})),
        on("ListKeyPolicies", "symmetric", json!({})),
        on("ListKeyRotations", "symmetric", json!({})),
        other("ListKeys", json!({})),
        on("ListResourceTags", "symmetric", json!({})),
        on("PutKeyPolicy", "symmetric", json!({"Policy": "<policy>"})),
        on_new("RotateKeyOnDemand", "symmetric", json!({})),
        on_new("ScheduleKeyDeletion", "symmetric", json!({})),
        on("TagResource", "symmetric", json!({"Tags": [{"TagKey": "team", "TagValue": "keys"}]})),
        on("UntagResource", "symmetric", json!({"TagKeys": ["absent"]})),
        on_target("UpdateAlias", "<alias>"),
        on("UpdateKeyDescription", "symmetric", json!({"Description": "a key of the table"})),
    ]
}

fn grants() -> Vec<Good> {
    vec![
        on("CreateGrant", "symmetric", json!({"GranteePrincipal": "<role>", "Operations": ["DescribeKey"]})),
        on("ListGrants", "symmetric", json!({})),
        other("ListRetirableGrants", json!({"RetiringPrincipal": "<role>"})),
        on("RetireGrant", "symmetric arn", json!({"GrantId": "<new grant>"})),
        on("RevokeGrant", "symmetric", json!({"GrantId": "<new grant>"})),
    ]
}

fn key_stores() -> Vec<Good> {
    let new = json!({"CustomKeyStoreName": "<new alias name>", "CloudHsmClusterId": "<new cluster>"});
    let named = |store: &str| json!({"CustomKeyStoreId": store});
    let mut renamed = named("<new store>");
    renamed["NewCustomKeyStoreName"] = "another name".into();
    vec![
        other("ConnectCustomKeyStore", named("<new store>")),
        other("CreateCustomKeyStore", new),
        other("DeleteCustomKeyStore", named("<new store>")),
        other("DescribeCustomKeyStores", json!({})),
        other("DisconnectCustomKeyStore", named("<new connected store>")),
        other("UpdateCustomKeyStore", renamed),
    ]
}

fn imports_and_replicas() -> Vec<Good> {
    let brought = json!({
        "ImportToken": "<token>", "EncryptedKeyMaterial": "<wrapped>",
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    let wrapping = json!({"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    let mut promoted = on_new("UpdatePrimaryRegion", "multi", json!({"PrimaryRegion": FAR_REGION}));
    promoted.input["KeyId"] = "<new replicated>".into();
    vec![
        on_new("DeleteImportedKeyMaterial", "external", json!({})),
        on("GetParametersForImport", "external", wrapping),
        on("ImportKeyMaterial", "external", brought),
        on_new("ReplicateKey", "multi", json!({"ReplicaRegion": FAR_REGION})),
        promoted,
    ]
}
