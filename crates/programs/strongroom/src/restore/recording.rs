//! The record of a restore: the first of the stream that the journal goes on in, for every account.
//!
//! The event is ours. It names the backup and the stream whose end the backup has: what was recorded after that is in the
//! journal of the server that the backup was made of, and not in this one.

use anyhow::{Context as _, Result};
use serde_json::json;
use strongroom_crypto::random;
use strongroom_journal::{EventId, EventType, Identity, Record};

use super::findings::{Findings, Wrong};
use super::opening::Opened;
use crate::control::Parts;
use crate::moment;

/// By whom, where CloudTrail has a service, an address or a program: as events that AWS makes itself have it.
const INTERNAL: &str = "AWS Internal";
/// Events of the installation as a whole are ours, and of no service of AWS's.
const SOURCE: &str = "strongroom.internal";
const NAME: &str = "RestoreBackup";
/// Where what belongs to no Region is recorded.
const HOME_REGION: &str = "us-east-1";

/// Records the restore in every account, and answers how many there are.
pub(super) async fn record(parts: &Parts, opened: &Opened, findings: &Findings) -> Result<u64> {
    let now_ms = parts.ground.clocks.domain_now();
    let mut details = json!({
        "backupId": opened.id(),
        "backupTime": moment::text(opened.open_part.made_ms),
        "lastStreamInBackup": findings.stream,
        "recordsInBackup": findings.records,
    });
    let Wrong { rows, refused, journal, .. } = &findings.wrong;
    if let Some(details) = details.as_object_mut().filter(|_| !findings.wrong.is_nothing()) {
        let accepted = json!({"alteredRows": rows, "refusedRows": refused, "journalFindings": journal});
        details.insert("acceptedFindings".to_owned(), accepted);
    }
    let details = details.to_string();
    let (mut count, mut after) = (0, None);
    loop {
        // Also where an account's row was altered: that its record says so does no harm.
        let page = parts.iam.account_ids(after).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(*last);
        for account in &page {
            let account_id = account.to_string();
            let record = Record {
                event_id: EventId(random::bytes()?),
                event_time_ms: now_ms,
                event_source: SOURCE.to_owned(),
                event_name: NAME.to_owned(),
                aws_region: HOME_REGION.to_owned(),
                identity: Identity {
                    account_id: Some(account_id.clone()),
                    invoked_by: Some(INTERNAL.to_owned()),
                    ..Identity::default()
                },
                source_ip: INTERNAL.to_owned(),
                user_agent: Some(INTERNAL.to_owned()),
                account_id,
                service_event_details: Some(details.clone()),
                event_type: EventType::AwsServiceEvent,
                management: true,
                ..Record::default()
            };
            parts.ground.outbox.record(record, false).await.context("recording the restore")?;
            count += 1;
        }
    }
}
