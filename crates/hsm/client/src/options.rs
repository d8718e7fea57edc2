//! How a client behaves.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use strongroom_hsm_proto::tls::{ClientIdentity, ClusterTrust, client_config};
use strongroom_secret::SecretString;

use crate::error::Reason;
use crate::limits::Timeouts;
use crate::{ClientError, RetryMode, Server};

/// Where a cluster is and how to talk to it.
#[derive(Clone)]
pub struct Options {
    /// HSMs to begin with; one that answers is enough, the client learns the others.
    pub servers: Vec<KnownServer>,
    /// The cluster. If it is not known, it is that of the first HSM that answers. HSMs of another cluster are not
    /// talked to, though the same authority may have signed their certificate: a password is not theirs to see.
    pub cluster_id: Option<String>,
    /// Who is believed to be an HSM of the cluster, and who the client shows to be.
    pub tls: Arc<ClientConfig>,
    /// Whether keys are told to be made, and used, only when two HSMs have them.
    pub check_key_availability: bool,
    /// Whether, if that is checked, it is checked again when a key is used: not for servers, which go on when one HSM
    /// is left.
    pub check_keys_in_use: bool,
    /// Whether what fails at one HSM is tried at others.
    pub retry: RetryMode,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// What the client calls itself in HSMs' logs.
    pub client_name: String,
    /// This machine's addresses that a [`Pool`](crate::Pool) may connect from: the one that is nearest to the HSM's.
    /// None leaves it to the system.
    pub sources: Vec<IpAddr>,
}

impl Options {
    /// Usual options: keys on two HSMs, retries.
    pub fn new(servers: Vec<KnownServer>, tls: Arc<ClientConfig>) -> Self {
        Self {
            servers,
            cluster_id: None,
            tls,
            check_key_availability: true,
            check_keys_in_use: true,
            retry: RetryMode::Standard,
            timeouts: Timeouts::default(),
            client_name: concat!("strongroom-hsm-client ", env!("CARGO_PKG_VERSION")).to_owned(),
            sources: Vec::new(),
        }
    }
}

/// An HSM's address, and how it came to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownServer {
    /// The address.
    pub server: Server,
    /// Another HSM named it; it was not configured by a person.
    pub learned: bool,
}

/// Makes the TLS side of [`Options`] from PEM texts: the authority that signed the cluster's certificate, and for
/// clusters that ask for one the client's own certificate and private key.
pub fn tls(authority: &str, client: Option<(&str, &SecretString)>) -> Result<Arc<ClientConfig>, ClientError> {
    let configuration =
        |error: strongroom_hsm_proto::tls::TlsError| ClientError::Configuration(error.to_string());
    let trust = ClusterTrust::anchored(authority).map_err(configuration)?;
    let identity = client.map(|(certificate, key)| ClientIdentity::from_pem(certificate, key.expose()));
    let identity = identity.transpose().map_err(configuration)?;
    Ok(Arc::new(client_config(trust, identity).map_err(configuration)?))
}

/// What is said of an HSM of another cluster.
pub(crate) fn another_cluster(its: &str, expected: &str) -> Reason {
    Reason::lasting(format!("it is an HSM of {its}, and not of {expected}"))
}
