//! The server's certificate, where none is given: made for the names that clients call it by, signed by an authority that
//! is made with it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_pki::{Identity, Kind, Name, Validity, issue, private_key_pem, self_sign};
use strongroom_runtime::Clocks;

use super::files;
use crate::settings::{ServerSettings, Settings};

/// How long before now certificates are valid: clocks differ.
const EARLIER_SECONDS: i64 = 3_600;
/// Ten years, and two.
const AUTHORITY_SECONDS: i64 = 3_650 * 86_400;
const SERVER_SECONDS: i64 = 730 * 86_400;

/// The names of this machine that are in every certificate.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Characters of a DNS name.
const LONGEST_NAME: usize = 253;

/// A certificate that was made.
pub(super) struct Made {
    pub(super) certificate: PathBuf,
    /// The certificate of the authority.
    pub(super) authority: PathBuf,
    /// The names and addresses that it is for.
    pub(super) names: Vec<String>,
    /// The one of them to call the server by, as a URL has it.
    pub(super) host: String,
}

/// Makes the certificate that the settings name, if it is not there.
pub(super) fn provide(settings: &Settings, names: &[String]) -> Result<Option<Made>> {
    let Some(tls) = settings.server.tls()? else { return Ok(None) };
    let (certificate, key) = (tls.certificate.as_path(), tls.key.as_path());
    match (certificate.exists(), key.exists()) {
        (true, true) => return Ok(None),
        (false, false) => {}
        _ => bail!(
            "of {} and {} one is there and the other is not; put it beside it, or remove both for new ones",
            certificate.display(),
            key.display()
        ),
    }
    let folder = certificate.parent().unwrap_or(Path::new("/"));
    let (authority, authority_key) = (folder.join("ca.pem"), folder.join("ca.key"));
    for file in [&authority, &authority_key] {
        if file.exists() {
            bail!(
                "{} is there, and is not written over; remove it, or make the certificate with it",
                file.display()
            );
        }
    }
    let names = all_names(names, &settings.server)?;
    files::make_folder(folder)?;
    let now = Clocks::system().real_now() / 1000;
    let authority_signer = PrivateKey::generate(Curve::P256)?;
    let validity = Validity { not_before: now - EARLIER_SECONDS, not_after: now + AUTHORITY_SECONDS };
    let name = Name::new().organization("Strongroom").common_name("Strongroom server authority");
    let root = self_sign(
        &Identity::new(name, Kind::Authority { path_length: Some(0) }, validity),
        &authority_signer,
    )
    .context("making the authority's certificate")?;

    let server_key = PrivateKey::generate(Curve::P256)?;
    let validity = Validity { not_after: now + SERVER_SECONDS, ..validity };
    let first = names.first().map_or("localhost", String::as_str);
    let mut identity = Identity::new(Name::new().common_name(first), Kind::Endpoint, validity);
    for name in &names {
        match name.parse::<IpAddr>() {
            Ok(address) => identity.addresses.push(address),
            Err(_) => identity.dns_names.push(name.clone()),
        }
    }
    let server = issue(&identity, &server_key.public_key().to_spki()?, &root, &authority_signer)
        .context("making the server's certificate")?;

    // Keys first: a certificate without its key would be of no use.
    files::write_new(
        &authority_key,
        0o600,
        private_key_pem(&authority_signer.to_pkcs8()?).expose().as_bytes(),
    )?;
    files::write_new(&authority, 0o644, root.to_pem().as_bytes())?;
    files::write_new(key, 0o600, private_key_pem(&server_key.to_pkcs8()?).expose().as_bytes())?;
    files::write_new(certificate, 0o644, server.to_pem().as_bytes())?;
    let host = match first.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => first.to_owned(),
    };
    Ok(Some(Made { certificate: certificate.to_owned(), authority, names, host }))
}

/// The names that were asked for, the address that is listened on, and those of this machine; each once.
fn all_names(asked: &[String], server: &ServerSettings) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let listened = Some(server.listen.ip()).filter(|address| !address.is_unspecified());
    let machine = rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
    let machine = machine.filter(|name| is_name(name));
    for name in asked {
        if name.parse::<IpAddr>().is_err() && !is_name(name) {
            bail!("--name {name} is neither a DNS name nor an address");
        }
    }
    let own = OWN_NAMES.map(str::to_owned);
    let all =
        asked.iter().cloned().chain(listened.map(|address| address.to_string())).chain(machine).chain(own);
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Whether a text can be a DNS name (RFC 1123), the first label of which may be a star.
fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix("*.").unwrap_or(text);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= LONGEST_NAME && rest.split('.').all(is_label)
}
