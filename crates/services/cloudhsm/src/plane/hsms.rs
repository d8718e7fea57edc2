//! HSMs made and deleted.

use std::net::Ipv4Addr;

use strongroom_api_cloudhsm::actions;
use strongroom_identity::RequestContext;
use strongroom_policy::Everything;

use super::{CLUSTER_RESOURCE, ControlPlane};
use crate::domain::backup::{Backup, BackupState};
use crate::domain::cluster::{Cluster, ClusterState};
use crate::domain::home::{Home, new_id};
use crate::domain::hsm::{Hsm, HsmState};
use crate::error::Refusal;
use crate::network::{Interface, SubnetFacts, is_taken};
use crate::placement::{PlacementError, Spot};
use crate::repo;

/// Addresses of a subnet that are tried before it counts as full.
const TRIES: u32 = 512;

/// Addresses at the beginning of every subnet that AWS keeps for itself.
const RESERVED: u32 = 4;

/// How a request names an HSM.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    Id(String),
    Interface(String),
    Address(String),
}

impl Which {
    fn names(&self, hsm: &Hsm) -> bool {
        match self {
            Self::Id(id) => hsm.id == *id,
            Self::Interface(id) => hsm.eni_id == *id,
            Self::Address(address) => address.parse() == Ok(hsm.eni_ip),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Id(id) => format!("the ID {id}"),
            Self::Interface(id) => format!("the network interface {id}"),
            Self::Address(address) => format!("the IP address {address}"),
        }
    }
}

impl ControlPlane {
    /// Makes an HSM in a zone of the cluster, which the reconciler starts.
    pub(crate) async fn create_hsm(
        &self,
        context: &RequestContext,
        cluster_id: &str,
        zone: &str,
        address: Option<Ipv4Addr>,
    ) -> Result<Hsm, Refusal> {
        // Looked at twice: here, before anything is made for it, and again in the transaction.
        let cluster =
            self.permitted_cluster::<actions::CreateHsm>(context, cluster_id).await?.into_resource();
        let hsms = self.hsms_of(&cluster).await?;
        let subnet = cluster.admit_hsm(zone, &hsms)?.to_owned();
        if hsms.is_empty() {
            self.expect_something_to_begin_with(&cluster).await?;
        }
        let facts = self.network.subnets(&cluster.home, std::slice::from_ref(&subnet)).await?;
        let facts =
            facts.into_iter().next().ok_or_else(|| Refusal::internal("a subnet is not found twice"))?;
        let interface = self.interface(&cluster, &facts, address).await?;
        let hsm = Hsm {
            home: cluster.home.clone(),
            cluster_id: cluster.id.clone(),
            id: new_id("hsm")?,
            version: 1,
            created_ms: context.now_ms,
            state: HsmState::CreateInProgress,
            message: None,
            zone: zone.to_owned(),
            subnet_id: subnet,
            eni_id: interface.id,
            eni_ip: interface.address,
            token_digest: None,
            device: None,
        };
        match self.insert_hsm(context, &hsm).await {
            Ok(()) => {}
            // The store's word can be lost after it has done it. An interface without an HSM is swept up later.
            Err(Refusal::Internal(cause)) => {
                let found = repo::hsms::find(&self.db, &self.mac, &hsm.id).await;
                if !matches!(found, Ok(Some(_))) {
                    return Err(Refusal::Internal(cause));
                }
            }
            Err(refusal) => {
                let gone = self.network.delete_interface(&hsm.home, &hsm.eni_id).await;
                if let Err(error) = gone {
                    tracing::warn!(interface = hsm.eni_id, %error, "a network interface without an HSM stays");
                }
                return Err(refusal);
            }
        }
        self.nudge();
        Ok(hsm)
    }

    /// The first HSM of a cluster that has been initialized is made from a backup: the cluster's own, or the one
    /// that the cluster was made from.
    async fn expect_something_to_begin_with(&self, cluster: &Cluster) -> Result<(), Refusal> {
        if !cluster.is_backed_up() {
            return Ok(());
        }
        let ready = |backup: &Backup| backup.state == BackupState::Ready;
        let own = repo::backups::list_of(&self.db, &self.mac, &cluster.home, &cluster.id).await?;
        if own.iter().any(ready) {
            return Ok(());
        }
        if let Some(source) = &cluster.source_backup
            && cluster.state != ClusterState::Active
            && repo::backups::find_by_id(&self.db, &self.mac, source).await?.as_ref().is_some_and(ready)
        {
            return Ok(());
        }
        Err(Refusal::Invalid(format!(
            "Cluster {} has no HSM, and no backup in state READY to make one from. Restore a backup with RestoreBackup \
             first.",
            cluster.id
        )))
    }

