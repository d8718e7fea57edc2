//! How long imported materials last, for who measures it.

use strongroom_identity::AccountId;
use strongroom_runtime::BoxError;

use crate::KeyManagement;
use crate::error::Refusal;
use crate::repo;

/// Keys that are told of at one time: those of which material expires first.
const MOST: u32 = 10_000;

/// A key of which a material expires.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExpiringKey {
    /// Whose it is.
    pub account: AccountId,
    /// Where it is.
    pub region: &'static str,
    /// Its id.
    pub key_id: String,
    /// When the first of its materials expires, milliseconds since 1970.
    pub expires_ms: i64,
}

impl KeyManagement {
    /// The keys of which a material expires, as their rows say, which nobody has checked; at most 10,000, soonest first.
    pub async fn expiring_keys(&self) -> Result<Vec<ExpiringKey>, BoxError> {
        let rows = repo::keys::list_expiring(&self.db, MOST).await;
        let rows = rows.map_err(|error| Refusal::from(error).into_cause())?;
        let key = |(home, key_id, expires_ms): (crate::domain::identifier::Home, String, i64)| ExpiringKey {
            account: home.account,
            region: home.region,
            key_id,
            expires_ms,
        };
        Ok(rows.into_iter().map(key).collect())
    }
}
