//! Key stores that fail on demand.

use super::KeyStores;
use crate::domain::key_store::{ConnectionError, ConnectionState, KeyStore};
use crate::error::Refusal;
use crate::faults::KeyStoreFaultError;
use crate::repo;

impl KeyStores {
    /// Makes a key store, whosever it is, FAILED with that code, as if an attempt to connect it had just ended so.
    /// Disconnecting and connecting it leads out.
    pub(in crate::management) async fn fail(
        &self,
        store_id: &str,
        code: &str,
    ) -> Result<(), KeyStoreFaultError> {
        let error = read_code(code)?;
        let found = self.find_anywhere(store_id).await?;
        let now_ms = self.clocks.domain_now();
        let failed = self.alter(&found.home, store_id, |store| {
            let is_free = store.state != ConnectionState::Disconnecting;
            if is_free {
                store.fail(error, now_ms);
            }
            is_free
        });
        if failed.await.map_err(failure)?.is_none() {
            let text =
                format!("The custom key store {store_id} is being disconnected; wait until that is done.");
            return Err(KeyStoreFaultError::Refused(text));
        }
        tracing::warn!(store = store_id, code, "a key store fails on demand");
        self.lines.of(&found.home, store_id).hang_up();
        Ok(())
    }

    /// Has the next attempt to connect a key store, whosever it is, fail with that code.
    pub(in crate::management) async fn fail_next(
        &self,
        store_id: &str,
        code: &str,
    ) -> Result<(), KeyStoreFaultError> {
        let error = read_code(code)?;
        self.find_anywhere(store_id).await?;
        if !self.faults.set(store_id, error) {
            let text = "Too many key stores are to fail already; clear some first.".to_owned();
            return Err(KeyStoreFaultError::Refused(text));
        }
        tracing::warn!(store = store_id, code, "a key store is to fail at its next attempt to connect");
        Ok(())
    }

    async fn find_anywhere(&self, store_id: &str) -> Result<KeyStore, KeyStoreFaultError> {
        for state in ConnectionState::ALL {
            let stores = repo::key_stores::list_in_state(&self.db, &self.mac, state).await;
            let stores = stores.map_err(|error| failure(error.into()))?;
            if let Some(store) = stores.into_iter().find(|store| store.id == store_id) {
                return Ok(store);
            }
        }
        Err(KeyStoreFaultError::Refused(format!(
            "There is no custom key store {store_id}. `aws kms describe-custom-key-stores` lists those that there are."
        )))
    }
}

fn read_code(code: &str) -> Result<ConnectionError, KeyStoreFaultError> {
    ConnectionError::parse(code).ok_or_else(|| {
        let codes = ConnectionError::ALL.map(ConnectionError::as_str).join(", ");
        let text = format!(
            "{code} is no error code of a key store in a CloudHSM cluster. There are these: {codes}."
        );
        KeyStoreFaultError::Refused(text)
    })
}

fn failure(refusal: Refusal) -> KeyStoreFaultError {
    KeyStoreFaultError::Failed(refusal.into_cause())
}
