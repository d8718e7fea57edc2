//! Certificates (RFC 5280) and what is read from them.

use std::net::IpAddr;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{CryptoError, hex};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Version;

use crate::signature::{SignatureAlgorithm, whole_bytes};
use crate::{MAX_CHAIN_DER_LENGTH, MAX_CHAIN_LENGTH, MAX_DER_LENGTH, PublicKeyKind, ReadError, der, pem};

/// A certificate of any X.509 version. That it could be read says nothing about whether to believe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
    algorithm: Option<SignatureAlgorithm>,
    version: u32,
    serial: Vec<u8>,
    public_key: Vec<u8>,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    subject: String,
    issuer: String,
    common_name: Option<String>,
    not_before: i64,
    not_after: i64,
    extensions: Extensions,
}

/// The extension that says whether a certificate is a CA's (RFC 5280, 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// It is.
    pub ca: bool,
    /// How many CAs may stand between it and the end of the chain.
    pub path_length: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extensions {
    present: bool,
    basic_constraints: Option<BasicConstraints>,
    /// Whether a key usage is stated, and whether it holds the signing of certificates.
    signs_certificates: Option<bool>,
    unknown_critical: bool,
    dns_names: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Certificate {
    /// Reads DER, all of it.
    pub fn from_der(der: &[u8]) -> Result<Self, ReadError> {
        if der.len() > MAX_DER_LENGTH {
            return Err(ReadError::TooLong);
        }
        if !outer_layers_are_strict(der) {
            return Err(ReadError::Malformed);
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| ReadError::Malformed)?;
        let tbs = &parsed.tbs_certificate;
        if !rest.is_empty() || tbs.version.0 > 2 {
            return Err(ReadError::Malformed);
        }
        let common_name = tbs.subject.iter_common_name().next().and_then(|name| name.as_str().ok());
        Ok(Self {
            der: der.to_vec(),
            signed: tbs.as_ref().to_vec(),
            signature: whole_bytes(&parsed.signature_value)?,
            algorithm: SignatureAlgorithm::read(&parsed.signature_algorithm),
            version: tbs.version.0 + 1,
            serial: tbs.raw_serial().to_vec(),
            public_key: tbs.subject_pki.raw.to_vec(),
            subject_der: tbs.subject.as_raw().to_vec(),
            issuer_der: tbs.issuer.as_raw().to_vec(),
            subject: tbs.subject.to_string(),
            issuer: tbs.issuer.to_string(),
            common_name: common_name.map(str::to_owned),
            not_before: tbs.validity.not_before.timestamp(),
            not_after: tbs.validity.not_after.timestamp(),
            extensions: Extensions::read(&parsed)?,
        })
    }

    /// Reads PEM with exactly one certificate.
    pub fn from_pem(text: &str) -> Result<Self, ReadError> {
        let blocks = pem::read(text, pem::CERTIFICATE, 1)?;
        Self::from_der(blocks.first().ok_or(ReadError::NotPem)?)
    }

    /// Reads PEM with a chain of one to four certificates, 16 KiB in all, in the order of the text.
    pub fn chain_from_pem(text: &str) -> Result<Vec<Self>, ReadError> {
        let blocks = pem::read(text, pem::CERTIFICATE, MAX_CHAIN_LENGTH)?;
        if blocks.iter().map(Vec::len).sum::<usize>() > MAX_CHAIN_DER_LENGTH {
            return Err(ReadError::TooLong);
        }
        blocks.iter().map(|der| Self::from_der(der)).collect()
    }

    /// The certificate as DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The subject as it stands in the certificate.
    pub(crate) fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write("CERTIFICATE", &self.der)
    }

    /// Its public key, as DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// What kind of key it is for.
    #[must_use]
    pub fn public_key_kind(&self) -> PublicKeyKind {
        PublicKeyKind::of(&self.public_key)
    }

    /// How it is signed; `None` if this crate does not know the algorithm.
    #[must_use]
    pub fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        self.algorithm
    }

    /// Its X.509 version: 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The subject, to be shown: `C=US, O=Example, CN=...`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The issuer, to be shown.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject's first common name.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The serial number in lower-case hexadecimal.
    #[must_use]
    pub fn serial(&self) -> String {
        hex::encode(&self.serial)
    }

    /// SHA-256 of the DER, in lower-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&sha256(&self.der))
    }

    /// From when it is valid, in seconds since 1970.
    #[must_use]
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// Until when it is valid, in seconds since 1970, that second included.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether it is valid at `now`, in seconds since 1970.
    #[must_use]
    pub fn is_valid_at(&self, now: i64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// The extension BasicConstraints.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extensions.basic_constraints
    }

    /// Whether it has extensions at all.
    #[must_use]
    pub fn has_extensions(&self) -> bool {
        self.extensions.present
    }

    /// Whether it has a critical extension that this crate does not understand (RFC 5280, 4.2).
    #[must_use]
    pub fn has_unknown_critical_extension(&self) -> bool {
        self.extensions.unknown_critical
    }

    /// What the extension KeyUsage, if there is one, says of signing certificates.
    #[must_use]
    pub fn may_sign_certificates(&self) -> Option<bool> {
        self.extensions.signs_certificates
    }

    /// The DNS names that it is for.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.extensions.dns_names
    }

    /// The addresses that it is for.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.extensions.addresses
    }

    /// Whether subject and issuer are the same name. [`is_self_signed`](Self::is_self_signed) proves it.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// Whether it names itself as its issuer and its own key made its signature.
    #[must_use]
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.verify_signed_by(self).is_ok()
    }

    /// Whether `issuer`'s subject is the name of this one's issuer, byte for byte.
    #[must_use]
    pub fn names_issuer(&self, issuer: &Self) -> bool {
        self.issuer_der == issuer.subject_der
    }

    /// Verifies the one signature on this certificate with the key of `issuer`. Names, times and extensions are
    /// not looked at.
    pub fn verify_signed_by(&self, issuer: &Self) -> Result<(), CryptoError> {
        let algorithm = self.algorithm.ok_or(CryptoError)?;
        algorithm.verify(&issuer.public_key, &self.signed, &self.signature)
    }

    /// Whether the certificate is for the key in `spki`, a DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn is_for_key(&self, spki: &[u8]) -> bool {
        self.public_key == spki
    }
}

