//! Many callers at once: no grant is lost or counted twice, and who has been told that one has ended sees it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::fixture::{client, grant};

on_both_engines! {
    grants_made_at_once_are_all_there,
    a_grant_ends_once,
    a_name_is_given_to_one_grant,
    nobody_uses_a_grant_after_it_is_revoked,
}

const CALLS: usize = 12;

async fn grants_made_at_once_are_all_there(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let start = Arc::new(Barrier::new(CALLS));
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        let (root, key, start) = (root.clone(), key.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            let who = format!("user/{}", number % 3);
            let wanted = grant(&key, &root.iam(&who), &["DescribeKey"]);
            let made = root.create_grant(wanted.clone()).await;
            let id = made.unwrap().grant_id.unwrap();
            // What was answered holds from then on.
            root.user(&who).describe(&key).await.unwrap();
            id
        });
    }
    let mut ids = tasks.join_all().await;
    ids.sort();
    let listed = root.grants(&key, None).await.into_iter().map(|grant| grant.grant_id.unwrap());
    assert_eq!(listed.collect::<Vec<_>>(), ids);
    // The key's count came along: with the last of them it is as if there had been none.
    for id in &ids {
        root.revoke(&key, id).await.unwrap();
    }
    assert!(root.user("user/0").describe(&key).await.is_err());
    root.grant(&key, &root.iam("user/0"), &["DescribeKey"]).await;
    root.user("user/0").describe(&key).await.unwrap();
}

async fn a_grant_ends_once(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let id = root.grant(&key, &root.iam("user/alice"), &["DescribeKey"]).await;
    let start = Arc::new(Barrier::new(CALLS));
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        let (root, key, id, start) = (root.clone(), key.clone(), id.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            if number % 2 == 0 { root.revoke(&key, &id).await } else { root.retire(&key, &id).await }
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.into_iter().all(|refusal| refusal.code() == "NotFoundException"));
}

async fn a_name_is_given_to_one_grant(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let mut named = grant(&key, &root.iam("user/alice"), &["DescribeKey"]);
    named.name = Some("n".to_owned());
    let start = Arc::new(Barrier::new(CALLS));
    let mut tasks = JoinSet::new();
    for _ in 0..CALLS {
        let (root, named, start) = (root.clone(), named.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            root.create_grant(named.clone()).await.unwrap().grant_id
        });
    }
    let ids = tasks.join_all().await;
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(root.grants(&key, None).await.len(), 1);
}

async fn nobody_uses_a_grant_after_it_is_revoked(database: &TestDatabase) {
    const ROUNDS: usize = 20;
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let alice = root.user("user/alice");
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (alice, key, done) = (alice.clone(), key.clone(), done.clone());
        readers.spawn(async move {
            // Reads that are under way when a grant comes or goes must not be kept.
            while !done.load(Ordering::Acquire) {
                drop(alice.describe(&key).await);
                tokio::task::yield_now().await;
            }
        });
    }
    for _ in 0..ROUNDS {
        let id = root.grant(&key, &root.iam("user/alice"), &["DescribeKey"]).await;
        alice.describe(&key).await.unwrap();
        root.revoke(&key, &id).await.unwrap();
        assert_eq!(alice.describe(&key).await.unwrap_err().code(), "AccessDeniedException");
    }
    done.store(true, Ordering::Release);
    readers.join_all().await;
}
