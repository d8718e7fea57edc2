//! What a client believes of an HSM.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use strongroom_pki::Certificate;

use super::chain::{MOST_SHOWN, leads_to};
use super::handshake::{Signatures, no_tls12, shown};
use super::{TlsError, anchors::read_pem};

/// Which HSMs a client believes to be of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterTrust {
    pinned: Option<Certificate>,
    anchors: Vec<Certificate>,
}

/// What came of looking at an HSM's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is believed.
    Believed,
    /// It is believed, and it or its issuer has expired or is not valid yet. To be told to people.
    BelievedThoughNotValidNow,
}

impl ClusterTrust {
    /// Trusts what the authority of this PEM (`customerCA.crt`: a root, or a chain) signed.
    pub fn anchored(pem: &str) -> Result<Self, TlsError> {
        Ok(Self { pinned: None, anchors: read_pem(pem)? })
    }

    /// Trusts this certificate alone, given as PEM.
    pub fn pinned(pem: &str) -> Result<Self, TlsError> {
        let pinned = read_pem(pem)?.into_iter().next().ok_or(TlsError::Empty)?;
        Ok(Self { pinned: Some(pinned), anchors: Vec::new() })
    }

    /// Trusts this certificate (PEM) too.
    pub fn or_pinned(mut self, pem: &str) -> Result<Self, TlsError> {
        self.pinned = Some(read_pem(pem)?.into_iter().next().ok_or(TlsError::Empty)?);
        Ok(self)
    }

    /// Judges what an HSM shows: its certificate and those that came along, as DER. `now` is in seconds since
    /// 1970.
    pub fn judge(&self, leaf: &[u8], others: &[&[u8]], now: u64) -> Result<Judgement, TlsError> {
        let leaf = Certificate::from_der(leaf)?;
        let others = others.iter().take(MOST_SHOWN).map(|der| Certificate::from_der(der));
        let others = others.collect::<Result<Vec<_>, _>>()?;
        self.judge_parsed(&leaf, &others, now)
    }

    fn judge_parsed(
        &self,
        leaf: &Certificate,
        others: &[Certificate],
        now: u64,
    ) -> Result<Judgement, TlsError> {
        let is_pinned = self.pinned.as_ref().is_some_and(|pinned| pinned == leaf);
        if !is_pinned && !leads_to(leaf, others, &self.anchors, |_| true) {
            return Err(TlsError::NotTrusted);
        }
        if leaf.is_valid_at(i64::try_from(now).unwrap_or(i64::MAX)) {
            Ok(Judgement::Believed)
        } else {
            Ok(Judgement::BelievedThoughNotValidNow)
        }
    }
}

/// [`ClusterTrust`] as rustls asks it.
#[derive(Debug)]
pub(super) struct ClusterVerifier {
    pub(super) trust: ClusterTrust,
    pub(super) signatures: Signatures,
}

impl ServerCertVerifier for ClusterVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (leaf, others) = shown(leaf, others)?;
        if self.trust.judge_parsed(&leaf, &others, now.as_secs())? == Judgement::BelievedThoughNotValidNow {
            tracing::warn!("the certificate of the HSM's cluster has expired or is not valid yet");
        }
        Ok(ServerCertVerified::assertion())
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
