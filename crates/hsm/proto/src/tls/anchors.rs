//! What an HSM believes of a client's certificate.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use strongroom_pki::Certificate;

use super::TlsError;
use super::chain::leads_to;
use super::handshake::{Signatures, no_tls12, shown};

/// The trust anchors for clients' certificates, and whether clients need one. Clones are the same; what is set
/// counts from the next handshake on.
#[derive(Clone, Debug, Default)]
pub struct ClientAnchors(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    anchors: Vec<(u32, Vec<Certificate>)>,
    is_mandatory: bool,
}

impl ClientAnchors {
    /// Sets the anchors, by reference and as PEM, and whether clients need a certificate that leads to one.
    pub fn set<'a>(
        &self,
        anchors: impl IntoIterator<Item = (u32, &'a str)>,
        is_mandatory: bool,
    ) -> Result<(), TlsError> {
        let anchors = anchors.into_iter().map(|(reference, pem)| Ok((reference, read_pem(pem)?)));
        let anchors = anchors.collect::<Result<Vec<_>, TlsError>>()?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = State { anchors, is_mandatory };
        Ok(())
    }

    /// The anchor that a client's certificates (DER, the client's own first) lead to, if they are valid at this
    /// moment, in seconds since 1970.
    pub fn reference_of(&self, certificates: &[CertificateDer<'_>], now: u64) -> Option<u32> {
        let (leaf, others) = certificates.split_first()?;
        let (leaf, others) = shown(leaf, others).ok()?;
        self.find(&leaf, &others, now)
    }

    fn find(&self, leaf: &Certificate, others: &[Certificate], now: u64) -> Option<u32> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_usable =
            |certificate: &Certificate| certificate.is_valid_at(i64::try_from(now).unwrap_or(i64::MAX));
        let found = state.anchors.iter().find(|(_, anchors)| leads_to(leaf, others, anchors, is_usable));
        found.map(|(reference, _)| *reference)
    }

    fn is_any(&self) -> bool {
        !self.0.read().unwrap_or_else(PoisonError::into_inner).anchors.is_empty()
    }

    fn is_mandatory(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_mandatory
    }
}

/// [`ClientAnchors`] as rustls asks them.
#[derive(Debug)]
pub(super) struct AnchorVerifier {
    pub(super) anchors: ClientAnchors,
    pub(super) signatures: Signatures,
}

impl ClientCertVerifier for AnchorVerifier {
    fn offer_client_auth(&self) -> bool {
        self.anchors.is_any()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.anchors.is_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let (leaf, others) = shown(leaf, others)?;
        if self.anchors.find(&leaf, &others, now.as_secs()).is_none() {
            return Err(TlsError::NotTrusted.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.schemes()
    }
}

/// The certificates of a PEM text, in order; at least one.
pub(super) fn read_pem(pem: &str) -> Result<Vec<Certificate>, TlsError> {
    let certificates = Certificate::chain_from_pem(pem)?;
    if certificates.is_empty() { Err(TlsError::Empty) } else { Ok(certificates) }
}
