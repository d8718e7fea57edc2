//! `cluster ...`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use strongroom_secret::SecretString;

use super::values::{number32, secret};

/// Commands on the cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// Set the password of the first administrator, `admin`
    ///
    /// This is the last step of setting up a cluster. It works once; afterwards the cluster's state is ACTIVE.
    Activate(Activate),
    /// List the HSMs of the cluster
    HsmInfo,
    /// Decide which clients need a certificate of their own (mutual TLS)
    #[command(subcommand)]
    Mtls(Mtls),
}

#[derive(Debug, Args)]
pub(crate) struct Activate {
    /// The password of the administrator; asked for if it is not given
    #[arg(long, value_parser = secret)]
    pub(crate) password: Option<SecretString>,
}

/// Commands on clients' certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum Mtls {
    /// Register a certificate authority whose clients are let in
    RegisterTrustAnchor(RegisterTrustAnchor),
    /// Remove one; connections that came in by it are closed
    DeregisterTrustAnchor(DeregisterTrustAnchor),
    /// List them
    ListTrustAnchors,
    /// Tell whether every client needs a certificate
    GetEnforcement,
    /// Say whether every client needs a certificate; connections without one are closed
    ///
    /// For the user `admin` only, over a connection with a certificate.
    SetEnforcement(SetEnforcement),
}

#[derive(Debug, Args)]
pub(crate) struct RegisterTrustAnchor {
    /// File with the certificate, or a chain of them in order, as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DeregisterTrustAnchor {
    /// The certificate's reference, in hexadecimal or decimal
    #[arg(long, value_parser = number32)]
    pub(crate) certificate_reference: u32,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SetEnforcement {
    /// Who needs a certificate
    #[arg(long, value_enum)]
    pub(crate) level: Level,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

/// Levels of enforcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Nobody
    None,
    /// Every client of the cluster
    Cluster,
}
