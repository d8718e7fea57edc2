//! Whom TLS trusts when it asks an identity provider: the authorities that the system trusts, and else the one whose
//! thumbprint the provider was given (IAM User Guide, "Obtain the thumbprint for an OpenID Connect identity provider").

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::hex;

/// The authorities of this machine.
pub(super) struct Authorities {
    provider: Arc<CryptoProvider>,
    /// What they vouch for; nothing where the machine has none.
    known: Option<Arc<WebPkiServerVerifier>>,
}

impl Authorities {
    /// Those that the system trusts, or that the variables name which name them for the CLI.
    pub(super) fn of_system() -> Self {
        match strongroom_client::authorities() {
            Ok(roots) => Self::new(Some(roots)),
            Err(error) => {
                tracing::info!(%error, "of identity providers only those with thumbprints are trusted");
                Self::new(None)
            }
        }
    }

    pub(super) fn new(roots: Option<RootCertStore>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = |roots| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().ok()
        };
        let known = roots.and_then(verifier);
        Self { provider, known }
    }

    /// TLS with a provider that has these thumbprints.
    pub(super) fn trusting(&self, thumbprints: &[String]) -> Result<ClientConfig, Error> {
        let (provider, known) = (self.provider.clone(), self.known.clone());
        let trust = Trust { provider, known, thumbprints: thumbprints.to_vec() };
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust))
            .with_no_client_auth();
        Ok(config)
    }
}

/// The authorities and the thumbprints of one provider.
#[derive(Debug)]
struct Trust {
    provider: Arc<CryptoProvider>,
    known: Option<Arc<WebPkiServerVerifier>>,
    thumbprints: Vec<String>,
}

impl Trust {
    /// Verifies the chain up to the certificate in it that has one of the thumbprints. Name, times, signatures and uses
    /// count as they do below a public authority.
    fn verify_by_thumbprint(
        &self,
        end_entity: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let has_thumbprint = |certificate: &&CertificateDer<'_>| {
            self.thumbprints.contains(&hex::encode(&Hash::Sha1.digest(certificate)))
        };
        let mut roots = RootCertStore::empty();
        for trusted in chain.iter().filter(has_thumbprint) {
            roots.add(trusted.clone().into_owned())?;
        }
        let end_entity = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&end_entity, &roots, chain, now, algorithms)?;
        verify_server_name(&end_entity, server_name)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(known) = &self.known
            && let Ok(verified) =
                known.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            return Ok(verified);
        }
        self.verify_by_thumbprint(end_entity, intermediates, server_name, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
