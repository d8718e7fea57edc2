//! How many requests AWS lets an account make in a second (KMS Developer Guide, "Request quotas").
//!
//! Each quota is one number for an account and a Region. Most operations have one of their own; cryptography shares
//! one by the kind of key. The kind is read from the request: algorithms and specs name it, and what names none is
//! symmetric. So a request is counted before its key is looked for, also when there is no such key.

use strongroom_identity::Region;
use strongroom_schema::{Structure, Value};

/// Requests a second that one custom key store serves, whoever calls, in addition to the account's quota.
pub(crate) const OF_KEY_STORE: u32 = 1_800;

/// Requests a second of operations that are not listed below.
const OTHERS: u32 = 5;

/// Symmetric cryptography in most Regions, in larger ones, and in the largest.
const SYMMETRIC: u32 = 10_000;
const LARGER: u32 = 20_000;
const LARGEST: u32 = 100_000;

const LARGER_REGIONS: &[&str] =
    &["ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-2", "us-east-2"];
const LARGEST_REGIONS: &[&str] = &["eu-west-1", "us-east-1", "us-west-2"];

/// Asymmetric cryptography, for each family of keys. (AWS's page does not have ML-KEM.)
const ASYMMETRIC: u32 = 1_000;

/// Operations with a quota of their own that is not [`OTHERS`].
const OPERATIONS: &[(&str, u32)] = &[
    ("CreateGrant", 50),
    ("DeleteAlias", 15),
    ("DeleteImportedKeyMaterial", 15),
    ("DescribeKey", 2_000),
    ("EnableKeyRotation", 15),
    ("GetKeyPolicy", 1_000),
    ("GetKeyRotationStatus", 1_000),
    ("GetParametersForImport", 1),
    ("GetPublicKey", 2_000),
    ("ImportKeyMaterial", 15),
    ("ListAliases", 500),
    ("ListGrants", 100),
    ("ListKeyPolicies", 100),
    ("ListKeyRotations", 100),
    ("ListKeys", 500),
    ("ListResourceTags", 2_000),
    ("ListRetirableGrants", 100),
    ("PutKeyPolicy", 15),
    ("RetireGrant", 50),
    ("RevokeGrant", 50),
    ("ScheduleKeyDeletion", 15),
    ("TagResource", 10),
];

/// Pairs of data keys, by their spec. (AWS's page does not have ML-KEM's; they cost no more than those of curves.)
const PAIRS: &[(&str, u32)] = &[
    ("ECC_NIST_EDWARDS25519", 100),
    ("ECC_NIST_P256", 100),
    ("ECC_NIST_P384", 100),
    ("ECC_NIST_P521", 100),
    ("ECC_SECG_P256K1", 100),
    ("ML_KEM_1024", 100),
    ("ML_KEM_512", 100),
    ("ML_KEM_768", 100),
    ("RSA_2048", 20),
    ("RSA_3072", 4),
    ("RSA_4096", 1),
    ("SM2", 25),
];

