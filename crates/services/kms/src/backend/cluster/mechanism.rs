//! KMS's algorithms as mechanisms of HSMs.

use strongroom_crypto::ec::{Curve, signature_from_der, signature_to_der};
use strongroom_hsm_proto::command::{
    Agree, Command, Decrypt, Encrypt, Hash, Mechanism, MechanismKind, Sign, Verify,
};

use super::connection::Handles;
use crate::domain::key::Key;
use crate::domain::spec::{EncryptionAlgorithm, KeySpec, MacAlgorithm, Peer, Signed, SigningAlgorithm};
use crate::error::Refusal;

/// A handle that no key has. HSMs say of it that the key is not there, which is so.
const NOBODY: u64 = 0;

impl Handles {
    /// The public half of a pair.
    fn public_or_nobody(self) -> u64 {
        self.public.unwrap_or(NOBODY)
    }
}

/// A signing algorithm over something: the mechanism, and the bytes that the HSM takes in.
pub(super) struct Signing<'m> {
    mechanism: Mechanism,
    data: &'m [u8],
}

impl<'m> Signing<'m> {
    pub(super) fn new(algorithm: SigningAlgorithm, signed: Signed<'m>) -> Result<Self, Refusal> {
        use SigningAlgorithm as S;
        let (prehashed, data) = match signed {
            Signed::Message(message) => (false, message),
            Signed::Digest(digest) => (true, digest),
            Signed::ExternalMu(mu) => (true, mu),
        };
        let (kind, hash, salt_length) = match algorithm {
            S::RsassaPssSha256 => (MechanismKind::RsaPss, Hash::Sha256, 32),
            S::RsassaPssSha384 => (MechanismKind::RsaPss, Hash::Sha384, 48),
            S::RsassaPssSha512 => (MechanismKind::RsaPss, Hash::Sha512, 64),
            S::RsassaPkcs1V15Sha256 => (MechanismKind::RsaPkcs, Hash::Sha256, 0),
            S::RsassaPkcs1V15Sha384 => (MechanismKind::RsaPkcs, Hash::Sha384, 0),
            S::RsassaPkcs1V15Sha512 => (MechanismKind::RsaPkcs, Hash::Sha512, 0),
            S::EcdsaSha256 => (MechanismKind::Ecdsa, Hash::Sha256, 0),
            S::EcdsaSha384 => (MechanismKind::Ecdsa, Hash::Sha384, 0),
            S::EcdsaSha512 => (MechanismKind::Ecdsa, Hash::Sha512, 0),
            S::Ed25519Sha512 => (MechanismKind::Ed25519, Hash::None, 0),
            S::Ed25519PhSha512 => (MechanismKind::Ed25519ph, Hash::Sha512, 0),
            S::MlDsaShake256 => (MechanismKind::MlDsa, Hash::None, 0),
            S::Sm2Dsa => return Err(Refusal::internal("a cluster holds no SM2 keys")),
        };
        // AWS hashes the digest once more, as the message that Ed25519ph signs.
        let prehashed = prehashed && algorithm != S::Ed25519PhSha512;
        let mechanism = Mechanism { salt_length, prehashed, ..of(kind, hash) };
        Ok(Self { mechanism, data })
    }

    pub(super) fn sign(&self, key: Handles) -> Command {
        Command::Sign(Sign {
            key: key.key,
            mechanism: Some(self.mechanism.clone()),
            data: self.data.to_vec(),
        })
    }

    pub(super) fn verify(&self, key: Handles, signature: &[u8]) -> Command {
        Command::Verify(Verify {
            key: key.public_or_nobody(),
            mechanism: Some(self.mechanism.clone()),
            data: self.data.to_vec(),
            signature: signature.to_vec(),
        })
    }
}

/// A signature of an HSM as KMS gives it out: on curves but Ed25519 r and s in DER.
pub(super) fn given_out(key: &Key, signature: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    match curve(key.spec) {
        Some(curve) => signature_to_der(curve, &signature).map_err(|error| Refusal::Internal(error.into())),
        None => Ok(signature),
    }
}

/// A signature as HSMs take it; none if it is not one at all.
pub(super) fn taken_in(key: &Key, signature: &[u8]) -> Option<Vec<u8>> {
    match curve(key.spec) {
        Some(curve) => signature_from_der(curve, signature).ok(),
        None => Some(signature.to_vec()),
    }
}

/// The curve of ECDSA keys.
const fn curve(spec: KeySpec) -> Option<Curve> {
    match spec {
        KeySpec::EccNistP256 => Some(Curve::P256),
        KeySpec::EccNistP384 => Some(Curve::P384),
        KeySpec::EccNistP521 => Some(Curve::P521),
        KeySpec::EccSecgP256k1 => Some(Curve::Secp256k1),
        _ => None,
    }
}

pub(super) fn make_mac(key: Handles, algorithm: MacAlgorithm, message: &[u8]) -> Command {
    Command::Sign(Sign { key: key.key, mechanism: Some(hmac(algorithm)), data: message.to_vec() })
}

pub(super) fn verify_mac(key: Handles, algorithm: MacAlgorithm, message: &[u8], mac: &[u8]) -> Command {
    Command::Verify(Verify {
        key: key.key,
        mechanism: Some(hmac(algorithm)),
        data: message.to_vec(),
        signature: mac.to_vec(),
    })
}

fn hmac(algorithm: MacAlgorithm) -> Mechanism {
    let hash = match algorithm {
        MacAlgorithm::HmacSha224 => Hash::Sha224,
        MacAlgorithm::HmacSha256 => Hash::Sha256,
        MacAlgorithm::HmacSha384 => Hash::Sha384,
        MacAlgorithm::HmacSha512 => Hash::Sha512,
    };
    of(MechanismKind::Hmac, hash)
}

/// RSA encryption; KMS has no other with pairs in clusters.
pub(super) struct Oaep(Mechanism);

impl Oaep {
    pub(super) fn new(algorithm: EncryptionAlgorithm) -> Result<Self, Refusal> {
        let hash = match algorithm {
            EncryptionAlgorithm::RsaesOaepSha1 => Hash::Sha1,
            EncryptionAlgorithm::RsaesOaepSha256 => Hash::Sha256,
            EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => {
                return Err(Refusal::internal("not an algorithm of RSA keys"));
            }
        };
        Ok(Self(of(MechanismKind::RsaOaep, hash)))
    }

    pub(super) fn encrypt(&self, key: Handles, plaintext: &[u8]) -> Command {
        Command::Encrypt(Encrypt {
            key: key.public_or_nobody(),
            mechanism: Some(self.0.clone()),
            data: plaintext.to_vec(),
        })
    }

    pub(super) fn decrypt(&self, key: Handles, ciphertext: &[u8]) -> Command {
        Command::Decrypt(Decrypt { key: key.key, mechanism: Some(self.0.clone()), data: ciphertext.to_vec() })
    }
}

pub(super) fn agree(key: Handles, peer: &Peer) -> Command {
    Command::Agree(Agree { key: key.key, peer: peer.point.clone() })
}

fn of(kind: MechanismKind, hash: Hash) -> Mechanism {
    Mechanism { kind: kind.into(), hash: hash.into(), ..Mechanism::default() }
}
