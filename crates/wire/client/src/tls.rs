//! Whom TLS trusts.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::CallError;
use crate::files::{read_bounded, variable};

/// The longest file of authorities, in bytes.
const MAX_AUTHORITIES: u64 = 16 << 20;
/// Where systems keep the authorities that they trust.
const AUTHORITIES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Trusts whom the system trusts, or whom `AWS_CA_BUNDLE` names.
pub(crate) fn config(authority: &str) -> Result<Arc<ClientConfig>, CallError> {
    let roots = authorities()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| CallError::Tls { authority: authority.to_owned(), source })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The authorities that the system trusts, or those in the file that `AWS_CA_BUNDLE` or `SSL_CERT_FILE` names; an error
/// if there are none.
pub fn authorities() -> Result<RootCertStore, CallError> {
    let named = variable("AWS_CA_BUNDLE").or_else(|| variable("SSL_CERT_FILE"));
    let file = named
        .or_else(|| AUTHORITIES.iter().find(|path| Path::new(path).exists()).map(|path| (*path).to_owned()));
    let file = file.ok_or(CallError::NoAuthorities)?;
    let path = Path::new(&file);
    let text = read_bounded(path, MAX_AUTHORITIES)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&text).flatten());
    if roots.is_empty() {
        return Err(CallError::file(path, "there are no certificates in it"));
    }
    Ok(roots)
}