/// What a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    /// Cryptography with symmetric and HMAC keys, and random bytes.
    Symmetric,
    /// Cryptography with RSA keys.
    Rsa,
    /// Cryptography with keys of elliptic curves, SM2 included.
    Ecc,
    /// Signatures with ML-DSA keys.
    MlDsa,
    /// Secrets agreed on by ML-KEM keys.
    MlKem,
    /// Pairs of data keys of that spec.
    Pairs(&'static str),
    /// One operation.
    Operation(&'static str),
}

impl Group {
    /// What a request of the operation counts against.
    pub(crate) fn of(operation: &'static str, input: &dyn Structure) -> Self {
        match operation {
            "GenerateDataKey"
            | "GenerateDataKeyWithoutPlaintext"
            | "GenerateMac"
            | "GenerateRandom"
            | "VerifyMac" => Self::Symmetric,
            "Encrypt" | "Decrypt" => Self::of_algorithm(text(input, "EncryptionAlgorithm")),
            // The key that opens the ciphertext is the one that is named first.
            "ReEncrypt" => Self::of_algorithm(text(input, "SourceEncryptionAlgorithm")),
            "Sign" | "Verify" => Self::of_algorithm(text(input, "SigningAlgorithm")),
            "DeriveSharedSecret" => Self::Ecc,
            "Encapsulate" | "Decapsulate" => Self::MlKem,
            "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
                let spec = text(input, "KeyPairSpec").unwrap_or_default();
                PAIRS
                    .iter()
                    .find(|(name, _)| *name == spec)
                    .map_or(Self::Operation(operation), |row| Self::Pairs(row.0))
            }
            other => Self::Operation(other),
        }
    }

    /// By the beginning of its name, so that those to come find their family too.
    fn of_algorithm(algorithm: Option<&str>) -> Self {
        let algorithm = algorithm.unwrap_or_default();
        let begins = |with: &[&str]| with.iter().any(|start| algorithm.starts_with(start));
        if begins(&["RSA"]) {
            Self::Rsa
        } else if begins(&["ECDSA", "ED25519", "SM2"]) {
            Self::Ecc
        } else if begins(&["ML_DSA"]) {
            Self::MlDsa
        } else {
            Self::Symmetric
        }
    }

    /// Requests a second of an account in that Region.
    pub(crate) fn per_second(self, region: &str) -> u32 {
        let listed =
            |list: &[(&str, u32)], name| list.iter().find(|(listed, _)| *listed == name).map(|row| row.1);
        match self {
            Self::Symmetric if LARGEST_REGIONS.contains(&region) => LARGEST,
            Self::Symmetric if LARGER_REGIONS.contains(&region) => LARGER,
            Self::Symmetric => SYMMETRIC,
            Self::Rsa | Self::Ecc | Self::MlDsa | Self::MlKem => ASYMMETRIC,
            Self::Pairs(spec) => listed(PAIRS, spec).unwrap_or(OTHERS),
            Self::Operation(name) => listed(OPERATIONS, name).unwrap_or(OTHERS),
        }
    }
}

/// Requests of a Region that a call counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) region: &'static str,
    pub(crate) group: Group,
    pub(crate) requests: u64,
}

/// What a call in that Region counts as. ReplicateKey counts as two of CreateKey in the replica's Region, too: one that
/// makes the key, and one that sees before whether it can be made.
pub(crate) fn costs(operation: &'static str, input: &dyn Structure, region: &'static str) -> Vec<Cost> {
    let mut costs = vec![Cost { region, group: Group::of(operation, input), requests: 1 }];
    if operation == "ReplicateKey"
        && let Some(there) = text(input, "ReplicaRegion").and_then(Region::named)
    {
        costs.push(Cost { region: there.name(), group: Group::Operation("CreateKey"), requests: 2 });
    }
    costs
}

