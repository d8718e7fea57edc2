//! Clusters found, made and changed.

use std::collections::BTreeMap;

use strongroom_api_cloudhsm::actions;
use strongroom_identity::{AccountId, Action, Region, RequestContext};
use strongroom_policy::{Authorized, Everything};
use strongroom_store::StoreError;

use super::{BACKUP_RESOURCE, CLUSTER_RESOURCE, ControlPlane};
use crate::domain::backup::Backup;
use crate::domain::cluster::{Cluster, ClusterState, Mode};
use crate::domain::home::{Home, new_id};
use crate::domain::hsm::Hsm;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::network::SubnetFacts;
use crate::repo;

/// Rows that one statement reads while a page is gathered.
const BATCH: usize = 100;

/// What a caller says of the cluster that shall be made.
pub(crate) struct NewCluster {
    pub(crate) mode: Mode,
    pub(crate) subnet_ids: Vec<String>,
    pub(crate) retention_days: u32,
    /// A backup of the caller's Region, and whose it is said to be.
    pub(crate) source: Option<(Home, String)>,
    pub(crate) tags: Tags,
}

impl ControlPlane {
    /// Makes a cluster, whose set-up the reconciler goes on with.
    pub(crate) async fn create_cluster(
        &self,
        context: &RequestContext,
        new: NewCluster,
    ) -> Result<Cluster, Refusal> {
        let home = Home::of(context);
        let all = Everything(context.account());
        if new.source.is_none() {
            self.authority.authorize::<actions::CreateCluster, _>(context, all)?;
        }
        if !new.tags.is_empty() {
            self.authority.authorize::<actions::TagResource, _>(context, all)?;
        }
        let source = match &new.source {
            Some((owner, id)) => Some(self.source_of_cluster(context, owner, id, new.mode).await?),
            None => None,
        };
        let subnets = self.network.subnets(&home, &new.subnet_ids).await?;
        let (vpc_id, subnets) = one_of_each_zone(subnets)?;
        let id = new_id("cluster")?;
        let security_group = self.network.create_group(&home, &id, &vpc_id).await?;
        let cluster = Cluster {
            home,
            id,
            version: 1,
            created_ms: context.now_ms,
            state: ClusterState::CreateInProgress,
            message: None,
            mode: new.mode,
            vpc_id,
            subnets,
            security_group,
            retention_days: new.retention_days,
            source_backup: source.as_ref().map(|backup| backup.id.clone()),
            tags: new.tags,
            evidence: None,
            installed: source.and_then(|backup| backup.installed),
            next_backup_ms: None,
            deleted_ms: None,
        };
        context.touched(CLUSTER_RESOURCE, cluster.home.account, cluster.home.arn(&cluster.id));
        match self.insert_cluster(context, &cluster).await {
            Ok(()) => {}
            // The store's word can be lost after it has done it. A group without a cluster is swept up later.
            Err(Refusal::Internal(cause)) => {
                let found = repo::clusters::find_by_id(&self.db, &self.mac, &cluster.id).await;
                if !matches!(found, Ok(Some(_))) {
                    return Err(Refusal::Internal(cause));
                }
            }
            Err(refusal) => {
                let gone = self.network.delete_group(&cluster.home, &cluster.security_group).await;
                if let Err(error) = gone {
                    tracing::warn!(group = cluster.security_group, %error, "a security group without a cluster stays");
                }
                return Err(refusal);
            }
        }
        self.nudge();
        Ok(cluster)
    }

