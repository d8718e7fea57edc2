//! What has to be known of a certificate here.

use x509_parser::prelude::{FromDer, X509Certificate};

use super::TlsError;

/// The facts of one certificate, of whatever version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    der: Vec<u8>,
}

impl Certificate {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, TlsError> {
        let certificate = Self { der: der.to_vec() };
        certificate.parsed()?;
        Ok(certificate)
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    fn parsed(&self) -> Result<X509Certificate<'_>, TlsError> {
        match X509Certificate::from_der(&self.der) {
            Ok(([], certificate)) => Ok(certificate),
            Ok(_) => Err(TlsError::NotACertificate("something follows it")),
            Err(_) => Err(TlsError::NotACertificate("it is not DER of an X.509 certificate")),
        }
    }

    /// The public key, as DER SubjectPublicKeyInfo.
    pub(super) fn public_key(&self) -> Result<Vec<u8>, TlsError> {
        Ok(self.parsed()?.public_key().raw.to_vec())
    }

    /// Whether `issuer` signed it.
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        let (Ok(certificate), Ok(issuer)) = (self.parsed(), issuer.parsed()) else { return false };
        certificate.issuer().as_raw() == issuer.subject().as_raw()
            && certificate.verify_signature(Some(issuer.public_key())).is_ok()
    }

    /// Whether it may sign others: an authority by its extensions, or of a version without any.
    pub(super) fn may_sign(&self) -> bool {
        self.parsed().is_ok_and(|parsed| match parsed.basic_constraints() {
            Ok(Some(constraints)) => constraints.value.ca,
            Ok(None) => parsed.extensions().is_empty(),
            Err(_) => false,
        })
    }

    /// Whether it is valid at this moment, in seconds since 1970.
    pub(super) fn is_valid_at(&self, seconds: u64) -> bool {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        self.parsed().is_ok_and(|parsed| {
            let validity = parsed.validity();
            (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&seconds)
        })
    }
}
