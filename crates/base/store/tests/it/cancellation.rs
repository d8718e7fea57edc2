//! A request that is given up leaves neither half a change nor a spoiled connection.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use strongroom_store::{Db, Statement, StoreError};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::tables::{ADD_ACCOUNT, ADD_MONEY, ADD_PAYMENT, COUNT_PAYMENTS, money, open, open_again};

/// Both halves of [`pay`] at one moment: a commit that was given up may still be on its way.
const PAID_AND_MONEY: Statement = Statement::new(
    "SELECT money, (SELECT COUNT(*) FROM payments WHERE account = name AND number < 1000) AS paid \
     FROM accounts WHERE name = $1",
);

/// Adds one payment and one coin, in a transaction.
async fn pay(db: &Db, name: &str, number: i64) -> Result<(), StoreError> {
    db.transaction(|tx| {
        Box::pin(async move {
            tx.execute(ADD_PAYMENT, &[name.into(), number.into()]).await?;
            tx.execute(ADD_MONEY, &[name.into(), 1_i64.into()]).await?;
            Ok(())
        })
    })
    .await
}

async fn payments(db: &Db, name: &str) -> i64 {
    db.query_one(COUNT_PAYMENTS, &[name.into()]).await.unwrap().i64("payments").unwrap()
}

on_both_engines! {
    given_up_at_any_moment_it_is_all_or_nothing,
    given_up_inside_the_closure_it_is_undone,
    a_statement_given_up_inside_the_closure_ends_the_transaction,
}

async fn given_up_at_any_moment_it_is_all_or_nothing(database: &TestDatabase) {
    let db = open(database).await;
    // Whoever looks at the same connections sees its own uncommitted changes: look from elsewhere.
    let observer = open_again(database).await;
    let mut tasks = JoinSet::new();
    for task in 0..4_u64 {
        let (db, observer) = (db.clone(), observer.clone());
        tasks.spawn(async move {
            let name = &format!("account {task}");
            db.execute(ADD_ACCOUNT, &[name.into(), 0_i64.into()]).await.unwrap();
            let (mut given_up, mut alone) = (0, 0);
            for number in 0..60 {
                let patience = Duration::from_micros(u64::try_from(number).unwrap() * 71 % 2_500);
                if timeout(patience, pay(&db, name, number)).await.is_err() {
                    given_up += 1;
                }
                if number % 3 == 0 {
                    db.execute(ADD_PAYMENT, &[name.into(), (1_000 + number).into()]).await.unwrap();
                    alone += 1;
                }
                let visible = payments(&observer, name).await;
                assert!(visible >= alone, "an acknowledged change is not there");
            }
            assert!(given_up > 0, "nothing was given up");
            let both = observer.query_one(PAID_AND_MONEY, &[name.into()]).await.unwrap();
            assert_eq!(both.i64("paid").unwrap(), both.i64("money").unwrap(), "half a change is there");
        });
    }
    tasks.join_all().await;
    pay(&db, "account 0", 5_000).await.unwrap();
}

async fn given_up_inside_the_closure_it_is_undone(database: &TestDatabase) {
    let db = open(database).await;
    db.execute(ADD_ACCOUNT, &["a".into(), 0_i64.into()]).await.unwrap();
    for _ in 0..20 {
        let stuck = db.transaction(|tx| {
            Box::pin(async move {
                tx.execute(ADD_MONEY, &["a".into(), 1_i64.into()]).await?;
                std::future::pending::<Result<(), StoreError>>().await
            })
        });
        timeout(Duration::from_millis(5), stuck).await.unwrap_err();
    }
    assert_eq!(money(&db, "a").await, 0);
    pay(&db, "a", 1).await.unwrap();
    assert_eq!(money(&open_again(database).await, "a").await, 1);
}

async fn a_statement_given_up_inside_the_closure_ends_the_transaction(database: &TestDatabase) {
    let db = open(database).await;
    db.execute(ADD_ACCOUNT, &["a".into(), 0_i64.into()]).await.unwrap();
    let mut given_up = 0;
    for _ in 0..20 {
        let before = money(&db, "a").await;
        let outcome: Result<(), StoreError> = db
            .transaction(|tx| {
                Box::pin(async move {
                    let values = ["a".into(), 1_i64.into()];
                    let answered = {
                        let mut statement = pin!(tx.execute(ADD_MONEY, &values));
                        poll_fn(|context| Poll::Ready(statement.as_mut().poll(context).is_ready())).await
                    };
                    let next = tx.execute(ADD_MONEY, &values).await.map(drop);
                    assert_eq!(next.is_ok(), answered, "{next:?}");
                    next
                })
            })
            .await;
        match outcome {
            // The engine was so quick that nothing was given up.
            Ok(()) => {}
            Err(StoreError::Misuse { .. }) => {
                given_up += 1;
                assert_eq!(money(&db, "a").await, before);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(given_up > 0, "nothing was given up");
    pay(&db, "a", 1).await.unwrap();
}
