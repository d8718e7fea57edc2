//! The calls of CloudHSM's and EC2's APIs, as `cks.kms.amazonaws.com` and for the account that owns the key store.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_api_cloudhsm::{CloudHsm, DescribeClustersRequest};
use strongroom_api_ec2::{DescribeNetworkInterfacesRequest, Ec2, Filter, NetworkInterface, SERVICE};
use strongroom_identity::{Caller, Principal, Region, RequestContext, RequestId};
use strongroom_journal::{EventId, EventType, Identity, IdentityKind, Record};
use strongroom_outbox::Outbox;
use strongroom_policy::services::KEY_STORES;
use strongroom_runtime::Clocks;
use strongroom_service::ApiError;

use super::cluster::ClusterFacts;
use crate::domain::identifier::Home;
use crate::error::Refusal;

/// How long CloudHSM and EC2 may take, in milliseconds.
const PATIENCE_MS: i64 = 30_000;

/// What is asked for in one page, and pages that are asked for.
const PAGE: i32 = 200;
const MOST_PAGES: usize = 64;

/// CloudHSM and EC2, as KMS uses them.
pub(super) struct Calls {
    pub(super) cloudhsm: Arc<dyn CloudHsm>,
    pub(super) ec2: Arc<dyn Ec2>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) clocks: Clocks,
}

/// The code of an error as EC2 writes it.
pub(super) fn code(error: &ApiError) -> &str {
    error.query().map_or_else(|| error.code(), |query| query.code)
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
        let region = Region::named(home.region)
            .ok_or_else(|| ApiError::internal("a key store's Region is not in the table"))?;
        let id = strongroom_crypto::random::bytes().map_err(ApiError::internal)?;
        let principal = Principal::Service { account: home.account, name: KEY_STORES };
        let caller = Caller::new(principal, String::new());
        let now_ms = self.clocks.domain_now();
        let deadline_ms = self.clocks.real_now().saturating_add(PATIENCE_MS);
        Ok(RequestContext::new(
            RequestId::from_random(id),
            caller,
            region,
            now_ms,
            deadline_ms,
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            KEY_STORES.to_owned(),
            None,
        ))
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
        let context = self.context(home)?;
        let record = Record {
            event_id: EventId(strongroom_crypto::random::bytes().map_err(ApiError::internal)?),
            event_time_ms: context.now_ms,
            event_source: SERVICE.event_source.to_owned(),
            event_name: name.to_owned(),
            aws_region: home.region.to_owned(),
            account_id: home.account.to_string(),
            identity: Identity {
                kind: Some(IdentityKind::AwsService),
                invoked_by: Some(KEY_STORES.to_owned()),
                ..Identity::default()
            },
            source_ip: KEY_STORES.to_owned(),
            user_agent: Some(KEY_STORES.to_owned()),
            request_parameters: Some(parameters.to_string()),
            request_id: Some(context.request_id.to_string()),
            event_type: EventType::AwsApiCall,
            management: true,
            ..Record::default()
        };
        let context = Arc::new(context.with_draft(self.outbox.draft(&record)));
        let answer = call(context).await?;
        if let Err(error) = self.outbox.record(record, true).await {
            tracing::warn!(event = name, %error, "the record of what KMS did in EC2 is still to be written");
        }
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
