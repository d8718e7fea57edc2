//! A custom key store on an HSM cluster, made and connected as its owner does it.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use strongroom_hsm_proto::command::Role;

use super::cluster::{HsmCluster, create_user, log_in, wait};
use super::http::{Connection, signed};

/// The crypto user through which KMS works.
pub(crate) const KMSUSER: &str = "kmsuser";

/// The password that `kmsuser` is made with.
pub(crate) const KMSUSER_PASSWORD: &str = "Kmsuser7password";

/// A key store. The cluster's certificate is the one that it was initialized with.
pub(crate) struct KeyStore {
    /// Where the server listens; it may change when the server is started anew.
    pub(crate) server: SocketAddr,
    pub(crate) id: String,
}

/// What KMS shows of a key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) state: String,
    /// Why it is `FAILED`; empty otherwise.
    pub(crate) code: String,
}

impl KeyStore {
    /// Makes `kmsuser` in the cluster, and a key store that knows its password and is not connected.
    pub(crate) fn create(cluster: &HsmCluster, name: &str) -> Result<Self> {
        log_in(cluster.options()?, "admin", Role::Admin)?.call(create_user(KMSUSER, KMSUSER_PASSWORD))?;
        let asked = json!({
            "CustomKeyStoreName": name, "CloudHsmClusterId": cluster.id, "KeyStorePassword": KMSUSER_PASSWORD,
        });
        let made = kms(cluster.server, "CreateCustomKeyStore", &asked)?;
        let id = made["CustomKeyStoreId"].as_str().with_context(|| format!("no id in {made}"))?;
        Ok(Self { server: cluster.server, id: id.to_owned() })
    }

    /// Asks for a change of the key store.
    pub(crate) fn ask(&self, operation: &str) -> Result<()> {
        kms(self.server, operation, &json!({"CustomKeyStoreId": self.id})).map(drop)
    }

    pub(crate) fn show(&self) -> Result<Shown> {
        let shown = kms(self.server, "DescribeCustomKeyStores", &json!({"CustomKeyStoreId": self.id}))?;
        let store = &shown["CustomKeyStores"][0];
        let text = |name: &str| store[name].as_str().unwrap_or_default().to_owned();
        Ok(Shown { state: text("ConnectionState"), code: text("ConnectionErrorCode") })
    }

    /// Waits until it is in a state in which it stays.
    pub(crate) fn settled(&self) -> Result<Shown> {
        wait(&format!("{} to come to rest", self.id), || {
            let shown = self.show()?;
            Ok((!shown.state.ends_with("ING")).then_some(shown))
        })
    }

    /// Connects it.
    pub(crate) fn connect(&self) -> Result<()> {
        self.ask("ConnectCustomKeyStore")?;
        let shown = self.settled()?;
        ensure!(shown.state == "CONNECTED", "{shown:?}");
        Ok(())
    }

    /// Makes a symmetric key in it; answers its id.
    pub(crate) fn create_key(&self) -> Result<String> {
        let asked = json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": self.id});
        let made = kms(self.server, "CreateKey", &asked)?;
        let id = made["KeyMetadata"]["KeyId"].as_str().with_context(|| format!("no key in {made}"))?;
        Ok(id.to_owned())
    }
}

/// A call of KMS's API.
pub(crate) fn kms(server: SocketAddr, operation: &str, input: &Value) -> Result<Value> {
    let target = format!("TrentService.{operation}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    Connection::open(server)?.exchange(&signed(server, "kms", &headers, &input.to_string())?)
}
