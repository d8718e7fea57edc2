//! What commands work with: the console, the configuration, and a client for each cluster in use.

use std::env;
use std::path::{Path, PathBuf};

use strongroom_hsm_client::{Cluster, Credentials, LoginStep, Options, tls};
use strongroom_hsm_proto::command::Role;
use strongroom_runtime::Clocks;
use strongroom_secret::SecretString;

use crate::config::{ClusterConfig, Config};
use crate::console::Console;
use crate::error::CliError;
use crate::file::read_bounded;

/// The longest certificate or key file that is read, in bytes.
const MAX_PEM: u64 = 64 << 10;

/// Names the role in which a single command logs in.
pub(crate) const ROLE: &str = "CLOUDHSM_ROLE";
/// Holds `username:password` for it.
pub(crate) const PIN: &str = "CLOUDHSM_PIN";
/// The same for the cluster to which something is copied.
pub(crate) const DESTINATION_ROLE: &str = "DESTINATION_CLOUDHSM_ROLE";
/// The same for the cluster to which something is copied.
pub(crate) const DESTINATION_PIN: &str = "DESTINATION_CLOUDHSM_PIN";

/// How log-ins come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By the command `login`.
    Interactive,
    /// From the environment, before the command.
    Single,
}

/// The two sides of copying. All other commands work at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// One run of the program.
pub(crate) struct Bench {
    pub(crate) console: Console,
    pub(crate) mode: Mode,
    config: Config,
    place: PathBuf,
    clocks: Clocks,
    /// The cluster that commands mean if they name none.
    usual: Option<String>,
    /// The cluster that the command means.
    current: Option<String>,
    open: Vec<(Option<String>, Cluster)>,
    /// The command is not to log in by itself.
    pub(crate) anonymous: bool,
}

impl Bench {
    pub(crate) fn new(mode: Mode, place: PathBuf, usual: Option<String>) -> Result<Self, CliError> {
        Ok(Self {
            console: Console::new(),
            mode,
            config: Config::load(&place)?,
            place,
            clocks: Clocks::system(),
            current: usual.clone(),
            usual,
            open: Vec::new(),
            anonymous: false,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// From now on, commands mean this cluster, or the usual one.
    pub(crate) fn means(&mut self, cluster_id: Option<String>) {
        self.current = cluster_id.or_else(|| self.usual.clone());
    }

    /// The cluster that the command means.
    pub(crate) fn cluster(&mut self) -> Result<&mut Cluster, CliError> {
        self.cluster_named(self.current.clone(), Side::Source)
    }

    /// A cluster by name.
    pub(crate) fn cluster_named(&mut self, id: Option<String>, side: Side) -> Result<&mut Cluster, CliError> {
        let known = self.open.iter().position(|(open, _)| *open == id);
        let at = if let Some(at) = known {
            at
        } else {
            let options = options(self.config.cluster(id.as_deref())?)?;
            let mut cluster = Cluster::new(options, self.clocks.clone())?;
            if self.mode == Mode::Single && !self.anonymous {
                log_in_from_environment(&mut cluster, side)?;
            }
            self.open.push((id, cluster));
            self.open.len() - 1
        };
        match self.open.get_mut(at) {
            Some((_, cluster)) => Ok(cluster),
            None => Err(CliError::usage("no cluster is open")),
        }
    }

    /// Who is logged in at the cluster that commands mean, and its name, for the prompt.
    pub(crate) fn user(&self) -> Option<(&str, Option<&str>)> {
        let (id, cluster) = self.open.iter().find(|(id, _)| *id == self.usual)?;
        Some((cluster.user()?.0, id.as_deref()))
    }

    /// Keeps the addresses that clients have learned. That they cannot be kept is no failure of a command.
    pub(crate) fn keep_learned(&mut self) {
        let mut changed = false;
        for (id, cluster) in &self.open {
            if let Some(entry) = self.config.cluster_mut(id.as_deref()) {
                changed |= entry.learn(&cluster.servers());
            }
        }
        if !changed {
            return;
        }
        // Another process may have configured something else meanwhile: what it wrote is what is added to.
        let stored = Config::load(&self.place).and_then(|mut fresh| {
            let mut changed = false;
            for (id, cluster) in &self.open {
                if let Some(entry) = fresh.cluster_mut(id.as_deref()) {
                    changed |= entry.learn(&cluster.servers());
                }
            }
            if changed { fresh.store(&self.place) } else { Ok(()) }
        });
        if let Err(error) = stored {
            tracing::warn!(%error, "the addresses of other HSMs could not be kept");
        }
    }

    /// Logs out everywhere.
    pub(crate) fn close(&mut self) {
        for (_, cluster) in &mut self.open {
            if let Err(error) = cluster.logout() {
                tracing::debug!(%error, "could not log out");
            }
        }
        self.open.clear();
    }
}

fn options(config: &ClusterConfig) -> Result<Options, CliError> {
    let authority = config
        .hsm_ca_file
        .as_ref()
        .ok_or_else(|| CliError::usage("the certificate of the cluster's authority is not configured: name it with `cloudhsm-cli configure --hsm-ca-cert FILE`"))?;
    let authority = text(authority)?;
    let client = match (&config.client_cert_hsm_tls_file, &config.client_key_hsm_tls_file) {
        (Some(certificate), Some(key)) => Some((text(certificate)?, SecretString::new(text(key)?))),
        _ => None,
    };
    let tls = tls(&authority, client.as_ref().map(|(certificate, key)| (certificate.as_str(), key)))?;
    let mut options = Options::new(config.known_servers(), tls);
    options.cluster_id.clone_from(&config.cluster_id);
    options.check_key_availability = config.options.disable_key_availability_check != Some(true);
    options.retry = config.options.retry();
    options.client_name = format!("cloudhsm-cli {}", env!("CARGO_PKG_VERSION"));
    Ok(options)
}

fn text(path: &Path) -> Result<String, CliError> {
    String::from_utf8(read_bounded(path, MAX_PEM)?).map_err(|_| CliError::file(path, "not a PEM file"))
}

fn log_in_from_environment(cluster: &mut Cluster, side: Side) -> Result<(), CliError> {
    let (role_name, pin_name) = match side {
        Side::Source => (ROLE, PIN),
        Side::Destination => (DESTINATION_ROLE, DESTINATION_PIN),
    };
    let credentials = match (env::var(role_name), env::var(pin_name).map(SecretString::new)) {
        (Err(_), Err(_)) => return Ok(()),
        (Ok(_), Err(_)) => return Err(CliError::usage(format!("{role_name} is set and {pin_name} is not"))),
        (Err(_), Ok(_)) => return Err(CliError::usage(format!("{pin_name} is set and {role_name} is not"))),
        (Ok(role), Ok(pin)) => {
            let role = match role.as_str() {
                "admin" => Role::Admin,
                "crypto-user" => Role::CryptoUser,
                _ => return Err(CliError::usage(format!("{role_name} is neither admin nor crypto-user"))),
            };
            let (username, password) = pin
                .expose()
                .split_once(':')
                .ok_or_else(|| CliError::usage(format!("{pin_name} is not of the form username:password")))?;
            Credentials {
                username: username.to_owned(),
                role,
                password: SecretString::new(password.to_owned()),
            }
        }
    };
    match cluster.login(credentials)? {
        LoginStep::Done => Ok(()),
        LoginStep::Challenges(_) => {
            cluster.logout()?;
            Err(CliError::usage("the user has a second factor: log in with `cloudhsm-cli interactive`"))
        }
    }
}
