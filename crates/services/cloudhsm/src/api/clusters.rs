//! Making, describing, initializing, changing and deleting clusters.

use std::collections::HashSet;

use strongroom_api_cloudhsm::{
    BackupRetentionPolicy, BackupRetentionType, CreateClusterRequest, CreateClusterResponse,
    DeleteClusterRequest, DeleteClusterResponse, DescribeClustersRequest, DescribeClustersResponse,
    InitializeClusterRequest, InitializeClusterResponse, ModifyClusterRequest, ModifyClusterResponse,
    NetworkType, actions,
};
use strongroom_identity::RequestContext;
use strongroom_pki::check_cluster_certificate;
use strongroom_policy::Everything;

use super::{required, shapes};
use crate::ControlPlane;
use crate::certificates;
use crate::domain::cluster::{self, Cluster, INITIALIZING, Installed, Mode};
use crate::domain::filters::Filters;
use crate::domain::home::Home;
use crate::domain::paging;
use crate::error::Refusal;
use crate::plane::NewCluster;

/// Clusters in a page of DescribeClusters, unless the caller says otherwise: the most that the model allows.
const PAGE: usize = 25;

/// Marks this list's tokens.
const LIST: u8 = 1;

pub(super) async fn create_cluster(
    plane: &ControlPlane,
    context: &RequestContext,
    input: CreateClusterRequest,
) -> Result<CreateClusterResponse, Refusal> {
    cluster::check_hsm_type(&input.hsm_type)?;
    let mode = required("Mode", input.mode)?;
    let mode = Mode::parse(mode.as_str());
    let mode = mode.ok_or_else(|| Refusal::Invalid("Provided Mode is not supported.".to_owned()))?;
    if !matches!(input.network_type, None | Some(NetworkType::Ipv4)) {
        return Err(Refusal::Invalid("Provided NetworkType is not supported.".to_owned()));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = input.subnet_ids.iter().find(|id| !seen.insert(id.as_str())) {
        return Err(Refusal::Invalid(format!("Subnet {twice} is named more than once.")));
    }
    let new = NewCluster {
        mode,
        retention_days: retention_days(input.backup_retention_policy)?
            .unwrap_or(cluster::DEFAULT_RETENTION_DAYS),
        source: input.source_backup_id.map(|source| source_backup(context, source)).transpose()?,
        tags: shapes::parse_tags(input.tag_list.unwrap_or_default())?,
        subnet_ids: input.subnet_ids,
    };
    context.ask(new.tags.asked());
    let made = plane.create_cluster(context, new).await?;
    Ok(CreateClusterResponse { cluster: Some(shapes::cluster(&made, &[])) })
}

/// A backup by id or ARN.
fn source_backup(context: &RequestContext, text: String) -> Result<(Home, String), Refusal> {
    if !text.starts_with("arn:") {
        return Ok((Home::of(context), text));
    }
    Home::parse_arn(&text).ok_or_else(|| Refusal::Invalid(format!("Invalid backup ARN: {text}")))
}

fn retention_days(policy: Option<BackupRetentionPolicy>) -> Result<Option<u32>, Refusal> {
    let Some(policy) = policy else { return Ok(None) };
    let kind = policy.r#type.as_ref().map(BackupRetentionType::as_str);
    cluster::retention_days(kind, policy.value.as_deref()).map(Some)
}

pub(super) async fn describe_clusters(
    plane: &ControlPlane,
    context: &RequestContext,
    input: DescribeClustersRequest,
) -> Result<DescribeClustersResponse, Refusal> {
    let filters = Filters::parse(input.filters, &["clusterIds", "vpcIds", "states"])?;
    let after = input.next_token.map_or(Ok(String::new()), |token| paging::open(LIST, &token))?;
    let most = paging::limit(input.max_results, PAGE);
    let all = Everything(context.account());
    let all = plane.authority.authorize::<actions::DescribeClusters, _>(context, all)?;
    let wanted = |cluster: &Cluster| {
        filters.pass("clusterIds", Some(&cluster.id))
            && filters.pass("vpcIds", Some(&cluster.vpc_id))
            && filters.pass("states", Some(cluster.state.as_str()))
    };
    let mut found = plane.list_clusters(&all, context, &after, most, wanted).await?;
    let more = found.len() > most;
    found.truncate(most);
    let next_token = found.last().filter(|_| more).map(|(last, _)| paging::close(LIST, &last.id));
    let clusters = found.iter().map(|(cluster, hsms)| shapes::cluster(cluster, hsms)).collect();
    Ok(DescribeClustersResponse { clusters: Some(clusters), next_token })
}

pub(super) async fn initialize_cluster(
    plane: &ControlPlane,
    context: &RequestContext,
    input: InitializeClusterRequest,
) -> Result<InitializeClusterResponse, Refusal> {
    let (signed, anchor) = (input.signed_cert.as_str(), input.trust_anchor.as_str());
    // Judged by the machine's clock, as every TLS client judges it.
    let now = plane.clocks.real_now().div_euclid(1000);
    let initialize =
        plane.change_cluster::<actions::InitializeCluster>(context, &input.cluster_id, |cluster, _| {
            let evidence = cluster.expect_initializable()?;
            check_cluster_certificate(&evidence.csr, signed, anchor, now).map_err(certificates::refusal)?;
            cluster.initialize(Installed { certificate: signed.to_owned(), trust_anchor: anchor.to_owned() });
            Ok(())
        });
    let (cluster, _) = initialize.await?;
    Ok(InitializeClusterResponse {
        state: Some(cluster.state.as_str().into()),
        state_message: Some(INITIALIZING.to_owned()),
    })
}

pub(super) async fn modify_cluster(
    plane: &ControlPlane,
    context: &RequestContext,
    input: ModifyClusterRequest,
) -> Result<ModifyClusterResponse, Refusal> {
    let days = retention_days(input.backup_retention_policy)?;
    if let Some(hsm_type) = &input.hsm_type {
        cluster::check_hsm_type(hsm_type)?;
    }
    if days.is_none() && input.hsm_type.is_none() {
        return Err(Refusal::Invalid("Specify BackupRetentionPolicy or HsmType.".to_owned()));
    }
    let modify = plane.change_cluster::<actions::ModifyCluster>(context, &input.cluster_id, |cluster, _| {
        cluster.expect_staying()?;
        // The type is the one there is, so that there is nothing to migrate.
        cluster.retention_days = days.unwrap_or(cluster.retention_days);
        Ok(())
    });
    let (cluster, hsms) = modify.await?;
    Ok(ModifyClusterResponse { cluster: Some(shapes::cluster(&cluster, &hsms)) })
}

pub(super) async fn delete_cluster(
    plane: &ControlPlane,
    context: &RequestContext,
    input: DeleteClusterRequest,
) -> Result<DeleteClusterResponse, Refusal> {
    let delete =
        plane.change_cluster::<actions::DeleteCluster>(context, &input.cluster_id, |cluster, hsms| {
            cluster.delete(hsms.len())
        });
    let (cluster, hsms) = delete.await?;
    Ok(DeleteClusterResponse { cluster: Some(shapes::cluster(&cluster, &hsms)) })
}
