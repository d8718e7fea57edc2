//! What is on a deployment's cluster that `up` did not make. Nothing of it is deleted unless the person says so.

use anyhow::{Result, bail};

use crate::cli::DownOptions;
use crate::up::cluster::Cluster;
use crate::up::deployments::Deployment;
use crate::up::key::{self, Key};
use crate::up::key_store::KeyStore;
use crate::up::{Folder, Site, users};

/// Keys that are named one by one.
const NAMED: usize = 10;
/// How long HSMs may take to answer, in milliseconds: those of a server that has just started have just started too.
const PATIENCE_MS: i64 = 60_000;

/// A key store and its keys.
pub(crate) type Holding = (KeyStore, Vec<Key>);

/// Where is looked, for what.
pub(crate) struct Look<'a> {
    pub(crate) site: &'a Site,
    pub(crate) folder: &'a Folder,
    pub(crate) deployment: &'a Deployment,
    pub(crate) cluster: Option<&'a Cluster>,
    /// Whether an earlier run looked and went on, and was cut off later.
    pub(crate) was_taken: bool,
}

impl Look<'_> {
    /// Refuses to go on if there is anything that others made. Nothing has happened yet.
    pub(crate) fn expect_own(&self, options: &DownOptions, holdings: &[Holding]) -> Result<()> {
        if options.all_keys {
            return Ok(());
        }
        let mut others = Vec::new();
        for holding in holdings {
            others.extend(self.in_kms(holding)?);
        }
        others.extend(self.cluster.and_then(|cluster| self.in_hsms(cluster)));
        if !others.is_empty() {
            let id = self.deployment.cluster_id.as_deref().unwrap_or("the cluster");
            bail!(
                "nothing is done, for what `strongroom up` did not make may be lost with {id}:\n  {}\nIf all of it may \
                 go, say --all-keys.",
                others.join("\n  ")
            );
        }
        Ok(())
    }

    fn in_kms(&self, (store, keys): &Holding) -> Result<Vec<String>> {
        let mut found = Vec::new();
        // One whose id did not come back is not known by it.
        if self.deployment.key_store_id.as_ref().is_some_and(|own| *own != store.id) {
            let (id, name) = (&store.id, &store.name);
            found.push(format!("the key store {name}, {id}; to delete it: aws kms delete-custom-key-store"));
        }
        let mut others = Vec::new();
        for key in keys.iter().filter(|key| key.state != "PendingDeletion") {
            let is_own = self.deployment.key_id.as_ref() == Some(&key.id)
                || key::is_of(self.site, key, &self.deployment.token)?;
            if !is_own {
                others.push(key.id.as_str());
            }
        }
        if let Some(named) = others.chunks(NAMED).next() {
            let more = match others.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            found.push(format!(
                "KMS keys in {}: {}{more}; to delete them: aws kms schedule-key-deletion",
                store.id,
                named.join(", ")
            ));
        }
        Ok(found)
    }

    /// What users have in the HSMs, or why that cannot be told.
    fn in_hsms(&self, cluster: &Cluster) -> Option<String> {
        if !cluster.is_activated() {
            return None;
        }
        if cluster.active().next().is_none() {
            return (!self.was_taken)
                .then(|| "keys of users, perhaps: no HSM is in service that could tell".to_owned());
        }
        match self.keys_in_hsms(cluster) {
            Ok(owners) if owners.is_empty() => None,
            Ok(owners) => Some(format!(
                "keys in the HSMs: {}; to delete them: cloudhsm-cli key delete",
                owners.join(", ")
            )),
            Err(error) => Some(format!("keys of users, perhaps; the HSMs could not be asked: {error:#}")),
        }
    }

    /// How many keys of whom the HSMs hold, KMS's own excepted.
    fn keys_in_hsms(&self, cluster: &Cluster) -> Result<Vec<String>> {
        let Some(authority) = &self.deployment.customer_ca else {
            bail!("their trust anchor is not in {}", self.folder.state().display());
        };
        let client = users::client_within(self.site, cluster, authority, PATIENCE_MS)?;
        let mut users = users::Users::log_in(client, &self.deployment.admin_password, &self.folder.state())?;
        let owners = users.owners_of_keys()?;
        Ok(owners.iter().map(|(owner, keys)| format!("{keys} of `{owner}`")).collect())
    }
}
