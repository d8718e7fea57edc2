//! Rows kept in memory, so that cryptography with a known key waits for no database.
//!
//! Bounded in entries and in bytes, and right under concurrency: a row that was read before a change and comes to be kept after it
//! is not kept, because the change has moved the shard's generation on.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Shards, so that readers on different cores seldom meet.
pub(crate) const SHARDS: usize = 16;

/// A bounded map that anything may be dropped from at any time.
pub(crate) struct Cache<K, V> {
    shards: [RwLock<Shard<K, V>>; SHARDS],
    hasher: RandomState,
    most_per_shard: Size,
}

/// So much memory.
#[derive(Clone, Copy, Default)]
struct Size {
    entries: usize,
    bytes: usize,
}

/// What takes memory.
pub(crate) trait Weighed {
    /// About how many bytes it holds, itself included.
    fn weight(&self) -> usize;
}

struct Shard<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// What the entries weigh together.
    bytes: usize,
    generation: u64,
}

struct Entry<V> {
    value: Arc<V>,
    /// Used since the last search for something to drop.
    used: AtomicBool,
}

/// The generation of a shard when a look-up missed.
#[derive(Clone, Copy)]
pub(crate) struct Ticket(u64);

impl<K: Hash + Eq + Clone, V: Weighed> Cache<K, V> {
    /// A cache of about `entries` entries, which weigh about `bytes` together.
    pub(crate) fn new(entries: usize, bytes: usize) -> Self {
        let shard = |_| RwLock::new(Shard { entries: HashMap::new(), bytes: 0, generation: 0 });
        Self {
            shards: std::array::from_fn(shard),
            hasher: RandomState::new(),
            most_per_shard: Size { entries: entries.div_ceil(SHARDS), bytes: bytes.div_ceil(SHARDS) },
        }
    }

    /// The entry of `key`, or a ticket to keep it once it has been read.
    pub(crate) fn get(&self, key: &K) -> Result<Arc<V>, Ticket> {
        let shard = self.read(key);
        match shard.entries.get(key) {
            Some(entry) => {
                entry.used.store(true, Ordering::Relaxed);
                Ok(entry.value.clone())
            }
            None => Err(Ticket(shard.generation)),
        }
    }

    /// Keeps `value`, unless something in the shard has changed since the ticket was given.
    pub(crate) fn keep(&self, ticket: Ticket, key: K, value: Arc<V>) {
        let (mut shard, most) = (self.write(&key), self.most_per_shard);
        let weight = value.weight();
        if shard.generation != ticket.0 || weight > most.bytes {
            return;
        }
        shard.remove(&key);
        while shard.entries.len() >= most.entries || shard.bytes + weight > most.bytes {
            shard.make_room();
        }
        shard.bytes += weight;
        shard.entries.insert(key, Entry { value, used: AtomicBool::new(true) });
    }

    /// Drops the entry of `key`, and with it every read of it that is under way.
    pub(crate) fn forget(&self, key: &K) {
        let mut shard = self.write(key);
        shard.remove(key);
        shard.generation += 1;
    }

    /// Drops every entry, and with them every read that is under way.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.entries.clear();
            shard.bytes = 0;
            shard.generation += 1;
        }
    }

    fn read(&self, key: &K) -> RwLockReadGuard<'_, Shard<K, V>> {
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, key: &K) -> RwLockWriteGuard<'_, Shard<K, V>> {
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, key: &K) -> &RwLock<Shard<K, V>> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }
}

impl<K: Hash + Eq + Clone, V: Weighed> Shard<K, V> {
    fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.value.weight();
        }
    }

    /// Drops an entry that was not used lately, or, if all were, any.
    fn make_room(&mut self) {
        let idle = self.entries.iter().find(|(_, entry)| !entry.used.swap(false, Ordering::Relaxed));
        let victim = idle.or_else(|| self.entries.iter().next()).map(|(key, _)| key.clone());
        if let Some(victim) = victim {
            self.remove(&victim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weighed for &str {
        fn weight(&self) -> usize {
            100
        }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = Cache::new(64, 64 * 100);
        let ticket = cache.get(&1).unwrap_err();
        cache.forget(&1);
        cache.keep(ticket, 1, Arc::new("stale"));
        let ticket = cache.get(&1).unwrap_err();
        cache.keep(ticket, 1, Arc::new("fresh"));
        assert_eq!(cache.get(&1).map_err(|_| ()), Ok(Arc::new("fresh")));
    }

    #[test]
    fn it_stays_within_its_bounds() {
        for (cache, most) in [(Cache::new(32, 1 << 20), 32), (Cache::new(1_000, 3_200), 32)] {
            for key in 0..10_000 {
                let ticket = cache.get(&key).unwrap_err();
                cache.keep(ticket, key, Arc::new("hundred bytes, as the tests weigh it"));
            }
            let kept = (0..10_000).filter(|key| cache.get(key).is_ok()).count();
            assert!((1..=most).contains(&kept), "{kept}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_drops_nothing() {
        let cache = Cache::new(32, 16 * 50);
        let ticket = cache.get(&1).unwrap_err();
        cache.keep(ticket, 1, Arc::new("a hundred bytes"));
        assert!(cache.get(&1).is_err());
    }
}