    async fn insert_hsm(&self, context: &RequestContext, hsm: &Hsm) -> Result<(), Refusal> {
        let most = self.options.most_hsms;
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let (home, cluster_id) = (&hsm.home, &hsm.cluster_id);
                    let mut cluster =
                        self.load_permitted::<actions::CreateHsm>(tx, context, home, cluster_id).await?;
                    let hsms = repo::hsms::load_all(tx, &self.mac, home, cluster_id).await?;
                    cluster.admit_hsm(&hsm.zone, &hsms)?;
                    if repo::hsms::count(tx, home).await? >= most {
                        return Err(Refusal::Invalid(format!(
                            "You have reached the limit of {most} HSMs in this Region."
                        )));
                    }
                    repo::hsms::insert(tx, &self.mac, hsm).await?;
                    // How many HSMs a cluster has is part of it.
                    repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                    Ok(repo::post(tx, context.draft()).await?)
                })
            })
            .await
    }

    /// Makes the interface at the address asked for, or at the first that is free in the network and on the
    /// machine.
    async fn interface(
        &self,
        cluster: &Cluster,
        subnet: &SubnetFacts,
        asked: Option<Ipv4Addr>,
    ) -> Result<Interface, Refusal> {
        let (home, group) = (&cluster.home, &cluster.security_group);
        if let Some(address) = asked {
            if !addresses(&subnet.cidr)
                .is_some_and(|(first, last)| (first..=last).contains(&u32::from(address)))
            {
                return Err(Refusal::Invalid(format!(
                    "The IP address {address} cannot be used in subnet {}, whose CIDR block is {}.",
                    subnet.id, subnet.cidr
                )));
            }
            if self.spot(&subnet.zone, address).await? == Spot::InUse {
                return Err(Refusal::Invalid(format!("The IP address {address} is already in use.")));
            }
            let made = self.network.create_interface(home, &subnet.id, address, group).await;
            return made.map_err(Refusal::Elsewhere);
        }
        let Some((first, last)) = addresses(&subnet.cidr) else {
            return Err(Refusal::internal("a subnet's CIDR block cannot be read"));
        };
        for address in (first..=last).take(TRIES as usize).map(Ipv4Addr::from) {
            if self.spot(&subnet.zone, address).await? == Spot::InUse {
                continue;
            }
            match self.network.create_interface(home, &subnet.id, address, group).await {
                Err(error) if is_taken(&error) => {}
                made => return made.map_err(Refusal::Elsewhere),
            }
        }
        Err(Refusal::Invalid(format!("Subnet {} has no free IP address.", subnet.id)))
    }

    async fn spot(&self, zone: &str, address: Ipv4Addr) -> Result<Spot, Refusal> {
        self.placement.survey(zone, address).await.map_err(|error| match error {
            PlacementError::Unreachable(text) => Refusal::Invalid(text),
            other => Refusal::Internal(other.into()),
        })
    }

    /// Deletes an HSM; the reconciler backs the cluster up, if there is something to lose. The last HSM is still
    /// there for that; the others do it when this one has left, since the partition key changes with that.
    pub(crate) async fn delete_hsm(
        &self,
        context: &RequestContext,
        cluster_id: &str,
        which: &Which,
    ) -> Result<Hsm, Refusal> {
        let home = &Home::of(context);
        // Permission for this one is not given for single clusters (Service Authorization Reference).
        self.authority.authorize::<actions::DeleteHsm, _>(context, Everything(context.account()))?;
        let deleted = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = self.load_shown(tx, context, home, cluster_id).await?;
                let mut cluster = found.ok_or_else(|| Refusal::no_such_cluster(cluster_id))?;
                cluster.expect_staying()?;
                let hsms = repo::hsms::load_all(tx, &self.mac, home, cluster_id).await?;
                let hsm = hsms.iter().find(|hsm| which.names(hsm)).cloned();
                let mut hsm = hsm.ok_or_else(|| Refusal::no_such_hsm(cluster_id, &which.text()))?;
                if hsm.state != HsmState::DeleteInProgress {
                    let is_last = !hsms.iter().any(|other| other.id != hsm.id && other.is_member());
                    if cluster.is_backed_up() && hsm.is_member() && is_last {
                        let backups = repo::backups::load_of(tx, &self.mac, home, cluster_id).await?;
                        if !backups.iter().any(|backup| backup.state == BackupState::CreateInProgress) {
                            let backup = self.new_backup(&cluster, context.now_ms)?;
                            repo::backups::insert(tx, &self.mac, &backup).await?;
                        }
                    }
                    hsm.state = HsmState::DeleteInProgress;
                    hsm.message = None;
                    repo::hsms::replace(tx, &self.mac, &mut hsm).await?;
                    repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                }
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(hsm)
            })
        });
        let hsm = deleted.await?;
        context.touched(CLUSTER_RESOURCE, home.account, home.arn(cluster_id));
        self.nudge();
        Ok(hsm)
    }
}

/// The first and the last address of a CIDR block that an interface can have.
fn addresses(cidr: &str) -> Option<(u32, u32)> {
    let (base, length) = cidr.split_once('/')?;
    let (base, length): (Ipv4Addr, u32) = (base.parse().ok()?, length.parse().ok()?);
    let host = 32_u32.checked_sub(length)?;
    let mask = u32::MAX.checked_shr(length).unwrap_or(0);
    let first = u32::from(base) & !mask;
    (host >= 3).then(|| (first + RESERVED, (first | mask) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_addresses_of_a_subnet_are_taken() {
        let text = |cidr| {
            addresses(cidr)
                .map(|(first, last)| (Ipv4Addr::from(first).to_string(), Ipv4Addr::from(last).to_string()))
        };
        assert_eq!(text("10.0.0.0/24"), Some(("10.0.0.4".to_owned(), "10.0.0.254".to_owned())));
        assert_eq!(text("10.0.0.16/28"), Some(("10.0.0.20".to_owned(), "10.0.0.30".to_owned())));
        for cidr in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/30", "10.0.0/24"] {
            assert_eq!(text(cidr), None, "{cidr}");
        }
    }
}