impl Extensions {
    fn read(parsed: &X509Certificate<'_>) -> Result<Self, ReadError> {
        // A certificate has each extension once, and only version 3 has any (RFC 5280, 4.2 and 4.1.2.1).
        let map = parsed.extensions_map().map_err(|_| ReadError::Malformed)?;
        if !map.is_empty() && parsed.version() != X509Version::V3 {
            return Err(ReadError::Malformed);
        }
        let mut read = Self { present: !map.is_empty(), ..Self::default() };
        for extension in parsed.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(constraints) => {
                    read.basic_constraints = Some(BasicConstraints {
                        ca: constraints.ca,
                        path_length: constraints.path_len_constraint,
                    });
                }
                ParsedExtension::KeyUsage(usage) => read.signs_certificates = Some(usage.key_cert_sign()),
                ParsedExtension::SubjectAlternativeName(names) => {
                    for name in &names.general_names {
                        match name {
                            GeneralName::DNSName(name) => read.dns_names.push((*name).to_owned()),
                            GeneralName::IPAddress(bytes) => read.addresses.extend(address(bytes)),
                            _ => {}
                        }
                    }
                }
                ParsedExtension::ParseError { .. } => return Err(ReadError::Malformed),
                ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::SubjectKeyIdentifier(_)
                | ParsedExtension::AuthorityKeyIdentifier(_) => {}
                _ => read.unknown_critical |= extension.critical,
            }
        }
        Ok(read)
    }
}

/// Whether `der` is three elements, of which the second, the algorithm, stands in the first, signed, too (RFC
/// 5280, 4.1.1.2).
fn outer_layers_are_strict(der: &[u8]) -> bool {
    let parts = der::elements(der).unwrap_or_default();
    let [signed, algorithm, _] = parts.as_slice() else { return false };
    let Some(parts) = der::elements(signed) else { return false };
    // The version is left out where it is 1.
    let first = usize::from(parts.first().is_some_and(|part| part.first() == Some(&0xa0)));
    parts.get(first + 1) == Some(algorithm) && der::is_algorithm(algorithm)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(bytes));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}
