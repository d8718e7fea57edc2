//! cloudhsm-cli, configured for the cluster, and a file that sets a shell up for all of it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use strongroom_hsm_client::DEFAULT_PORT;

use super::cluster::Cluster;
use super::deployments::Deployment;
use super::folder::{Folder, read, write_private, write_public};
use super::site::Site;
use super::users::ADMIN;

/// The tool's name.
const PROGRAM: &str = "cloudhsm-cli";

/// Where the tool is: beside this program, or wherever the shell finds it.
pub(crate) fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|program| program.with_file_name(PROGRAM));
    beside.filter(|program| program.is_file()).unwrap_or_else(|| PathBuf::from(PROGRAM))
}

/// Writes the trust anchor and the tool's configuration. What a person has set beside the cluster's place stays.
pub(crate) fn configure(folder: &Folder, cluster: &Cluster, authority: &str) -> Result<()> {
    write_public(&folder.customer_ca(), authority)?;
    let addresses = cluster.active().filter_map(|hsm| hsm.eni_ip.as_deref());
    let servers: Vec<_> = addresses
        .map(|address| json!({ "hostname": address, "port": DEFAULT_PORT, "enable": true }))
        .collect();
    let path = folder.client_config();
    let known = read(&path)?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let mut config = known.filter(Value::is_object).unwrap_or_else(|| json!({}));
    config["clusters"] = json!([{
        "type": "hsm1",
        "cluster": { "cluster_id": cluster.id, "hsm_ca_file": folder.customer_ca(), "servers": servers },
    }]);
    let text = serde_json::to_string_pretty(&config)?;
    write_public(&path, &format!("{text}\n")).context("configuring cloudhsm-cli")
}

/// Writes what a shell reads to use the deployment: `source` it.
pub(crate) fn write_environment(site: &Site, folder: &Folder, deployment: &Deployment) -> Result<()> {
    let mut lines = vec![
        "# Written by `strongroom up`. Read it with: . FILE".to_owned(),
        export("AWS_ENDPOINT_URL", &site.aws.endpoint().to_string()),
        export("AWS_DEFAULT_REGION", site.aws.region()),
    ];
    if site.is_well_known {
        let credentials = site.aws.credentials();
        // A shell's own would go with them, and be refused.
        lines.push("unset AWS_SESSION_TOKEN AWS_PROFILE".to_owned());
        lines.push(export("AWS_ACCESS_KEY_ID", &credentials.access_key_id));
        lines.push(export("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose()));
    }
    // The tool is found by its name, as in the book.
    if let Some(folder) = program().parent().filter(|folder| !folder.as_os_str().is_empty()) {
        lines.push(format!("export PATH=\"$PATH\":{}", quoted(&folder.display().to_string())));
    }
    let pin = |username: &str, password: &str| format!("{username}:{password}");
    let user = pin(&deployment.crypto_user, deployment.crypto_user_password.expose());
    lines.extend([
        "# cloudhsm-cli: where the HSMs are, and the crypto user's log-in.".to_owned(),
        export("STRONGROOM_CLOUDHSM_CONFIG", &folder.client_config().display().to_string()),
        export("CLOUDHSM_ROLE", "crypto-user"),
        export("CLOUDHSM_PIN", &user),
        "# The administrator's: CLOUDHSM_ROLE=admin CLOUDHSM_PIN=$ADMIN_PIN cloudhsm-cli ...".to_owned(),
        export("ADMIN_PIN", &pin(ADMIN, deployment.admin_password.expose())),
    ]);
    let text = strongroom_secret::SecretString::new(format!("{}\n", lines.join("\n")));
    write_private(&folder.environment(), text.expose())
}

/// A line that sets a variable.
fn export(name: &str, value: &str) -> String {
    format!("export {name}={}", quoted(value))
}

/// A value that a shell takes as it is.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        assert_eq!(export("A", "it's $HOME"), r"export A='it'\''s $HOME'");
    }

    #[test]
    fn what_a_person_configured_stays() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        std::fs::write(folder.client_config(), r#"{"clusters":[],"logging":{"log_level":"debug"}}"#).unwrap();
        let cluster: Cluster = serde_json::from_value(json!({
            "ClusterId": "cluster-a", "State": "ACTIVE", "Hsms": [
                { "HsmId": "hsm-1", "AvailabilityZone": "a", "EniIp": "127.31.0.5", "State": "ACTIVE" },
                { "HsmId": "hsm-2", "AvailabilityZone": "b", "State": "CREATE_IN_PROGRESS" },
            ],
        }))
        .unwrap();
        configure(&folder, &cluster, "anchor").unwrap();
        let config: Value = serde_json::from_str(&read(&folder.client_config()).unwrap().unwrap()).unwrap();
        assert_eq!(config["logging"]["log_level"], "debug");
        assert_eq!(config.pointer("/clusters/0/cluster/servers/0/hostname"), Some(&json!("127.31.0.5")));
        assert_eq!(config.pointer("/clusters/0/cluster/servers/1"), None);
    }
}
