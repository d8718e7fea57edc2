//! Providers of identities that speak OpenID Connect (IAM User Guide, "Create an OpenID Connect (OIDC) identity
//! provider in IAM").

use serde::{Deserialize, Serialize};

use super::tags::Tags;
use crate::error::Refusal;

/// Client ids of a provider, and thumbprints of its certificates (IAM User Guide, "IAM and STS quotas"; IAM API
/// Reference, "CreateOpenIDConnectProvider").
const MOST_CLIENT_IDS: usize = 100;
const MOST_THUMBPRINTS: usize = 5;

/// What the URL of a provider begins with.
const SCHEME: &str = "https://";
const PLAIN_SCHEME: &str = "http://";

/// A provider of identities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(crate) id: String,
    /// Its URL without the scheme, as ARNs and condition keys have it: `server.example.com/tenant`.
    pub(crate) url: String,
    pub(crate) created_ms: i64,
    /// Also called audiences.
    #[serde(default)]
    pub(crate) client_ids: Vec<String>,
    /// SHA-1 of certificates, in hexadecimal.
    #[serde(default)]
    pub(crate) thumbprints: Vec<String>,
    #[serde(default)]
    pub(crate) tags: Tags,
}

impl Provider {
    /// The provider of a request, by its URL [without the scheme](parse_url).
    pub(crate) fn new(
        id: String,
        url: &str,
        client_ids: &[String],
        thumbprints: &[String],
        tags: Tags,
        now_ms: i64,
    ) -> Result<Self, Refusal> {
        let url = url.to_owned();
        let (client_ids, thumbprints) = (check_client_ids(client_ids)?, check_thumbprints(thumbprints)?);
        Ok(Self { id, url, created_ms: now_ms, client_ids, thumbprints, tags })
    }

    /// Adds a client id, unless it is there.
    pub(crate) fn add_client_id(&mut self, client_id: &str) -> Result<(), Refusal> {
        let with = [self.client_ids.as_slice(), &[client_id.to_owned()]].concat();
        self.client_ids = check_client_ids(&with)?;
        Ok(())
    }

    /// Takes a client id away, if it is there.
    pub(crate) fn remove_client_id(&mut self, client_id: &str) {
        self.client_ids.retain(|known| known != client_id);
    }

    /// Puts other thumbprints in place of those that are there.
    pub(crate) fn set_thumbprints(&mut self, thumbprints: &[String]) -> Result<(), Refusal> {
        self.thumbprints = check_thumbprints(thumbprints)?;
        Ok(())
    }
}

/// The URL of a provider without its scheme: a host and perhaps a path, no port and no query. Where providers of this
/// machine count, theirs may have a port, and need no TLS.
pub(crate) fn parse_url(url: &str, reaches_local: bool) -> Result<&str, Refusal> {
    let invalid = || Refusal::Validation("Invalid Open ID Connect Provider URL".to_owned());
    let local = |rest: &&str| reaches_local && is_loopback(rest);
    let rest = url.strip_prefix(SCHEME).or_else(|| url.strip_prefix(PLAIN_SCHEME).filter(local));
    let rest = rest.ok_or_else(invalid)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if local(&rest) && port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_host = host.split('.').all(is_label);
    let is_path = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
    if is_host && is_path { Ok(rest) } else { Err(invalid()) }
}

/// Whether a URL without its scheme is of this machine itself.
pub(crate) fn is_loopback(url: &str) -> bool {
    let authority = url.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1")
}

/// Client ids without those that come twice.
fn check_client_ids(client_ids: &[String]) -> Result<Vec<String>, Refusal> {
    let mut kept: Vec<String> = Vec::new();
    for client_id in client_ids {
        if !kept.contains(client_id) {
            kept.push(client_id.clone());
        }
        if kept.len() > MOST_CLIENT_IDS {
            return Err(Refusal::quota("ClientIdsPerOpenIdConnectProvider", MOST_CLIENT_IDS));
        }
    }
    Ok(kept)
}

/// The model bounds the length of each.
fn check_thumbprints(thumbprints: &[String]) -> Result<Vec<String>, Refusal> {
    if thumbprints.len() > MOST_THUMBPRINTS {
        return Err(Refusal::invalid_input("Thumbprint list must contain fewer than 5 entries."));
    }
    if !thumbprints.iter().all(|thumbprint| thumbprint.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Err(Refusal::invalid_input(
            "Thumbprints are SHA-1 hashes in hexadecimal, 40 characters each.",
        ));
    }
    Ok(thumbprints.iter().map(|thumbprint| thumbprint.to_ascii_lowercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_of_a_host_and_a_path() {
        for (url, wanted) in [
            ("https://server.example.com", "server.example.com"),
            ("https://oidc.example.com/id/A1-b", "oidc.example.com/id/A1-b"),
            ("https://localhost", "localhost"),
        ] {
            assert_eq!(parse_url(url, false).unwrap(), wanted);
        }
        for url in [
            "http://server.example.com",
            "server.example.com",
            "https://",
            "https:///path",
            "https://server.example.com:8443",
            "https://server.example.com?tenant=1",
            "https://server.example.com/a#b",
            "https://user@server.example.com",
            "https://-a.example.com",
            "https://a..b",
            "https://server.example.com/a b",
        ] {
            assert!(parse_url(url, false).is_err(), "{url}");
            assert!(parse_url(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn urls_of_this_machine_count_where_it_is_said() {
        for (url, wanted) in [
            ("http://localhost:8080", "localhost:8080"),
            ("http://127.0.0.1:8080/tenant", "127.0.0.1:8080/tenant"),
            ("https://localhost:8443", "localhost:8443"),
        ] {
            assert_eq!(parse_url(url, true).unwrap(), wanted);
            assert!(parse_url(url, false).is_err(), "{url}");
        }
        for url in ["http://localhost:x", "http://localhost:70000", "http://127.0.0.1.example.com:80"] {
            assert!(parse_url(url, true).is_err(), "{url}");
        }
    }
}
