//! The configuration file, in the form of AWS's client software (`/opt/cloudhsm/etc/cloudhsm-cli.cfg`). What it
//! holds beyond what is known here stays in it.

pub(crate) mod place;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strongroom_hsm_client::{KnownServer, RetryMode, Server, limits::MAX_SERVERS};

use crate::error::CliError;
use crate::file::{read_bounded, replace};

/// The longest configuration file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Clusters that one file may name.
pub(crate) const MAX_CLUSTERS: usize = 64;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) clusters: Vec<ClusterEntry>,
    #[serde(default, skip_serializing_if = "Logging::is_empty")]
    pub(crate) logging: Logging,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClusterEntry {
    /// AWS's files say `hsm1` for every type of HSM.
    #[serde(rename = "type")]
    kind: String,
    pub(crate) cluster: ClusterConfig,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Default for ClusterEntry {
    fn default() -> Self {
        Self { kind: "hsm1".to_owned(), cluster: ClusterConfig::default(), rest: Map::new() }
    }
}

/// Where a cluster is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClusterConfig {
    /// Only where several clusters are configured, or the addresses came from CloudHSM's API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hsm_ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_cert_hsm_tls_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_key_hsm_tls_file: Option<PathBuf>,
    #[serde(default)]
    pub(crate) servers: Vec<ServerEntry>,
    #[serde(default, skip_serializing_if = "ClusterOptions::is_empty")]
    pub(crate) options: ClusterOptions,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// One HSM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerEntry {
    pub(crate) hostname: String,
    pub(crate) port: u16,
    #[serde(default = "yes")]
    pub(crate) enable: bool,
    /// Another HSM named it. Such entries come and go by themselves.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) learned: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What is decided for a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClusterOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disable_key_availability_check: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disable_validate_key_at_init: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_mode: Option<RetryModeEntry>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Whether what fails is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RetryModeEntry {
    Off,
    Standard,
}

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logging {
    /// `term` or `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_file: Option<PathBuf>,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_level: Option<String>,
    /// `never`, `hourly`, `daily` or `weekly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_interval: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Config {
    /// Reads the file; one that is not there is empty.
    pub(crate) fn load(path: &Path) -> Result<Self, CliError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = read_bounded(path, MAX_FILE)?;
        serde_json::from_slice(&text)
            .map_err(|error| CliError::file(path, format!("not a configuration file: {error}")))
    }

    /// Writes the file.
    pub(crate) fn store(&self, path: &Path) -> Result<(), CliError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| CliError::file(path, error))?;
        text.push(b'\n');
        replace(path, &text)
    }

    /// The cluster that is meant: the one of this id, or the only one there is.
    pub(crate) fn cluster(&self, id: Option<&str>) -> Result<&ClusterConfig, CliError> {
        let found = match id {
            Some(id) => self.clusters.iter().find(|entry| entry.cluster.cluster_id.as_deref() == Some(id)),
            None if self.clusters.len() > 1 => {
                return Err(CliError::usage("several clusters are configured: say which with --cluster-id"));
            }
            None => self.clusters.first(),
        };
        match (found, id) {
            (Some(entry), _) => Ok(&entry.cluster),
            // The only cluster need not have its id in the file.
            (None, Some(_)) if self.is_one_nameless() => self.cluster(None),
            (None, Some(id)) => Err(CliError::usage(format!(
                "cluster {id} is not configured: `cloudhsm-cli configure add-cluster --cluster-id {id}` adds it"
            ))),
            (None, None) => Err(CliError::usage(
                "no cluster is configured: `cloudhsm-cli configure -a ADDRESS --hsm-ca-cert FILE` says where it is",
            )),
        }
    }

    fn is_one_nameless(&self) -> bool {
        matches!(self.clusters.as_slice(), [only] if only.cluster.cluster_id.is_none())
    }

    /// The same cluster, to be changed.
    pub(crate) fn cluster_mut(&mut self, id: Option<&str>) -> Option<&mut ClusterConfig> {
        let at = match id {
            Some(id) => {
                let found =
                    self.clusters.iter().position(|entry| entry.cluster.cluster_id.as_deref() == Some(id));
                found.or_else(|| self.is_one_nameless().then_some(0))?
            }
            None => 0,
        };
        self.clusters.get_mut(at).map(|entry| &mut entry.cluster)
    }
}

