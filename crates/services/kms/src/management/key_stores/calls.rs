//! The calls of CloudHSM's and EC2's APIs, as `cks.kms.amazonaws.com` and for the account that owns the key store.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use strongroom_api_cloudhsm::{CloudHsm, DescribeClustersRequest};
use strongroom_api_ec2::{DescribeNetworkInterfacesRequest, Ec2, Filter, NetworkInterface, SERVICE};
use strongroom_identity::RequestContext;
use strongroom_outbox::OnBehalf;
use strongroom_policy::services::KEY_STORES;
use strongroom_service::ApiError;

use super::cluster::ClusterFacts;
use crate::domain::identifier::Home;
use crate::error::Refusal;

/// What is asked for in one page, and pages that are asked for.
const PAGE: i32 = 200;
const MOST_PAGES: usize = 64;

/// CloudHSM and EC2, as KMS uses them.
pub(super) struct Calls {
    pub(super) cloudhsm: Arc<dyn CloudHsm>,
    pub(super) ec2: Arc<dyn Ec2>,
    pub(super) on_behalf: OnBehalf,
}

pub(super) fn filter(name: &str, value: &str) -> Filter {
    Filter { name: Some(name.to_owned()), values: Some(vec![value.to_owned()]) }
}

/// What a key store's interfaces say of themselves (KMS Developer Guide, "Connect a CloudHSM key store").
pub(super) fn interface_description(cluster_id: &str) -> String {
    format!("KMS managed ENI for cluster {cluster_id}")
}

impl Calls {
    /// A context in which KMS calls for an account.
    pub(super) fn context(&self, home: &Home) -> Result<RequestContext, ApiError> {
        self.on_behalf.context(home.account, home.region).map_err(ApiError::internal)
    }

    /// Makes a call of EC2's that changes something, with its record: the draft commits with the change, and the
    /// record follows.
    pub(super) async fn change<T, F>(
        &self,
        home: &Home,
        name: &'static str,
        parameters: serde_json::Value,
        call: impl FnOnce(Arc<RequestContext>) -> F,
    ) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let (source, parameters) = (SERVICE.event_source, parameters.to_string());
        let begun = self.on_behalf.begin(home.account, home.region, source, name, parameters);
        let change = begun.map_err(ApiError::internal)?;
        let answer = call(change.context()).await?;
        change.done().await;
        Ok(answer)
    }

    /// The cluster of that id, as it is now.
    pub(super) async fn cluster(&self, home: &Home, id: &str) -> Result<Option<ClusterFacts>, Refusal> {
        let failed = |error: ApiError| Refusal::Internal(error.into());
        let context = self.context(home).map_err(failed)?;
        let filters = [("clusterIds".to_owned(), vec![id.to_owned()])].into_iter().collect();
        let input = DescribeClustersRequest { filters: Some(filters), ..Default::default() };
        let answer = self.cloudhsm.describe_clusters(&context, input).await.map_err(failed)?;
        let found = answer.clusters.into_iter().flatten().filter_map(ClusterFacts::read);
        Ok(found.into_iter().find(|cluster| cluster.id == id))
    }

    /// The interfaces that KMS made for a key store with that cluster.
    pub(super) async fn interfaces(
        &self,
        home: &Home,
        cluster_id: &str,
    ) -> Result<Vec<NetworkInterface>, ApiError> {
        let description = interface_description(cluster_id);
        let mut found = Vec::new();
        let mut next_token = None;
        for _ in 0..MOST_PAGES {
            let input = DescribeNetworkInterfacesRequest {
                filters: Some(vec![filter("description", &description), filter("requester-id", KEY_STORES)]),
                max_results: Some(PAGE),
                next_token,
                ..Default::default()
            };
            let answer = self.ec2.describe_network_interfaces(&self.context(home)?, input).await?;
            // The owner of the account may write the same description.
            let own = |interface: &NetworkInterface| interface.requester_id.as_deref() == Some(KEY_STORES);
            found.extend(answer.network_interfaces.into_iter().flatten().filter(own));
            next_token = answer.next_token;
            if next_token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The addresses of those interfaces.
    pub(super) async fn interface_addresses(
        &self,
        home: &Home,
        cluster_id: &str,
    ) -> Result<Vec<IpAddr>, ApiError> {
        let interfaces = self.interfaces(home, cluster_id).await?;
        Ok(interfaces
            .into_iter()
            .filter_map(|interface| interface.private_ip_address?.parse().ok())
            .collect())
    }
}
