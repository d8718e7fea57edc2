//! `configure`: writes the configuration file.

mod describe_clusters;

use std::path::{Path, PathBuf};

use strongroom_hsm_client::{Server, limits::MAX_SERVERS};

use crate::config::{ClusterConfig, ClusterEntry, Config, MAX_CLUSTERS, RetryModeEntry, ServerEntry, place};
use crate::error::CliError;
use crate::grammar::configure::{
    AddCluster, ClusterOptions, Configure, ConfigureCommand, LogLevel, LogRotation, LogType, RetryModeName,
};

/// Writes what the options say to the configuration file, and answers where that is.
pub(crate) fn run(options: &Configure, named: Option<&Path>) -> Result<PathBuf, CliError> {
    let place = place::to_write(named)?;
    let mut config = Config::load(&place)?;
    match &options.command {
        Some(ConfigureCommand::AddCluster(add)) => add_cluster(&mut config, add)?,
        Some(ConfigureCommand::RemoveCluster { cluster_id }) => {
            let before = config.clusters.len();
            config.clusters.retain(|entry| entry.cluster.cluster_id.as_deref() != Some(cluster_id));
            if config.clusters.len() == before {
                return Err(CliError::usage(format!("cluster {cluster_id} is not configured")));
            }
        }
        None => change(&mut config, options)?,
    }
    config.store(&place)?;
    Ok(place)
}

/// Changes the only cluster, or the one that is named, and the log.
fn change(config: &mut Config, options: &Configure) -> Result<(), CliError> {
    if config.clusters.len() > 1 {
        let id = options.cluster.cluster_id.as_deref().ok_or_else(|| {
            CliError::usage(
                "several clusters are configured: use --cluster-id, add-cluster and remove-cluster",
            )
        })?;
        if config.cluster_mut(Some(id)).is_none() {
            return Err(CliError::usage(format!(
                "cluster {id} is not configured: `configure add-cluster --cluster-id {id}` adds it"
            )));
        }
    }
    if config.clusters.is_empty() {
        config.clusters.push(ClusterEntry::default());
    }
    let several = config.clusters.len() > 1;
    let id = options.cluster.cluster_id.as_deref().filter(|_| several);
    let Some(cluster) = config.cluster_mut(id) else { return Ok(()) };
    let addresses = addresses(&options.cluster, &options.addresses)?;
    change_cluster(cluster, &options.cluster, &addresses)?;
    if let Some(off) = switch(options.disable_key_availability_check, options.enable_key_availability_check) {
        cluster.options.disable_key_availability_check = Some(off);
    }
    if let Some(off) = switch(options.disable_validate_key_at_init, options.enable_validate_key_at_init) {
        cluster.options.disable_validate_key_at_init = Some(off);
    }
    if let Some(mode) = options.default_retry_mode {
        cluster.options.retry_mode = Some(match mode {
            RetryModeName::Off => RetryModeEntry::Off,
            RetryModeName::Standard => RetryModeEntry::Standard,
        });
    }
    change_logging(config, options)
}

fn change_logging(config: &mut Config, options: &Configure) -> Result<(), CliError> {
    let logging = &mut config.logging;
    if let Some(kind) = options.log_type {
        logging.log_type = Some(if kind == LogType::Term { "term" } else { "file" }.to_owned());
    }
    if let Some(file) = &options.log_file {
        logging.log_file = Some(whole(file)?);
    }
    if let Some(level) = options.log_level {
        let level = match level {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        };
        logging.log_level = Some(level.to_owned());
    }
    if let Some(rotation) = options.log_rotation {
        let rotation = match rotation {
            LogRotation::Never => "never",
            LogRotation::Hourly => "hourly",
            LogRotation::Daily => "daily",
            LogRotation::Weekly => "weekly",
        };
        logging.log_interval = Some(rotation.to_owned());
    }
    Ok(())
}

fn add_cluster(config: &mut Config, add: &AddCluster) -> Result<(), CliError> {
    let id = add.cluster.cluster_id.as_ref().ok_or_else(|| CliError::usage("--cluster-id is needed"))?;
    if config.clusters.iter().any(|entry| entry.cluster.cluster_id.as_ref() == Some(id)) {
        return Err(CliError::usage(format!("cluster {id} is configured already")));
    }
    if config
        .clusters
        .iter()
        .any(|entry| entry.cluster.cluster_id.is_none() && !entry.cluster.servers.is_empty())
    {
        return Err(CliError::usage(
            "the cluster that is configured has no id: name it first with `configure --cluster-id`",
        ));
    }
    if config.clusters.len() >= MAX_CLUSTERS {
        return Err(CliError::usage(format!("{MAX_CLUSTERS} clusters are configured, which is the most")));
    }
    let addresses = addresses(&add.cluster, &add.addresses)?;
    let mut entry = ClusterEntry::default();
    change_cluster(&mut entry.cluster, &add.cluster, &addresses)?;
    config.clusters.retain(|entry| entry.cluster.cluster_id.is_some());
    config.clusters.push(entry);
    Ok(())
}

/// The addresses that were given, or that CloudHSM's API gives.
fn addresses(options: &ClusterOptions, given: &[Server]) -> Result<Vec<Server>, CliError> {
    match &options.cluster_id {
        Some(id) if given.is_empty() => {
            describe_clusters::addresses(id, options.endpoint.as_deref(), options.region.as_deref())
        }
        _ => Ok(given.to_vec()),
    }
}

fn change_cluster(
    cluster: &mut ClusterConfig,
    options: &ClusterOptions,
    addresses: &[Server],
) -> Result<(), CliError> {
    if let Some(id) = &options.cluster_id {
        cluster.cluster_id = Some(id.clone());
    }
    if addresses.len() > MAX_SERVERS {
        return Err(CliError::usage(format!("at most {MAX_SERVERS} addresses can be configured")));
    }
    if !addresses.is_empty() {
        cluster.servers = addresses.iter().map(|server| ServerEntry::of(server, false)).collect();
    }
    if let Some(file) = &options.hsm_ca_cert {
        cluster.hsm_ca_file = Some(there(file)?);
    } else if cluster.hsm_ca_file.is_none() {
        cluster.hsm_ca_file = Some(PathBuf::from(place::CUSTOMER_CA));
    }
    if let Some(file) = &options.client_cert_hsm_tls_file {
        cluster.client_cert_hsm_tls_file = Some(there(file)?);
    }
    if let Some(file) = &options.client_key_hsm_tls_file {
        cluster.client_key_hsm_tls_file = Some(there(file)?);
    }
    Ok(())
}

/// What two opposite options say: the later of them counts, clap sees to that.
fn switch(disable: bool, enable: bool) -> Option<bool> {
    (disable || enable).then_some(disable)
}

/// The path from the root, of a file that is there.
fn there(file: &Path) -> Result<PathBuf, CliError> {
    std::fs::canonicalize(file).map_err(|error| CliError::file(file, error))
}

/// The path from the root, of a file that may not be there yet.
fn whole(file: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(file).map_err(|error| CliError::file(file, error))
}
