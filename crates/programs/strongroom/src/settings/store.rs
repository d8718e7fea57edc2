//! `[store]`: where everything is kept that servers share.

use std::fmt::Write as _;

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

    /// The URL of PostgreSQL, with the password out of its file.
    pub(crate) fn url_with_password(&self) -> Result<SecretString> {
        let StoreUrl::Postgres(url) = &self.url else { bail!("[store] url names no PostgreSQL") };
        let Some(file) = &self.password_file else { return Ok(url.clone()) };
        let password = secret_file::read(file.as_path())?;
        let joint = if url.expose().contains('?') { '&' } else { '?' };
        // Room from the start: what grows leaves copies behind.
        let mut whole = String::with_capacity(url.expose().len() + 3 * password.expose().len() + 16);
        whole.push_str(url.expose());
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
