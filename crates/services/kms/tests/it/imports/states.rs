//! What each operation answers to a key whose material its owner brings, in every state (KMS Developer Guide, "Key states
//! of AWS KMS keys"), and what keys of each kind do without theirs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_api_kms::{CreateKeyRequest, KeySpec, KeyState, KeyUsageType};
use strongroom_crypto::ec;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, FAR_REGION, Parameters, REGION, external, open, owner};

on_both_engines! {
    every_operation_in_every_state,
    every_use_of_every_kind_of_key,
}

const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];
const OAEP: &str = "RSAES_OAEP_SHA_256";
const THIRD_REGION: &str = "ap-southeast-2";

/// The states, in the order of the tables' columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    PendingDeletion,
    /// No material was ever brought.
    NeverImported,
    /// A material is away: the one of a pair or a secret, or one that the key has had for good before it rotated.
    Gone,
    PendingReplicaDeletion,
    /// A replica that is being made.
    Creating,
    Updating,
}

const STATES: [State; 8] = [
    State::Enabled,
    State::Disabled,
    State::PendingDeletion,
    State::NeverImported,
    State::Gone,
    State::PendingReplicaDeletion,
    State::Creating,
    State::Updating,
];

impl State {
    fn shown(self) -> KeyState {
        match self {
            Self::Enabled => KeyState::Enabled,
            Self::Disabled => KeyState::Disabled,
            Self::PendingDeletion => KeyState::PendingDeletion,
            Self::NeverImported | Self::Gone => KeyState::PendingImport,
            Self::PendingReplicaDeletion => KeyState::PendingReplicaDeletion,
            Self::Creating => KeyState::Creating,
            Self::Updating => KeyState::Updating,
        }
    }

    fn refusal(self, arn: &str) -> String {
        let (code, words) = match self {
            Self::Enabled | Self::Disabled => ("DisabledException", "disabled"),
            Self::PendingDeletion => ("KMSInvalidStateException", "pending deletion"),
            Self::NeverImported | Self::Gone => ("KMSInvalidStateException", "pending import"),
            Self::PendingReplicaDeletion => ("KMSInvalidStateException", "pending replica deletion"),
            Self::Creating => ("KMSInvalidStateException", "creating"),
            Self::Updating => ("KMSInvalidStateException", "updating"),
        };
        format!("{code}: {arn} is {words}.")
    }
}

/// What an operation answers: it succeeds, or is refused for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Done,
    /// For the state that the key is in.
    State,
    NotPending,
    /// Imported material does not rotate by itself.
    Origin,
    /// It is for primary keys.
    NotPrimary,
    /// Not asked: of what is refused for two reasons it is not documented which comes first, or there is nothing to do.
    Unasked,
}

use Answer::{Done, NotPending, NotPrimary, Origin, State as InState, Unasked};

impl Answer {
    /// The refusal's code and text, if it is one.
    fn text(self, state: State, arn: &str) -> Option<String> {
        match self {
            Done | Unasked => None,
            InState => Some(state.refusal(arn)),
            NotPending => Some(format!("KMSInvalidStateException: {arn} is not pending deletion.")),
            Origin => Some(format!(
                "UnsupportedOperationException: {arn} origin is EXTERNAL which is not valid for this operation."
            )),
            NotPrimary => {
                Some(format!("UnsupportedOperationException: {arn} is not a multi-Region primary key."))
            }
        }
    }
}

