//! All or nothing, one after the other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use strongroom_store::{Db, StoreError, Tx};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::tables::{
    ADD_ACCOUNT, ADD_MONEY, ADD_PAYMENT, COUNT_PAYMENTS, MONEY, SWAP_MONEY, money, open, open_again,
};

/// An error as a service has it.
#[derive(Debug)]
enum Refusal {
    TooPoor,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// As a repository is: takes part in a transaction that others opened.
async fn read(tx: &mut Tx<'_>, name: &str) -> Result<(i64, i64), StoreError> {
    let row = tx.query_one(MONEY, &[name.into()]).await?;
    Ok((row.i64("money")?, row.i64("version")?))
}

async fn pay(db: &Db, from: &str, to: &str, sum: i64) -> Result<i64, Refusal> {
    db.transaction(|tx| {
        Box::pin(async move {
            let (money, _) = read(tx, from).await?;
            tx.execute(ADD_MONEY, &[to.into(), sum.into()]).await?;
            if money < sum {
                return Err(Refusal::TooPoor);
            }
            tx.execute(ADD_MONEY, &[from.into(), (-sum).into()]).await?;
            Ok(money - sum)
        })
    })
    .await
}

async fn add_one(db: &Db, name: &str) -> Result<(), StoreError> {
    db.transaction(|tx| {
        Box::pin(async move {
            let (money, version) = read(tx, name).await?;
            tx.compare_and_set(SWAP_MONEY, &[name.into(), (money + 1).into(), version.into()]).await
        })
    })
    .await
}

/// Takes 10 from `mine` if `mine` and `other` hold 15 together.
async fn withdraw(db: Db, mine: &'static str, other: &'static str) -> Result<(), Refusal> {
    db.transaction(|tx| {
        Box::pin(async move {
            let together = read(tx, mine).await?.0 + read(tx, other).await?.0;
            if together < 15 {
                return Err(Refusal::TooPoor);
            }
            tx.execute(ADD_MONEY, &[mine.into(), (-10_i64).into()]).await?;
            Ok(())
        })
    })
    .await
}

async fn open_with_accounts(database: &TestDatabase) -> Db {
    let db = open(database).await;
    for name in ["a", "b"] {
        db.execute(ADD_ACCOUNT, &[name.into(), 10_i64.into()]).await.unwrap();
    }
    db
}

on_both_engines! {
    commits_what_succeeds_and_undoes_what_fails,
    colliding_compare_and_sets_all_count,
    a_crowd_on_one_row_loses_nobody,
    a_crowd_of_single_statements_loses_nobody,
    what_each_reads_the_other_cannot_write_meanwhile,
    a_lost_version_runs_again_and_gives_up_in_the_end,
    a_lost_version_runs_again_whatever_the_closure_makes_of_it,
    an_error_of_a_statement_ends_the_transaction,
    readers_do_not_wait_for_a_writer,
    the_future_of_a_transaction_is_send,
}

async fn commits_what_succeeds_and_undoes_what_fails(database: &TestDatabase) {
    let db = open_with_accounts(database).await;
    assert_eq!(pay(&db, "a", "b", 4).await.unwrap(), 6);
    assert!(matches!(pay(&db, "a", "b", 7).await, Err(Refusal::TooPoor)));
    let nobody = pay(&db, "nobody", "b", 7).await;
    assert!(matches!(nobody, Err(Refusal::Store(StoreError::RowCount { found: 0 }))), "{nobody:?}");
    let other = open_again(database).await;
    assert_eq!((money(&other, "a").await, money(&other, "b").await), (6, 14));
}

async fn colliding_compare_and_sets_all_count(database: &TestDatabase) {
    let db = open_with_accounts(database).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        // Half of them as another server: a pool of its own.
        let (db, other) = (db.clone(), open_again(database).await);
        tasks.spawn(async move {
            for _ in 0..5 {
                add_one(&db, "a").await.unwrap();
                add_one(&other, "a").await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(money(&db, "a").await, 10 + 8 * 5 * 2);
}

/// More than there are attempts, each long enough to meet all others; a third of them at another server.
async fn a_crowd_on_one_row_loses_nobody(database: &TestDatabase) {
    let db = &open_with_accounts(database).await;
    let other = open_again(database).await;
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        let db = if number % 3 == 0 { other.clone() } else { db.clone() };
        tasks.spawn(async move {
            db.transaction(|tx| {
                Box::pin(async move {
                    let (money, version) = read(tx, "a").await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    tx.compare_and_set(SWAP_MONEY, &["a".into(), (money + 1).into(), version.into()]).await
                })
            })
            .await
        });
    }
    let outcomes: Vec<Result<(), StoreError>> = tasks.join_all().await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(money(db, "a").await, 10 + 64);
}

/// Those that wait for their turn hold no connection: there are more of them than connections.
async fn a_crowd_of_single_statements_loses_nobody(database: &TestDatabase) {
    let db = &open_with_accounts(database).await;
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let db = db.clone();
        tasks.spawn(async move {
            for _ in 0..8 {
                assert_eq!(db.execute(ADD_MONEY, &["a".into(), 1_i64.into()]).await?, 1);
            }
            Ok(())
        });
    }
    let outcomes: Vec<Result<(), StoreError>> = tasks.join_all().await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(money(db, "a").await, 10 + 64 * 8);
}

async fn what_each_reads_the_other_cannot_write_meanwhile(database: &TestDatabase) {
    let db = open_with_accounts(database).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(withdraw(db.clone(), "a", "b"));
    tasks.spawn(withdraw(db.clone(), "b", "a"));
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(money(&db, "a").await + money(&db, "b").await, 10);
}

async fn a_lost_version_runs_again_and_gives_up_in_the_end(database: &TestDatabase) {
    let db = open_with_accounts(database).await;
    let runs = &AtomicU32::new(0);
    let stale = |succeeds_at: u32| {
        let db = db.clone();
        async move {
            db.transaction(|tx| {
                Box::pin(async move {
                    let version = i64::from(runs.fetch_add(1, Ordering::Relaxed) + 1 == succeeds_at);
                    tx.execute(ADD_PAYMENT, &["a".into(), 1_i64.into()]).await?;
                    tx.compare_and_set(SWAP_MONEY, &["a".into(), 0_i64.into(), version.into()]).await
                })
            })
            .await
        }
    };
    let outcome: Result<(), StoreError> = stale(0).await;
    assert!(matches!(outcome, Err(StoreError::Conflict)), "{outcome:?}");
    assert_eq!(runs.swap(0, Ordering::Relaxed), 20);
    assert_eq!(money(&db, "a").await, 10);

    stale(3).await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    assert_eq!(money(&db, "a").await, 0);
    let payments = db.query_one(COUNT_PAYMENTS, &["a".into()]).await.unwrap();
    assert_eq!(payments.i64("payments").unwrap(), 1, "the lost attempts left nothing");
}

async fn a_lost_version_runs_again_whatever_the_closure_makes_of_it(database: &TestDatabase) {
    let db = open_with_accounts(database).await;
    let runs = &AtomicU32::new(0);
    let outcome: Result<(), Refusal> = db
        .transaction(|tx| {
            Box::pin(async move {
                let version = i64::from(runs.fetch_add(1, Ordering::Relaxed));
                let swap = tx.compare_and_set(SWAP_MONEY, &["a".into(), 5_i64.into(), version.into()]).await;
                swap.map_err(|_| Refusal::TooPoor)
            })
        })
        .await;
    outcome.unwrap();
    assert_eq!(money(&db, "a").await, 5);
}

async fn an_error_of_a_statement_ends_the_transaction(database: &TestDatabase) {
    let db = open_with_accounts(database).await;
    let outcome: Result<(), StoreError> = db
        .transaction(|tx| {
            Box::pin(async move {
                tx.execute(ADD_MONEY, &["b".into(), 1_i64.into()]).await?;
                let duplicate = tx.execute(ADD_ACCOUNT, &["a".into(), 0_i64.into()]).await.unwrap_err();
                assert!(duplicate.is_duplicate_in("accounts"));
                let after = tx.execute(ADD_MONEY, &["b".into(), 1_i64.into()]).await.unwrap_err();
                assert!(matches!(after, StoreError::Misuse { .. }), "{after:?}");
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Misuse { .. })), "{outcome:?}");
    assert_eq!(money(&db, "b").await, 10);
    pay(&db, "a", "b", 1).await.unwrap();
}

async fn readers_do_not_wait_for_a_writer(database: &TestDatabase) {
    let db = open_with_accounts(database).await;
    let other = &db;
    let seen: Result<i64, StoreError> = db
        .transaction(|tx| {
            Box::pin(async move {
                tx.execute(ADD_MONEY, &["a".into(), 1_i64.into()]).await?;
                Ok(money(other, "a").await)
            })
        })
        .await;
    assert_eq!(seen.unwrap(), 10);
    assert_eq!(money(&db, "a").await, 11);
}

// As a handler is: behind a trait object that demands `Send`, with borrowed arguments.
async fn the_future_of_a_transaction_is_send(database: &TestDatabase) {
    trait Handler: Send + Sync {
        fn handle<'h>(
            &'h self,
            from: &'h str,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<i64, Refusal>> + Send + 'h>>;
    }
    struct Shop(Db);
    impl Handler for Shop {
        fn handle<'h>(
            &'h self,
            from: &'h str,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<i64, Refusal>> + Send + 'h>> {
            Box::pin(async move {
                pay(&self.0, from, "b", 1).await?;
                self.0.transaction(|tx| Box::pin(async move { Ok(read(tx, from).await?.0) })).await
            })
        }
    }
    let shop: Box<dyn Handler> = Box::new(Shop(open_with_accounts(database).await));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { shop.handle("a").await.unwrap() });
    assert_eq!(tasks.join_all().await, [9]);
}