/// A member that is text, if the request has it.
fn text<'i>(input: &'i dyn Structure, member: &str) -> Option<&'i str> {
    let position = input.schema().position(member)?;
    match input.member(position)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use strongroom_api_kms::{
        DataKeyPairSpec, DecryptRequest, EncryptionAlgorithmSpec, GenerateDataKeyPairRequest,
        ReEncryptRequest, ReplicateKeyRequest, SERVICE, SignRequest, SigningAlgorithmSpec,
    };
    use strongroom_schema::Unit;

    use super::*;

    fn of(operation: &str) -> Group {
        let operation = SERVICE.operations.iter().find(|listed| listed.name == operation).unwrap();
        Group::of(operation.name, &Unit)
    }

    #[test]
    fn every_operation_has_the_quota_that_aws_publishes() {
        let quota = |operation: &str, region: &str| of(operation).per_second(region);
        for (operation, expected) in [
            ("CreateKey", 5),
            ("ConnectCustomKeyStore", 5),
            ("ReplicateKey", 5),
            ("UpdatePrimaryRegion", 5),
            ("ImportKeyMaterial", 15),
            ("GetParametersForImport", 1),
            ("RotateKeyOnDemand", 5),
            ("UntagResource", 5),
            ("TagResource", 10),
            ("DeleteAlias", 15),
            ("ScheduleKeyDeletion", 15),
            ("DescribeKey", 2_000),
            ("ListKeys", 500),
            ("ListKeyRotations", 100),
            ("GetKeyPolicy", 1_000),
        ] {
            assert_eq!(quota(operation, "us-east-1"), expected, "{operation}");
            assert_eq!(quota(operation, "sa-east-1"), expected, "{operation}");
        }
        for operation in ["Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateRandom", "VerifyMac"]
        {
            assert_eq!(of(operation), Group::Symmetric, "{operation}");
            assert_eq!(quota(operation, "us-east-1"), 100_000);
            assert_eq!(quota(operation, "eu-central-1"), 20_000);
            assert_eq!(quota(operation, "eu-north-1"), 10_000);
        }
        assert_eq!(quota("DeriveSharedSecret", "us-east-1"), 1_000);
    }

    #[test]
    fn every_name_in_the_tables_is_one_of_the_model() {
        for (name, _) in OPERATIONS {
            assert!(SERVICE.position(name).is_some(), "{name}");
        }
        for region in LARGER_REGIONS.iter().chain(LARGEST_REGIONS) {
            assert!(Region::named(region).is_some(), "{region}");
        }
        for (spec, _) in PAIRS {
            assert!(!matches!(DataKeyPairSpec::from(*spec), DataKeyPairSpec::Unknown(_)), "{spec}");
        }
        for member in ["EncryptionAlgorithm", "SigningAlgorithm", "SourceEncryptionAlgorithm", "KeyPairSpec"]
        {
            let has = |input: &strongroom_schema::Schema| input.position(member).is_some();
            assert!(SERVICE.operations.iter().any(|operation| has(operation.input)), "{member}");
        }
    }

    #[test]
    fn a_replica_counts_in_its_region_too() {
        let to = |region: &str| {
            let input = ReplicateKeyRequest { replica_region: region.to_owned(), ..Default::default() };
            costs("ReplicateKey", &input, "us-east-1")
        };
        let own = Cost { region: "us-east-1", group: Group::Operation("ReplicateKey"), requests: 1 };
        let there = Cost { region: "eu-west-1", group: Group::Operation("CreateKey"), requests: 2 };
        assert_eq!(to("eu-west-1"), [own, there]);
        assert_eq!(to("xx-nowhere-1"), [own]);
        let of_a_key = Cost { group: Group::Operation("CreateKey"), ..own };
        assert_eq!(costs("CreateKey", &Unit, "us-east-1"), [of_a_key]);
    }

    #[test]
    fn the_request_says_of_which_kind_its_key_is() {
        let decrypt = |algorithm: Option<EncryptionAlgorithmSpec>| {
            Group::of(
                "Decrypt",
                &DecryptRequest { encryption_algorithm: algorithm, ..DecryptRequest::default() },
            )
        };
        assert_eq!(decrypt(None), Group::Symmetric);
        assert_eq!(decrypt(Some(EncryptionAlgorithmSpec::SymmetricDefault)), Group::Symmetric);
        assert_eq!(decrypt(Some(EncryptionAlgorithmSpec::RsaesOaepSha256)), Group::Rsa);
        assert_eq!(decrypt(Some(EncryptionAlgorithmSpec::Sm2Pke)), Group::Ecc);
        let from_rsa = ReEncryptRequest {
            source_encryption_algorithm: Some(EncryptionAlgorithmSpec::RsaesOaepSha1),
            ..ReEncryptRequest::default()
        };
        assert_eq!(Group::of("ReEncrypt", &from_rsa), Group::Rsa);
        let sign = |algorithm| {
            Group::of("Sign", &SignRequest { signing_algorithm: algorithm, ..SignRequest::default() })
        };
        assert_eq!(sign(SigningAlgorithmSpec::RsassaPssSha256), Group::Rsa);
        assert_eq!(sign(SigningAlgorithmSpec::EcdsaSha384), Group::Ecc);
        assert_eq!(sign(SigningAlgorithmSpec::Ed25519PhSha512), Group::Ecc);
        assert_eq!(sign(SigningAlgorithmSpec::MlDsaShake256), Group::MlDsa);
        for (spec, expected) in [
            (DataKeyPairSpec::Rsa4096, 1),
            (DataKeyPairSpec::Rsa2048, 20),
            (DataKeyPairSpec::EccNistP256, 100),
            (DataKeyPairSpec::EccSecgP256K1, 100),
        ] {
            let pair =
                GenerateDataKeyPairRequest { key_pair_spec: spec, ..GenerateDataKeyPairRequest::default() };
            assert_eq!(Group::of("GenerateDataKeyPair", &pair).per_second("us-east-1"), expected);
        }
    }
}
