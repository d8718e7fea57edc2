//! What all verifiers here have in common: the signature in a handshake is checked with the certificate's public
//! key alone, since rustls's own way does not read certificates of version 1.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use strongroom_pki::Certificate;

use super::TlsError;
use super::chain::MOST_SHOWN;

/// AWS-LC, as rustls uses it.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Checks handshake signatures.
#[derive(Debug)]
pub(super) struct Signatures(Arc<CryptoProvider>);

impl Signatures {
    pub(super) fn new() -> Self {
        Self(provider())
    }

    pub(super) fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = Certificate::from_der(certificate)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let key = SubjectPublicKeyInfoDer::from(certificate.public_key());
        verify_tls13_signature_with_raw_key(
            message,
            &key,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    pub(super) fn schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS 1.2 is never spoken.
pub(super) fn no_tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::General("TLS 1.2 is not spoken".to_owned()))
}

/// What a peer showed.
pub(super) fn shown(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
) -> Result<(Certificate, Vec<Certificate>), Error> {
    let bad = |_: strongroom_pki::ReadError| Error::InvalidCertificate(CertificateError::BadEncoding);
    let leaf = Certificate::from_der(leaf).map_err(bad)?;
    let others = others.iter().take(MOST_SHOWN).map(|other| Certificate::from_der(other));
    Ok((leaf, others.collect::<Result<_, _>>().map_err(bad)?))
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::InvalidCertificate(match error {
            TlsError::NotACertificate(_) | TlsError::Empty => CertificateError::BadEncoding,
            TlsError::NotValidNow => CertificateError::Expired,
            TlsError::NotTrusted | TlsError::Key(_) => CertificateError::UnknownIssuer,
        })
    }
}
