//! What there is when `up` is done: for people, and as JSON for scripts.

use serde_json::{Value, json};

use super::client;
use super::cluster::Cluster;
use super::deployments::Deployment;
use super::folder::Folder;
use super::key::Key;
use super::key_store::KeyStore;
use super::site::Site;
use super::users::ADMIN;

/// All that is there.
pub(crate) struct Outcome<'a> {
    pub(crate) site: &'a Site,
    pub(crate) folder: &'a Folder,
    pub(crate) deployment: Deployment,
    pub(crate) cluster: Cluster,
    pub(crate) key_store: KeyStore,
    pub(crate) key: Key,
    pub(crate) rotates: bool,
}

impl Outcome<'_> {
    /// One document. A secret access key that is not known to everybody is not in it.
    pub(crate) fn json(&self) -> Value {
        let Self { site, folder, deployment, cluster, key_store, key, .. } = self;
        let credentials = site.aws.credentials();
        let secret = site.is_well_known.then(|| credentials.secret_access_key.expose());
        let hsms: Vec<_> = cluster
            .active()
            .map(|hsm| {
                json!({ "hsm_id": hsm.id, "availability_zone": hsm.availability_zone, "ip": hsm.eni_ip })
            })
            .collect();
        json!({
            "endpoint": site.aws.endpoint().to_string(),
            "region": site.aws.region(),
            "account": site.account,
            "credentials": { "access_key_id": credentials.access_key_id, "secret_access_key": secret },
            "cluster_id": cluster.id,
            "hsms": hsms,
            "customer_ca": folder.customer_ca(),
            "admin": { "username": ADMIN, "password": deployment.admin_password },
            "crypto_user": {
                "username": deployment.crypto_user,
                "password": deployment.crypto_user_password,
            },
            "custom_key_store_id": key_store.id,
            "custom_key_store_name": key_store.name,
            "key_id": key.id,
            "key_arn": key.arn,
            "alias": deployment.alias,
            "cloudhsm_cli": { "program": client::program(), "config": folder.client_config() },
            "environment": folder.environment(),
            "state": folder.state(),
            "seconds": site.progress.seconds(),
        })
    }

    /// What a person needs to go on.
    pub(crate) fn text(&self) -> String {
        let Self { site, folder, deployment, cluster, key_store, key, .. } = self;
        let alias = deployment.alias.as_deref().unwrap_or_default();
        let hsms: Vec<_> = cluster
            .active()
            .map(|hsm| {
                let ip = hsm.eni_ip.as_deref().unwrap_or_default();
                format!("{} ({}, {ip})", hsm.id, hsm.availability_zone)
            })
            .collect();
        let own = if site.is_well_known {
            ""
        } else {
            "\n               (AWS credentials are not in it: keep those that you called with)"
        };
        format!(
            "
Strongroom is up: {endpoint}, ready in {seconds:.1} s

  cluster      {cluster_id}
  HSMs         {hsms}
  key store    {store_name} ({store_id}), connected
  key          {key_id}, {rotation}
  alias        {alias}
  users        {ADMIN}, {user}; their passwords are in {state}
  authority    {ca}

In another terminal, set up the shell for the AWS CLI and for cloudhsm-cli:

  . {environment}{own}

  aws kms encrypt --key-id {alias} --plaintext fileb:///etc/hostname
  aws cloudhsmv2 describe-clusters
  cloudhsm-cli cluster hsm-info
  cloudhsm-cli key list
",
            endpoint = site.aws.endpoint(),
            seconds = site.progress.seconds(),
            cluster_id = cluster.id,
            hsms = hsms.join(", "),
            store_name = key_store.name,
            store_id = key_store.id,
            key_id = key.id,
            rotation = if self.rotates { "rotated every 90 days" } else { "not rotated" },
            user = deployment.crypto_user,
            state = folder.state().display(),
            ca = folder.customer_ca().display(),
            environment = folder.environment().display(),
        )
    }
}
