//! A bounded cache of opened keys.
//!
//! Sharded, each shard a CLOCK: a hit marks its entry and allocates nothing; a full shard evicts the first
//! entry from its hand on that was not used since the hand last passed. Evicted keys are wiped as soon as
//! nobody computes with them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{KeyHandle, TokenRef};

const MOST_SHARDS: usize = 16;
/// Shards hold at least this many keys, so that a small cache does not fall apart into tiny ones.
const FEWEST_KEYS_PER_SHARD: usize = 64;

/// What a partition's cache of opened keys holds and did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// The most keys it holds.
    pub capacity: usize,
    /// The keys it holds now.
    pub held: usize,
    /// How often a key was found.
    pub hits: u64,
    /// How often a key was put in, because its token had to be opened.
    pub opened: u64,
    /// How often a key went to make room.
    pub evicted: u64,
}

/// The cache. A key is found only under the digest of the token that it came from.
pub(crate) struct Cache<K> {
    shards: Box<[Mutex<Shard<K>>]>,
}

impl<K: Clone> Cache<K> {
    /// A cache of at most `capacity` keys; with 0 it keeps none.
    pub(crate) fn new(capacity: usize) -> Self {
        let shards = (capacity / FEWEST_KEYS_PER_SHARD).clamp(1, MOST_SHARDS);
        let shard = |index| Shard::new(capacity / shards + usize::from(index < capacity % shards));
        Self { shards: (0..shards).map(shard).map(Mutex::new).collect() }
    }

    /// Finds the key that was opened from this very token.
    pub(crate) fn get(&self, token: &TokenRef) -> Option<K> {
        self.shard(token.handle).get(token)
    }

    /// Puts a key in; one that came from another token of the same handle goes.
    pub(crate) fn insert(&self, token: TokenRef, key: K) {
        self.shard(token.handle).insert(Entry { token, key, used: false });
    }

    /// Lets a key go.
    pub(crate) fn remove(&self, handle: KeyHandle) {
        self.shard(handle).remove(handle);
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let shards = self.shards.iter().map(|shard| lock(shard).stats);
        shards.fold(CacheStats::default(), |sum, shard| CacheStats {
            capacity: sum.capacity + shard.capacity,
            held: sum.held + shard.held,
            hits: sum.hits + shard.hits,
            opened: sum.opened + shard.opened,
            evicted: sum.evicted + shard.evicted,
        })
    }

    fn shard(&self, handle: KeyHandle) -> MutexGuard<'_, Shard<K>> {
        // The last byte spreads random handles and counted ones alike.
        lock(&self.shards[usize::from(handle.as_bytes()[15]) % self.shards.len()])
    }
}

/// A thread that panicked cannot have left a shard half changed: nothing in here panics.
fn lock<K>(shard: &Mutex<Shard<K>>) -> MutexGuard<'_, Shard<K>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Entry<K> {
    token: TokenRef,
    key: K,
    /// Whether it was found since the hand last passed.
    used: bool,
}

struct Shard<K> {
    places: HashMap<KeyHandle, usize>,
    entries: Vec<Entry<K>>,
    hand: usize,
    stats: CacheStats,
}

impl<K: Clone> Shard<K> {
    fn new(capacity: usize) -> Self {
        let stats = CacheStats { capacity, ..CacheStats::default() };
        Self { places: HashMap::new(), entries: Vec::new(), hand: 0, stats }
    }

    fn get(&mut self, token: &TokenRef) -> Option<K> {
        let entry = &mut self.entries[*self.places.get(&token.handle)?];
        if entry.token.digest != token.digest {
            return None;
        }
        entry.used = true;
        self.stats.hits += 1;
        Some(entry.key.clone())
    }

    fn insert(&mut self, entry: Entry<K>) {
        self.stats.opened += 1;
        if self.stats.capacity == 0 {
            return;
        }
        let place = match self.places.get(&entry.token.handle) {
            Some(&place) => place,
            None if self.entries.len() == self.stats.capacity => self.evict(),
            None => self.entries.len(),
        };
        self.places.insert(entry.token.handle, place);
        if place == self.entries.len() {
            self.entries.push(entry);
        } else {
            self.entries[place] = entry;
        }
        self.stats.held = self.entries.len();
    }

    /// Frees a place of a full shard; only here the hand is used, and here it always points at an entry.
    /// The entry stays in its place until it is replaced, but is not found any more.
    fn evict(&mut self) -> usize {
        while std::mem::take(&mut self.entries[self.hand].used) {
            self.hand = (self.hand + 1) % self.entries.len();
        }
        let place = self.hand;
        self.hand = (place + 1) % self.entries.len();
        self.places.remove(&self.entries[place].token.handle);
        self.stats.evicted += 1;
        place
    }

