//! `[quotas]`: how much an account may have in a Region.

use serde::Deserialize;
use strongroom_kms::ResourceQuotas;

use super::Whole;

/// KMS's resource quotas that AWS adjusts for its customers. What is not said is as AWS has it, but for keys: of those
/// there may be as many as the store holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QuotaSettings {
    /// Keys, in whatever state.
    keys: Option<Whole<1, 1_000_000_000>>,
    /// Aliases of one key.
    aliases_per_key: Option<Whole<1, 50>>,
    /// Grants of one key.
    grants_per_key: Option<Whole<1, 50_000>>,
    /// Custom key stores.
    key_stores: Option<Whole<1, 10>>,
    /// Whether requests beyond those that AWS lets an account make in a second are refused.
    pub(crate) requests: bool,
}

impl QuotaSettings {
    /// What KMS lets an account have.
    pub(crate) fn of_kms(&self) -> ResourceQuotas {
        // Every bound above fits.
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let mut quotas = ResourceQuotas::default();
        quotas.keys = self.keys.as_ref().map(|keys| number(keys.get()));
        if let Some(aliases) = &self.aliases_per_key {
            quotas.aliases_per_key = number(aliases.get());
        }
        if let Some(grants) = &self.grants_per_key {
            quotas.grants_per_key = number(grants.get());
        }
        if let Some(stores) = &self.key_stores {
            quotas.key_stores = number(stores.get());
        }
        quotas
    }
}