/// Of a symmetric multi-Region key.
const TABLE: &[(&[&str], [Answer; 8])] = &[
    (
        &[
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateDataKeyPair",
            "CreateGrant",
        ],
        [Done, InState, InState, InState, InState, InState, InState, Done],
    ),
    (
        &["DescribeKey", "GetKeyPolicy", "ListGrants", "ListKeyRotations", "ListResourceTags"],
        [Done, Done, Done, Done, Done, Done, Done, Done],
    ),
    (
        &["CreateAlias", "TagResource", "UpdateKeyDescription"],
        [Done, Done, InState, Done, Done, InState, Done, Done],
    ),
    (&["EnableKey", "DisableKey"], [Done, Done, InState, InState, InState, InState, InState, InState]),
    (&["ScheduleKeyDeletion"], [Done, Done, InState, Done, Done, InState, Done, InState]),
    (
        &["CancelKeyDeletion"],
        [NotPending, NotPending, Done, NotPending, NotPending, Done, NotPending, NotPending],
    ),
    (
        &["EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus"],
        [Origin, Unasked, Unasked, Origin, Origin, Unasked, Unasked, Unasked],
    ),
    (&["RotateKeyOnDemand"], [Unasked, InState, InState, InState, InState, InState, Unasked, Unasked]),
    (&["GetParametersForImport"], [Done, Done, InState, Done, Done, InState, InState, InState]),
    (&["ImportKeyMaterial"], [Done, Done, InState, Done, Done, InState, InState, Done]),
    (&["DeleteImportedKeyMaterial"], [Done, Done, Done, Done, Done, Done, InState, InState]),
    (&["ReplicateKey"], [Done, InState, InState, InState, InState, InState, NotPrimary, InState]),
    (&["UpdatePrimaryRegion"], [Done, InState, InState, InState, InState, InState, NotPrimary, Done]),
];

/// A key in a state, with whoever calls in its Region.
struct Subject {
    client: Client,
    key: String,
    /// What its material is wrapped by, or its primary key's where it is a replica.
    parameters: Parameters,
}

impl Subject {
    async fn in_state(near: &Client, state: State) -> Self {
        let external = external(KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt);
        let input = CreateKeyRequest { multi_region: Some(true), ..external };
        let key = near.try_create_key(input).await.unwrap().key_id;
        let far = near.as_of(ACCOUNT, FAR_REGION);
        let parameters = near.parameters(&key, OAEP).await;
        let mut client = near.clone();
        if state != State::NeverImported {
            near.import(parameters.import(&key, &FIRST)).await.unwrap();
        }
        match state {
            State::NeverImported => {}
            State::Gone => {
                let first = near.describe(&key).await.unwrap().current_key_material_id;
                near.bring_new(&key, &SECOND).await.unwrap();
                near.rotate(&key).await.unwrap();
                near.take_away(&key, first.as_deref()).await.unwrap();
            }
            State::Disabled => near.disable(&key).await.unwrap(),
            State::PendingDeletion => drop(near.schedule_deletion(&key, None).await.unwrap()),
            State::Creating => {
                near.replicate(&key, FAR_REGION).await.unwrap();
                client = far;
            }
            State::Enabled | State::PendingReplicaDeletion | State::Updating => {
                near.replicate(&key, FAR_REGION).await.unwrap();
                near.kms.run_due(near.now).await;
                far.bring(&key, &FIRST).await.unwrap();
                if state == State::PendingReplicaDeletion {
                    near.schedule_deletion(&key, None).await.unwrap();
                }
                if state == State::Updating {
                    near.update_primary(&key, FAR_REGION).await.unwrap();
                    far.update_primary(&key, REGION).await.unwrap();
                }
            }
        }
        assert_eq!(client.state(&key).await, state.shown());
        Self { client, key, parameters }
    }

