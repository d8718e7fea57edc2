//! Access keys opened, held in memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_identity::AccountId;
use strongroom_secret::SecretString;

/// How many are held. Beyond it one is dropped and opened again when needed.
const MOST: usize = 10_000;

/// An access key whose secret is in memory. What is here of it never changes; whether it counts does, and is
/// asked each time.
pub(crate) struct OpenedKey {
    pub(crate) account: AccountId,
    pub(crate) user_id: Option<String>,
    pub(crate) secret: Arc<SecretString>,
    pub(crate) version: u32,
}

/// Opened access keys, by their ids.
#[derive(Default)]
pub(crate) struct OpenedKeys(RwLock<Held>);

#[derive(Default)]
struct Held {
    keys: HashMap<String, Arc<OpenedKey>>,
    /// Counts how often something was forgotten: what was read before is not held after.
    forgotten: u64,
}

/// How often something had been forgotten when a key began to be read.
#[derive(Clone, Copy)]
pub(crate) struct Ticket(u64);

impl OpenedKeys {
    pub(crate) fn get(&self, access_key_id: &str) -> Option<Arc<OpenedKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys.get(access_key_id).cloned()
    }

    /// To be taken before a key is read from the store.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.0.read().unwrap_or_else(PoisonError::into_inner).forgotten)
    }

    /// Holds a key that was read from the store, unless something has been forgotten since: another key of that id may
    /// be there now.
    pub(crate) fn hold(&self, ticket: Ticket, access_key_id: &str, key: &Arc<OpenedKey>) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.forgotten != ticket.0 {
            return;
        }
        if held.keys.len() >= MOST
            && let Some(any) = held.keys.keys().next().cloned()
        {
            held.keys.remove(&any);
        }
        held.keys.insert(access_key_id.to_owned(), key.clone());
    }

    /// Forgets a key that is another now, or gone, and with it every read that is under way.
    pub(crate) fn forget(&self, access_key_id: &str) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.keys.remove(access_key_id);
        held.forgotten += 1;
    }

    pub(crate) fn forget_all(&self) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.keys.clear();
        held.forgotten += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<OpenedKey> {
        Arc::new(OpenedKey {
            account: "111122223333".parse().unwrap(),
            user_id: None,
            secret: Arc::new(SecretString::new("secret".to_owned())),
            version: 1,
        })
    }

    #[test]
    fn what_was_read_before_all_were_forgotten_is_not_held() {
        let opened = OpenedKeys::default();
        let before = opened.ticket();
        opened.hold(before, "a", &key());
        assert!(opened.get("a").is_some());
        opened.forget_all();
        assert!(opened.get("a").is_none());
        opened.hold(before, "a", &key());
        assert!(opened.get("a").is_none());
        opened.hold(opened.ticket(), "a", &key());
        assert!(opened.get("a").is_some());
    }

    #[test]
    fn memory_has_a_bound() {
        let opened = OpenedKeys::default();
        for id in 0..=MOST {
            opened.hold(opened.ticket(), &id.to_string(), &key());
        }
        assert_eq!(opened.0.read().unwrap().keys.len(), MOST);
        assert!(opened.get(&MOST.to_string()).is_some());
    }
}
