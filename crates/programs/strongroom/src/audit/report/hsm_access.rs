//! How the report reaches the HSMs of clusters.

use std::env;
use std::fs;

use anyhow::{Context as _, Result, bail};
use strongroom_hsm_client::Credentials;
use strongroom_hsm_proto::command::Role;
use strongroom_secret::SecretString;

use crate::cli::ReportOptions;

/// The role in which `cloudhsm-cli` logs in too.
const ROLE: &str = "CLOUDHSM_ROLE";
/// `username:password` for it.
const PIN: &str = "CLOUDHSM_PIN";

/// Whether HSMs are asked, and as whom.
pub(super) enum HsmAccess {
    /// They are left out on purpose.
    LeftOut,
    /// Nobody has said whom to believe to be an HSM.
    Unknown,
    /// They are asked.
    Known(Known),
}

/// What HSMs are asked with.
pub(super) struct Known {
    /// The certificate of the authority that signed the clusters', as PEM.
    pub(super) authority: String,
    /// The administrator, if one is named.
    pub(super) administrator: Option<Credentials>,
}

impl HsmAccess {
    pub(super) fn of(options: &ReportOptions) -> Result<Self> {
        if options.without_hsms {
            return Ok(Self::LeftOut);
        }
        let Some(path) = &options.hsm_ca_cert else { return Ok(Self::Unknown) };
        let authority = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self::Known(Known { authority, administrator: administrator()? }))
    }
}

/// Who the environment says logs in.
fn administrator() -> Result<Option<Credentials>> {
    let Some(pin) = env::var(PIN).ok().map(SecretString::new) else { return Ok(None) };
    if env::var(ROLE).is_ok_and(|role| role != "admin") {
        bail!(
            "the report needs an administrator, who sees all users and keys: set {ROLE}=admin, or unset {PIN}"
        );
    }
    let Some((username, password)) = pin.expose().split_once(':') else {
        bail!("{PIN} is not username:password");
    };
    let password = SecretString::new(password.to_owned());
    Ok(Some(Credentials { username: username.to_owned(), role: Role::Admin, password }))
}
