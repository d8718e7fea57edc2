//! The custom key store.

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use strongroom_client::CallError;

use super::password::Password;
use super::site::{Seen, Site};

/// What the key store is called, unless the person says otherwise: the walk's name.
pub(crate) const NAME: &str = "MyCustomKeyStore";

/// How the names of key stores begin that stay, for their keys alone, after `down`.
pub(crate) const RETIRED: &str = "Taken down";

/// What DescribeCustomKeyStores shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyStore {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) cluster_id: String,
    pub(crate) state: String,
    /// Why connecting failed.
    pub(crate) error: String,
}

impl KeyStore {
    fn read(shown: &Value) -> Self {
        let text = |name: &str| shown.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            id: text("CustomKeyStoreId"),
            name: text("CustomKeyStoreName"),
            cluster_id: text("CloudHsmClusterId"),
            state: text("ConnectionState"),
            error: text("ConnectionErrorCode"),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.state == "CONNECTED"
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.state == "FAILED"
    }

    /// Whether connecting failed for the password of `kmsuser`, which can be given anew.
    pub(crate) fn is_about_password(&self) -> bool {
        matches!(self.error.as_str(), "INVALID_CREDENTIALS" | "USER_NOT_FOUND" | "USER_LOCKED_OUT")
    }

    /// What to do about a connection that failed, beyond what `up` does by itself.
    pub(crate) fn advice(&self) -> anyhow::Error {
        let what = match self.error.as_str() {
            "USER_LOGGED_IN" => "somebody is logged in as `kmsuser`: log out there, then run this again",
            "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET" => "free an address in each of the cluster's subnets",
            "NETWORK_ERRORS" => {
                "see that the HSMs can be reached (`cloudhsm-cli cluster hsm-info`), then run this again"
            }
            _ => "`aws kms describe-custom-key-stores` says more; run this again",
        };
        anyhow!("{} is {}: {what}", self.id, self.shown())
    }

    /// Its state and the reason, for people.
    fn shown(&self) -> String {
        if self.error.is_empty() { self.state.clone() } else { format!("{} ({})", self.state, self.error) }
    }
}

/// All key stores of the account in the Region.
pub(crate) fn all(site: &Site) -> Result<Vec<KeyStore>> {
    let shown = site.kms_list("DescribeCustomKeyStores", &json!({}), "CustomKeyStores")?;
    Ok(shown.iter().map(KeyStore::read).collect())
}

/// The key store of that id, if there is one.
pub(crate) fn find(site: &Site, id: &str) -> Result<Option<KeyStore>> {
    match site.kms("DescribeCustomKeyStores", &json!({ "CustomKeyStoreId": id })) {
        Ok(answer) => Ok(answer.pointer("/CustomKeyStores/0").map(KeyStore::read)),
        Err(error) if error.code() == Some("CustomKeyStoreNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The key store of a cluster, if it has one.
pub(crate) fn of(site: &Site, cluster_id: &str) -> Result<Option<KeyStore>> {
    Ok(all(site)?.into_iter().find(|store| store.cluster_id == cluster_id))
}

/// Makes a key store, with all that AWS asks for.
pub(crate) fn create(
    site: &Site,
    cluster_id: &str,
    name: &str,
    anchor: &str,
    password: &Password,
) -> Result<KeyStore> {
    let input = json!({
        "CustomKeyStoreName": name,
        "CloudHsmClusterId": cluster_id,
        "TrustAnchorCertificate": anchor,
        "KeyStorePassword": password.expose(),
    });
    let made = site.kms("CreateCustomKeyStore", &input).map_err(|error| match error.code() {
        Some("CustomKeyStoreNameInUseException") => anyhow!(
            "{error}; another cluster's key store is called {name}: choose another name with --key-store-name"
        ),
        _ => error.into(),
    })?;
    let id =
        made.get("CustomKeyStoreId").and_then(Value::as_str).context("CreateCustomKeyStore answers no id")?;
    find(site, id)?.with_context(|| format!("{id} is gone again"))
}

/// Gives KMS the password of `kmsuser`.
pub(crate) fn give_password(site: &Site, id: &str, password: &Password) -> Result<()> {
    let input = json!({ "CustomKeyStoreId": id, "KeyStorePassword": password.expose() });
    site.kms("UpdateCustomKeyStore", &input)?;
    Ok(())
}

/// Asks KMS to connect, and waits for what comes of it.
pub(crate) fn connect(site: &Site, id: &str) -> Result<KeyStore> {
    site.kms("ConnectCustomKeyStore", &json!({ "CustomKeyStoreId": id }))?;
    settled(site, id)
}

/// Asks KMS to disconnect, and waits until it has.
pub(crate) fn disconnect(site: &Site, id: &str) -> Result<()> {
    let asked = site.kms("DisconnectCustomKeyStore", &json!({ "CustomKeyStoreId": id }));
    // One that is disconnected already is refused, and that is well.
    let store = settled(site, id)?;
    if store.state != "DISCONNECTED" {
        asked?;
        bail!("{id} is {} and not disconnected", store.shown());
    }
    Ok(())
}

/// Waits until a key store is neither connecting nor disconnecting.
pub(crate) fn settled(site: &Site, id: &str) -> Result<KeyStore> {
    site.wait(&format!("{id} connected or not"), || {
        let store = find(site, id)?.with_context(|| format!("there is no key store {id}"))?;
        let is_settled = matches!(store.state.as_str(), "CONNECTED" | "DISCONNECTED" | "FAILED");
        Ok(if is_settled { Seen::Reached(store) } else { Seen::NotYet(store.shown()) })
    })
}

/// Deletes a key store; answers whether it is gone. It stays while it has keys.
pub(crate) fn delete(site: &Site, id: &str) -> Result<bool> {
    match site.kms("DeleteCustomKeyStore", &json!({ "CustomKeyStoreId": id })) {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            Some("CustomKeyStoreNotFoundException") => Ok(true),
            Some("CustomKeyStoreHasCMKsException") => Ok(false),
            _ => Err(error.into()),
        },
    }
}

/// Gives a key store another name.
pub(crate) fn rename(site: &Site, id: &str, name: &str) -> Result<(), CallError> {
    site.kms("UpdateCustomKeyStore", &json!({ "CustomKeyStoreId": id, "NewCustomKeyStoreName": name }))
        .map(drop)
}
