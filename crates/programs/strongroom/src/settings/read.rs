//! Settings read: the file first, then what the environment replaces. Whatever is wrong is told with its place.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize as _;
use strongroom_secret::SecretString;

use super::{Settings, environment};

/// The bytes of a configuration file, at most.
const MOST_BYTES: u64 = 1 << 20;

/// The permission bits of group and others; those by which they write.
const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;

impl Settings {
    /// Reads the file at `path`, and the environment, which goes before it.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let (text, mode) = text_of(path)?;
        let named = path.display();
        let of_file = parse(text.expose()).with_context(|| format!("{named} cannot be used"))?;
        if mode & OTHERS_WRITE != 0 {
            bail!("others may change {named}, and so what the server does; run: chmod go-w {named}");
        }
        if of_file.store.url.has_password() && mode & OTHERS != 0 {
            bail!("others may read {named}, which has the password of the store; run: chmod 600 {named}");
        }
        let table = text.expose().parse().with_context(|| format!("reading {named}"))?;
        let settings = environment::replace(of_file, table, std::env::vars_os())?;
        settings.check().with_context(|| format!("{named} cannot be used"))?;
        Ok(settings)
    }

    /// The same for a server, which has other names for what `strongroom dev` takes from the environment.
    pub(crate) fn read_to_serve(path: &Path) -> Result<Self> {
        environment::refuse_options_of_dev(|name| std::env::var_os(name).is_some())?;
        Self::read(path)
    }

    /// What no value can say by itself.
    fn check(&self) -> Result<()> {
        self.server.tls()?;
        self.seal.check()?;
        self.store.check()
    }
}

/// The text of the file, and its permission bits.
fn text_of(path: &Path) -> Result<(SecretString, u32)> {
    let named = path.display();
    let file = File::open(path).with_context(|| {
        format!("reading {named}; make it with `strongroom init`, or name another with --config")
    })?;
    let metadata = file.metadata().with_context(|| format!("reading {named}"))?;
    let mut text = String::new();
    file.take(MOST_BYTES + 1).read_to_string(&mut text).with_context(|| format!("reading {named}"))?;
    if text.len() as u64 > MOST_BYTES {
        bail!("{named} has more than {MOST_BYTES} bytes, and is no configuration of Strongroom");
    }
    Ok((SecretString::new(text), metadata.permissions().mode()))
}

/// Reads settings from TOML.
fn parse(text: &str) -> Result<Settings> {
    let reader = toml::Deserializer::parse(text).map_err(|error| at_line(text, None, &error))?;
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let place = error.path().to_string();
        at_line(text, Some(&place), error.inner())
    })
}

/// What is wrong, on which line, in which field.
fn at_line(text: &str, place: Option<&str>, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(String::new(), |before| format!("line {}, ", before.matches('\n').count() + 1));
    match place.filter(|place| *place != ".") {
        Some(place) => anyhow!("{line}{}: {}", shown(place), error.message()),
        None => anyhow!("{line}{}", error.message()),
    }
}

/// A place as the file has it: `store.url` is `[store] url`.
pub(super) fn shown(place: &str) -> String {
    match place.split_once('.') {
        Some((section, field)) => format!("[{section}] {field}"),
        None => format!("[{place}]"),
    }
}

/// Reads settings from a table whose values the environment has replaced. What is wrong comes without a place: the
/// caller knows which it has replaced.
pub(super) fn from_table(table: toml::Table) -> Result<Settings, String> {
    Settings::deserialize(table).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named_by_line_field_value_and_what_is_right() {
        for (text, expected) in [
            ("[server]\nlisten = \"localhost\"\n", "line 2, [server] listen: invalid socket address syntax"),
            (
                "[server]\nlisten = 8443\n",
                "line 2, [server] listen: invalid type: integer `8443`, expected socket address",
            ),
            (
                "[key_stores]\n\ntimeout_seconds = 0\n",
                "line 3, [key_stores] timeout_seconds: 0 is out of bounds; use a whole number from 1 to 300",
            ),
            (
                "[key_stores]\ntimeout_seconds = \"5\"\n",
                "line 2, [key_stores] timeout_seconds: invalid type: string \"5\", expected a whole number from 1 to 300",
            ),
            (
                "[data]\ndir = \"data\"\n",
                "line 2, [data] dir: \"data\" is not an absolute path; begin it with /",
            ),
            (
                "[seal]\nslot = \"tpm\"\n",
                "line 2, [seal] slot: unknown variant `tpm`, expected `file` or `passphrase`",
            ),
            (
                "[data]\n[seal]\nfolder = \"/x\"\n",
                "line 3, [seal] folder: unknown field `folder`, expected one of `dir`, `slot`, `passphrase_file`",
            ),
        ] {
            let said = refusal(text);
            assert!(said.starts_with(expected), "{said}");
        }
        let said = refusal("\n[sever]\nlisten = 1\n");
        assert!(
            said.contains("line 2") && said.contains("unknown field `sever`, expected one of `server`"),
            "{said}"
        );
        let said = refusal("[server]\nlisten\n");
        assert!(said.starts_with("line 2, "), "{said}");
    }

    #[test]
    fn a_url_that_is_none_is_not_repeated() {
        let said = refusal("[store]\nurl = \"mysql://me:secret@host/db\"\n");
        assert!(said.starts_with("line 2, [store] url: use \"sqlite\""), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let settings = parse("").unwrap();
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8443");
        assert_eq!(settings.data.dir(), Path::new("/var/lib/strongroom"));
        assert!(settings.check().is_ok());
    }

    #[test]
    fn without_a_certificate_only_this_machine_is_served() {
        for (server, expected) in [
            ("listen = \"0.0.0.0:443\"", "without TLS everyone between reads"),
            ("certificate = \"/c.pem\"", "a certificate and no key"),
            ("key = \"/k.pem\"", "a key and no certificate"),
            ("certificate = \"/c.pem\"\nkey = \"/k.pem\"\nplain_http = true", "leave one of them out"),
        ] {
            let said = parse(&format!("[server]\n{server}\n")).unwrap().check().unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        for server in [
            "listen = \"[::1]:443\"",
            "listen = \"0.0.0.0:80\"\nplain_http = true",
            "listen = \"0.0.0.0:443\"\ncertificate = \"/c.pem\"\nkey = \"/k.pem\"",
        ] {
            assert!(parse(&format!("[server]\n{server}\n")).unwrap().check().is_ok(), "{server}");
        }
    }
}
