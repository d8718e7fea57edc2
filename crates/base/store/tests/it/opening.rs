//! Opening and closing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use strongroom_store::{Db, Engine, OpenOptions, Statement, StoreError};
use strongroom_testkit::{TempPg, TestDatabase, on_both_engines, run};

use crate::tables::{ADD_ACCOUNT, MIGRATIONS, MONEY, money, open, open_again};

fn modes(directory: &Path) -> Vec<(String, u32)> {
    let mut modes: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777)
        })
        .collect();
    modes.sort();
    modes
}

#[test]
fn the_files_are_the_owners_only() {
    run(async {
        let database = TestDatabase::sqlite();
        let directory = database.directory().unwrap();
        let db = open(&database).await;
        let all = ["store.db", "store.db-shm", "store.db-wal"].map(|name| (name.to_owned(), 0o600));
        assert_eq!(modes(directory), all);
        db.close().await.unwrap();
        assert_eq!(modes(directory), all[..1], "the log is emptied into the file");

        let file = database.sqlite_file().unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        open(&database).await;
        assert_eq!(modes(directory)[0].1, 0o600);
    });
}

#[test]
fn an_ephemeral_store_is_one_store_and_leaves_nothing() {
    run(async {
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        let other = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        assert_eq!(db.engine(), Engine::Sqlite);
        db.migrate(&[MIGRATIONS]).await.unwrap();
        db.execute(ADD_ACCOUNT, &["a".into(), 1_i64.into()]).await.unwrap();
        let reads = (0..20).map(|_| money(&db, "a"));
        for read in reads {
            assert_eq!(read.await, 1);
        }
        other.migrate(&[MIGRATIONS]).await.unwrap();
        assert!(other.query_opt(MONEY, &["a".into()]).await.unwrap().is_none());
    });
}

#[test]
fn a_place_that_cannot_be_is_an_error() {
    run(async {
        let nowhere = Db::open("sqlite:///nowhere/at/all.db", &OpenOptions::default()).await.err().unwrap();
        assert!(matches!(nowhere, StoreError::Unavailable(_)), "{nowhere:?}");
        let no_url = Db::open("mysql://root@localhost/x", &OpenOptions::default()).await.err().unwrap();
        assert!(matches!(no_url, StoreError::Setup(_)), "{no_url:?}");
        let database = TestDatabase::sqlite();
        fs::write(
            database.sqlite_file().unwrap(),
            "this is no database, and long enough to see it".repeat(99),
        )
        .unwrap();
        let damaged = Db::open(database.url(), &OpenOptions::default()).await.err().unwrap();
        assert!(matches!(damaged, StoreError::Engine(_)), "{damaged:?}");
    });
}

#[test]
fn a_database_that_behaves_otherwise_is_refused() {
    run(async {
        let server = TempPg::shared();
        let wrong = [
            (server.create_database_with(&["-T", "template0", "-E", "SQL_ASCII"]), "ENCODING 'UTF8'"),
            (
                server.create_database_with(&["-T", "template0", "--locale-provider=icu", "--icu-locale=en"]),
                "LOCALE 'C'",
            ),
            (server.create_database() + "&options[synchronous_commit]=off", "set synchronous_commit = on"),
        ];
        for (url, advice) in wrong {
            let error = Db::open(&url, &OpenOptions::default()).await.err().unwrap();
            assert!(matches!(error, StoreError::Setup(_)), "{error:?}");
            assert!(error.to_string().contains(advice), "{error}");
        }
    });
}

#[test]
fn a_server_that_is_gone_is_unavailable() {
    run(async {
        let server = TempPg::start().unwrap();
        let options = OpenOptions { acquire_timeout: Duration::from_secs(3), ..OpenOptions::default() };
        let db = Db::open(&server.create_database(), &options).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        drop(server);
        for _ in 0..2 {
            let error = db.query_opt(MONEY, &["a".into()]).await.err().unwrap();
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        }
    });
}

/// What a setting is for the statements of a transaction and for those outside.
async fn setting(db: &Db, shows: Statement) -> (String, String) {
    let inside: Result<_, StoreError> =
        db.transaction(|tx| Box::pin(async move { tx.query_one(shows, &[]).await?.text("value") })).await;
    (inside.unwrap(), db.query_one(shows, &[]).await.unwrap().text("value").unwrap())
}

#[test]
fn sqlite_is_set_to_keep_what_it_acknowledges() {
    const JOURNAL: Statement = Statement::new("SELECT journal_mode AS value FROM pragma_journal_mode");
    const SYNCHRONOUS: Statement =
        Statement::new("SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous");
    const FOREIGN_KEYS: Statement =
        Statement::new("SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys");
    const QUERY_ONLY: Statement =
        Statement::new("SELECT CAST(query_only AS TEXT) AS value FROM pragma_query_only");
    run(async {
        let database = TestDatabase::sqlite();
        let db = open(&database).await;
        // 2 is FULL.
        for (shows, inside, outside) in [
            (JOURNAL, "wal", "wal"),
            (SYNCHRONOUS, "2", "2"),
            (FOREIGN_KEYS, "1", "1"),
            (QUERY_ONLY, "0", "1"),
        ] {
            assert_eq!(setting(&db, shows).await, (inside.to_owned(), outside.to_owned()), "{shows:?}");
        }
    });
}

#[test]
fn postgres_is_serializable_and_bounded() {
    const ISOLATION: Statement = Statement::new("SELECT current_setting('transaction_isolation') AS value");
    const TIMEOUT: Statement = Statement::new("SELECT current_setting('statement_timeout') AS value");
    run(async {
        let db = open(&TestDatabase::postgres()).await;
        for (shows, value) in [(ISOLATION, "serializable"), (TIMEOUT, "30s")] {
            assert_eq!(setting(&db, shows).await, (value.to_owned(), value.to_owned()));
        }
    });
}

on_both_engines! {
    what_is_closed_stays_closed,
}

async fn what_is_closed_stays_closed(database: &TestDatabase) {
    let db = open(database).await;
    db.execute(ADD_ACCOUNT, &["a".into(), 1_i64.into()]).await.unwrap();
    let clone = db.clone();
    db.close().await.unwrap();
    db.close().await.unwrap();
    let error = clone.query_opt(MONEY, &["a".into()]).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(money(&open_again(database).await, "a").await, 1);
}
