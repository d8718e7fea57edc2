//! Refusals that do not follow from a good call, and errors that nothing leads to.

use serde_json::{Value, json};

use super::world::policy;
use crate::fixture::{ACCOUNT, FAR_REGION, REGION};

/// A call that is refused.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) operation: &'static str,
    pub(super) code: &'static str,
    pub(super) input: Value,
    /// The message; empty where AWS sends none.
    pub(super) text: String,
}

/// How an error is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// By a call of the table, or by a failure of the machine that is brought about.
    Called,
    /// By a test of another file, which takes what the table has not: its name, the file's, and the file.
    Elsewhere(&'static str, &'static str, &'static str),
    /// By the fault `call-fails` alone: nothing that a caller does leads to it, for that reason.
    OnDemand(&'static str),
    /// It is about external key stores, which are to come.
    ExternalKeyStores,
}

/// The test of that name in that file.
macro_rules! elsewhere {
    ($test:literal, $file:literal) => {
        Some(Reach::Elsewhere($test, $file, include_str!(concat!("../", $file))))
    };
}

/// Whether a test in a file speaks of an error, by its code or by the name that the file gives it.
pub(super) fn speaks_of(text: &str, test: &str, code: &str) -> bool {
    let named = |line: &str| {
        let name = line.strip_prefix("const ")?.strip_suffix(&format!(": &str = \"{code}\";"))?;
        Some(name.to_owned())
    };
    let name = text.lines().find_map(named);
    let body = text.split_once(&format!("async fn {test}(")).and_then(|(_, rest)| rest.split_once("\n}\n"));
    body.is_some_and(|(body, _)| body.contains(code) || name.is_some_and(|name| body.contains(&name)))
}

/// How an error is reached that the table does not reach. None if it does.
pub(super) fn reach(operation: &str, code: &str) -> Option<Reach> {
    let on_demand = |why| Some(Reach::OnDemand(why));
    match (operation, code) {
        (_, code) if code.starts_with("Xks") => Some(Reach::ExternalKeyStores),
        ("GenerateRandom", "UnsupportedOperationException") => Some(Reach::ExternalKeyStores),
        (_, "KMSInternalException") => None,
        (_, "KeyUnavailableException") => {
            on_demand("a key whose store is away answers `KMSInvalidStateException`, as AWS's do")
        }
        (
            "CreateCustomKeyStore"
            | "UpdateCustomKeyStore"
            | "DeleteCustomKeyStore"
            | "ConnectCustomKeyStore"
            | "DisconnectCustomKeyStore",
            code,
        ) => of_key_stores(operation, code),
        (
            "CreateKey",
            "CustomKeyStoreInvalidStateException" | "CloudHsmClusterInvalidConfigurationException",
        ) => elsewhere!("what_cannot_be_made_is_refused_and_leaves_nothing", "keys_in_stores/creation.rs"),
        ("GetKeyRotationStatus" | "ListKeyRotations", "UnsupportedOperationException") => {
            elsewhere!("strict_mode_knows_one_spelling_and_symmetric_keys", "keys_in_stores/creation.rs")
        }
        ("GenerateRandom", "CustomKeyStoreInvalidStateException") => {
            elsewhere!("random_bytes_come_from_the_hsms", "keys_in_stores/cryptography.rs")
        }
        ("RotateKeyOnDemand", "ConflictException") => {
            elsewhere!("it_does_not_come_too_close_to_the_automatic_one", "rotation_on_demand.rs")
        }
        ("RotateKeyOnDemand", "LimitExceededException") => {
            elsewhere!("a_key_rotates_twenty_five_times_and_no_more", "rotation_on_demand.rs")
        }
        ("CreateGrant", "LimitExceededException") => {
            elsewhere!("aliases_and_grants_of_a_key_are_limited", "quotas.rs")
        }
        ("EnableKey", "LimitExceededException") => on_demand("no quota counts keys that are enabled"),
        ("GetPublicKey", "DisabledException") => on_demand("a disabled key gives its public half too"),
        ("GetPublicKey", "InvalidKeyUsageException") => {
            on_demand("every pair gives its public half; other keys are `UnsupportedOperationException`")
        }
        ("ListRetirableGrants", "NotFoundException") => on_demand("the request names no key"),
        ("PutKeyPolicy", "UnsupportedOperationException") => {
            on_demand("nothing in the request is supported for some keys only")
        }
        (
            "DeleteAlias"
            | "GetKeyPolicy"
            | "GetKeyRotationStatus"
            | "ListGrants"
            | "ListKeyPolicies"
            | "ListKeyRotations"
            | "PutKeyPolicy"
            | "RetireGrant"
            | "RevokeGrant",
            "KMSInvalidStateException",
        ) => on_demand("AWS's table of key states lets it in every state"),
        _ => None,
    }
}

/// Which test brings about an error of the operations of key stores.
fn of_key_stores(operation: &str, code: &str) -> Option<Reach> {
    match (operation, code) {
        ("CreateCustomKeyStore", "CloudHsmClusterInUseException" | "CustomKeyStoreNameInUseException") => {
            elsewhere!("names_and_clusters_belong_to_one_key_store", "key_stores/creating.rs")
        }
        ("CreateCustomKeyStore", "IncorrectTrustAnchorException") => {
            elsewhere!("the_trust_anchor_has_to_be_the_cluster_s", "key_stores/creating.rs")
        }
        ("CreateCustomKeyStore", "LimitExceededException") => {
            elsewhere!("an_account_has_ten_key_stores_in_a_region", "key_stores/creating.rs")
        }
        ("CreateCustomKeyStore", _) => elsewhere!("a_cluster_has_to_be_fit", "key_stores/creating.rs"),
        (_, "CustomKeyStoreNotFoundException") => {
            elsewhere!("what_is_not_there_is_not_changed", "key_stores/changing.rs")
        }
        (
            "UpdateCustomKeyStore",
            "CustomKeyStoreNameInUseException" | "CustomKeyStoreInvalidStateException",
        ) => {
            elsewhere!("a_name_changes_in_two_states", "key_stores/changing.rs")
        }
        ("UpdateCustomKeyStore", _) => {
            elsewhere!("an_unrelated_cluster_is_refused", "key_stores/changing.rs")
        }
        ("DeleteCustomKeyStore", "CustomKeyStoreHasCMKsException") => {
            elsewhere!("a_key_store_with_keys_stays", "key_stores/changing.rs")
        }
        ("DeleteCustomKeyStore" | "DisconnectCustomKeyStore", _) => {
            elsewhere!("a_key_store_goes_when_it_is_disconnected", "key_stores/changing.rs")
        }
        (_, "CustomKeyStoreInvalidStateException") => {
            elsewhere!("after_a_failure_it_has_to_be_disconnected_first", "key_stores/failing.rs")
        }
        _ => elsewhere!("a_cluster_that_is_not_fit_is_refused_at_once", "key_stores/failing.rs"),
    }
}

/// The refusals.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = of_cryptography();
    rows.extend(of_keys());
    rows.extend(of_aliases_tags_and_policies());
    rows.extend(of_grants());
    rows.extend(of_imports());
    rows.extend(of_replicas());
    rows
}

