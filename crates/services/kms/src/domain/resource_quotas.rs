//! How much an account may have in a Region (KMS Developer Guide, "Resource quotas"). Those that AWS adjusts for its
//! customers are settings.

use super::alias::MOST_PER_KEY;
use super::grant;
use super::key_store::MOST_KEY_STORES;
use crate::error::Refusal;

/// What an operator lets an account have in a Region. Each is AWS's unless he says otherwise, but for keys: there it is
/// as many as the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceQuotas {
    /// Customer managed keys in whatever state; `None` for no limit.
    pub keys: Option<u32>,
    /// Aliases of one key, at most AWS's 50.
    pub aliases_per_key: u32,
    /// Grants of one key, at most AWS's 50,000.
    pub grants_per_key: u32,
    /// Custom key stores, at most AWS's 10.
    pub key_stores: u32,
}

impl Default for ResourceQuotas {
    fn default() -> Self {
        Self {
            keys: None,
            aliases_per_key: MOST_PER_KEY as u32,
            grants_per_key: grant::MOST_PER_KEY,
            key_stores: MOST_KEY_STORES as u32,
        }
    }
}

impl ResourceQuotas {
    /// Refuses one key too many to an account that has so many. (AWS's code; the text is ours.)
    pub(crate) fn expect_room_for_key(self, keys: u64) -> Result<(), Refusal> {
        match self.keys {
            Some(most) if keys >= u64::from(most) => Err(Refusal::LimitExceeded(format!(
                "You have reached the limit of {most} KMS keys in this account and Region."
            ))),
            _ => Ok(()),
        }
    }
}
