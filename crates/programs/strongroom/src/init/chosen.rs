//! From the options of `init` to settings: out of the configuration that is there, or out of one that is written.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::files;
use crate::cli::InitOptions;
use crate::settings::{Chosen, Settings, configuration};

/// The folder of what is made for TLS, beside the configuration.
const TLS_FOLDER: &str = "tls";

/// The settings of the server that is to be made. The path of the configuration is absolute.
pub(super) fn settings(options: &InitOptions) -> Result<Settings> {
    let config = &options.config;
    if config.exists() {
        if options.shapes_configuration() {
            bail!(
                "{0} is there already, and options do not change it; leave them out, or change {0}",
                config.display()
            );
        }
        return Settings::read(config);
    }
    let chosen = chosen(options)?;
    files::make_folder(folder_of(config))?;
    files::write_new(config, 0o600, configuration(&chosen).as_bytes())?;
    let settings = Settings::read(config);
    if settings.is_err() {
        // What nobody could serve is better not there: the next `init` would take it for wanted.
        let _ = std::fs::remove_file(config);
    }
    settings
}

fn chosen(options: &InitOptions) -> Result<Chosen> {
    let folder = folder_of(&options.config).join(TLS_FOLDER);
    let absolute = |path: &Option<PathBuf>| path.as_deref().map(absolute).transpose();
    let is_made = options.certificate.is_none() && !options.plain_http;
    let [certificate, key] = if is_made {
        [Some(folder.join("server.pem")), Some(folder.join("server.key"))]
    } else {
        [absolute(&options.certificate)?, absolute(&options.key)?]
    };
    if options.store.as_deref().is_some_and(has_password) {
        bail!(
            "everyone on this machine can see a password in --store; put it into a file, for --store-password-file"
        );
    }
    Ok(Chosen {
        listen: options.listen,
        certificate,
        key,
        plain_http: options.plain_http,
        data_dir: absolute(&options.data_dir)?,
        store: options.store.clone(),
        store_password_file: absolute(&options.store_password_file)?,
        seal_dir: absolute(&options.seal_dir)?,
        passphrase_file: absolute(&options.passphrase_file)?,
    })
}

/// Whether a URL has a password in it.
fn has_password(url: &str) -> bool {
    crate::settings::StoreUrl::parse(url.to_owned()).is_some_and(|url| url.has_password())
}

/// The folder of a file whose path is absolute.
fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("finding {}", path.display()))
}