    /// A request in which nothing but the key can be wrong.
    fn input(&self, operation: &str) -> Value {
        let mut input = match operation {
            "Encrypt" => json!({"Plaintext": "cGxhaW4="}),
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => json!({"KeySpec": "AES_256"}),
            "GenerateDataKeyPair" => json!({"KeyPairSpec": "ECC_NIST_P256"}),
            "CreateGrant" => json!({
                "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:root"), "Operations": ["DescribeKey"],
            }),
            "CreateAlias" => {
                return json!({"AliasName": format!("alias/of/{}", self.key), "TargetKeyId": self.key});
            }
            "TagResource" => json!({"Tags": [{"TagKey": "team", "TagValue": "keys"}]}),
            "UpdateKeyDescription" => json!({"Description": "a key of the table"}),
            "GetParametersForImport" => {
                json!({"WrappingAlgorithm": OAEP, "WrappingKeySpec": "RSA_2048"})
            }
            "ImportKeyMaterial" => json!({
                "ImportToken": STANDARD.encode(&self.parameters.token),
                "EncryptedKeyMaterial": STANDARD.encode(self.parameters.wrap(&FIRST)),
                "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
            }),
            "ReplicateKey" => json!({"ReplicaRegion": THIRD_REGION}),
            "UpdatePrimaryRegion" => json!({"PrimaryRegion": FAR_REGION}),
            _ => json!({}),
        };
        input["KeyId"] = self.key.as_str().into();
        input
    }
}

async fn every_operation_in_every_state(database: &TestDatabase) {
    let near = owner(&open(database).await);
    for (column, state) in STATES.into_iter().enumerate() {
        let mut subject = Subject::in_state(&near, state).await;
        for (operations, answers) in TABLE {
            let answer = answers[column];
            for operation in operations.iter().filter(|_| answer != Unasked) {
                let before = subject.client.describe(&subject.key).await.unwrap();
                let expected = answer.text(state, before.arn.as_deref().unwrap());
                let outcome = subject.client.call(operation, &subject.input(operation)).await;
                let refused = outcome.err().map(|error| error.to_string());
                assert_eq!(refused, expected, "{operation} in {state:?}");
                if expected.is_some() {
                    let after = subject.client.describe(&subject.key).await.unwrap();
                    assert_eq!(format!("{after:?}"), format!("{before:?}"), "{operation} in {state:?}");
                } else if subject.client.state(&subject.key).await != state.shown()
                    || matches!(*operation, "ReplicateKey" | "UpdatePrimaryRegion")
                {
                    subject = Subject::in_state(&near, state).await;
                }
            }
        }
    }
}

