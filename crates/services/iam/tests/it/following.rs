//! Two servers on one store: what one changes, the other no longer acts on once it has looked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strongroom_store::{Db, FeedOptions, Following};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, serve};
use crate::fixture::open;

const ACCOUNT: &str = "111122223333";

on_both_engines! {
    a_key_that_does_not_count_counts_nowhere,
    a_user_who_is_gone_is_gone_everywhere,
    an_account_that_had_nobody_has_somebody_everywhere,
    what_a_server_has_changed_itself_it_need_not_read_again,
}

/// Two servers, of which the other has in memory what it was asked for.
struct Pair {
    here: Client,
    there: Client,
    db_there: Db,
    following: Following,
    /// Seconds since the other server's machine was started.
    uptime: Arc<AtomicU64>,
}

impl Pair {
    async fn open(database: &TestDatabase) -> Self {
        let (db_here, db_there) = (open(database).await, open(database).await);
        let uptime: Arc<AtomicU64> = Arc::default();
        let seconds = uptime.clone();
        let options = FeedOptions::new(Arc::new(move || Duration::from_secs(seconds.load(Ordering::SeqCst))));
        let following = db_there.follow_changes(options).await.unwrap();
        let [here, there] = [&db_here, &db_there].map(|db| Client::new(&serve(db), ACCOUNT));
        Self { here, there, db_there, following, uptime }
    }

    async fn look(&mut self) {
        self.following.look().await.unwrap();
    }
}

async fn a_key_that_does_not_count_counts_nowhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    pair.here.create_user("a").await.unwrap();
    let key = pair.here.create_access_key("a").await.unwrap().access_key_id;
    assert!(pair.there.holder(&key).await.is_some());
    for _ in 0..2 {
        pair.here.set_status("a", &key, "Inactive").await.unwrap();
        // What is in memory is what decides: nobody asks the store.
        assert!(pair.there.holder(&key).await.is_some());
        pair.look().await;
        assert!(pair.there.holder(&key).await.is_none());
        pair.here.set_status("a", &key, "Active").await.unwrap();
        pair.look().await;
        assert!(pair.there.holder(&key).await.is_some());
    }
    pair.here.delete_access_key("a", &key).await.unwrap();
    pair.look().await;
    assert!(pair.there.holder(&key).await.is_none());
}

async fn a_user_who_is_gone_is_gone_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    pair.here.create_user("a").await.unwrap();
    pair.look().await;
    pair.there.user("a").await.unwrap();
    pair.here.delete_user("a").await.unwrap();
    pair.there.user("a").await.unwrap();
    pair.look().await;
    pair.there.user("a").await.unwrap_err();
}

async fn an_account_that_had_nobody_has_somebody_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    pair.there.user("a").await.unwrap_err();
    pair.here.create_user("a").await.unwrap();
    pair.look().await;
    pair.there.user("a").await.unwrap();
}

async fn what_a_server_has_changed_itself_it_need_not_read_again(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    pair.there.create_user("a").await.unwrap();
    let key = pair.there.create_access_key("a").await.unwrap().access_key_id;
    assert!(pair.there.holder(&key).await.is_some());
    pair.there.create_user("b").await.unwrap();
    // It hears of its own changes as of all others.
    pair.look().await;
    pair.db_there.close().await.unwrap();
    assert!(pair.there.holder(&key).await.is_some());
}

/// What is in memory needs no database as long as it follows the store, and counts for nothing once it does not.
#[test]
fn what_is_in_memory_counts_as_long_as_it_is_current() {
    strongroom_testkit::run(async {
        let pair = Pair::open(&TestDatabase::postgres()).await;
        pair.here.create_user("a").await.unwrap();
        let key = pair.here.create_access_key("a").await.unwrap().access_key_id;
        assert!(pair.there.holder(&key).await.is_some());
        pair.here.set_status("a", &key, "Inactive").await.unwrap();
        pair.uptime.store(5, Ordering::SeqCst);
        assert!(pair.there.holder(&key).await.is_some());
        // The store can be asked, and so it is.
        pair.uptime.store(6, Ordering::SeqCst);
        assert!(pair.there.holder(&key).await.is_none());
        pair.here.set_status("a", &key, "Active").await.unwrap();
        assert!(pair.there.holder(&key).await.is_some());
        pair.uptime.store(0, Ordering::SeqCst);
        pair.db_there.close().await.unwrap();
        assert!(pair.there.holder(&key).await.is_some());
    });
}
