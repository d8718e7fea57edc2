//! Which records a trail logs: a pure function of the record, so that a file can be made again as it was.

use serde::{Deserialize, Serialize};
use strongroom_journal::{IdentityKind, Record};

use super::selectors::Selectors;
use super::trail::Stretch;

/// CloudTrail, as policies and records name it.
pub(crate) const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// Services without a Region, whose events are left out on request (CloudTrail User Guide, "CloudTrail concepts",
/// "Global service events").
const GLOBAL_SERVICES: [&str; 2] = ["iam.amazonaws.com", "cloudfront.amazonaws.com"];

/// What a trail logs, as it was at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Selection {
    /// The trail's edition.
    pub(crate) edition: u64,
    /// The trail's rules, where a stretch has none of its own.
    #[serde(flatten)]
    pub(crate) rules: Rules,
    pub(crate) logged: Vec<Stretch>,
}

/// What a trail takes of what happens while it logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// The only Region, of a trail that has one.
    pub(crate) region: Option<String>,
    pub(crate) includes_global_services: bool,
    pub(crate) selectors: Selectors,
}

impl Selection {
    /// Whether the trail, of that account, logs a record. Needs no more of it than its facts.
    pub(crate) fn has(&self, account: &str, record: &Record) -> bool {
        record.account_id == account
            && !is_delivery(record)
            && self.logged.iter().any(|stretch| {
                stretch.has(record) && stretch.rules.as_ref().unwrap_or(&self.rules).take(record)
            })
    }
}

impl Rules {
    fn take(&self, record: &Record) -> bool {
        self.region.as_ref().is_none_or(|region| *region == record.aws_region)
            && (self.includes_global_services || !GLOBAL_SERVICES.contains(&record.event_source.as_str()))
            && self.selectors.have(record)
    }
}

impl Stretch {
    fn has(&self, record: &Record) -> bool {
        let ended_it = self.ended_by == Some(record.event_id.0);
        let in_time = record.event_time_ms >= self.from_ms
            && self.until_ms.is_none_or(|until| record.event_time_ms <= until);
        ended_it || in_time
    }
}

/// Whether CloudTrail itself made the call, for a delivery: in its own name, or with the rights of a trail's role. If such
/// calls were delivered, each delivery would make the next one.
fn is_delivery(record: &Record) -> bool {
    matches!(record.identity.kind, Some(IdentityKind::AwsService | IdentityKind::AssumedRole))
        && record.identity.invoked_by.as_deref() == Some(CLOUDTRAIL)
}
