//! Many calls at once.

use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::fixture::iam::client;

on_both_engines! {
    no_change_is_lost,
    one_of_many_gets_the_name,
    a_key_that_is_deactivated_stays_so,
}

async fn no_change_is_lost(database: &TestDatabase) {
    let client = client(database).await;
    let mut calls = JoinSet::new();
    for number in 0..12 {
        let client = client.clone();
        calls.spawn(async move { client.create_user(&format!("u{number:02}")).await.unwrap() });
    }
    let mut ids: Vec<_> = calls.join_all().await.into_iter().map(|user| user.user_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 12);
    assert_eq!(client.users().await.len(), 12);
}

async fn one_of_many_gets_the_name(database: &TestDatabase) {
    let client = client(database).await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        calls.spawn(async move { client.create_user("a").await.is_ok() });
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|made| *made).count(), 1);
}

/// Whoever reads while others change keeps nothing that is older than what they have made.
async fn a_key_that_is_deactivated_stays_so(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_user("b").await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (client, key) = (client.clone(), key.clone());
        readers.spawn(async move {
            for _ in 0..200 {
                client.holder(&key).await;
            }
        });
    }
    for round in 0..20 {
        let status = if round % 2 == 0 { "Inactive" } else { "Active" };
        client.set_status("a", &key, status).await.unwrap();
        assert_eq!(client.holder(&key).await.is_some(), status == "Active", "round {round}");
        // A failed change casts doubt on what is kept, and no more.
        client.create_user("b").await.unwrap_err();
        assert_eq!(client.holder(&key).await.is_some(), status == "Active", "round {round}");
    }
    readers.join_all().await;
}
