//! How old what this server has in memory of the store is, for the front door and for the metrics.

use strongroom_api_kms::{SERVICE as KMS, errors};
use strongroom_resealing::Servers;
use strongroom_schema::{Operation, ServiceSchema};
use strongroom_server::{Figure, Figures, Freshness, Reading};
use strongroom_service::ApiError;
use strongroom_store::Db;

/// The store's change feed.
pub(crate) struct StoreFeed(pub(crate) Db);

/// Whether this server may act on what it has of the store: what is in memory, and the root key.
pub(crate) struct UpToDate {
    pub(crate) feed: StoreFeed,
    pub(crate) servers: Servers,
}

impl Freshness for UpToDate {
    fn mark(&self) -> Option<u64> {
        // Under a root key that the store has left behind nothing of it opens, and what is sealed nobody can open.
        if self.servers.is_left_behind() { None } else { self.feed.0.feed().mark() }
    }

    fn holds(&self, mark: u64) -> bool {
        !self.servers.is_left_behind() && self.feed.0.feed().holds(mark)
    }

    fn refusal(&self, service: &'static ServiceSchema, operation: &'static Operation) -> ApiError {
        too_old(service, operation)
    }
}

/// KMS has an error for this, which clients try again upon: something that it depends on did not answer in time. An
/// operation whose model lacks it fails as KMS itself lets it. The others have the one that all services share.
fn too_old(service: &ServiceSchema, operation: &Operation) -> ApiError {
    let timeout = &errors::DEPENDENCY_TIMEOUT_EXCEPTION;
    if service.name != KMS.name {
        ApiError::unavailable(
            "What this server knows of its store is too old to act on. Try again in a moment.",
        )
    } else if operation.errors.iter().any(|error| error.name == timeout.name) {
        ApiError::modelled(
            timeout,
            "The system timed out while trying to fulfill the request. You can retry the request.",
        )
    } else {
        ApiError::modelled(
            &errors::KMS_INTERNAL_EXCEPTION,
            "The request was rejected because an internal exception occurred. The request can be retried.",
        )
    }
}

impl Figures for StoreFeed {
    fn figures(&self) -> Vec<Figure> {
        let feed = self.0.feed();
        let gauge = |name, help, value| Figure { name, help, value: Reading::Gauge(value) };
        let age = feed.age().unwrap_or_default();
        vec![
            gauge(
                "store_feed_age_seconds",
                "How long ago changes of the store were last looked at",
                age.as_secs_f64(),
            ),
            gauge(
                "store_feed_stale",
                "1 if calls are refused because what is in memory of the store is too old",
                f64::from(u8::from(feed.is_stale())),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_refused_with_an_error_that_its_model_has() {
        let mut timeouts = 0;
        for operation in KMS.operations {
            let refusal = too_old(&KMS, operation);
            let modelled = operation.errors.iter().any(|error| error.name == refusal.code());
            assert!(modelled, "{} of {}", refusal.code(), operation.name);
            timeouts += usize::from(refusal.code() == "DependencyTimeoutException");
        }
        assert!(timeouts > KMS.operations.len() / 2, "{timeouts}");
        let iam = &strongroom_api_iam::SERVICE;
        assert_eq!(too_old(iam, &iam.operations[0]).code(), "ServiceUnavailableException");
    }
}
