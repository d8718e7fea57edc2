//! Clusters and their states (CloudHSM User Guide, "Clusters in AWS CloudHSM").

use std::collections::BTreeMap;

use super::home::Home;
use super::hsm::Hsm;
use super::tags::Tags;
use crate::error::Refusal;

/// The one type of HSM that there is.
pub(crate) const HSM_TYPE: &str = "hsm2m.medium";

/// HSMs that a cluster may have.
pub(crate) const MOST_HSMS: usize = 28;

/// Days that backups are kept unless the owner says otherwise, and the fewest and the most.
pub(crate) const DEFAULT_RETENTION_DAYS: u32 = 90;
const RETENTION_DAYS: std::ops::RangeInclusive<u32> = 7..=379;

/// Milliseconds of a day: that long after one automatic backup the next is due.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How long a deleted cluster is still shown. AWS does not say; clients that wait for `DELETED` see it.
pub(crate) const SHOWN_AFTER_DELETION_MS: i64 = 60 * 60 * 1000;

/// What InitializeCluster says when it begins.
pub(crate) const INITIALIZING: &str =
    "Cluster is initializing. State will change to INITIALIZED upon completion.";

/// What DeleteCluster says when it begins.
pub(crate) const DELETING: &str = "The cluster is being deleted.";

/// A state of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClusterState {
    CreateInProgress,
    Uninitialized,
    InitializeInProgress,
    Initialized,
    Active,
    DeleteInProgress,
    Deleted,
}

impl ClusterState {
    pub(crate) const ALL: [Self; 7] = [
        Self::CreateInProgress,
        Self::Uninitialized,
        Self::InitializeInProgress,
        Self::Initialized,
        Self::Active,
        Self::DeleteInProgress,
        Self::Deleted,
    ];

    /// AWS's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::Uninitialized => "UNINITIALIZED",
            Self::InitializeInProgress => "INITIALIZE_IN_PROGRESS",
            Self::Initialized => "INITIALIZED",
            Self::Active => "ACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::Deleted => "DELETED",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What AWS calls the mode of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    Fips,
    NonFips,
}

impl Mode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fips => "FIPS",
            Self::NonFips => "NON_FIPS",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Fips, Self::NonFips].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// What shows that a new partition is on real hardware, and the request for its certificate. All PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) csr: String,
    pub(crate) hsm_certificate: String,
    pub(crate) aws_certificate: String,
    pub(crate) manufacturer_certificate: String,
}

/// The certificate that the owner's authority gave the cluster, and what it is verified with. Both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) certificate: String,
    pub(crate) trust_anchor: String,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) home: Home,
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) created_ms: i64,
    pub(crate) state: ClusterState,
    pub(crate) message: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) vpc_id: String,
    /// The subnet of each Availability Zone.
    pub(crate) subnets: BTreeMap<String, String>,
    pub(crate) security_group: String,
    pub(crate) retention_days: u32,
    /// The backup that the cluster was made from.
    pub(crate) source_backup: Option<String>,
    pub(crate) tags: Tags,
    pub(crate) evidence: Option<Evidence>,
    pub(crate) installed: Option<Installed>,
    /// When the next daily backup is due; none while the cluster has none.
    pub(crate) next_backup_ms: Option<i64>,
    /// When it was deleted.
    pub(crate) deleted_ms: Option<i64>,
}

impl Cluster {
    /// Whether the cluster is there for its owner.
    pub(crate) fn is_shown(&self, now_ms: i64) -> bool {
        self.deleted_ms.is_none_or(|at_ms| now_ms < at_ms.saturating_add(SHOWN_AFTER_DELETION_MS))
    }

    /// Refuses what cannot be done to a cluster that goes.
    pub(crate) fn expect_staying(&self) -> Result<(), Refusal> {
        match self.state {
            ClusterState::DeleteInProgress | ClusterState::Deleted => Err(self.in_wrong_state()),
            _ => Ok(()),
        }
    }

    fn in_wrong_state(&self) -> Refusal {
        Refusal::Invalid(format!(
            "Cluster {} is in state {} and cannot be used in this operation.",
            self.id,
            self.state.as_str()
        ))
    }

    /// The security group is as it has to be: the cluster is there. One that was made from a backup has its
    /// certificate.
    pub(crate) fn set_up(&mut self) {
        if self.state == ClusterState::CreateInProgress {
            self.state = match self.installed {
                Some(_) => ClusterState::Initialized,
                None => ClusterState::Uninitialized,
            };
            self.message = None;
        }
    }

    /// The first HSM has made the partition and says who it is. Answers whether that is news.
    pub(crate) fn founded(&mut self, evidence: &Evidence) -> bool {
        let news = self.state == ClusterState::Uninitialized && self.evidence.as_ref() != Some(evidence);
        if news {
            self.evidence = Some(evidence.clone());
        }
        news
    }

    /// The HSM that made the partition is gone before the cluster was initialized: the next one begins anew.
    pub(crate) fn partition_lost(&mut self) {
        if matches!(self.state, ClusterState::Uninitialized | ClusterState::InitializeInProgress) {
            self.state = ClusterState::Uninitialized;
            self.message = None;
            self.evidence = None;
            self.installed = None;
        }
    }

