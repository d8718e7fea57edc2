//! TLS between HSMs and the control plane: each shows a certificate that the other knows byte for byte.
//!
//! An HSM is started with the control plane's certificate. The control plane takes any certificate in the
//! handshake, with proof of its key; what it means is decided by [`Register`](crate::fleet::Register), by the
//! one-time token at first and by the certificate ever after. Until then nothing is said on the connection.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use super::TlsError;
use super::configuration::never_resume;
use super::handshake::{Signatures, no_tls12, provider, shown};

/// How an HSM connects: with its device certificate chain (DER) and key (PKCS#8 DER), to whoever shows the
/// pinned certificate (DER).
pub fn hsm_config(
    device_chain: &[Vec<u8>],
    device_key: &[u8],
    pinned: &[u8],
) -> Result<ClientConfig, TlsError> {
    let verifier = Pinned { certificate: pinned.to_vec(), signatures: Signatures::new() };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsError::Key(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(identity(device_chain, device_key)?));
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// How the control plane listens: with its certificate chain (DER) and key (PKCS#8 DER). Every HSM shows a
/// certificate, which is the first one of [`peer_certificates`](rustls::CommonState::peer_certificates).
pub fn plane_config(chain: &[Vec<u8>], key: &[u8]) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsError::Key(error.to_string()))?
        .with_client_cert_verifier(Arc::new(AnyDevice(Signatures::new())))
        .with_cert_resolver(Arc::new(identity(chain, key)?));
    never_resume(&mut config);
    Ok(config)
}

fn identity(chain: &[Vec<u8>], key: &[u8]) -> Result<SingleCertAndKey, TlsError> {
    if chain.is_empty() {
        return Err(TlsError::Empty);
    }
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)).clone_key();
    let key =
        provider().key_provider.load_private_key(key).map_err(|error| TlsError::Key(error.to_string()))?;
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    Ok(CertifiedKey::new(chain, key).into())
}

/// Believes one certificate.
#[derive(Debug)]
struct Pinned {
    certificate: Vec<u8>,
    signatures: Signatures,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if leaf.as_ref() == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(TlsError::NotTrusted.into())
        }
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

/// Takes any certificate whose key the peer proves to have.
#[derive(Debug)]
struct AnyDevice(Signatures);

impl ClientCertVerifier for AnyDevice {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        shown(leaf, others)?;
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
        self.0.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.schemes()
    }
}
