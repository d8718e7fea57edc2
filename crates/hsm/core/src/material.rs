//! Key material, parsed and ready to compute with.

use strongroom_crypto::aes::AesKey;
use strongroom_crypto::{check_value, ec, ed25519, ml_dsa, rsa};
use strongroom_hsm_proto::command::{Curve, KeyClass, KeyType, MlDsaSet};
use strongroom_secret::SecretBytes;

use crate::HsmError;
use crate::effect::KeyRecord;
use crate::object::bit_string;
use crate::refusal::Refusal;

/// Key material. Wiped when the cache and all who compute with it have let it go.
pub(crate) enum Material {
    Aes(AesKey),
    Secret(SecretBytes),
    Rsa(rsa::PrivateKey),
    RsaPublic(rsa::PublicKey),
    Ec(ec::PrivateKey),
    EcPublic(ec::PublicKey),
    Ed25519(Box<ed25519::PrivateKey>),
    Ed25519Public(ed25519::PublicKey),
    MlDsa(Box<ml_dsa::PrivateKey>),
    MlDsaPublic(ml_dsa::PublicKey),
}

impl Material {
    /// Parses what [`secret_bytes`](Self::secret_bytes) gave for the same sort of key.
    pub(crate) fn parse(record: &KeyRecord, bytes: &[u8]) -> Result<Self, HsmError> {
        let class = KeyClass::try_from(record.class).map_err(|_| HsmError::UnsupportedAttributes)?;
        let key_type = KeyType::try_from(record.key_type).map_err(|_| HsmError::UnsupportedAttributes)?;
        Ok(match (class, key_type) {
            (KeyClass::SecretKey, KeyType::Aes) => Self::Aes(AesKey::new(bytes)?),
            (KeyClass::SecretKey, KeyType::GenericSecret) => Self::Secret(SecretBytes::new(bytes.to_vec())),
            (KeyClass::PrivateKey, KeyType::Rsa) => Self::Rsa(rsa::PrivateKey::from_pkcs8(bytes)?),
            (KeyClass::PublicKey, KeyType::Rsa) => Self::RsaPublic(rsa::PublicKey::from_spki(bytes)?),
            (KeyClass::PrivateKey, KeyType::Ec) if record.curve() == Some(Curve::Ed25519) => {
                Self::Ed25519(Box::new(ed25519::PrivateKey::from_pkcs8(bytes)?))
            }
            (KeyClass::PublicKey, KeyType::Ec) if record.curve() == Some(Curve::Ed25519) => {
                Self::Ed25519Public(ed25519::PublicKey::from_spki(bytes)?)
            }
            (KeyClass::PrivateKey, KeyType::Ec) => Self::Ec(ec::PrivateKey::from_pkcs8(bytes)?),
            (KeyClass::PublicKey, KeyType::Ec) => Self::EcPublic(ec::PublicKey::from_spki(bytes)?),
            (KeyClass::PrivateKey, KeyType::MlDsa) => {
                let set = record.ml_dsa_set().ok_or(HsmError::UnsupportedAttributes)?;
                Self::MlDsa(Box::new(ml_dsa::PrivateKey::from_pkcs8(parameter_set(set), bytes)?))
            }
            (KeyClass::PublicKey, KeyType::MlDsa) => {
                let set = record.ml_dsa_set().ok_or(HsmError::UnsupportedAttributes)?;
                Self::MlDsaPublic(ml_dsa::PublicKey::from_spki(parameter_set(set), bytes)?)
            }
            _ => return Err(HsmError::UnsupportedAttributes),
        })
    }

    /// Secret keys as they are, private ones as PKCS#8; public ones have none.
    pub(crate) fn secret_bytes(&self) -> Result<SecretBytes, Refusal> {
        Ok(match self {
            Self::Aes(key) => SecretBytes::new(key.expose().to_vec()),
            Self::Secret(bytes) => bytes.clone(),
            Self::Rsa(key) => key.to_pkcs8()?,
            Self::Ec(key) => key.to_pkcs8()?,
            Self::Ed25519(key) => key.to_pkcs8()?,
            Self::MlDsa(key) => key.to_pkcs8()?,
            _ => return Err(Refusal::key_forbids("A public key has no secret value")),
        })
    }

