//! How old what this server has in memory of the store is, for the front door and for the metrics.

use strongroom_api_kms::{SERVICE as KMS, errors};
use strongroom_resealing::Servers;
use strongroom_schema::ServiceSchema;
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

    /// KMS has an error for this, which all its cryptography declares and clients try again upon: something that it
    /// depends on did not answer in time. The others have the one that all services share.
    fn refusal(&self, service: &'static ServiceSchema) -> ApiError {
        if service.name == KMS.name {
            return ApiError::modelled(
                &errors::DEPENDENCY_TIMEOUT_EXCEPTION,
                "The system timed out while trying to fulfill the request. You can retry the request.",
            );
        }
        ApiError::unavailable(
            "What this server knows of its store is too old to act on. Try again in a moment.",
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
