//! Several servers on one store, of which one goes.

use std::sync::Arc;
use std::time::Duration;

use strongroom_outbox::{Others, Outbox};
use strongroom_store::{Db, Migration, OpenOptions};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

use crate::{HOLD, HOLDS, LET_GO, names, post, record, start, start_in_store, waiting};

/// Looks as often as a server does, since it last did, and answers how many changes were recorded for others.
async fn look_until(others: &mut Others, looked: &mut Option<u64>, seconds: u64) -> usize {
    let mut adopted = 0;
    loop {
        let now = looked.map_or(seconds, |before| seconds.min(before + 10));
        adopted += others.look(Duration::from_secs(now)).await.unwrap();
        *looked = Some(now);
        if now == seconds {
            return adopted;
        }
    }
}

/// A server: its journal's folder and its outbox.
struct Server {
    folder: TempDir,
    db: Db,
    outbox: Arc<Outbox>,
    others: Others,
    /// When it last looked, in seconds.
    looked: Option<u64>,
}

impl Server {
    async fn start(database: &TestDatabase) -> Self {
        let folder = TempDir::new().unwrap();
        let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
        let outbox = Arc::new(start(folder.path(), &db));
        Self { folder, db, outbox: outbox.clone(), others: Others::new(outbox), looked: None }
    }

    /// Is there, and has looked every few seconds until then.
    async fn look(&mut self, seconds: u64) -> usize {
        self.outbox.beat().await.unwrap();
        look_until(&mut self.others, &mut self.looked, seconds).await
    }

    /// Commits a change, and does not come to record it.
    async fn change(&self, id: u8) {
        post(&self.db, &self.outbox.draft(&record(id))).await;
    }
}

#[test]
fn a_server_leaves_alone_what_another_has_posted() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let one = Server::start(&database).await;
        one.change(1).await;
        let other = Server::start(&database).await;
        assert_eq!(other.outbox.replay().await.unwrap(), 0);
        assert_eq!(waiting(&other.db).await, 1);
        // Whoever has posted it finds it when it starts again.
        let Server { folder, db, outbox, others, .. } = one;
        drop((outbox, others));
        let again = start(folder.path(), &db);
        assert_eq!(again.replay().await.unwrap(), 1);
        assert_eq!((names(&again), waiting(&db).await), (vec!["Change1".to_owned()], 0));
    });
}

#[test]
fn what_a_server_leaves_that_is_gone_is_recorded_by_one_other() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let mut gone = Server::start(&database).await;
        gone.look(0).await;
        gone.change(1).await;
        gone.change(2).await;
        let mut others = [Server::start(&database).await, Server::start(&database).await];
        for other in &mut others {
            assert_eq!(other.look(100).await + other.look(150).await, 0);
        }
        // It lives, by whatever clock.
        gone.look(7).await;
        for other in &mut others {
            assert_eq!(other.look(160).await, 0, "it has written since");
            assert_eq!(other.look(219).await, 0, "a minute is not over");
        }
        let [one, two] = &mut others;
        let (first, second) = tokio::join!(one.look(220), two.look(220));
        assert_eq!((first + second, first * second), (2, 0), "one takes over");
        assert_eq!(names(&one.outbox).len() + names(&two.outbox).len(), 2);
        assert_eq!(waiting(&one.db).await, 0);
        // And nothing is left to be taken over.
        for seconds in [300, 400, 500] {
            assert_eq!(one.look(seconds).await + two.look(seconds).await, 0);
        }
    });
}

#[test]
fn a_server_that_never_wrote_that_it_is_there_is_missed_too() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let gone = Server::start(&database).await;
        gone.change(1).await;
        let mut other = Server::start(&database).await;
        assert_eq!(other.look(0).await, 0);
        assert_eq!(other.look(60).await, 1);
        assert_eq!(names(&other.outbox), ["Change1"]);
    });
}

#[test]
fn who_has_left_nothing_is_forgotten() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let (mut gone, mut other) = (Server::start(&database).await, Server::start(&database).await);
        gone.look(0).await;
        other.look(0).await;
        assert_eq!(other.db.outbox_writers().await.unwrap().len(), 2);
        other.look(60).await;
        let left = other.db.outbox_writers().await.unwrap();
        assert_eq!(left.len(), 1);
        // It was only paused: it is there again.
        gone.look(61).await;
        assert_eq!(other.db.outbox_writers().await.unwrap().len(), 2);
    });
}

/// Servers whose journals are in the store.
struct Beside {
    db: Db,
    outbox: Arc<Outbox>,
    others: Others,
    /// When it last looked, in seconds.
    looked: Option<u64>,
}

