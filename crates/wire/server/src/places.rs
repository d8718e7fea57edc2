//! Places for bodies that stream. Whoever is slow has one for long, so no account is given all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_identity::AccountId;

/// A number of places.
pub(crate) struct Places(Mutex<Taken>);

struct Taken {
    free: usize,
    /// How many each account has that has any.
    by_account: HashMap<AccountId, usize>,
}

/// One of them, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    account: AccountId,
}

impl Places {
    /// So many places, all of them free.
    pub(crate) fn new(free: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Taken { free, by_account: HashMap::new() })))
    }

    /// A place for an account. One that has as many as are free gets no more: alone it has half of all, and whoever comes
    /// after finds some.
    pub(crate) fn take(self: &Arc<Self>, account: AccountId) -> Option<Place> {
        let mut taken = self.lock();
        let has = taken.by_account.get(&account).copied().unwrap_or_default();
        if has >= taken.free {
            return None;
        }
        taken.free -= 1;
        taken.by_account.insert(account, has + 1);
        Some(Place { places: self.clone(), account })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.free += 1;
        if let Some(has) = taken.by_account.get_mut(&self.account) {
            *has -= 1;
            if *has == 0 {
                taken.by_account.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(places: &Arc<Places>, account: &str) -> Vec<Place> {
        std::iter::from_fn(|| places.take(account.parse().unwrap())).collect()
    }

    #[test]
    fn one_account_leaves_room_for_others() {
        let places = Places::new(256);
        let first = all(&places, "111122223333");
        let second = all(&places, "222233334444");
        let third = all(&places, "333344445555");
        assert_eq!((first.len(), second.len(), third.len()), (128, 64, 32));
        drop((second, third));
        assert_eq!(all(&places, "111122223333").len(), 0, "it has half of all");
        drop(first);
        assert_eq!(places.lock().free, 256);
        assert!(places.lock().by_account.is_empty());
    }

    #[test]
    fn a_single_place_is_for_whoever_comes_first() {
        let places = Places::new(1);
        let first = all(&places, "111122223333");
        assert_eq!((first.len(), all(&places, "222233334444").len()), (1, 0));
        drop(first);
        assert_eq!(all(&places, "222233334444").len(), 1);
    }
}
