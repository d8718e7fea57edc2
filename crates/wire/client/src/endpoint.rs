//! Where a server is.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;

use crate::files::variable;
use crate::{CallError, tls};

/// Where a server is: `http://host:port` or `https://host:port`.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) is_tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    authority: String,
    /// Whom TLS trusts, once that was needed: there are many to read.
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Endpoint {
    /// Reads a URL without path, query or user.
    pub fn parse(url: &str) -> Result<Self, CallError> {
        let bad = || CallError::BadEndpoint(url.to_owned());
        let (is_tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(bad()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| bad())?,
            None if is_tls => 443,
            None => 80,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_plain = |letter: char| letter.is_ascii_graphic() && !"/@?#\\".contains(letter);
        if host.is_empty() || !authority.chars().all(is_plain) {
            return Err(bad());
        }
        Ok(Self { is_tls, host, port, authority: authority.to_owned(), tls: Arc::default() })
    }

    /// The endpoint of a service: the one that is named, else the one of the service's own variable
    /// (`AWS_ENDPOINT_URL_CLOUDHSM_V2`), of `AWS_ENDPOINT_URL`, or `usual`.
    pub fn find(named: Option<&str>, variable_of_service: &str, usual: &str) -> Result<Self, CallError> {
        let found = named
            .map(str::to_owned)
            .or_else(|| variable(variable_of_service))
            .or_else(|| variable("AWS_ENDPOINT_URL"));
        Self::parse(found.as_deref().unwrap_or(usual))
    }

    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>, CallError> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let config = tls::config(&self.authority)?;
        Ok(Arc::clone(self.tls.get_or_init(|| config)))
    }

    /// Host and port as the header `host` names them.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http{}://{}", if self.is_tls { "s" } else { "" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read() {
        let endpoint = Endpoint::parse("http://127.0.0.1:4566/").unwrap();
        assert_eq!((endpoint.is_tls, endpoint.host.as_str(), endpoint.port), (false, "127.0.0.1", 4566));
        assert_eq!(endpoint.authority(), "127.0.0.1:4566");
        assert_eq!(endpoint.to_string(), "http://127.0.0.1:4566");
        let endpoint = Endpoint::parse("https://[fd00::1]:8443").unwrap();
        assert_eq!((endpoint.is_tls, endpoint.host.as_str(), endpoint.port), (true, "fd00::1", 8443));
        assert_eq!(Endpoint::parse("https://[fd00::1]").unwrap().port, 443);
        assert_eq!(Endpoint::parse("https://cloudhsmv2.us-east-1.amazonaws.com").unwrap().port, 443);
        let wrong = ["127.0.0.1:4566", "http://", "http://a:b", "ftp://a", "http://a/b", "http://a@b"];
        for wrong in wrong.into_iter().chain(["http://a\r\nb", "http://a b", "http://a\\b"]) {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }
}
