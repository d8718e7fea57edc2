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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use strongroom_hsm_core::EncryptionContext;
    use strongroom_identity::Region;
    use strongroom_seal::Root;
    use strongroom_secret::Key256;
    use strongroom_store::{FeedOptions, OpenOptions};
    use strongroom_testkit::{TestDatabase, on_both_engines};

    use super::super::creation::first_state;
    use super::*;
    use crate::MIGRATIONS;
    use crate::backend::{BuiltIn, KeyBackend as _, NotMade, Wanted};
    use crate::domain::identifier::Home;
    use crate::domain::key::{Held, Key, Manager};
    use crate::domain::spec::{KeySpec, KeyUsage};
    use crate::error::Refusal;
    use crate::long_work::LongWork;

    on_both_engines! {
        what_a_key_had_open_goes_when_another_server_changes_it,
    }

    async fn open(database: &TestDatabase) -> Db {
        let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        db
    }

    /// A new symmetric key with its first material.
    async fn new_key(built_in: &BuiltIn, home: &Home) -> Key {
        let wanted = Wanted {
            home,
            key_id: "a",
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            material_id: [0; 32],
            now_ms: 0,
        };
        let material = built_in.generate(&wanted).await.map_err(NotMade::into_refusal).unwrap();
        first_state(home.clone(), "a".to_owned(), Manager::Customer, material)
    }

    async fn what_a_key_had_open_goes_when_another_server_changes_it(database: &TestDatabase) {
        let (here, there) = (open(database).await, open(database).await);
        let options = FeedOptions::new(Arc::new(|| Duration::ZERO));
        let mut following = there.follow_changes(options).await.unwrap();
        let keys = Arc::new(Keys::new(100, 1 << 20));
        forget_what_changes(&there, topics::KEYS, &keys, topics::read);

        let root = Root::from_key(Key256::new([7; 32])).unwrap();
        let built_in = BuiltIn::new(there.clone(), &root, LongWork::default());
        let region = Region::named("us-east-1").unwrap().name();
        let home = Home { account: "111122223333".parse().unwrap(), region };
        let name = (home.clone(), "a".to_owned());
        let ticket = keys.get(&name).unwrap_err();
        keys.keep(ticket, name.clone(), Arc::new(new_key(&built_in, &home).await));

        let key = keys.get(&name).map_err(drop).unwrap();
        let context = EncryptionContext::new::<&str, &str>([]).unwrap();
        built_in.encrypt(&key, &key.materials[0], &context, b"x").await.unwrap();
        let Held::Token { opened, .. } = &key.materials[0].held else { panic!("it is no token") };
        assert!(opened.get().is_some());
        // It weighed before what it takes now.
        assert!(key.weight() > size_of::<Key>() + KeySpec::SymmetricDefault.opened_weight());
        // Nothing else has it open: what is in memory of the row, and this test.
        assert_eq!(Arc::strong_count(&key), 2);
        let announced = here.transaction(|tx| {
            Box::pin(async move {
                let name = "111122223333/us-east-1/a";
                tx.announce(topics::KEYS, name).await.map_err(Refusal::from)
            })
        });
        announced.await.unwrap();
        following.look().await.unwrap();
        assert_eq!(Arc::strong_count(&key), 1);
    }
}
