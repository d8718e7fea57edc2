//! What servers on one store tell each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use strongroom_store::{Db, FeedOptions, Following, News, OpenOptions, Statement, StoreError, Topic};
use strongroom_testkit::{TempPg, TestDatabase, on_both_engines};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::tables::{open, open_again};

const KEYS: Topic = Topic::new("shop.keys");
const OTHERS: Topic = Topic::new("shop.others");

/// As a copy of another database has it, whose transactions had come further.
const COPIED: Statement = Statement::new(
    "INSERT INTO store_changes (number, topic, key) VALUES (1152921504606846976, 'shop.keys', 'copied')",
);
const COUNT: Statement = Statement::new("SELECT COUNT(*) AS found FROM store_changes");
/// PostgreSQL's word for ending another's connection.
const END_FEEDS: Statement = Statement::new(
    "SELECT COUNT(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity \
     WHERE datname = current_database() AND application_name = 'strongroom feed'",
);

/// A clock that stands until it is moved.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn options(&self) -> FeedOptions {
        let at = self.0.clone();
        FeedOptions::new(Arc::new(move || Duration::from_millis(at.load(Ordering::SeqCst))))
    }

    fn move_on(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }
}

/// What a follower of `KEYS` has heard: keys, and `*` for anything.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

impl Ear {
    fn of(db: &Db) -> Self {
        let ear = Self::default();
        let heard = ear.0.clone();
        db.feed().on(KEYS, move |news| {
            heard.lock().unwrap().push(match news {
                News::Changed(key) => key.to_owned(),
                News::Anything => "*".to_owned(),
            });
        });
        ear
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn follow(db: &Db, hand: &Hand) -> (Ear, Following) {
    let ear = Ear::of(db);
    let following = db.follow_changes(hand.options()).await.unwrap();
    assert_eq!(ear.heard(), ["*"]);
    (ear, following)
}

async fn announce(db: &Db, topic: Topic, keys: &[&str]) {
    db.transaction(|tx| {
        Box::pin(async move {
            for key in keys {
                tx.announce(topic, key).await?;
            }
            Ok::<_, StoreError>(())
        })
    })
    .await
    .unwrap();
}

on_both_engines! {
    what_is_committed_is_heard_once_by_all,
    what_is_not_committed_is_not_heard,
    who_was_away_for_long_forgets_everything,
    too_much_at_once_is_anything,
    clearing_a_store_is_heard_and_loses_nothing_that_follows,
    a_store_is_followed_once,
    the_statements_are_in_the_dialect,
}

async fn what_is_committed_is_heard_once_by_all(database: &TestDatabase) {
    let (db, other) = (open(database).await, open_again(database).await);
    let hand = Hand::default();
    announce(&db, KEYS, &["before"]).await;
    let (ear, mut following) = follow(&db, &hand).await;
    let (others_ear, mut other_following) = follow(&other, &hand).await;
    announce(&other, KEYS, &["a", "b", "a"]).await;
    announce(&db, OTHERS, &["x"]).await;
    announce(&db, KEYS, &["c"]).await;
    for (ear, following) in [(&ear, &mut following), (&others_ear, &mut other_following)] {
        following.look().await.unwrap();
        let mut heard = ear.heard();
        // In what order one transaction's are heard, and whether twice, is nobody's business.
        heard.sort();
        heard.dedup();
        assert_eq!(heard, ["a", "b", "c"]);
        following.look().await.unwrap();
        assert!(ear.heard().is_empty());
    }
}

async fn what_is_not_committed_is_not_heard(database: &TestDatabase) {
    let db = open(database).await;
    let (ear, mut following) = follow(&db, &Hand::default()).await;
    let undone: Result<(), StoreError> = db
        .transaction(|tx| {
            Box::pin(async move {
                tx.announce(KEYS, "undone").await?;
                Err(StoreError::Conflict)
            })
        })
        .await;
    undone.unwrap_err();
    following.look().await.unwrap();
    announce(&db, KEYS, &["done"]).await;
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["done"]);
}

async fn who_was_away_for_long_forgets_everything(database: &TestDatabase) {
    let db = open(database).await;
    let hand = Hand::default();
    let (ear, mut following) = follow(&db, &hand).await;
    announce(&db, KEYS, &["a"]).await;
    hand.move_on(Duration::from_mins(6));
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["*"]);
    announce(&db, KEYS, &["b"]).await;
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["b"]);
}