impl Beside {
    async fn start(database: &TestDatabase, name: &str) -> Self {
        let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
        db.migrate(&[strongroom_journal::MIGRATIONS, HOLDS]).await.unwrap();
        let outbox = Arc::new(start_in_store(name, &db));
        Self { db, outbox: outbox.clone(), others: Others::new(outbox), looked: None }
    }

    /// Is there, and has looked every few seconds until then.
    async fn look(&mut self, seconds: u64) -> usize {
        self.outbox.beat().await.unwrap();
        look_until(&mut self.others, &mut self.looked, seconds).await
    }
}

const AWAY: &[Migration] = &[Migration {
    component: "away",
    version: 1,
    name: "away",
    sql: "ALTER TABLE outbox_writers RENAME TO outbox_writers_away",
}];
const BACK: &[Migration] = &[Migration {
    component: "back",
    version: 1,
    name: "back",
    sql: "ALTER TABLE outbox_writers_away RENAME TO outbox_writers",
}];

/// Those who could write nothing down are not gone: nor could the one who watches see it.
#[test]
fn after_an_outage_of_the_store_nobody_is_taken_for_gone() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let mut one = Beside::start(&database, "one").await;
        let mut other = Beside::start(&database, "other").await;
        one.look(0).await;
        post(&one.db, &one.outbox.draft(&record(1))).await;
        other.look(0).await;
        other.db.migrate(&[strongroom_journal::MIGRATIONS, HOLDS, AWAY]).await.unwrap();
        other.others.look(Duration::from_secs(10)).await.unwrap_err();
        other.db.migrate(&[strongroom_journal::MIGRATIONS, HOLDS, AWAY, BACK]).await.unwrap();
        assert_eq!(other.look(60).await, 0);
        one.outbox.record(record(1), true).await.unwrap();
    });
}

/// As when whoever records for another is killed before the drafts are taken out.
#[test]
fn what_is_recorded_for_another_is_not_recorded_again_by_anybody() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let mut gone = Beside::start(&database, "gone").await;
        gone.look(0).await;
        for id in [1, 2] {
            post(&gone.db, &gone.outbox.draft(&record(id))).await;
        }
        let mut other = Beside::start(&database, "other").await;
        let mut third = Beside::start(&database, "third").await;
        // What refers to a draft keeps it from being taken out.
        other.db.execute(HOLD, &[record(1).event_id.0.into()]).await.unwrap();
        other.look(0).await;
        assert_eq!(other.look(60).await, 2);
        assert_eq!(other.look(180).await, 0);
        assert_eq!(waiting(&other.db).await, 2);
        drop(gone);
        let again = Beside::start(&database, "gone").await;
        assert_eq!(again.outbox.replay().await.unwrap(), 0);
        third.look(0).await;
        other.db.execute(LET_GO, &[]).await.unwrap();
        // The next one that finds them recorded takes them out.
        assert_eq!(third.look(60).await, 0);
        assert_eq!(waiting(&third.db).await, 0);
        assert_eq!(names(&third.outbox), ["Change1", "Change2"]);
    });
}

#[test]
fn after_a_pause_of_the_watcher_nobody_is_taken_for_gone() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let mut one = Beside::start(&database, "one").await;
        let mut other = Beside::start(&database, "other").await;
        one.look(0).await;
        post(&one.db, &one.outbox.draft(&record(1))).await;
        other.look(0).await;
        // Both stood still, and this one goes on a moment earlier.
        assert_eq!(other.others.look(Duration::from_mins(10)).await.unwrap(), 0);
        one.outbox.record(record(1), true).await.unwrap();
    });
}

#[test]
fn what_a_server_that_is_gone_has_recorded_is_not_recorded_again() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let mut gone = Beside::start(&database, "gone").await;
        gone.look(0).await;
        for id in 1..=6 {
            post(&gone.db, &gone.outbox.draft(&record(id))).await;
            if id % 2 == 0 {
                // Its draft is not taken out yet.
                gone.outbox.record(record(id), false).await.unwrap();
            }
        }
        let mut other = Beside::start(&database, "other").await;
        assert_eq!(other.look(0).await, 0);
        assert_eq!(other.look(60).await, 3);
        assert_eq!(waiting(&other.db).await, 0);
        let mut names = names(&other.outbox);
        names.sort();
        assert_eq!(names, ["Change1", "Change2", "Change3", "Change4", "Change5", "Change6"]);
        // It was only paused: what it would record now might be recorded by the other too.
        gone.outbox.record(record(7), false).await.unwrap_err();
        assert!(!gone.outbox.is_ready());
        // When it starts again it goes on.
        drop(gone);
        let again = Beside::start(&database, "gone").await;
        assert_eq!(again.outbox.replay().await.unwrap(), 0);
        again.outbox.record(record(7), false).await.unwrap();
    });
}
