//! Places among the deliveries at work. There are so many for all, and fewer for each subscription, account and host: who is
//! slow keeps those of others waiting for none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_identity::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Deliveries at work at one time, and of those the ones of one subscription, account and host.
const AT_WORK: usize = 64;
const FOR_ONE_SUBSCRIPTION: usize = 4;
const FOR_ONE_ACCOUNT: usize = 16;
const FOR_ONE_HOST: usize = 16;

/// Who has places.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// By its id.
    Subscription(String),
    /// The account of topics.
    Account(AccountId),
    /// By its name, without a port.
    Host(String),
}

impl Holder {
    fn most(&self) -> usize {
        match self {
            Self::Subscription(_) => FOR_ONE_SUBSCRIPTION,
            Self::Account(_) => FOR_ONE_ACCOUNT,
            Self::Host(_) => FOR_ONE_HOST,
        }
    }
}

/// The places of this server.
pub(super) struct Places {
    all: Arc<Semaphore>,
    taken: Mutex<HashMap<Holder, usize>>,
}

/// A place, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    holders: Vec<Holder>,
    _permit: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_WORK)), taken: Mutex::default() }
    }
}

impl Places {
    /// How many more may be taken that are all of these.
    pub(super) fn room(&self, holders: &[Holder]) -> usize {
        let taken = self.lock();
        let rooms = holders.iter().map(|holder| {
            let taken = taken.get(holder).copied().unwrap_or_default();
            holder.most().saturating_sub(taken)
        });
        rooms.min().unwrap_or(AT_WORK).min(self.all.available_permits())
    }

    /// A place that is taken from all of these, if there is one.
    pub(super) fn take(self: &Arc<Self>, holders: &[Holder]) -> Option<Place> {
        if self.room(holders) == 0 {
            return None;
        }
        let permit = self.all.clone().try_acquire_owned().ok()?;
        let mut taken = self.lock();
        for holder in holders {
            *taken.entry(holder.clone()).or_default() += 1;
        }
        drop(taken);
        Some(Place { places: self.clone(), holders: holders.to_vec(), _permit: permit })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Holder, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        for holder in &self.holders {
            if let Some(number) = taken.get_mut(holder) {
                *number = number.saturating_sub(1);
                if *number == 0 {
                    taken.remove(holder);
                }
            }
        }
    }
}
