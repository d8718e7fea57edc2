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
    /// When the first of the materials expires that it has for good, milliseconds since 1970.
    pub expires_ms: i64,
}

impl KeyManagement {
    /// The keys that lack a material soonest because it expires, as their rows say, which nobody has checked; at most 10,000,
    /// soonest first. A row that cannot be read is left out, and in no other's way.
    pub async fn expiring_keys(&self) -> Result<Vec<ExpiringKey>, BoxError> {
        let rows = repo::keys::list_expiring(&self.db, MOST).await;
        let rows = rows.map_err(|error| Refusal::from(error).into_cause())?;
        if rows.len() >= MOST as usize {
            tracing::warn!(most = MOST, "of further keys whose material expires it is not measured when");
        }
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            match row {
                Ok((home, key_id, expires_ms)) => {
                    keys.push(ExpiringKey { account: home.account, region: home.region, key_id, expires_ms });
                }
                Err(error) => tracing::warn!(%error, "when the material of a key expires is not measured"),
            }
        }
        Ok(keys)
    }
}