    /// The request that the owner's certificate has to answer.
    pub(crate) fn expect_initializable(&self) -> Result<&Evidence, Refusal> {
        if self.state != ClusterState::Uninitialized {
            return Err(Refusal::Invalid(format!(
                "Cluster {} is in state {}. Only a cluster in state UNINITIALIZED can be initialized.",
                self.id,
                self.state.as_str()
            )));
        }
        self.evidence.as_ref().ok_or_else(|| {
            Refusal::Invalid(format!(
                "Cluster {} has no certificate signing request yet. Create an HSM and wait until it is ACTIVE.",
                self.id
            ))
        })
    }

    /// The owner's certificate, checked, goes to the HSM.
    pub(crate) fn initialize(&mut self, installed: Installed) {
        self.state = ClusterState::InitializeInProgress;
        self.message = Some(INITIALIZING.to_owned());
        self.installed = Some(installed);
    }

    /// The HSM has the certificate. What could be verified until now is not shown any more.
    pub(crate) fn initialized(&mut self) {
        if self.state == ClusterState::InitializeInProgress {
            self.state = ClusterState::Initialized;
            self.message = None;
            self.evidence = None;
        }
    }

    /// An administrator has set the first password inside the HSM. Answers whether that is news.
    pub(crate) fn activated(&mut self) -> bool {
        let news = self.state == ClusterState::Initialized;
        if news {
            self.state = ClusterState::Active;
        }
        news
    }

    /// Decides whether another HSM may be made in `zone`, and answers its subnet.
    pub(crate) fn admit_hsm(&self, zone: &str, hsms: &[Hsm]) -> Result<&str, Refusal> {
        match self.state {
            ClusterState::Uninitialized | ClusterState::Initialized if hsms.is_empty() => {}
            ClusterState::Uninitialized | ClusterState::InitializeInProgress | ClusterState::Initialized
                if !hsms.is_empty() =>
            {
                return Err(Refusal::Invalid(format!(
                    "Cluster '{}' already contains an HSM but has not yet been fully activated",
                    self.id
                )));
            }
            ClusterState::Active => {}
            _ => return Err(self.in_wrong_state()),
        }
        let subnet = self.subnets.get(zone).ok_or_else(|| {
            let zones: Vec<_> = self.subnets.keys().map(String::as_str).collect();
            Refusal::Invalid(format!(
                "Availability Zone {zone} is not in the subnet mapping of cluster {}. Its zones are {}.",
                self.id,
                zones.join(", ")
            ))
        })?;
        if hsms.len() >= MOST_HSMS {
            return Err(Refusal::Invalid(format!("A cluster can have at most {MOST_HSMS} HSMs.")));
        }
        Ok(subnet)
    }

    /// Whether a backup is made when an HSM comes or goes: not before there is something to lose.
    pub(crate) fn is_backed_up(&self) -> bool {
        matches!(self.state, ClusterState::Active | ClusterState::Initialized)
    }

    /// Begins to delete the cluster, which must have no HSMs.
    pub(crate) fn delete(&mut self, hsms: usize) -> Result<(), Refusal> {
        match self.state {
            ClusterState::DeleteInProgress => return Ok(()),
            ClusterState::Deleted | ClusterState::InitializeInProgress => return Err(self.in_wrong_state()),
            _ => {}
        }
        if hsms > 0 {
            return Err(Refusal::Invalid(format!(
                "Cluster {} has HSMs. Delete all HSMs of the cluster before you delete it.",
                self.id
            )));
        }
        self.state = ClusterState::DeleteInProgress;
        self.message = Some(DELETING.to_owned());
        self.next_backup_ms = None;
        Ok(())
    }

    /// Nothing is left of the cluster but what its owner may still look at.
    pub(crate) fn deleted(&mut self, now_ms: i64) {
        if self.state == ClusterState::DeleteInProgress {
            self.state = ClusterState::Deleted;
            self.message = None;
            self.deleted_ms = Some(now_ms);
            self.evidence = None;
        }
    }
}

/// Reads the days of a `BackupRetentionPolicy`.
pub(crate) fn retention_days(kind: Option<&str>, value: Option<&str>) -> Result<u32, Refusal> {
    if kind != Some("DAYS") {
        return Err(Refusal::Invalid("The type of the backup retention policy must be DAYS.".to_owned()));
    }
    let days = value.and_then(|value| value.parse().ok()).filter(|days| RETENTION_DAYS.contains(days));
    days.ok_or_else(|| {
        Refusal::Invalid(format!(
            "The value of the backup retention policy must be between {} and {} days.",
            RETENTION_DAYS.start(),
            RETENTION_DAYS.end()
        ))
    })
}

/// Checks the type of HSM.
pub(crate) fn check_hsm_type(hsm_type: &str) -> Result<(), Refusal> {
    if hsm_type == HSM_TYPE {
        return Ok(());
    }
    // The text of AWS for types that it does not offer any more, seen in 2026.
    Err(Refusal::Invalid("Provided HsmType is not supported.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_seven_to_379_days() {
        for (value, days) in [("7", 7), ("379", 379), ("090", 90)] {
            assert_eq!(retention_days(Some("DAYS"), Some(value)).unwrap(), days);
        }
        for (kind, value) in [
            (Some("DAYS"), Some("6")),
            (Some("DAYS"), Some("380")),
            (Some("DAYS"), Some("-7")),
            (Some("DAYS"), None),
            (Some("WEEKS"), Some("7")),
            (None, Some("7")),
        ] {
            assert!(retention_days(kind, value).is_err(), "{kind:?} {value:?}");
        }
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in ClusterState::ALL {
            assert_eq!(ClusterState::parse(state.as_str()), Some(state));
        }
        assert_eq!(ClusterState::parse("active"), None);
    }
}
