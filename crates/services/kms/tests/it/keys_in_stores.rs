//! Keys whose materials are in the HSMs of a custom key store's cluster.

mod creation;
mod cryptography;
mod deletion;
mod leftovers;
mod policies;
mod rotation;
mod unavailable;
mod vanished;

use std::ops::Deref;
use std::sync::Arc;

use strongroom_api_kms::{ConnectionStateType, CreateKeyRequest, KeyState, OriginType};
use strongroom_hsm_proto::command::{
    AttributeName, AttributeValue, Command, FindKeys, KeyDescription, Result as Answered, ShowKeys,
};
use strongroom_kms::Settings;
use strongroom_runtime::{Clocks, ManualTime};
use strongroom_service::ApiError;
use strongroom_store::Db;
use strongroom_testkit::TestDatabase;

use crate::fixture::cloud::Cloud;
use crate::fixture::cluster::TestCluster;
use crate::fixture::{ACCOUNT, Client, NOW, REGION, Server, Surroundings, open, root, start_in};

/// A caller with a connected key store.
struct Rig {
    client: Client,
    db: Db,
    clock: Arc<ManualTime>,
    cloud: Arc<Cloud>,
    cluster: Arc<TestCluster>,
    store: String,
}

impl Deref for Rig {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Rig {
    async fn new(database: &TestDatabase) -> Self {
        Self::with(database, |_| {}).await
    }

    async fn strict(database: &TestDatabase) -> Self {
        Self::with(database, |settings| settings.strict = true).await
    }

    async fn with(database: &TestDatabase, set: impl FnOnce(&mut Settings)) -> Self {
        let db = open(database).await;
        let clock = Arc::new(ManualTime::at(NOW));
        let mut surroundings =
            Surroundings { clocks: Clocks::new(clock.clone(), 0), ..Surroundings::default() };
        set(&mut surroundings.settings);
        let cloud = surroundings.cloud.clone();
        let client = Client::new(&start_in(&db, &root(), &surroundings), ACCOUNT, REGION);
        let (store, cluster) = client.connected_store().await;
        Self { client, db, clock, cloud, cluster, store }
    }

    /// The same after a restart of the server.
    fn restarted(self) -> Self {
        let server: Arc<Server> = self.client.kms.restarted(&self.db, &root());
        Self { client: self.client.on(&server), ..self }
    }

    /// The caller at a later time, and KMS too; it has done nothing yet.
    fn at(&self, now: i64) -> Client {
        self.clock.set(now);
        self.client.at(now)
    }

    fn asking(&self) -> CreateKeyRequest {
        CreateKeyRequest {
            origin: Some(OriginType::AwsCloudhsm),
            custom_key_store_id: Some(self.store.clone()),
            ..CreateKeyRequest::default()
        }
    }

    /// A new symmetric key in the key store.
    async fn key(&self) -> String {
        self.try_create_key(self.asking()).await.unwrap().key_id
    }

    async fn state(&self, key: &str) -> KeyState {
        self.describe(key).await.unwrap().key_state.unwrap()
    }

    async fn disconnect(&self) {
        self.client.disconnect(&self.store).await.unwrap();
    }

    async fn connect(&self) {
        let connected = self.client.connect(&self.store).await.unwrap();
        assert_eq!(connected.connection_state, Some(ConnectionStateType::Connected));
    }

    /// The keys of `kmsuser`, as an administrator sees them.
    fn hsm_keys(&self) -> Vec<KeyDescription> {
        keys_in(&self.cluster)
    }
}

/// The keys of `kmsuser` in a cluster, as an administrator sees them.
pub(crate) fn keys_in(cluster: &TestCluster) -> Vec<KeyDescription> {
    let find = FindKeys { filter: None, after: 0, most: 4_096 };
    let Some(Answered::Found(found)) = cluster.as_admin(Command::FindKeys(find)).unwrap().result else {
        panic!("no keys found")
    };
    let show = ShowKeys { keys: found.keys };
    let Some(Answered::Keys(shown)) = cluster.as_admin(Command::ShowKeys(show)).unwrap().result else {
        panic!("no keys shown")
    };
    shown.keys.into_iter().filter(|key| key.owner == "kmsuser").collect()
}

fn attribute(key: &KeyDescription, name: AttributeName) -> AttributeValue {
    let attributes = &key.attributes.as_ref().unwrap().attributes;
    attributes.iter().find(|attribute| attribute.name() == name).unwrap().value.clone().unwrap()
}

fn said<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> String {
    outcome.unwrap_err().to_string()
}

/// What callers are told when the HSMs do not answer. AWS's words.
const NO_COMMUNICATION: &str = "KMSInvalidStateException: KMS cannot communicate with your CloudHSM cluster";

/// The same where an operation names the key store and no key.
const STORE_OUT_OF_REACH: &str =
    "CustomKeyStoreInvalidStateException: KMS cannot communicate with your CloudHSM cluster";
