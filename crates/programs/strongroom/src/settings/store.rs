//! `[store]`: where everything is kept that servers share.

use std::fmt::Write as _;
use std::net::IpAddr;

use anyhow::{Result, bail};
use serde::{Deserialize, Deserializer};
use strongroom_secret::SecretString;

use super::{AbsolutePath, Whole, secret_file};

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSettings {
    /// `sqlite`, a file in the data folder, or `postgres://user@host/database`.
    pub(crate) url: StoreUrl,
    /// A file with PostgreSQL's password, for whoever does not want it in the URL.
    password_file: Option<AbsolutePath>,
    /// Connections to PostgreSQL.
    connections: Whole<2, 500>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { url: StoreUrl::default(), password_file: None, connections: Whole::new(16) }
    }
}

/// Which database.
#[derive(Clone, Debug, Default)]
pub(crate) enum StoreUrl {
    /// SQLite, in the data folder.
    #[default]
    InDataFolder,
    /// PostgreSQL. There may be a password in it.
    Postgres(SecretString),
}

impl StoreUrl {
    /// Reads a URL; `None` if it is none of a store.
    pub(crate) fn parse(text: String) -> Option<Self> {
        if text == "sqlite" {
            return Some(Self::InDataFolder);
        }
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        is_postgres.then(|| Self::Postgres(SecretString::new(text)))
    }

    /// Whether the URL has a password in it: `user:password@host`, or as a parameter.
    pub(crate) fn has_password(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        let after_scheme = url.expose().split_once("://").map_or("", |(_, rest)| rest);
        let authority = after_scheme.split(['/', '?']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        user.contains(':')
            || after_scheme.split_once('?').is_some_and(|(_, query)| query.contains("password="))
    }
}

impl StoreUrl {
    /// Whether the database is on another machine, and the URL does not say how the way there is secured.
    fn is_left_to_the_network(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        let after_scheme = url.expose().split_once("://").map_or("", |(_, rest)| rest);
        let (place, query) = after_scheme.split_once('?').unwrap_or((after_scheme, ""));
        let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
        if parameters.clone().any(|(name, _)| matches!(name, "sslmode" | "ssl-mode")) {
            return false;
        }
        if let Some((_, host)) = parameters.find(|(name, _)| matches!(*name, "host" | "hostaddr")) {
            return !is_here(host);
        }
        let authority = place.split('/').next().unwrap_or_default();
        !is_here(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
    }
}

/// Whether a host, and maybe its port, is this machine: a socket's folder, or an address that leaves it not.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_socket = name.is_empty() || name.starts_with('/') || name.to_ascii_lowercase().starts_with("%2f");
    is_socket || name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What it was is not repeated: there may be a password in it.
        let refuse = || {
            serde::de::Error::custom(
                "use \"sqlite\", which is a file in the data folder, or \"postgres://user@host/database\"",
            )
        };
        Self::parse(String::deserialize(deserializer)?).ok_or_else(refuse)
    }
}

impl StoreSettings {
    /// Whether the password is said once, and only where there is one.
    pub(super) fn check(&self) -> Result<()> {
        match (&self.url, &self.password_file) {
            (StoreUrl::InDataFolder, Some(_)) => {
                bail!("[store] names a password_file, and SQLite has no password; leave it out")
            }
            (url @ StoreUrl::Postgres(_), Some(_)) if url.has_password() => {
                bail!("[store] has a password in its url and a password_file; leave one of them out")
            }
            _ => Ok(()),
        }
    }
}

/// What may stand in a parameter of a URL as it is (RFC 3986, "unreserved").
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

impl StoreSettings {
    /// Connections to PostgreSQL.
    pub(crate) fn connections(&self) -> u32 {
        self.connections.get() as u32
    }

    /// The URL of PostgreSQL as it is connected with: with the password out of its file, and over a network with TLS and a
    /// certificate that is verified, unless the URL says otherwise.
    pub(crate) fn url_with_password(&self) -> Result<SecretString> {
        let StoreUrl::Postgres(url) = &self.url else { bail!("[store] url names no PostgreSQL") };
        let password =
            self.password_file.as_ref().map(|file| secret_file::read(file.as_path())).transpose()?;
        let secured = if self.url.is_left_to_the_network() { "sslmode=verify-full" } else { "" };
        // Room from the start: what grows leaves copies behind.
        let room = password.as_ref().map_or(0, |password| 3 * password.expose().len());
        let mut whole = String::with_capacity(url.expose().len() + room + secured.len() + 16);
        whole.push_str(url.expose());
        let mut joint = if url.expose().contains('?') { '&' } else { '?' };
        if !secured.is_empty() {
            whole.push(joint);
            whole.push_str(secured);
            joint = '&';
        }
        let Some(password) = password else { return Ok(SecretString::new(whole)) };
        whole.push(joint);
        whole.push_str("password=");
        for byte in password.expose().bytes() {
            if is_unreserved(byte) {
                whole.push(char::from(byte));
            } else {
                // Writing to a String does not fail.
                let _ = write!(whole, "%{byte:02X}");
            }
        }
        Ok(SecretString::new(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_network_the_store_is_reached_with_tls_unless_told_otherwise() {
        let opened = |url: &str| {
            let settings =
                StoreSettings { url: StoreUrl::parse(url.to_owned()).unwrap(), ..StoreSettings::default() };
            settings.url_with_password().unwrap().expose().to_owned()
        };
        assert_eq!(opened("postgres://a@db.example/x"), "postgres://a@db.example/x?sslmode=verify-full");
        assert_eq!(
            opened("postgres://a@10.0.0.1:5432/x?connect_timeout=3"),
            "postgres://a@10.0.0.1:5432/x?connect_timeout=3&sslmode=verify-full"
        );
        for as_it_is in [
            "postgres://a@db.example/x?sslmode=disable",
            "postgres://a@localhost/x",
            "postgres://a@127.0.0.1:5432/x",
            "postgres://a@[::1]:5432/x",
            "postgres:///x?host=/run/postgresql",
            "postgres://%2Frun%2Fpostgresql/x",
        ] {
            assert_eq!(opened(as_it_is), as_it_is);
        }
    }
}