async fn too_much_at_once_is_anything(database: &TestDatabase) {
    let db = open(database).await;
    let (ear, mut following) = follow(&db, &Hand::default()).await;
    let keys: Vec<_> = (0..10_001).map(|key| key.to_string()).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    announce(&db, KEYS, &keys[..10_000]).await;
    following.look().await.unwrap();
    assert_eq!(ear.heard().len(), 10_000);
    announce(&db, KEYS, &keys).await;
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["*"]);
    announce(&db, KEYS, &["later"]).await;
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["later"]);
}

#[test]
fn what_is_old_goes_and_nobody_misses_it_on_sqlite() {
    let database = TestDatabase::sqlite();
    strongroom_testkit::run(what_is_old_goes_and_nobody_misses_it(database.url()));
}

/// On a server of its own: what has been seen by all shows only when transactions have ended that are older, of other
/// databases too.
#[test]
fn what_is_old_goes_and_nobody_misses_it_on_postgres() {
    let server = TempPg::start().unwrap();
    strongroom_testkit::run(what_is_old_goes_and_nobody_misses_it(&server.create_database()));
}

async fn what_is_old_goes_and_nobody_misses_it(url: &str) {
    let db = Db::open(url, &OpenOptions::default()).await.unwrap();
    let other = Db::open(url, &OpenOptions::default()).await.unwrap();
    let hand = Hand::default();
    let (ear, mut following) = follow(&db, &hand).await;
    let (_, mut tidying) = follow(&other, &hand).await;
    for minute in 0..40 {
        announce(&db, KEYS, &[&minute.to_string(), "again"]).await;
        following.look().await.unwrap();
        tidying.look().await.unwrap();
        let mut heard = ear.heard();
        heard.sort();
        assert_eq!(heard, [minute.to_string(), "again".to_owned()]);
        hand.move_on(Duration::from_mins(1));
    }
    let kept = db.query_one(COUNT, &[]).await.unwrap().i64("found").unwrap();
    assert!((18..=26).contains(&kept), "{kept}");
    // Nothing happens for long: the last goes, and what follows is heard all the same.
    for _ in 0..30 {
        hand.move_on(Duration::from_mins(1));
        following.look().await.unwrap();
        tidying.look().await.unwrap();
    }
    assert!(db.query_one(COUNT, &[]).await.unwrap().i64("found").unwrap() <= 2);
    announce(&other, KEYS, &["late"]).await;
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["late"]);
}

async fn clearing_a_store_is_heard_and_loses_nothing_that_follows(database: &TestDatabase) {
    let (db, other) = (open(database).await, open_again(database).await);
    let (ear, mut following) = follow(&db, &Hand::default()).await;
    announce(&other, KEYS, &["a"]).await;
    other.clear(&[]).await.unwrap();
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["a", "*"]);
    announce(&other, KEYS, &["b"]).await;
    following.look().await.unwrap();
    assert_eq!(ear.heard(), ["b"]);
}

async fn a_store_is_followed_once(database: &TestDatabase) {
    let db = open(database).await;
    let _following = follow(&db, &Hand::default()).await;
    assert!(matches!(db.follow_changes(Hand::default().options()).await, Err(StoreError::Setup(_))));
}

async fn the_statements_are_in_the_dialect(database: &TestDatabase) {
    let db = open(database).await;
    db.check_statements(db.statements_of_engine()).await.unwrap();
}

#[test]
fn a_server_that_cannot_look_is_stale_until_it_can() {
    strongroom_testkit::run(async {
        let db = open(&TestDatabase::postgres()).await;
        let hand = Hand::default();
        assert!(!db.feed().is_stale() && !db.feed().is_current(), "nobody follows yet");
        let (ear, mut following) = follow(&db, &hand).await;
        let mark = db.feed().mark().unwrap();
        hand.move_on(Duration::from_secs(5));
        assert!(!db.feed().is_stale() && db.feed().is_current() && db.feed().holds(mark));
        hand.move_on(Duration::from_millis(1));
        assert!(db.feed().is_stale() && !db.feed().is_current());
        assert!(db.feed().mark().is_none() && !db.feed().holds(mark));
        announce(&db, KEYS, &["meanwhile"]).await;
        // The connection is lost: the server may be another one now.
        db.query_one(END_FEEDS, &[]).await.unwrap();
        following.look().await.unwrap_err();
        assert!(db.feed().is_stale());
        following.look().await.unwrap();
        assert!(!db.feed().is_stale() && db.feed().mark().is_some());
        assert!(!db.feed().holds(mark), "what began before is not made good by a later look");
        assert_eq!(ear.heard(), ["*"]);
    });
}

