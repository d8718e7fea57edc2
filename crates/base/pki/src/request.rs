//! Certificate signing requests (PKCS#10, RFC 2986).

use strongroom_crypto::CryptoError;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use crate::signature::{SignatureAlgorithm, whole_bytes};
use crate::signer::{Key, Signer};
use crate::{MAX_DER_LENGTH, MakeError, Name, ReadError, der, pem};

/// A certificate signing request, and what is read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
    algorithm: Option<SignatureAlgorithm>,
    public_key: Vec<u8>,
    subject: String,
}

impl CertificateRequest {
    /// Makes a request for `name`, signed by the key that it is for.
    pub fn create(name: &Name, key: &impl Signer) -> Result<Self, MakeError> {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = name.to_rcgen()?;
        let made = params.serialize_request(&Key::new(key)?)?;
        Self::from_der(made.der()).map_err(|_| MakeError)
    }

    /// Reads DER, all of it.
    pub fn from_der(der: &[u8]) -> Result<Self, ReadError> {
        if der.len() > MAX_DER_LENGTH {
            return Err(ReadError::TooLong);
        }
        let parts = der::elements(der).unwrap_or_default();
        if !matches!(parts.as_slice(), [_, algorithm, _] if der::is_algorithm(algorithm)) {
            return Err(ReadError::Malformed);
        }
        let (rest, parsed) = X509CertificationRequest::from_der(der).map_err(|_| ReadError::Malformed)?;
        if !rest.is_empty() {
            return Err(ReadError::Malformed);
        }
        let info = &parsed.certification_request_info;
        Ok(Self {
            der: der.to_vec(),
            signed: info.raw.to_vec(),
            signature: whole_bytes(&parsed.signature_value)?,
            algorithm: SignatureAlgorithm::read(&parsed.signature_algorithm),
            public_key: info.subject_pki.raw.to_vec(),
            subject: info.subject.to_string(),
        })
    }

    /// Reads PEM with exactly one request.
    pub fn from_pem(text: &str) -> Result<Self, ReadError> {
        let blocks = pem::read(text, pem::REQUEST, 1)?;
        Self::from_der(blocks.first().ok_or(ReadError::NotPem)?)
    }

    /// The request as DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The request as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write("CERTIFICATE REQUEST", &self.der)
    }

    /// The public key that the request is for, as DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The subject, to be shown: `C=US, ST=CA, ...`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Verifies that the owner of the key made the request.
    pub fn verify(&self) -> Result<(), CryptoError> {
        let algorithm = self.algorithm.ok_or(CryptoError)?;
        algorithm.verify(&self.public_key, &self.signed, &self.signature)
    }
}