fn row(operation: &'static str, code: &'static str, input: Value, text: &str) -> Row {
    Row { operation, code, input, text: text.to_owned() }
}

/// What no ciphertext is.
const NONE: &str = "bm8gY2lwaGVydGV4dA==";

fn of_cryptography() -> Vec<Row> {
    let incorrect = "The key ID in the request does not identify a CMK that can perform this operation.";
    let sm2 = "KeySpec SM2 is not supported in this Region";
    let pair = json!({"KeyId": "<symmetric>", "KeyPairSpec": "SM2"});
    let signed = json!({
        "KeyId": "<ecc>", "Message": "b3RoZXI=", "SigningAlgorithm": "ECDSA_SHA_256", "Signature": "<signature>",
    });
    vec![
        row(
            "Decapsulate",
            "InvalidCiphertextException",
            json!({
                "KeyId": "<kem>", "EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": NONE,
            }),
            "",
        ),
        row("Decrypt", "InvalidCiphertextException", json!({"CiphertextBlob": NONE}), ""),
        row(
            "Decrypt",
            "IncorrectKeyException",
            json!({"CiphertextBlob": "<sealed>", "KeyId": "<ecc>"}),
            incorrect,
        ),
        row(
            "Decrypt",
            "InvalidKeyUsageException",
            json!({"CiphertextBlob": "<sealed>", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
            "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.",
        ),
        row("GenerateDataKeyPair", "UnsupportedOperationException", pair.clone(), sm2),
        row("GenerateDataKeyPairWithoutPlaintext", "UnsupportedOperationException", pair, sm2),
        row(
            "GenerateRandom",
            "CustomKeyStoreNotFoundException",
            json!({"NumberOfBytes": 8, "CustomKeyStoreId": "cks-0123456789abcdef0"}),
            "Custom key store 'cks-0123456789abcdef0' does not exist",
        ),
        row(
            "GetPublicKey",
            "UnsupportedOperationException",
            json!({"KeyId": "<symmetric>"}),
            "<symmetric arn> key spec is SYMMETRIC_DEFAULT which is not valid for GetPublicKey.",
        ),
        row(
            "ReEncrypt",
            "InvalidCiphertextException",
            json!({"CiphertextBlob": NONE, "DestinationKeyId": "<symmetric>"}),
            "",
        ),
        row(
            "ReEncrypt",
            "IncorrectKeyException",
            json!({"CiphertextBlob": "<sealed>", "SourceKeyId": "<ecc>", "DestinationKeyId": "<symmetric>"}),
            incorrect,
        ),
        row("Verify", "KMSInvalidSignatureException", signed, ""),
        row(
            "VerifyMac",
            "KMSInvalidMacException",
            json!({"KeyId": "<hmac>", "Message": "b3RoZXI=", "MacAlgorithm": "HMAC_SHA_256", "Mac": "<mac>"}),
            "",
        ),
    ]
}

fn of_keys() -> Vec<Row> {
    let ecc = json!({"KeyId": "<ecc>"});
    let group = policy(&format!("arn:aws:iam::{ACCOUNT}:group/people"));
    vec![
        row(
            "CancelKeyDeletion",
            "KMSInvalidStateException",
            json!({"KeyId": "<symmetric>"}),
            "<symmetric arn> is not pending deletion.",
        ),
        row(
            "CreateKey",
            "MalformedPolicyDocumentException",
            json!({"Policy": policy(&format!("arn:aws:iam::{ACCOUNT}:role/app"))}),
            "The new key policy will not allow you to update the key policy in the future.",
        ),
        row(
            "CreateKey",
            "InvalidArnException",
            json!({"Policy": group}),
            "An ARN in the specified key policy is invalid.",
        ),
        row(
            "CreateKey",
            "UnsupportedOperationException",
            json!({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}),
            "KeySpec SM2 is not supported in this Region",
        ),
        row("CreateKey", "LimitExceededException", json!({"Tags": tags(51)}), TOO_MANY_TAGS),
        row(
            "CreateKey",
            "TagException",
            json!({"Tags": [{"TagKey": "aws:team", "TagValue": "x"}]}),
            RESERVED_TAG,
        ),
        row(
            "CreateKey",
            "CustomKeyStoreNotFoundException",
            json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-0123456789abcdef0"}),
            "Custom key store 'cks-0123456789abcdef0' does not exist",
        ),
        row(
            "DescribeCustomKeyStores",
            "CustomKeyStoreNotFoundException",
            json!({"CustomKeyStoreId": "cks-0123456789abcdef0"}),
            "Custom key store 'cks-0123456789abcdef0' does not exist",
        ),
        // AWS sends no message for asymmetric and HMAC keys.
        row("DisableKeyRotation", "UnsupportedOperationException", ecc.clone(), ""),
        row("EnableKeyRotation", "UnsupportedOperationException", ecc.clone(), ""),
        row("RotateKeyOnDemand", "UnsupportedOperationException", ecc, ""),
    ]
}

/// Ours: AWS documents no texts.
const TOO_MANY_TAGS: &str = "A key can have at most 50 tags.";
const RESERVED_TAG: &str = "Tag keys that begin with aws: are reserved for AWS: aws:team";
const ALIAS_CHARACTERS: &str = "alias/a:b contains invalid characters for an alias";
const TOO_MANY_ALIASES: &str = "A key can have at most 50 aliases.";

fn of_aliases_tags_and_policies() -> Vec<Row> {
    let target = |alias: &str, key: &str| json!({"AliasName": alias, "TargetKeyId": key});
    let there = format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/there");
    let nobody = format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/nobody");
    let long = format!("{}{}", policy(&format!("arn:aws:iam::{ACCOUNT}:root")), " ".repeat(32_768));
    vec![
        row(
            "CreateAlias",
            "AlreadyExistsException",
            target("<alias>", "<symmetric>"),
            &format!("An alias with the name {there} already exists"),
        ),
        row("CreateAlias", "InvalidAliasNameException", target("alias/a:b", "<symmetric>"), ALIAS_CHARACTERS),
        row(
            "CreateAlias",
            "LimitExceededException",
            target("<new alias name>", "<crowded>"),
            TOO_MANY_ALIASES,
        ),
        row(
            "DeleteAlias",
            "NotFoundException",
            json!({"AliasName": "alias/nobody"}),
            &format!("Alias {nobody} is not found."),
        ),
        row("UpdateAlias", "LimitExceededException", target("<alias>", "<crowded>"), TOO_MANY_ALIASES),
        row(
            "PutKeyPolicy",
            "MalformedPolicyDocumentException",
            json!({"KeyId": "<symmetric>", "Policy": policy(&format!("arn:aws:iam::{ACCOUNT}:role/app"))}),
            "The new key policy will not allow you to update the key policy in the future.",
        ),
        row(
            "PutKeyPolicy",
            "LimitExceededException",
            json!({"KeyId": "<symmetric>", "Policy": long}),
            "A key policy can have at most 32768 bytes.",
        ),
        row(
            "TagResource",
            "LimitExceededException",
            json!({"KeyId": "<symmetric>", "Tags": tags(51)}),
            TOO_MANY_TAGS,
        ),
        row(
            "TagResource",
            "TagException",
            json!({"KeyId": "<symmetric>", "Tags": [{"TagKey": "aws:team", "TagValue": "x"}]}),
            RESERVED_TAG,
        ),
        row(
            "UntagResource",
            "TagException",
            json!({"KeyId": "<symmetric>", "TagKeys": ["aws:team"]}),
            RESERVED_TAG,
        ),
    ]
}

fn of_grants() -> Vec<Row> {
    let nobody = "arn:aws:iam::111122223333:group/people";
    let grant = |operation| {
        let input = json!({"KeyId": "<symmetric>", "GrantId": "none"});
        row(operation, "InvalidGrantIdException", input, "Invalid grant id.")
    };
    vec![
        grant("ListGrants"),
        grant("RetireGrant"),
        grant("RevokeGrant"),
        row(
            "RetireGrant",
            "InvalidGrantTokenException",
            json!({"GrantToken": "token"}),
            "Invalid grant token.",
        ),
        row(
            "ListRetirableGrants",
            "InvalidArnException",
            json!({"RetiringPrincipal": nobody}),
            &format!("ARN does not refer to a valid principal: {nobody}"),
        ),
    ]
}

fn of_imports() -> Vec<Row> {
    let origin = "<symmetric arn> origin is AWS_KMS which is not valid for this operation.";
    let brought = |key: &str, token: &str, wrapped: &str| {
        json!({
            "KeyId": key, "ImportToken": token, "EncryptedKeyMaterial": wrapped,
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        })
    };
    let unsupported = "UnsupportedOperationException";
    vec![
        row("DeleteImportedKeyMaterial", unsupported, json!({"KeyId": "<symmetric>"}), origin),
        // What is to be deleted may lose its material before; what is being made may not.
        row(
            "DeleteImportedKeyMaterial",
            "KMSInvalidStateException",
            json!({"KeyId": "<creating>"}),
            "<creating arn> is creating.",
        ),
        row(
            "GetParametersForImport",
            unsupported,
            json!({
                "KeyId": "<symmetric>", "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
            }),
            origin,
        ),
        row("ImportKeyMaterial", unsupported, brought("<symmetric>", "<token>", "<wrapped>"), origin),
        row("ImportKeyMaterial", "InvalidCiphertextException", brought("<external>", "<token>", NONE), ""),
        // Ours: of AWS's texts nothing is known.
        row(
            "ImportKeyMaterial",
            "IncorrectKeyMaterialException",
            brought("<external>", "<token>", "<other wrapped>"),
            "The key material in the request is, expired, invalid, or does not meet expectations.",
        ),
        row(
            "ImportKeyMaterial",
            "ExpiredImportTokenException",
            brought("<external>", "<expired token>", "<wrapped>"),
            "The specified import token is expired.",
        ),
        row(
            "ImportKeyMaterial",
            "InvalidImportTokenException",
            brought("<external>", NONE, "<wrapped>"),
            "The provided import token is invalid or is associated with a different KMS key.",
        ),
    ]
}

fn of_replicas() -> Vec<Row> {
    let there = |key: &str, more: Value| {
        let mut input = json!({"KeyId": key, "ReplicaRegion": FAR_REGION});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let no_primary = "<symmetric arn> is not a multi-Region primary key.";
    vec![
        row(
            "ReplicateKey",
            "AlreadyExistsException",
            there("<replicated>", json!({})),
            &format!("Key arn:aws:kms:{FAR_REGION}:{ACCOUNT}:key/<replicated> already exists"),
        ),
        row("ReplicateKey", "UnsupportedOperationException", there("<symmetric>", json!({})), no_primary),
        row(
            "ReplicateKey",
            "LimitExceededException",
            there("<multi>", json!({"Tags": tags(51)})),
            TOO_MANY_TAGS,
        ),
        row(
            "ReplicateKey",
            "TagException",
            there("<multi>", json!({"Tags": [{"TagKey": "aws:team", "TagValue": "x"}]})),
            RESERVED_TAG,
        ),
        row(
            "ReplicateKey",
            "MalformedPolicyDocumentException",
            there("<multi>", json!({"Policy": policy(&format!("arn:aws:iam::{ACCOUNT}:role/app"))})),
            "The new key policy will not allow you to update the key policy in the future.",
        ),
        row(
            "UpdatePrimaryRegion",
            "UnsupportedOperationException",
            json!({"KeyId": "<symmetric>", "PrimaryRegion": FAR_REGION}),
            no_primary,
        ),
        row(
            "UpdatePrimaryRegion",
            "DisabledException",
            json!({"KeyId": "<multi disabled>", "PrimaryRegion": FAR_REGION}),
            "<multi disabled arn> is disabled.",
        ),
        row(
            "UpdatePrimaryRegion",
            "KMSInvalidStateException",
            json!({"KeyId": "<multi pending>", "PrimaryRegion": FAR_REGION}),
            "<multi pending arn> is pending deletion.",
        ),
    ]
}

/// So many tags.
fn tags(number: usize) -> Value {
    (0..number).map(|tag| json!({"TagKey": format!("tag-{tag}"), "TagValue": ""})).collect()
}