#[test]
fn what_takes_long_holds_as_long_as_nothing_has_changed() {
    strongroom_testkit::run(async {
        let db = open(&TestDatabase::postgres()).await;
        let hand = Hand::default();
        let (_ear, mut following) = follow(&db, &hand).await;
        let step = Duration::from_secs(4);
        hand.move_on(step);
        following.look().await.unwrap();
        let mark = db.feed().mark().unwrap();
        for _ in 0..3 {
            hand.move_on(step);
            following.look().await.unwrap();
        }
        assert!(db.feed().holds(mark), "every look was in time, and nobody had anything to tell");
        announce(&db, OTHERS, &["some"]).await;
        assert!(db.feed().holds(mark), "nobody has looked");
        following.look().await.unwrap();
        assert!(!db.feed().holds(mark));
        hand.move_on(step);
        following.look().await.unwrap();
        assert!(!db.feed().holds(mark), "what was told is not untold");
    });
}

#[test]
fn a_change_that_rests_on_what_is_too_old_is_not_made() {
    strongroom_testkit::run(async {
        let db = open(&TestDatabase::postgres()).await;
        let hand = Hand::default();
        let (_ear, mut following) = follow(&db, &hand).await;
        let mark = db.feed().mark();
        let change = async |wait: Duration| {
            let hand = &hand;
            let change = db.transaction(|tx| {
                Box::pin(async move {
                    tx.only_if_holds(mark);
                    // A second record of the same change, which rests on nothing more.
                    tx.only_if_holds(None);
                    tx.announce(KEYS, "changed").await?;
                    hand.move_on(wait);
                    Ok::<_, StoreError>(())
                })
            });
            change.await
        };
        change(Duration::from_secs(5)).await.unwrap();
        let late = change(Duration::from_millis(1)).await.unwrap_err();
        assert!(matches!(late, StoreError::Unavailable(_)), "{late}");
        following.look().await.unwrap();
        let late = change(Duration::ZERO).await.unwrap_err();
        assert!(matches!(late, StoreError::Unavailable(_)), "other things have changed: {late}");
        assert_eq!(db.query_one(COUNT, &[]).await.unwrap().i64("found").unwrap(), 1);
    });
}

#[test]
fn what_a_copy_of_another_database_brings_is_no_news() {
    strongroom_testkit::run(async {
        let db = open(&TestDatabase::postgres()).await;
        db.execute(COPIED, &[]).await.unwrap();
        let (ear, mut following) = follow(&db, &Hand::default()).await;
        announce(&db, KEYS, &["a"]).await;
        following.look().await.unwrap();
        assert_eq!(ear.heard(), ["a"]);
        following.look().await.unwrap();
        assert!(ear.heard().is_empty());
    });
}

#[test]
fn a_single_process_on_sqlite_is_never_stale() {
    strongroom_testkit::run(async {
        let database = TestDatabase::sqlite();
        let db = open(&database).await;
        let hand = Hand::default();
        let _following = follow(&db, &hand).await;
        hand.move_on(Duration::from_hours(1));
        assert!(!db.feed().is_stale() && db.feed().is_current());
    });
}

#[test]
fn who_runs_is_woken_by_others() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let (db, other) = (open(&database).await, open_again(&database).await);
        // Looks come when there is something, or never.
        let rarely = || FeedOptions { look_every: Duration::from_hours(1), ..Hand::default().options() };
        let (sender, mut heard) = mpsc::unbounded_channel();
        db.feed().on(KEYS, move |news| {
            let _ = sender.send(matches!(news, News::Changed("a")));
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let (stop_other, other_stopped) = oneshot::channel::<()>();
        let run = db.follow_changes(rarely()).await.unwrap().run(async { drop(stopped.await) });
        let other_run =
            other.follow_changes(rarely()).await.unwrap().run(async { drop(other_stopped.await) });
        let work = async {
            assert_eq!(heard.recv().await, Some(false), "the first look");
            announce(&other, KEYS, &["a"]).await;
            assert_eq!(heard.recv().await, Some(true));
            drop((stop, stop_other));
        };
        tokio::join!(run, other_run, work);
    });
}

