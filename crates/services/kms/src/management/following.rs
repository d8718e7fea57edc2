//! What is in memory follows what other servers change.

use std::hash::Hash;
use std::sync::Arc;

use strongroom_store::{Db, News, Topic};

use super::{Aliases, ForeignKeys, Grants, Keys};
use crate::cache::{Cache, Weighed};
use crate::repo::topics;

/// Drops from the caches whatever a server on this store, this one included, has changed.
pub(super) fn follow(
    db: &Db,
    keys: &Arc<Keys>,
    foreign_keys: &Arc<ForeignKeys>,
    aliases: &Arc<Aliases>,
    grants: &Arc<Grants>,
) {
    forget_what_changes(db, topics::KEYS, keys, topics::read);
    forget_what_changes(db, topics::KEYS, foreign_keys, topics::read);
    forget_what_changes(db, topics::ALIASES, aliases, topics::read);
    forget_what_changes(db, topics::GRANTS, grants, |key| {
        let topics::Holding { home, key_id, identity } = topics::read_holding(key)?;
        Some((home, key_id, identity))
    });
}

/// Drops from a cache what is announced under a topic, and everything if it cannot be told what that is.
pub(super) fn forget_what_changes<K, V>(
    db: &Db,
    topic: Topic,
    cache: &Arc<Cache<K, V>>,
    read: impl Fn(&str) -> Option<K> + Send + Sync + 'static,
) where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Weighed + Send + Sync + 'static,
{
    let cache = cache.clone();
    db.feed().on(topic, move |news| match news {
        News::Changed(key) => match read(key) {
            Some(name) => cache.forget(&name),
            None => cache.clear(),
        },
        News::Anything => cache.clear(),
    });
}
