//! Making certificates.

use std::net::IpAddr;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, SanType,
    SerialNumber,
};
use strongroom_crypto::random;
use time::OffsetDateTime;

use crate::signer::{Key, Signer, Subject};
use crate::{Certificate, MakeError, Name};

/// From when until when a certificate is valid, in seconds since 1970, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From when.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A CA, under which so many other CAs may follow in a chain; `None` for any number.
    Authority {
        /// How many.
        path_length: Option<u8>,
    },
    /// A server or client of TLS, or both: one end of a connection between our own programs.
    Endpoint,
}

/// Whom a certificate is made for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The subject.
    pub name: Name,
    /// What it is for.
    pub kind: Kind,
    /// How long it is valid.
    pub validity: Validity,
    /// The DNS names that it is for.
    pub dns_names: Vec<String>,
    /// The addresses that it is for.
    pub addresses: Vec<IpAddr>,
}

impl Identity {
    /// An identity without DNS names and addresses.
    #[must_use]
    pub fn new(name: Name, kind: Kind, validity: Validity) -> Self {
        Self { name, kind, validity, dns_names: Vec::new(), addresses: Vec::new() }
    }

    fn params(&self) -> Result<CertificateParams, MakeError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = self.name.to_rcgen()?;
        params.not_before = at(self.validity.not_before)?;
        params.not_after = at(self.validity.not_after)?;
        if params.not_after < params.not_before {
            return Err(MakeError);
        }
        // Random and positive, of 127 bits: no two certificates of an issuer share one.
        let mut serial: [u8; 16] = random::bytes()?;
        serial[0] = serial[0] & 0x7f | 0x40;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        match self.kind {
            Kind::Authority { path_length } => {
                params.is_ca = IsCa::Ca(match path_length {
                    Some(length) => BasicConstraints::Constrained(length),
                    None => BasicConstraints::Unconstrained,
                });
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            }
            Kind::Endpoint => {
                params.is_ca = IsCa::ExplicitNoCa;
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
                params.extended_key_usages =
                    vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            }
        }
        for name in &self.dns_names {
            params.subject_alt_names.push(SanType::DnsName(Ia5String::try_from(name.as_str())?));
        }
        params.subject_alt_names.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        Ok(params)
    }
}

/// Makes a certificate for `key`, signed by `key` itself: a root, or an endpoint that peers pin.
pub fn self_sign(identity: &Identity, key: &impl Signer) -> Result<Certificate, MakeError> {
    let made = identity.params()?.self_signed(&Key::new(key)?)?;
    Certificate::from_der(made.der()).map_err(|_| MakeError)
}

/// Makes a certificate for the owner of `public_key` (a DER SubjectPublicKeyInfo, RSA or P-256), signed by
/// `issuer_key`, whose own certificate is `issuer`.
pub fn issue(
    identity: &Identity,
    public_key: &[u8],
    issuer: &Certificate,
    issuer_key: &impl Signer,
) -> Result<Certificate, MakeError> {
    if !issuer.is_for_key(&issuer_key.public_key()?) {
        return Err(MakeError);
    }
    let mut params = identity.params()?;
    params.use_authority_key_identifier_extension = true;
    let signer = Issuer::from_ca_cert_der(&issuer.as_der().into(), Key::new(issuer_key)?)?;
    let made = params.signed_by(&Subject::new(public_key)?, &signer)?;
    let made = Certificate::from_der(made.der()).map_err(|_| MakeError)?;
    // A name with parts that rcgen writes otherwise than its maker did would break the chain.
    if made.names_issuer(issuer) { Ok(made) } else { Err(MakeError) }
}

fn at(seconds: i64) -> Result<OffsetDateTime, MakeError> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| MakeError)
}
