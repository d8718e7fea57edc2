//! Where an HSM listens.

use std::fmt;
use std::str::FromStr;

use crate::limits::MAX_HOST_BYTES;

/// The port of HSMs.
pub const DEFAULT_PORT: u16 = 2223;

/// The version of the protocol that this client speaks.
pub(crate) const VERSION: u32 = 1;
/// The name that TLS is given where the server is no name: the certificate is judged by who signed it.
pub(crate) const ANY_NAME: &str = "hsm.invalid";

/// An HSM's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Server {
    /// An IP address, or a name. IPv6 addresses stand without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Server {
    /// The address as sockets take it.
    pub fn socket(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The text is no server's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of an HSM: it looks like 10.0.1.12, 10.0.1.12:2223 or [fd00::1]:2223")]
pub struct BadServer(String);

/// Reads `host`, `host:port`, `[v6]`, `[v6]:port` and a bare IPv6 address.
impl FromStr for Server {
    type Err = BadServer;

    fn from_str(text: &str) -> Result<Self, BadServer> {
        let bad = || BadServer(text.chars().take(MAX_HOST_BYTES).collect());
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(bad()),
            }
        } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
            (text, None)
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        let port = port.map_or(Ok(DEFAULT_PORT), |port| port.parse().map_err(|_| bad()))?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || host.len() > MAX_HOST_BYTES || port == 0 || !host.chars().all(fits) {
            return Err(bad());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}
