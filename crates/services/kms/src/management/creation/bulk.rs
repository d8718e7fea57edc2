//! Many keys at once, for measurements of a full store. The feature `bulk-load` is theirs alone: the product
//! is never built with it.

use strongroom_identity::{AccountId, Region};
use strongroom_runtime::BoxError;

use super::first_state;
use crate::domain::identifier::Home;
use crate::domain::key::Manager;
use crate::error::Refusal;
use crate::{KeyManagement, repo};

impl KeyManagement {
    /// Adds `count` keys as CreateKey makes them for whoever asks for nothing special, all in one
    /// transaction, and answers their ids. Nobody is asked for permission, and nothing is recorded.
    ///
    /// `now_ms` is when they are made, in milliseconds since 1970. Errors are the store's and the backend's.
    pub async fn load_keys(
        &self,
        account: AccountId,
        region: Region,
        count: usize,
        now_ms: i64,
    ) -> Result<Vec<String>, BoxError> {
        let home = Home { account, region: region.name() };
        self.load(&home, count, now_ms).await.map_err(Refusal::into_cause)
    }

    async fn load(&self, home: &Home, count: usize, now_ms: i64) -> Result<Vec<String>, Refusal> {
        let mut keys = Vec::with_capacity(count);
        for _ in 0..count {
            let key_id = Self::new_key_id()?;
            let material = self.built_in_material(home, &key_id, now_ms).await?;
            keys.push(first_state(home.clone(), key_id, Manager::Customer, material));
        }
        let rows = keys.as_slice();
        let inserted = self.db.transaction(|tx| {
            Box::pin(async move {
                for key in rows {
                    if !repo::keys::insert(tx, &self.mac, key).await? {
                        return Err(Refusal::KeyExists(key.arn.clone()));
                    }
                }
                Ok(())
            })
        });
        inserted.await?;
        Ok(keys.into_iter().map(|key| key.id).collect())
    }
}
