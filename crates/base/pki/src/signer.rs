//! Keys that sign certificates, wherever they are.

use strongroom_crypto::CryptoError;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::ec::{self, Curve};
use strongroom_crypto::rsa;

use crate::MakeError;
use crate::signature::{PublicKeyKind, key_bits};

/// A private key that signs certificates or a request: RSA or P-256. It may be in an HSM; only signatures come
/// from it.
pub trait Signer {
    /// The public key as DER SubjectPublicKeyInfo.
    fn public_key(&self) -> Result<Vec<u8>, CryptoError>;

    /// Signs `message` with SHA-256: an RSA key by PKCS#1 v1.5, a P-256 key by ECDSA with the signature in DER.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
}

impl Signer for rsa::PrivateKey {
    fn public_key(&self) -> Result<Vec<u8>, CryptoError> {
        self.public_key().to_spki()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.sign_pkcs1_message(Hash::Sha256, message)
    }
}

impl Signer for ec::PrivateKey {
    fn public_key(&self) -> Result<Vec<u8>, CryptoError> {
        self.public_key().to_spki()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let raw = self.sign_digest(&Hash::Sha256.digest(message))?;
        ec::signature_to_der(self.curve(), &raw)
    }
}

impl<S: Signer + ?Sized> Signer for &S {
    fn public_key(&self) -> Result<Vec<u8>, CryptoError> {
        (*self).public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        (*self).sign(message)
    }
}

/// A public key as rcgen wants it.
pub(crate) struct Subject {
    bits: Vec<u8>,
    algorithm: &'static rcgen::SignatureAlgorithm,
}

impl Subject {
    pub(crate) fn new(spki: &[u8]) -> Result<Self, MakeError> {
        let algorithm = match PublicKeyKind::of(spki) {
            PublicKeyKind::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
            PublicKeyKind::Ec(Curve::P256) => &rcgen::PKCS_ECDSA_P256_SHA256,
            PublicKeyKind::Ec(_) | PublicKeyKind::Other => return Err(MakeError),
        };
        Ok(Self { bits: key_bits(spki).ok_or(MakeError)?, algorithm })
    }
}

impl rcgen::PublicKeyData for Subject {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.algorithm
    }
}

/// A signer as rcgen wants it.
pub(crate) struct Key<'a, S> {
    subject: Subject,
    signer: &'a S,
}

impl<'a, S: Signer> Key<'a, S> {
    pub(crate) fn new(signer: &'a S) -> Result<Self, MakeError> {
        Ok(Self { subject: Subject::new(&signer.public_key()?)?, signer })
    }
}

impl<S: Signer> rcgen::PublicKeyData for Key<'_, S> {
    fn der_bytes(&self) -> &[u8] {
        &self.subject.bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.subject.algorithm
    }
}

impl<S: Signer> rcgen::SigningKey for Key<'_, S> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signer.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
