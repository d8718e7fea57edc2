//! TLS between clients and HSMs.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};

use super::anchors::{AnchorVerifier, read_pem};
use super::cluster_key::ClusterKey;
use super::handshake::{Signatures, provider};
use super::trust::ClusterVerifier;
use super::{ClientAnchors, ClusterSigner, ClusterTrust, TlsError};

/// A client's certificate and key for mutual TLS.
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl ClientIdentity {
    /// From the PEM of a certificate (with those of its issuers after it, if need be) and of its private key
    /// without a passphrase.
    pub fn from_pem(certificates: &str, key: &str) -> Result<Self, TlsError> {
        let chain = read_pem(certificates)?;
        let chain = chain.iter().map(|certificate| certificate.as_der().to_vec().into()).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| TlsError::Key("it is not the PEM of a private key".to_owned()))?;
        Ok(Self { chain, key })
    }
}

/// How an HSM serves clients: with the cluster's certificate, the PEM that the customer's authority signed, the
/// anchor's PEM as the rest of the chain, and the key that signs from inside the HSM.
pub fn server_config(
    cluster_certificate: &str,
    trust_anchor: &str,
    signer: Arc<dyn ClusterSigner>,
    anchors: ClientAnchors,
) -> Result<ServerConfig, TlsError> {
    let mut chain = read_pem(cluster_certificate)?;
    chain.truncate(1);
    chain.extend(read_pem(trust_anchor)?);
    let chain = chain.iter().map(|certificate| certificate.as_der().to_vec().into()).collect();
    let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, Arc::new(ClusterKey(signer))));
    let verifier = AnchorVerifier { anchors, signatures: Signatures::new() };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsError::Key(error.to_string()))?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(resolver));
    never_resume(&mut config);
    Ok(config)
}

/// How a client connects to the HSMs of a cluster.
pub fn client_config(
    trust: ClusterTrust,
    identity: Option<ClientIdentity>,
) -> Result<ClientConfig, TlsError> {
    let key_error = |error: rustls::Error| TlsError::Key(error.to_string());
    let verifier = ClusterVerifier { trust, signatures: Signatures::new() };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(key_error)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some(ClientIdentity { chain, key }) => {
            let key = provider().key_provider.load_private_key(key).map_err(key_error)?;
            // Not `with_client_auth_cert`: that would read the certificate, and refuses version 1.
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))))
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A connection that is resumed would go by what counted when it was made.
pub(super) fn never_resume(config: &mut ServerConfig) {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
}