    /// The public half as DER SubjectPublicKeyInfo; empty for secret keys.
    pub(crate) fn public(&self) -> Result<Vec<u8>, Refusal> {
        Ok(match self {
            Self::Aes(_) | Self::Secret(_) => Vec::new(),
            Self::Rsa(key) => key.public_key().to_spki()?,
            Self::RsaPublic(key) => key.to_spki()?,
            Self::Ec(key) => key.public_key().to_spki()?,
            Self::EcPublic(key) => key.to_spki()?,
            Self::Ed25519(key) => key.public_key().to_spki(),
            Self::Ed25519Public(key) => key.to_spki(),
            Self::MlDsa(key) => key.public_key().to_spki()?,
            Self::MlDsaPublic(key) => key.to_spki()?,
        })
    }

    /// The check value; generic secrets and ML-DSA keys have none.
    pub(crate) fn check_value(&self) -> Result<Vec<u8>, Refusal> {
        Ok(match self {
            Self::Aes(key) => check_value::of_aes(key)?.to_vec(),
            Self::Secret(_) | Self::MlDsa(_) | Self::MlDsaPublic(_) => Vec::new(),
            _ => check_value::of_public_key(&self.public()?).to_vec(),
        })
    }

    /// What `key-length-bytes` shows: of secret keys the length, of RSA and EC keys that of an encoding, of
    /// ML-DSA keys that of FIPS 204.
    pub(crate) fn length(&self) -> Result<u32, Refusal> {
        let length = match self {
            Self::Aes(key) => key.expose().len(),
            Self::Secret(bytes) => bytes.expose().len(),
            Self::RsaPublic(key) => 2 * key.modulus_length(),
            Self::EcPublic(_) | Self::Ed25519Public(_) => bit_string(&self.public()?).map_or(0, <[u8]>::len),
            Self::MlDsaPublic(key) => key.parameter_set().public_key_length(),
            Self::MlDsa(key) => match key.public_key().parameter_set() {
                ml_dsa::ParameterSet::MlDsa44 => 2_560,
                ml_dsa::ParameterSet::MlDsa65 => 4_032,
                ml_dsa::ParameterSet::MlDsa87 => 4_896,
            },
            Self::Rsa(_) | Self::Ec(_) | Self::Ed25519(_) => self.secret_bytes()?.expose().len(),
        };
        Ok(length as u32)
    }

    /// The number of the curve or of the parameter set, or the modulus's bits.
    pub(crate) fn parameter(&self) -> u32 {
        match self {
            Self::Aes(_) | Self::Secret(_) => 0,
            Self::Rsa(key) => key.public_key().bits(),
            Self::RsaPublic(key) => key.bits(),
            Self::Ec(key) => named(key.curve()) as u32,
            Self::EcPublic(key) => named(key.curve()) as u32,
            Self::Ed25519(_) | Self::Ed25519Public(_) => Curve::Ed25519 as u32,
            Self::MlDsa(key) => set_number(key.public_key().parameter_set()),
            Self::MlDsaPublic(key) => set_number(key.parameter_set()),
        }
    }
}

/// The curve by the name that clients use.
fn named(curve: ec::Curve) -> Curve {
    match curve {
        ec::Curve::P224 => Curve::Secp224r1,
        ec::Curve::P256 => Curve::Secp256r1,
        ec::Curve::P384 => Curve::Secp384r1,
        ec::Curve::P521 => Curve::Secp521r1,
        ec::Curve::Secp256k1 => Curve::Secp256k1,
    }
}

/// The curve as the cryptography knows it; none for Ed25519, which is another algorithm.
pub(crate) fn weierstrass(curve: Curve) -> Option<ec::Curve> {
    Some(match curve {
        Curve::Secp224r1 => ec::Curve::P224,
        Curve::Secp256r1 => ec::Curve::P256,
        Curve::Secp384r1 => ec::Curve::P384,
        Curve::Secp521r1 => ec::Curve::P521,
        Curve::Secp256k1 => ec::Curve::Secp256k1,
        Curve::Ed25519 => return None,
    })
}

pub(crate) fn parameter_set(set: MlDsaSet) -> ml_dsa::ParameterSet {
    match set {
        MlDsaSet::MlDsa44 => ml_dsa::ParameterSet::MlDsa44,
        MlDsaSet::MlDsa65 => ml_dsa::ParameterSet::MlDsa65,
        MlDsaSet::MlDsa87 => ml_dsa::ParameterSet::MlDsa87,
    }
}

fn set_number(set: ml_dsa::ParameterSet) -> u32 {
    match set {
        ml_dsa::ParameterSet::MlDsa44 => MlDsaSet::MlDsa44 as u32,
        ml_dsa::ParameterSet::MlDsa65 => MlDsaSet::MlDsa65 as u32,
        ml_dsa::ParameterSet::MlDsa87 => MlDsaSet::MlDsa87 as u32,
    }
}
