//! Messages that are committed with the change they speak of.

use strongroom_store::{Db, StoreError};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::tables::open_again;

on_both_engines! {
    a_message_is_there_if_its_transaction_is_committed,
    messages_come_in_pages_and_go_when_they_are_delivered,
}

async fn post(db: &Db, id: u8, then: Result<(), StoreError>) -> Result<(), StoreError> {
    let outcome = std::sync::Mutex::new(Some(then));
    let outcome = &outcome;
    db.transaction(|tx| {
        Box::pin(async move {
            tx.post(&[id; 16], &[id]).await?;
            outcome.lock().unwrap().take().unwrap_or(Ok(()))
        })
    })
    .await
}

async fn a_message_is_there_if_its_transaction_is_committed(database: &TestDatabase) {
    let db = open_again(database).await;
    post(&db, 1, Ok(())).await.unwrap();
    post(&db, 2, Err(StoreError::RowCount { found: 0 })).await.unwrap_err();
    let posted = open_again(database).await.posted(None, 10).await.unwrap();
    assert_eq!(posted.iter().map(|posted| posted.message.clone()).collect::<Vec<_>>(), [[1]]);
    assert!(post(&db, 1, Ok(())).await.is_err(), "an id waits once");
}

async fn messages_come_in_pages_and_go_when_they_are_delivered(database: &TestDatabase) {
    let db = open_again(database).await;
    for id in 1..=5 {
        post(&db, id, Ok(())).await.unwrap();
    }
    let ids = |posted: Vec<strongroom_store::Posted>| posted.iter().map(|it| it.id[0]).collect::<Vec<_>>();
    let first = db.posted(None, 2).await.unwrap();
    assert_eq!(ids(first.clone()), [1, 2]);
    assert_eq!(ids(db.posted(Some(first[1].id), 10).await.unwrap()), [3, 4, 5]);

    db.take_delivered(&[[1; 16], [9; 16], [4; 16]]).await.unwrap();
    db.take_delivered(&[]).await.unwrap();
    assert_eq!(ids(db.posted(None, 10).await.unwrap()), [2, 3, 5]);
}