    async fn insert_cluster(&self, context: &RequestContext, cluster: &Cluster) -> Result<(), Refusal> {
        let most = self.options.most_clusters;
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    if repo::clusters::count(tx, &cluster.home).await? >= most {
                        return Err(Refusal::Invalid(format!(
                            "You have reached the limit of {most} clusters in this Region."
                        )));
                    }
                    repo::clusters::insert(tx, &self.mac, cluster).await?;
                    Ok(repo::post(tx, context.draft()).await?)
                })
            })
            .await
    }

    /// The backup that a cluster is to be made from.
    async fn source_of_cluster(
        &self,
        context: &RequestContext,
        owner: &Home,
        id: &str,
        mode: Mode,
    ) -> Result<Backup, Refusal> {
        if owner.region != context.region.name() {
            return Err(Refusal::Invalid(format!(
                "Backup {id} is in Region {}. Copy it to this Region with CopyBackupToRegion first.",
                owner.region
            )));
        }
        let backup = repo::backups::find(&self.db, &self.mac, owner, id).await?;
        let missing = || self.absent::<actions::CreateCluster>(context, owner, id, Refusal::no_such_backup);
        let backup = backup.ok_or_else(missing)?;
        context.touched(BACKUP_RESOURCE, owner.account, owner.arn(id));
        let backup = self.authority.authorize::<actions::CreateCluster, _>(context, backup)?.into_resource();
        backup.expect_ready()?;
        if backup.mode != mode {
            return Err(Refusal::Invalid(format!(
                "Backup {id} is of a cluster in mode {}. A cluster that is made from it has the same mode.",
                backup.mode.as_str()
            )));
        }
        Ok(backup)
    }

    /// The cluster of that id, with permission to do `A`.
    pub(crate) async fn permitted_cluster<A: Action>(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<Authorized<A, Cluster>, Refusal> {
        let home = Home::of(context);
        let found = repo::clusters::find(&self.db, &self.mac, &home, id).await?;
        let missing = || self.absent::<A>(context, &home, id, Refusal::no_such_cluster);
        let cluster = found.filter(|cluster| cluster.is_shown(context.now_ms)).ok_or_else(missing)?;
        context.touched(CLUSTER_RESOURCE, home.account, home.arn(id));
        Ok(self.authority.authorize(context, cluster)?)
    }

    /// Changes the cluster of that id. Permission to do `A` is asked for on the very state that the change
    /// commits on; `act` is shown the cluster's HSMs too, and may run more than once.
    pub(crate) async fn change_cluster<A: Action>(
        &self,
        context: &RequestContext,
        id: &str,
        act: impl Fn(&mut Cluster, &[Hsm]) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(Cluster, Vec<Hsm>), Refusal> {
        let (home, act) = (&Home::of(context), &act);
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let mut cluster = self.load_permitted::<A>(tx, context, home, id).await?;
                let hsms = repo::hsms::load_all(tx, &self.mac, home, id).await?;
                let retention_days = cluster.retention_days;
                act(&mut cluster, &hsms)?;
                repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                if cluster.retention_days != retention_days {
                    self.renew_expiries(tx, home, id).await?;
                }
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>((cluster, hsms))
            })
        });
        let changed = changed.await?;
        self.nudge();
        self.agenda_changed();
        Ok(changed)
    }

    /// A cluster as a transaction sees it, with permission to do `A`.
    pub(super) async fn load_permitted<A: Action>(
        &self,
        tx: &mut strongroom_store::Tx<'_>,
        context: &RequestContext,
        home: &Home,
        id: &str,
    ) -> Result<Cluster, Refusal> {
        let missing = || self.absent::<A>(context, home, id, Refusal::no_such_cluster);
        let cluster = self.load_shown(tx, context, home, id).await?.ok_or_else(missing)?;
        Ok(self.authority.authorize::<A, _>(context, cluster)?.into_resource())
    }

    /// A cluster as a transaction sees it, for an operation that has permission already.
    pub(super) async fn load_shown(
        &self,
        tx: &mut strongroom_store::Tx<'_>,
        context: &RequestContext,
        home: &Home,
        id: &str,
    ) -> Result<Option<Cluster>, Refusal> {
        let found = repo::clusters::load(tx, &self.mac, home, id).await?;
        let shown = found.filter(|cluster| cluster.is_shown(context.now_ms));
        if shown.is_some() {
            context.touched(CLUSTER_RESOURCE, home.account, home.arn(id));
        }
        Ok(shown)
    }

    /// The clusters of an account that `wanted` lets through, from one id on and in order: one more than `most`
    /// if there are more. Each with its HSMs.
    pub(crate) async fn list_clusters(
        &self,
        _may: &Authorized<actions::DescribeClusters, Everything>,
        context: &RequestContext,
        after: &str,
        most: usize,
        wanted: impl Fn(&Cluster) -> bool,
    ) -> Result<Vec<(Cluster, Vec<Hsm>)>, Refusal> {
        let home = Home::of(context);
        let (mut found, mut after) = (Vec::new(), after.to_owned());
        loop {
            let batch = repo::clusters::list(&self.db, &self.mac, &home, &after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(found) };
            let (last, whole) = (last.id.clone(), batch.len() == BATCH);
            for cluster in batch {
                if !cluster.is_shown(context.now_ms) || !wanted(&cluster) {
                    continue;
                }
                let hsms = repo::hsms::list(&self.db, &self.mac, &home, &cluster.id).await?;
                found.push((cluster, hsms));
                if found.len() > most {
                    return Ok(found);
                }
            }
            if !whole {
                return Ok(found);
            }
            after = last;
        }
    }

    /// What the owner of a cluster initialized it with, as PEM; `None` if there is no such cluster, or it has no
    /// certificate yet. AWS's API does not show it: this is for KMS, which tells a key store's cluster by it.
    pub async fn trust_anchor(
        &self,
        account: AccountId,
        region: Region,
        cluster_id: &str,
    ) -> Result<Option<String>, StoreError> {
        let home = Home { account, region: region.name() };
        let found = repo::clusters::find(&self.db, &self.mac, &home, cluster_id).await?;
        let staying = found.filter(|cluster| cluster.expect_staying().is_ok());
        Ok(staying.and_then(|cluster| cluster.installed).map(|installed| installed.trust_anchor))
    }

    /// The HSMs of a cluster.
    pub(crate) async fn hsms_of(&self, cluster: &Cluster) -> Result<Vec<Hsm>, Refusal> {
        Ok(repo::hsms::list(&self.db, &self.mac, &cluster.home, &cluster.id).await?)
    }
}

/// The one VPC of the subnets, and the subnet of each zone.
fn one_of_each_zone(subnets: Vec<SubnetFacts>) -> Result<(String, BTreeMap<String, String>), Refusal> {
    let vpc_id = subnets.first().map(|subnet| subnet.vpc_id.clone()).unwrap_or_default();
    if subnets.iter().any(|subnet| subnet.vpc_id != vpc_id) {
        return Err(Refusal::Invalid("All subnets of a cluster must be in the same VPC.".to_owned()));
    }
    let mut mapping = BTreeMap::new();
    for subnet in subnets {
        let zone = subnet.zone.clone();
        if mapping.insert(subnet.zone, subnet.id).is_some() {
            return Err(Refusal::Invalid(format!(
                "A cluster can have one subnet in each Availability Zone, and more than one is in {zone}."
            )));
        }
    }
    Ok((vpc_id, mapping))
}
