//! Records of what CloudHSM does by itself. AWS reports that its retention removes backups, and not under what
//! name; these names are ours.

use serde_json::{Value, json};
use strongroom_api_cloudhsm::SERVICE;
use strongroom_crypto::digest::sha256;
use strongroom_hsm_proto::fleet::{AuditRecord, LogType};
use strongroom_journal::{EventId, EventType, Identity, Record, Resource};

use crate::domain::backup::Backup;
use crate::domain::cluster::Cluster;
use crate::domain::home::Home;
use crate::domain::hsm::Hsm;
use crate::plane::{BACKUP_RESOURCE, CLUSTER_RESOURCE};

/// Who did it, where CloudTrail names an address or a program.
const INTERNAL: &str = "AWS Internal";

/// What the names of events begin with that HSMs logged; the opcode's name follows.
pub(crate) const AUDITED: &str = "Hsm:";

/// The retention of a backup is over, and it waits for its end.
pub(crate) fn expired(backup: &Backup, at_ms: i64, event_id: [u8; 16]) -> Record {
    let details =
        json!({ "backupId": backup.id, "clusterId": backup.cluster_id, "reason": "RETENTION_POLICY" });
    event(&backup.home, (BACKUP_RESOURCE, &backup.id), "ExpireBackup", &details, at_ms, event_id)
}

/// A cluster was not backed up, because daily backups are paused.
pub(crate) fn backup_skipped(home: &Home, cluster_id: &str, at_ms: i64, event_id: [u8; 16]) -> Record {
    let details = json!({ "clusterId": cluster_id, "reason": "DAILY_BACKUPS_PAUSED" });
    event(home, (CLUSTER_RESOURCE, cluster_id), "SkipDailyBackup", &details, at_ms, event_id)
}

/// A deleted backup is gone for good.
pub(crate) fn ended(backup: &Backup, at_ms: i64, event_id: [u8; 16]) -> Record {
    let details = json!({ "backupId": backup.id, "clusterId": backup.cluster_id });
    event(&backup.home, (BACKUP_RESOURCE, &backup.id), "RemoveBackup", &details, at_ms, event_id)
}

/// An HSM that lost its state was replaced by another.
pub(crate) fn replaced(cluster: &Cluster, former: &Hsm, new: &Hsm, at_ms: i64, event_id: [u8; 16]) -> Record {
    let details =
        json!({ "clusterId": cluster.id, "formerHsmId": former.id, "hsmId": new.id, "eniId": new.eni_id });
    event(&cluster.home, (CLUSTER_RESOURCE, &cluster.id), "ReplaceHsm", &details, at_ms, event_id)
}

/// A cluster became active: an administrator set the first password inside the HSM.
pub(crate) fn activated(cluster: &Cluster, at_ms: i64, event_id: [u8; 16]) -> Record {
    let details = json!({ "clusterId": cluster.id });
    event(&cluster.home, (CLUSTER_RESOURCE, &cluster.id), "ActivateCluster", &details, at_ms, event_id)
}

/// What an HSM logged of a command (CloudHSM User Guide, "Interpreting HSM audit logs"), with the members of
/// AWS's lines. The same record always has the same id, so that it is recorded once.
pub(crate) fn audited(home: &Home, cluster_id: &str, hsm_id: &str, record: &AuditRecord) -> Record {
    let mut details = json!({
        "clusterId": cluster_id,
        "hsmId": hsm_id,
        "sequence": record.sequence,
        "timeMicroseconds": record.time_us,
        "rebootCounter": record.reboot_counter,
        "commandType": record.command_type,
        "opcode": record.opcode,
        "opcodeName": record.opcode_name,
        "sessionHandle": record.session,
        "response": record.response,
        "responseText": record.response_text,
        "logType": record.log_type,
    });
    let log_type = LogType::try_from(record.log_type).ok();
    if log_type == Some(LogType::KeyDetails) {
        details["secretKeyHandle"] = record.secret_key.into();
        details["publicKeyHandle"] = record.public_key.into();
    }
    if log_type == Some(LogType::UserDetails) {
        details["userName"] = Value::from(record.username.as_str());
        details["userType"] = record.user_type.into();
    }
    let name = format!("{hsm_id}\0{}", record.sequence);
    let mut event_id = [0; 16];
    event_id.copy_from_slice(&sha256(name.as_bytes())[..16]);
    let at_ms = record.time_us.div_euclid(1000);
    Record {
        // The HSM's user acted, and nobody of the account.
        error_code: (record.response != 0).then(|| record.response.to_string()),
        error_message: (record.response != 0).then(|| record.response_text.clone()),
        ..event(
            home,
            (CLUSTER_RESOURCE, cluster_id),
            &format!("{AUDITED}{}", record.opcode_name),
            &details,
            at_ms,
            event_id,
        )
    }
}

/// Records of an HSM's audit log are missing, from that sequence number on and before the record that comes next:
/// the store was put back from an old copy, or the HSM's machine lost them.
pub(crate) fn audit_gap(
    home: &Home,
    cluster_id: &str,
    hsm_id: &str,
    from: u64,
    next: &AuditRecord,
) -> Record {
    let details = json!({
        "clusterId": cluster_id,
        "hsmId": hsm_id,
        "firstMissing": from,
        "lastMissing": next.sequence.saturating_sub(1),
    });
    let name = format!("{hsm_id}\0{from}\0{}", next.sequence);
    let mut event_id = [0; 16];
    event_id.copy_from_slice(&sha256(name.as_bytes())[..16]);
    let at_ms = next.time_us.div_euclid(1000);
    event(home, (CLUSTER_RESOURCE, cluster_id), "HsmAuditLogGap", &details, at_ms, event_id)
}

/// What all of them say.
fn event(
    home: &Home,
    (kind, id): (&str, &str),
    name: &str,
    details: &Value,
    at_ms: i64,
    event_id: [u8; 16],
) -> Record {
    let account_id = home.account.to_string();
    Record {
        event_id: EventId(event_id),
        event_time_ms: at_ms,
        event_source: SERVICE.event_source.to_owned(),
        event_name: name.to_owned(),
        aws_region: home.region.to_owned(),
        identity: Identity {
            account_id: Some(account_id.clone()),
            invoked_by: Some(INTERNAL.to_owned()),
            ..Identity::default()
        },
        source_ip: INTERNAL.to_owned(),
        user_agent: Some(INTERNAL.to_owned()),
        service_event_details: Some(details.to_string()),
        resources: Some(vec![Resource {
            account_id: Some(account_id.clone()),
            kind: Some(kind.to_owned()),
            arn: home.arn(id),
        }]),
        account_id,
        event_type: EventType::AwsServiceEvent,
        management: true,
        ..Record::default()
    }
}
