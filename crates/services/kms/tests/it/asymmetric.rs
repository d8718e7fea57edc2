//! Asymmetric and HMAC keys in a custom key store and in KMS itself: what is computed is checked outside KMS, with public
//! halves that KMS gives out.

mod agreement;
mod encryption;
mod kinds;
mod lost_half;
mod macs;
mod permissions;
mod policies;
mod refusals;
mod signatures;

use std::sync::Arc;

use strongroom_api_kms::{
    CreateKeyRequest, GetPublicKeyResponse, KeyMetadata, KeySpec, KeyUsageType, Kms as _, OriginType,
};
use strongroom_service::ApiError;
use strongroom_testkit::TestDatabase;

use crate::fixture::cluster::TestCluster;
use crate::fixture::{Client, client, new_store, open, root, start_in};
use crate::symmetric_only::get_public_key;

/// A caller with a connected key store.
pub(crate) struct Lab {
    pub(crate) client: Client,
    pub(crate) cluster: Arc<TestCluster>,
    pub(crate) store: String,
    /// Whether keys are made beside the key store, in KMS itself.
    pub(crate) built_in: bool,
}

impl Lab {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        let client = client(database).await;
        let (store, cluster) = client.connected_store().await;
        Self { client, cluster, store, built_in: false }
    }

    /// One whose keys are in the key store, and one whose keys are not.
    pub(crate) async fn both(database: &TestDatabase) -> [Self; 2] {
        let lab = Self::new(database).await;
        let client = lab.client.on(&lab.client.kms);
        let other = Self { client, cluster: lab.cluster.clone(), store: lab.store.clone(), built_in: true };
        [lab, other]
    }

    /// Where its keys come from.
    pub(crate) fn origin(&self) -> OriginType {
        if self.built_in { OriginType::AwsKms } else { OriginType::AwsCloudhsm }
    }

    pub(crate) async fn in_fips_mode(database: &TestDatabase) -> Self {
        let client = client(database).await;
        let cluster = client.cloud().cluster_in_fips_mode();
        let store = client.create_store(new_store("fips", &cluster)).await.unwrap();
        client.connect(&store).await.unwrap();
        Self { client, cluster, store, built_in: false }
    }

    /// The same on a server with AWS's refusals.
    pub(crate) async fn strict(self, database: &TestDatabase) -> Self {
        let mut surroundings = self.client.kms.surroundings.clone();
        surroundings.settings.strict = true;
        let server = start_in(&open(database).await, &root(), &surroundings);
        Self { client: self.client.on(&server), ..self }
    }

    pub(crate) async fn try_create(&self, spec: &str, usage: &str) -> Result<KeyMetadata, ApiError> {
        let input = new_key(&self.store, spec, usage);
        if !self.built_in {
            return self.client.try_create_key(input).await;
        }
        let input = CreateKeyRequest { origin: None, custom_key_store_id: None, ..input };
        self.client.try_create_key(input).await
    }

    pub(crate) async fn create(&self, spec: &str, usage: &str) -> KeyMetadata {
        self.try_create(spec, usage).await.unwrap()
    }

    pub(crate) async fn public_key(&self, key_id: &str) -> Vec<u8> {
        self.get_public_key(key_id).await.unwrap().public_key.unwrap().0
    }

    pub(crate) async fn get_public_key(&self, key_id: &str) -> Result<GetPublicKeyResponse, ApiError> {
        self.client.kms.get_public_key(&self.client.context(), get_public_key(key_id)).await
    }

    /// Does something with a key that the HSMs must do, in one call, if they have it.
    pub(crate) async fn in_one_call<T>(&self, operation: impl Future<Output = T>) -> T {
        let before = self.cluster.calls();
        let outcome = operation.await;
        assert_eq!(self.cluster.calls(), before + usize::from(!self.built_in), "the HSMs do it, in one call");
        outcome
    }

    /// Does something that is refused, or needs no HSM.
    pub(crate) async fn in_no_call<T>(&self, operation: impl Future<Output = T>) -> T {
        let before = self.cluster.calls();
        let outcome = operation.await;
        assert_eq!(self.cluster.calls(), before, "no HSM is asked");
        outcome
    }
}

pub(crate) fn new_key(store: &str, spec: &str, usage: &str) -> CreateKeyRequest {
    CreateKeyRequest {
        origin: Some(OriginType::AwsCloudhsm),
        custom_key_store_id: Some(store.to_owned()),
        key_spec: Some(KeySpec::from(spec)),
        key_usage: Some(KeyUsageType::from(usage)),
        ..CreateKeyRequest::default()
    }
}