impl ClusterConfig {
    /// The HSMs to begin with.
    pub(crate) fn known_servers(&self) -> Vec<KnownServer> {
        let enabled = self.servers.iter().filter(|entry| entry.enable).take(MAX_SERVERS);
        enabled.map(ServerEntry::known).collect()
    }

    /// Takes over what a client has learned; tells whether that is anything new.
    pub(crate) fn learn(&mut self, known: &[KnownServer]) -> bool {
        let before = self.servers.clone();
        // What a person wrote, or turned off, stays as it is.
        self.servers.retain(|entry| {
            !entry.learned || !entry.enable || known.iter().any(|known| known.server == entry.server())
        });
        for learned in known.iter().filter(|known| known.learned) {
            if !self.servers.iter().any(|entry| entry.server() == learned.server) {
                self.servers.push(ServerEntry::of(&learned.server, true));
            }
        }
        self.servers.truncate(MAX_SERVERS);
        self.servers != before
    }
}

impl ServerEntry {
    pub(crate) fn of(server: &Server, learned: bool) -> Self {
        Self { hostname: server.host.clone(), port: server.port, enable: true, learned, rest: Map::new() }
    }

    fn server(&self) -> Server {
        Server { host: self.hostname.clone(), port: self.port }
    }

    fn known(&self) -> KnownServer {
        KnownServer { server: self.server(), learned: self.learned }
    }
}

impl ClusterOptions {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn retry(&self) -> RetryMode {
        match self.retry_mode {
            Some(RetryModeEntry::Off) => RetryMode::Off,
            _ => RetryMode::Standard,
        }
    }
}

impl Logging {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As AWS's `configure-cli` writes it.
    const AWS: &str = r#"{"clusters":[{"type":"hsm1","cluster":{"hsm_ca_file":"/opt/cloudhsm/etc/customerCA.crt",
        "servers":[{"hostname":"10.0.1.12","port":2223,"enable":true}]}}],
        "logging":{"log_type":"file","log_file":"/opt/cloudhsm/run/cloudhsm-cli.log","log_level":"info",
        "log_interval":"daily"}}"#;

    fn known(host: &str, learned: bool) -> KnownServer {
        KnownServer { server: Server { host: host.to_owned(), port: 2223 }, learned }
    }

    #[test]
    fn aws_s_file_is_read_and_written_as_it_is() {
        let config: Config = serde_json::from_str(AWS).unwrap();
        assert_eq!(config.cluster(None).unwrap().known_servers(), [known("10.0.1.12", false)]);
        let written: Value = serde_json::to_value(&config).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(AWS).unwrap());
    }

    #[test]
    fn what_is_not_known_here_stays() {
        let text = r#"{"clusters":[{"type":"hsm2","cluster":{"servers":[{"hostname":"a","port":1,"enable":false,
            "weight":3}],"options":{"later":true},"more":[1]},"x":null}],"provider":{"a":1}}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&config).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(config.cluster(None).unwrap().known_servers(), [], "it is turned off");
    }

    #[test]
    fn learned_addresses_come_and_go_and_configured_ones_stay() {
        let mut config: Config = serde_json::from_str(AWS).unwrap();
        let cluster = config.cluster_mut(None).unwrap();
        assert!(cluster.learn(&[known("10.0.1.12", false), known("10.0.2.7", true)]));
        assert_eq!(cluster.known_servers(), [known("10.0.1.12", false), known("10.0.2.7", true)]);
        assert!(!cluster.learn(&[known("10.0.1.12", false), known("10.0.2.7", true)]));
        assert!(cluster.learn(&[known("10.0.3.1", true)]));
        assert_eq!(cluster.known_servers(), [known("10.0.1.12", false), known("10.0.3.1", true)]);
    }

    #[test]
    fn a_cluster_is_named_where_there_are_several() {
        let mut config = Config::default();
        assert!(config.cluster(None).unwrap_err().to_string().contains("no cluster is configured"));
        let mut named = ClusterEntry::default();
        named.cluster.cluster_id = Some("cluster-a".to_owned());
        config.clusters = vec![named.clone(), ClusterEntry::default()];
        assert!(config.cluster(None).unwrap_err().to_string().contains("--cluster-id"));
        assert!(config.cluster(Some("cluster-a")).is_ok());
        assert!(config.cluster(Some("cluster-b")).unwrap_err().to_string().contains("cluster-b"));
        config.clusters = vec![ClusterEntry::default()];
        assert!(config.cluster(Some("cluster-b")).is_ok(), "the only one, whose id is not known");
    }
}