    fn remove(&mut self, handle: KeyHandle) {
        let Some(place) = self.places.remove(&handle) else {
            return;
        };
        self.entries.swap_remove(place);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.token.handle, place);
        }
        self.stats.held = self.entries.len();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use strongroom_secret::Secret;

    use super::Cache;
    use crate::{Attributes, KeyHandle, KeyType, OpenedKey, TokenDigest, TokenRef, Usage};

    fn key() -> OpenedKey {
        let attributes = Attributes { key_type: KeyType::Aes256, usage: Usage::NONE };
        OpenedKey::new(attributes, &Secret::new(vec![7; 32])).unwrap()
    }

    fn token(handle: u16, digest: u8) -> TokenRef {
        let mut bytes = [0; 16];
        bytes[14..].copy_from_slice(&handle.to_be_bytes());
        TokenRef { handle: KeyHandle::from_bytes(bytes), digest: TokenDigest::from_bytes([digest; 32]) }
    }

    #[test]
    fn who_was_used_gets_a_second_chance() {
        let cache = Cache::new(3);
        for handle in 0..3 {
            cache.insert(token(handle, 0), key());
        }
        assert!(cache.get(&token(0, 0)).is_some());
        cache.insert(token(3, 0), key());
        let held = [0, 1, 2, 3].map(|handle| cache.get(&token(handle, 0)).is_some());
        assert_eq!(held, [true, false, true, true]);
    }

    #[test]
    fn material_goes_when_the_last_user_lets_go() {
        let cache = Cache::new(1);
        let used = key();
        let is_let_go = used.is_let_go();
        cache.insert(token(0, 0), used.clone());
        cache.insert(token(1, 0), key());
        assert!(!is_let_go(), "somebody computes with it");
        drop(used);
        assert!(is_let_go());

        for remove in [
            |cache: &Cache<OpenedKey>| cache.insert(token(2, 0), key()),
            |cache: &Cache<OpenedKey>| cache.insert(token(1, 1), key()),
            |cache: &Cache<OpenedKey>| cache.remove(token(1, 0).handle),
        ] {
            let cache = Cache::new(1);
            let key = key();
            let is_let_go = key.is_let_go();
            cache.insert(token(1, 0), key);
            assert!(!is_let_go());
            remove(&cache);
            assert!(is_let_go());
        }
    }

    #[test]
    fn capacity_is_exact_whatever_the_number_of_shards() {
        for capacity in [0, 1, 63, 64, 65, 127, 129, 1_000, 1_025, 5_000] {
            let cache = Cache::new(capacity);
            for handle in 0..6_000 {
                cache.insert(token(handle, 0), key());
            }
            let stats = cache.stats();
            assert_eq!((stats.capacity, stats.held), (capacity, capacity));
            let expected_evictions = if capacity == 0 { 0 } else { 6_000 - capacity as u64 };
            assert_eq!((stats.opened, stats.evicted), (6_000, expected_evictions));
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Get(u16, u8),
        Insert(u16, u8),
        Remove(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..12_u16, 0..2_u8).prop_map(|(handle, digest)| Step::Get(handle, digest)),
            (0..12_u16, 0..2_u8).prop_map(|(handle, digest)| Step::Insert(handle, digest)),
            (0..12_u16).prop_map(Step::Remove),
        ]
    }

    proptest! {
        /// The model is a map without a bound: the cache may forget, but never holds what was removed, never
        /// answers for another digest, never holds more than it may, and always holds what was put in last.
        #[test]
        fn the_cache_agrees_with_a_map(capacity in 0..8_usize, steps in prop::collection::vec(step(), 0..200)) {
            let cache = Cache::new(capacity);
            let mut model = HashMap::new();
            for step in steps {
                match step {
                    Step::Get(handle, digest) => {
                        let found = cache.get(&token(handle, digest)).is_some();
                        prop_assert!(!found || model.get(&handle) == Some(&digest));
                    }
                    Step::Insert(handle, digest) => {
                        cache.insert(token(handle, digest), key());
                        model.insert(handle, digest);
                        prop_assert_eq!(cache.get(&token(handle, digest)).is_some(), capacity > 0);
                    }
                    Step::Remove(handle) => {
                        cache.remove(token(handle, 0).handle);
                        model.remove(&handle);
                    }
                }
                let held = cache.stats().held;
                let found = model.iter().filter(|(handle, digest)| cache.get(&token(**handle, **digest)).is_some());
                prop_assert_eq!(found.count(), held);
                prop_assert!(held <= capacity);
            }
        }
    }
}
