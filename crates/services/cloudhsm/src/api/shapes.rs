//! Clusters, HSMs and backups as the API shows them.

use strongroom_api_cloudhsm as api;
use strongroom_schema::Timestamp;

use crate::domain::backup::Backup;
use crate::domain::cluster::{Cluster, HSM_TYPE};
use crate::domain::hsm::Hsm;
use crate::domain::tags::Tags;
use crate::error::Refusal;

/// A cluster with its HSMs.
pub(super) fn cluster(cluster: &Cluster, hsms: &[Hsm]) -> api::Cluster {
    let (evidence, installed) = (cluster.evidence.as_ref(), cluster.installed.as_ref());
    api::Cluster {
        backup_policy: Some(api::BackupPolicy::Default),
        backup_retention_policy: Some(api::BackupRetentionPolicy {
            r#type: Some(api::BackupRetentionType::Days),
            value: Some(cluster.retention_days.to_string()),
        }),
        cluster_id: Some(cluster.id.clone()),
        create_timestamp: Some(Timestamp::from_millis(cluster.created_ms)),
        hsms: Some(hsms.iter().map(hsm).collect()),
        hsm_type: Some(HSM_TYPE.to_owned()),
        hsm_type_rollback_expiration: None,
        pre_co_password: None,
        security_group: Some(cluster.security_group.clone()),
        source_backup_id: cluster.source_backup.clone(),
        state: Some(cluster.state.as_str().into()),
        state_message: cluster.message.clone(),
        subnet_mapping: Some(cluster.subnets.clone().into_iter().collect()),
        vpc_id: Some(cluster.vpc_id.clone()),
        network_type: Some(api::NetworkType::Ipv4),
        certificates: Some(api::Certificates {
            cluster_csr: evidence.map(|evidence| evidence.csr.clone()),
            hsm_certificate: evidence.map(|evidence| evidence.hsm_certificate.clone()),
            aws_hardware_certificate: evidence.map(|evidence| evidence.aws_certificate.clone()),
            manufacturer_hardware_certificate: evidence
                .map(|evidence| evidence.manufacturer_certificate.clone()),
            cluster_certificate: installed.map(|installed| installed.certificate.clone()),
        }),
        tag_list: Some(tags(&cluster.tags)),
        mode: Some(cluster.mode.as_str().into()),
    }
}

/// An HSM.
pub(super) fn hsm(hsm: &Hsm) -> api::Hsm {
    api::Hsm {
        availability_zone: Some(hsm.zone.clone()),
        cluster_id: Some(hsm.cluster_id.clone()),
        subnet_id: Some(hsm.subnet_id.clone()),
        eni_id: Some(hsm.eni_id.clone()),
        eni_ip: Some(hsm.eni_ip.to_string()),
        eni_ip_v6: None,
        hsm_id: hsm.id.clone(),
        hsm_type: Some(HSM_TYPE.to_owned()),
        state: Some(hsm.state.as_str().into()),
        state_message: hsm.message.clone(),
    }
}

/// A backup.
pub(super) fn backup(backup: &Backup) -> api::Backup {
    let copied = backup.copied.as_ref();
    api::Backup {
        backup_id: backup.id.clone(),
        backup_arn: Some(backup.home.arn(&backup.id)),
        backup_state: Some(backup.state.as_str().into()),
        cluster_id: backup.cluster_id.clone(),
        create_timestamp: Some(Timestamp::from_millis(backup.created_ms)),
        copy_timestamp: copied.map(|copied| Timestamp::from_millis(copied.at_ms)),
        never_expires: Some(backup.never_expires),
        source_region: copied.map(|copied| copied.region.clone()),
        source_backup: copied.map(|copied| copied.backup.clone()),
        source_cluster: copied.map(|copied| copied.cluster.clone()),
        delete_timestamp: backup.delete_ms.map(Timestamp::from_millis),
        tag_list: Some(tags(&backup.tags)),
        hsm_type: Some(HSM_TYPE.to_owned()),
        mode: Some(backup.mode.as_str().into()),
    }
}

/// Tags.
pub(super) fn tags(tags: &Tags) -> Vec<api::Tag> {
    tags.iter().map(|(key, value)| api::Tag { key: key.to_owned(), value: value.to_owned() }).collect()
}

/// The tags of a request.
pub(super) fn parse_tags(tags: Vec<api::Tag>) -> Result<Tags, Refusal> {
    Tags::parse(tags.into_iter().map(|tag| (tag.key, tag.value)))
}