/// What happens to one of several transactions that are open at once, or a look.
#[derive(Clone, Debug)]
enum Step {
    Announce(usize),
    Commit(usize),
    Undo(usize),
    Look,
}

const OPEN: usize = 5;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..OPEN).prop_map(Step::Announce),
        2 => (0..OPEN).prop_map(Step::Commit),
        1 => (0..OPEN).prop_map(Step::Undo),
        3 => Just(Step::Look),
    ];
    vec(step, 1..60)
}

/// A transaction that does what it is told.
struct Puppet {
    orders: mpsc::UnboundedSender<(Order, oneshot::Sender<()>)>,
    ended: tokio::task::JoinHandle<Result<(), StoreError>>,
    announced: Vec<String>,
}

enum Order {
    Announce(String),
    End { commits: bool },
}

impl Puppet {
    fn open(db: &Db) -> Self {
        let (orders, received) = mpsc::unbounded_channel::<(Order, oneshot::Sender<()>)>();
        let (db, received) = (db.clone(), Arc::new(AsyncMutex::new(received)));
        #[expect(clippy::disallowed_methods, reason = "a transaction that goes on beside the test")]
        let ended = tokio::spawn(async move {
            let received = &received;
            db.transaction(|tx| {
                Box::pin(async move {
                    let mut received = received.lock().await;
                    loop {
                        match received.recv().await {
                            Some((Order::Announce(key), done)) => {
                                tx.announce(KEYS, &key).await?;
                                done.send(()).unwrap();
                            }
                            Some((Order::End { commits: true }, _)) => return Ok(()),
                            Some((Order::End { commits: false }, _)) | None => {
                                return Err(StoreError::Setup("undone".to_owned()));
                            }
                        }
                    }
                })
            })
            .await
        });
        Self { orders, ended, announced: Vec::new() }
    }

    async fn announce(&mut self, key: String) {
        let (done, wait) = oneshot::channel();
        assert!(self.orders.send((Order::Announce(key.clone()), done)).is_ok());
        wait.await.unwrap();
        self.announced.push(key);
    }

    /// Ends it, and answers what is to be heard of it.
    async fn end(self, commits: bool) -> Vec<String> {
        assert!(self.orders.send((Order::End { commits }, oneshot::channel().0)).is_ok());
        assert_eq!(self.ended.await.unwrap().is_ok(), commits);
        if commits { self.announced } else { Vec::new() }
    }
}

/// Transactions begin, announce and end in any order; whoever looks hears, with the first look after a commit and
/// only then, what was committed.
#[test]
fn no_change_is_passed_over_whatever_order_they_commit_in() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (database, hand) = (TestDatabase::postgres(), Hand::default());
    let (db, watcher) = runtime.block_on(async { (open(&database).await, open_again(&database).await) });
    let (ear, following) = runtime.block_on(follow(&watcher, &hand));
    let following = AsyncMutex::new(following);
    let number = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(48) });
    runner
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let mut following = following.lock().await;
                let mut puppets = BTreeMap::new();
                let mut due = Vec::new();
                for step in steps {
                    match step {
                        Step::Announce(which) => {
                            let key = number.fetch_add(1, Ordering::SeqCst).to_string();
                            let puppet = puppets.entry(which).or_insert_with(|| Puppet::open(&db));
                            puppet.announce(key).await;
                        }
                        Step::Commit(which) | Step::Undo(which) => {
                            let commits = matches!(step, Step::Commit(_));
                            if let Some(puppet) = puppets.remove(&which) {
                                due.extend(Puppet::end(puppet, commits).await);
                            }
                        }
                        Step::Look => {
                            following.look().await.unwrap();
                            let mut heard = ear.heard();
                            heard.sort();
                            due.sort();
                            prop_assert_eq!(&heard, &due);
                            due.clear();
                        }
                    }
                }
                for (_, puppet) in puppets {
                    due.extend(puppet.end(true).await);
                }
                following.look().await.unwrap();
                let mut heard = ear.heard();
                heard.sort();
                due.sort();
                prop_assert_eq!(&heard, &due);
                Ok(())
            })
        })
        .unwrap();
    runtime.block_on(async { drop(following) });
}
