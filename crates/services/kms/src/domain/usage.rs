//! Last uses of keys, as records tell them (KMS API Reference, GetKeyLastUsage).

use strongroom_api_kms::{KeyLastUsageTrackingOperation, SERVICE};
use strongroom_journal::{EventId, Record};

use super::identifier::{Home, Named};

/// The last successful cryptographic operation with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastUse {
    pub(crate) operation: String,
    pub(crate) used_ms: i64,
    /// The event that records it.
    pub(crate) event_id: EventId,
    pub(crate) request_id: Option<String>,
}

/// The keys that a record shows in use: none if it is of another kind of call, or of one that failed.
pub(crate) fn keys_used(record: &Record) -> Vec<(Home, String, LastUse)> {
    let tracked = record.event_source == SERVICE.event_source
        && record.error_code.is_none()
        && is_tracked(&record.event_name);
    if !tracked {
        return Vec::new();
    }
    let last = LastUse {
        operation: record.event_name.clone(),
        used_ms: record.event_time_ms,
        event_id: record.event_id,
        request_id: record.request_id.clone(),
    };
    let resources = record.resources.iter().flatten();
    resources
        .filter_map(|resource| {
            let (home, key_id) = Named::parse_own_arn(&resource.arn)?;
            Some((home, key_id, last.clone()))
        })
        .collect()
}

fn is_tracked(operation: &str) -> bool {
    !matches!(KeyLastUsageTrackingOperation::from(operation), KeyLastUsageTrackingOperation::Unknown(_))
}
