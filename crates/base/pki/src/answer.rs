//! Answering a request: what `openssl x509 -req` makes of one, without an extension file.
//!
//! It is X.509 version 1. The names of issuer and subject are taken over byte for byte: an authority's certificate
//! comes from anywhere, and a name that is written in another way breaks the chain.

use strongroom_crypto::random;
use time::OffsetDateTime;

use crate::signature::PublicKeyKind;
use crate::{Certificate, CertificateRequest, MakeError, Signer, Validity, der};

/// SHA-256 with RSA by PKCS#1 v1.5, and with ECDSA, as AlgorithmIdentifiers (RFC 4055, RFC 5758).
const RSA_SHA256: &[u8] = &[0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0];
const ECDSA_SHA256: &[u8] = &[0x30, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl CertificateRequest {
    /// Makes the certificate that is asked for, for the request's subject and key, signed by `issuer_key`, whose own
    /// certificate is `issuer`. Whether the request is one to be signed is the caller's to know.
    pub fn answer(
        &self,
        validity: Validity,
        issuer: &Certificate,
        issuer_key: &impl Signer,
    ) -> Result<Certificate, MakeError> {
        let public_key = issuer_key.public_key()?;
        if !issuer.is_for_key(&public_key) || validity.not_after < validity.not_before {
            return Err(MakeError);
        }
        let algorithm = match PublicKeyKind::of(&public_key) {
            PublicKeyKind::Rsa(_) => RSA_SHA256,
            PublicKeyKind::Ec(_) => ECDSA_SHA256,
            PublicKeyKind::Other => return Err(MakeError),
        };
        // Positive and of 127 bits: no two certificates of an issuer share one.
        let mut serial: [u8; 16] = random::bytes()?;
        serial[0] = serial[0] & 0x7f | 0x40;
        let times = [time(validity.not_before)?, time(validity.not_after)?];
        let signed = der::joined(
            SEQUENCE,
            &[
                &der::joined(INTEGER, &[&serial])?,
                algorithm,
                issuer.subject_der(),
                &der::joined(SEQUENCE, &[&times[0], &times[1]])?,
                self.subject_der().ok_or(MakeError)?,
                self.public_key(),
            ],
        )?;
        let signature = issuer_key.sign(&signed)?;
        let signature = der::joined(BIT_STRING, &[&[0], &signature])?;
        let made = der::joined(SEQUENCE, &[&signed, algorithm, &signature])?;
        let made = Certificate::from_der(&made).map_err(|_| MakeError)?;
        made.verify_signed_by(issuer)?;
        Ok(made)
    }

    /// The subject as it stands in the request: after the version.
    fn subject_der(&self) -> Option<&[u8]> {
        let parts = der::elements(self.as_der())?;
        der::elements(parts.first()?)?.get(1).copied()
    }
}

/// Until 2049 in the short form, as RFC 5280, 4.1.2.5 asks.
fn time(seconds: i64) -> Result<Vec<u8>, MakeError> {
    let at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| MakeError)?;
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    let (tag, year) = match at.year() {
        year @ 1950..=2049 => (UTC_TIME, format!("{:02}", year % 100)),
        year @ 2050..=9999 => (GENERALIZED_TIME, year.to_string()),
        _ => return Err(MakeError),
    };
    der::joined(tag, &[year.as_bytes(), rest.as_bytes()])
}
