//! `[server]`: where it is reached.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, bail};
use serde::Deserialize;

use super::AbsolutePath;

/// Where a server is reached, and by whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSettings {
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// The certificate for the names that clients call it by, in PEM, with its chain.
    pub(crate) certificate: Option<AbsolutePath>,
    /// The private key of the certificate, in PEM, readable by its owner only.
    pub(crate) key: Option<AbsolutePath>,
    /// Serve without TLS where other machines reach the server, too: something in front of it has the certificate.
    pub(crate) plain_http: bool,
    /// Origins whose web pages may call, beside pages of this machine.
    pub(crate) allow_origins: Vec<String>,
}

/// The files of a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tls<'s> {
    pub(crate) certificate: &'s AbsolutePath,
    pub(crate) key: &'s AbsolutePath,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
            certificate: None,
            key: None,
            plain_http: false,
            allow_origins: Vec::new(),
        }
    }
}

impl ServerSettings {
    /// The certificate to serve with, or `None` for plain HTTP, where that can be had.
    pub(crate) fn tls(&self) -> Result<Option<Tls<'_>>> {
        match (&self.certificate, &self.key) {
            (Some(_), Some(_)) if self.plain_http => {
                bail!(
                    "[server] has a certificate, and plain_http = true would not use it; leave one of them out"
                )
            }
            (Some(certificate), Some(key)) => Ok(Some(Tls { certificate, key })),
            (Some(_), None) => {
                bail!("[server] has a certificate and no key; name the file of its key as `key`")
            }
            (None, Some(_)) => {
                bail!(
                    "[server] has a key and no certificate; name the file of its certificate as `certificate`"
                )
            }
            (None, None) if self.plain_http || self.listen.ip().is_loopback() => Ok(None),
            (None, None) => bail!(
                "[server] listen = \"{}\" is reached from other machines, and without TLS everyone between reads what is \
                 decrypted; name `certificate` and `key`, or say plain_http = true where something in front of the \
                 server has the certificate",
                self.listen
            ),
        }
    }
}