/// A kind of key, and what is done with keys of it in the first five states.
const USES: &[(&str, Kind, [Answer; 5])] = &[
    ("Sign", Kind::Signing, [Done, InState, InState, InState, InState]),
    ("Verify", Kind::Signing, [Done, InState, InState, InState, InState]),
    ("GetPublicKey", Kind::Signing, [Done, Done, InState, InState, Done]),
    ("CreateGrant", Kind::Signing, [Done, InState, InState, InState, InState]),
    ("DeriveSharedSecret", Kind::Agreeing, [Done, InState, InState, InState, InState]),
    ("GetPublicKey", Kind::Agreeing, [Done, Done, InState, InState, Done]),
    ("GenerateMac", Kind::Secret, [Done, InState, InState, InState, InState]),
    ("VerifyMac", Kind::Secret, [Done, InState, InState, InState, InState]),
    // What is brought to no key of this kind.
    ("Encapsulate", Kind::Encapsulating, [Done, InState, InState, Unasked, Unasked]),
    ("Decapsulate", Kind::Encapsulating, [Done, InState, InState, Unasked, Unasked]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signing,
    Agreeing,
    Secret,
    Encapsulating,
}

impl Kind {
    /// A key of it, and what calls with it need.
    async fn in_state(self, client: &Client, state: State) -> (String, Value) {
        let pair = || ec::PrivateKey::generate(ec::Curve::P256).unwrap();
        let (kind, material) = match self {
            Self::Signing => {
                let material = pair().to_pkcs8().unwrap().expose().clone();
                ((KeySpec::EccNistP256, KeyUsageType::SignVerify), material)
            }
            Self::Agreeing => {
                let material = pair().to_pkcs8().unwrap().expose().clone();
                ((KeySpec::EccNistP256, KeyUsageType::KeyAgreement), material)
            }
            Self::Secret => ((KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac), FIRST.to_vec()),
            Self::Encapsulating => {
                let key = client.create_key_of("ML_KEM_768", "ENCAPSULATE_DECAPSULATE").await.key_id;
                return (key.clone(), self.brought_into(client, &key, state).await);
            }
        };
        let key = client.try_create_key(external(kind.0, kind.1)).await.unwrap().key_id;
        if state != State::NeverImported {
            client.bring(&key, &material).await.unwrap();
        }
        let input = self.brought_into(client, &key, state).await;
        (key, input)
    }

    async fn brought_into(self, client: &Client, key: &str, state: State) -> Value {
        let input = self.input(client, key, state != State::NeverImported).await;
        match state {
            State::Disabled => client.disable(key).await.unwrap(),
            State::PendingDeletion => drop(client.schedule_deletion(key, None).await.unwrap()),
            State::Gone => drop(client.take_away(key, None).await.unwrap()),
            _ => {}
        }
        assert_eq!(client.state(key).await, state.shown());
        input
    }

    /// The members of all inputs, which `call` picks from. What only the key itself makes is made of it while it can be.
    async fn input(self, client: &Client, key: &str, is_usable: bool) -> Value {
        let peer = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
        let mut input = json!({
            "KeyId": key, "Message": "cGxhaW4=", "SigningAlgorithm": "ECDSA_SHA_256", "MacAlgorithm": "HMAC_SHA_256",
            "KeyAgreementAlgorithm": "ECDH", "EncapsulationAlgorithm": "ML_KEM",
            "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:root"), "Operations": ["DescribeKey"],
            "Signature": "AAAA", "Mac": "AAAA", "SharedSecretCiphertextBlob": "AAAA",
            "PublicKey": STANDARD.encode(peer.public_key().to_spki().unwrap()),
        });
        let made = match self {
            Self::Signing => Some(("Sign", "Signature")),
            Self::Secret => Some(("GenerateMac", "Mac")),
            Self::Encapsulating => Some(("Encapsulate", "SharedSecretCiphertextBlob")),
            Self::Agreeing => None,
        };
        if let Some((operation, member)) = made.filter(|_| is_usable) {
            let mut answer = client.call(operation, &picked(operation, &input)).await.unwrap();
            input[member] = answer[member].take();
        }
        input
    }
}

/// The members that an operation has.
fn picked(operation: &str, all: &Value) -> Value {
    let members: &[&str] = match operation {
        "Sign" => &["Message", "SigningAlgorithm"],
        "Verify" => &["Message", "SigningAlgorithm", "Signature"],
        "GenerateMac" => &["Message", "MacAlgorithm"],
        "VerifyMac" => &["Message", "MacAlgorithm", "Mac"],
        "DeriveSharedSecret" => &["KeyAgreementAlgorithm", "PublicKey"],
        "Encapsulate" => &["EncapsulationAlgorithm"],
        "Decapsulate" => &["EncapsulationAlgorithm", "SharedSecretCiphertextBlob"],
        "CreateGrant" => &["GranteePrincipal", "Operations"],
        _ => &[],
    };
    let mut input = json!({"KeyId": all["KeyId"]});
    for member in members {
        input[member] = all[member].clone();
    }
    input
}

async fn every_use_of_every_kind_of_key(database: &TestDatabase) {
    let client = owner(&open(database).await);
    for (operation, kind, answers) in USES {
        for (state, answer) in STATES.into_iter().zip(answers).filter(|(_, answer)| **answer != Unasked) {
            let (key, all) = kind.in_state(&client, state).await;
            let expected = answer.text(state, &client.arn(&format!("key/{key}")));
            let outcome = client.call(operation, &picked(operation, &all)).await;
            let refused = outcome.err().map(|error| error.to_string());
            assert_eq!(refused, expected, "{operation} of {kind:?} in {state:?}");
        }
    }
}
