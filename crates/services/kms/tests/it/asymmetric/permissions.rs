//! Every operation on such keys, by every name that a key has, for its owner and for a stranger.

use strongroom_api_kms::{
    DataKeyPairSpec, GenerateDataKeyPairWithoutPlaintextRequest, Kms as _, MacAlgorithmSpec,
    SigningAlgorithmSpec,
};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::Lab;
use crate::data_key_pairs::data_key_pair;
use crate::encapsulation::{decapsulate, encapsulate};
use crate::fixture::{Client, REGION, STRANGER};
use crate::symmetric_only::{derive_shared_secret, generate_mac, get_public_key, sign, verify, verify_mac};

on_both_engines! {
    operations_by_every_name_and_for_no_stranger,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Sign,
    Verify,
    GetPublicKey,
    GenerateMac,
    VerifyMac,
    DeriveSharedSecret,
    GenerateDataKeyPair,
    GenerateDataKeyPairWithoutPlaintext,
    Encapsulate,
    Decapsulate,
}

/// The operations, each with the spec and the usage of a key that serves.
const ALL: [(Operation, &str, &str); 10] = [
    (Operation::Sign, "ECC_NIST_P256", "SIGN_VERIFY"),
    (Operation::Verify, "ECC_NIST_P256", "SIGN_VERIFY"),
    (Operation::GetPublicKey, "ECC_NIST_P256", "SIGN_VERIFY"),
    (Operation::GenerateMac, "HMAC_256", "GENERATE_VERIFY_MAC"),
    (Operation::VerifyMac, "HMAC_256", "GENERATE_VERIFY_MAC"),
    (Operation::DeriveSharedSecret, "ECC_NIST_P256", "KEY_AGREEMENT"),
    (Operation::GenerateDataKeyPair, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    (Operation::GenerateDataKeyPairWithoutPlaintext, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    (Operation::Encapsulate, "ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
    (Operation::Decapsulate, "ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
];

/// Those that keys can do where the lab has them: HSMs have no ML-KEM.
pub(super) fn all(lab: &Lab) -> impl Iterator<Item = (Operation, &'static str, &'static str)> + use<> {
    let built_in = lab.built_in;
    ALL.into_iter().filter(move |(_, spec, _)| built_in || !spec.starts_with("ML_KEM"))
}

/// What verifying takes, agreeing, and taking out.
#[derive(Default)]
pub(super) struct Aids {
    signature: Vec<u8>,
    mac: Vec<u8>,
    peer: Vec<u8>,
    sent: Vec<u8>,
}

impl Operation {
    /// AWS's answer quoted in issue threads, to the root user of an account whom no policy of the key lets in.
    pub(super) fn denied(self, account: &str, arn: &str) -> String {
        format!(
            "AccessDeniedException: User: arn:aws:iam::{account}:root is not authorized to perform: kms:{self:?} on \
             resource: {arn} because no resource-based policy allows the kms:{self:?} action"
        )
    }

    pub(super) async fn call(self, client: &Client, key: &str, aids: &Aids) -> Result<(), ApiError> {
        let (kms, context) = (&client.kms, client.context());
        let (signing, hmac) = (SigningAlgorithmSpec::EcdsaSha256, MacAlgorithmSpec::HmacSha256);
        match self {
            Self::Sign => kms.sign(&context, sign(key, signing, b"x")).await.map(drop),
            Self::Verify => kms.verify(&context, verify(key, signing, b"x", &aids.signature)).await.map(drop),
            Self::GetPublicKey => kms.get_public_key(&context, get_public_key(key)).await.map(drop),
            Self::GenerateMac => kms.generate_mac(&context, generate_mac(key, hmac, b"x")).await.map(drop),
            Self::VerifyMac => {
                kms.verify_mac(&context, verify_mac(key, hmac, b"x", &aids.mac)).await.map(drop)
            }
            Self::DeriveSharedSecret => {
                kms.derive_shared_secret(&context, derive_shared_secret(key, &aids.peer)).await.map(drop)
            }
            Self::Encapsulate => kms.encapsulate(&context, encapsulate(key)).await.map(drop),
            Self::Decapsulate => kms.decapsulate(&context, decapsulate(key, &aids.sent)).await.map(drop),
            Self::GenerateDataKeyPair => {
                let input = data_key_pair(key, DataKeyPairSpec::EccNistP256);
                kms.generate_data_key_pair(&context, input).await.map(drop)
            }
            Self::GenerateDataKeyPairWithoutPlaintext => {
                let input = GenerateDataKeyPairWithoutPlaintextRequest {
                    key_id: key.to_owned(),
                    key_pair_spec: DataKeyPairSpec::EccNistP256,
                    ..GenerateDataKeyPairWithoutPlaintextRequest::default()
                };
                kms.generate_data_key_pair_without_plaintext(&context, input).await.map(drop)
            }
        }
    }
}

pub(super) async fn aids(lab: &Lab, spec: &str, usage: &str, key: &str) -> Aids {
    let (kms, context) = (&lab.client.kms, lab.client.context());
    match usage {
        "SIGN_VERIFY" => {
            let signed =
                kms.sign(&context, sign(key, SigningAlgorithmSpec::EcdsaSha256, b"x")).await.unwrap();
            Aids { signature: signed.signature.unwrap().0, ..Aids::default() }
        }
        "GENERATE_VERIFY_MAC" => {
            let made =
                kms.generate_mac(&context, generate_mac(key, MacAlgorithmSpec::HmacSha256, b"x")).await;
            Aids { mac: made.unwrap().mac.unwrap().0, ..Aids::default() }
        }
        "KEY_AGREEMENT" => {
            let other = lab.create(spec, usage).await.key_id;
            Aids { peer: lab.public_key(&other).await, ..Aids::default() }
        }
        "ENCAPSULATE_DECAPSULATE" => {
            let made = kms.encapsulate(&context, encapsulate(key)).await.unwrap();
            Aids { sent: made.shared_secret_ciphertext_blob.unwrap().0, ..Aids::default() }
        }
        _ => Aids::default(),
    }
}

async fn operations_by_every_name_and_for_no_stranger(database: &TestDatabase) {
    for lab in Lab::both(database).await {
        let client = &lab.client;
        let stranger = client.as_of(STRANGER, REGION);
        for (number, (operation, spec, usage)) in all(&lab).enumerate() {
            let key = lab.create(spec, usage).await;
            let (key_id, arn, alias) =
                (key.key_id, key.arn.unwrap(), format!("alias/{number}-{}", lab.origin().as_str()));
            client.create_alias(&alias, &key_id).await.unwrap();
            let aids = aids(&lab, spec, usage, &key_id).await;
            for name in [&key_id, &arn, &alias, &client.arn(&alias)] {
                operation.call(client, name, &aids).await.unwrap();
            }
            let denied = operation.denied(STRANGER, &arn);
            for name in [&arn, &client.arn(&alias)] {
                let refused = lab.in_no_call(operation.call(&stranger, name, &aids)).await.unwrap_err();
                assert_eq!(refused.to_string(), denied);
            }
            let absent = operation.call(&stranger, &key_id, &aids).await.unwrap_err();
            assert_eq!(absent.code(), "NotFoundException");
        }
    }
}
