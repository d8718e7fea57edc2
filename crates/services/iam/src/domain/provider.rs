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
    /// The provider of a request.
    pub(crate) fn new(
        id: String,
        url: &str,
        client_ids: &[String],
        thumbprints: &[String],
        tags: Tags,
        now_ms: i64,
    ) -> Result<Self, Refusal> {
        let url = parse_url(url)?.to_owned();
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

/// The URL of a provider without its scheme: a host and perhaps a path, no port and no query.
pub(crate) fn parse_url(url: &str) -> Result<&str, Refusal> {
    let invalid = || Refusal::Validation("Invalid Open ID Connect Provider URL".to_owned());
    let rest = url.strip_prefix(SCHEME).ok_or_else(invalid)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_host = host.split('.').all(is_label);
    let is_path = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
    if is_host && is_path { Ok(rest) } else { Err(invalid()) }
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
            assert_eq!(parse_url(url).unwrap(), wanted);
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
            assert!(parse_url(url).is_err(), "{url}");
        }
    }
}
