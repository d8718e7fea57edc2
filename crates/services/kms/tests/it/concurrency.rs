//! Many callers at once: nothing is lost, no limit is passed, and who has been answered is seen by everyone.

use std::collections::HashSet;
use std::sync::Arc;

use strongroom_api_kms::{CreateKeyRequest, KeyState};
use strongroom_runtime::Agenda as _;
use strongroom_store::Db;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::fixture::{ACCOUNT, Client, FAR_REGION, NOW, REGION, STRANGER, client, open, root, start};

on_both_engines! {
    a_key_has_fifty_aliases_whoever_comes_first,
    a_name_is_given_once_whoever_comes_first,
    an_account_has_one_partition_whoever_comes_first,
    changes_to_one_key_lose_none_of_each_other,
    a_deletion_that_is_due_and_its_cancellation_exclude_each_other,
    a_hammer_loses_no_write,
}

/// KMS Developer Guide, "Resource quotas".
const MOST: usize = 50;

async fn a_key_has_fifty_aliases_whoever_comes_first(database: &TestDatabase) {
    const CALLS: usize = 60;
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let bystander = client.create_key().await.key_id;
    // Elsewhere the same happens at the same time, and neither counts for the other.
    let elsewhere = [client.as_of(ACCOUNT, FAR_REGION), client.as_of(STRANGER, REGION)];
    let start = Arc::new(Barrier::new(CALLS + elsewhere.len()));
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        let (client, key, start) = (client.clone(), key.clone(), start.clone());
        tasks.spawn(async move {
            let name = format!("alias/{number}");
            start.wait().await;
            let made = client.create_alias(&name, &key).await;
            made.err().map(|error| error.to_string())
        });
    }
    for other in elsewhere.clone() {
        let start = start.clone();
        tasks.spawn(async move {
            let key = other.create_key().await.key_id;
            start.wait().await;
            other.create_alias("alias/0", &key).await.err().map(|error| error.to_string())
        });
    }
    let refusals: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(refusals, ["LimitExceededException: A key can have at most 50 aliases."; CALLS - MOST]);
    assert_eq!(client.alias_names(Some(&key)).await.len(), MOST);
    client.create_alias("alias/bystander", &bystander).await.unwrap();
    for other in &elsewhere {
        assert_eq!(other.alias_names(None).await, ["alias/0"]);
    }
    // Each change has posted its record once, however often it was tried, and no refusal has.
    let (keys, aliases) = (2 + elsewhere.len(), MOST + 1 + elsewhere.len());
    assert_eq!(open(database).await.posted(None, 1_000).await.unwrap().len(), keys + aliases);
}

async fn a_name_is_given_once_whoever_comes_first(database: &TestDatabase) {
    const CALLS: usize = 16;
    let client = client(database).await;
    let mut keys = Vec::new();
    for _ in 0..CALLS {
        keys.push(client.create_key().await.key_id);
    }
    let start = Arc::new(Barrier::new(CALLS));
    let mut tasks = JoinSet::new();
    for key in keys {
        let (client, start) = (client.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            let made = client.create_alias("alias/x", &key).await;
            made.map(|()| key).map_err(|error| error.to_string())
        });
    }
    let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    let won: Vec<_> = won.into_iter().map(Result::unwrap).collect();
    let taken =
        format!("AlreadyExistsException: An alias with the name {} already exists", client.arn("alias/x"));
    assert_eq!(lost, vec![Err(taken); CALLS - 1]);
    assert_eq!(client.describe("alias/x").await.unwrap().key_id, won[0]);
}

async fn an_account_has_one_partition_whoever_comes_first(database: &TestDatabase) {
    const CALLS: usize = 16;
    let db = open(database).await;
    // Half of them come to another server on the same store.
    let servers = [start(&db, &root()), start(&db, &root())].map(|kms| Client::new(&kms, ACCOUNT, REGION));
    let start_line = Arc::new(Barrier::new(CALLS));
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        let (client, start_line) = (servers[number % 2].clone(), start_line.clone());
        tasks.spawn(async move {
            start_line.wait().await;
            let made = client.try_create_key(CreateKeyRequest::default()).await;
            let key = made.unwrap().key_id;
            (client.encrypt(&key, b"x", &[]).await.unwrap(), key)
        });
    }
    let made = tasks.join_all().await;
    let again = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    for client in [&servers[0], &servers[1], &again] {
        for (blob, key) in &made {
            assert_eq!(client.decrypt(blob, Some(key), &[]).await.unwrap(), b"x");
        }
    }
    assert_eq!(again.key_ids(None).await.len(), CALLS);
}

async fn changes_to_one_key_lose_none_of_each_other(database: &TestDatabase) {
    const CALLS: usize = 12;
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let start = Arc::new(Barrier::new(3 * CALLS));
    let mut tasks = JoinSet::new();
    for number in 0..CALLS {
        for kind in 0..3 {
            let (client, key, start) = (client.clone(), key.clone(), start.clone());
            tasks.spawn(async move {
                let (client, name) = (client.at(NOW + number as i64), format!("alias/{number:02}"));
                let tags = [(name.as_str(), "x")];
                start.wait().await;
                match kind {
                    0 => client.tag(&key, &tags).await.unwrap(),
                    1 => client.create_alias(&name, &key).await.unwrap(),
                    _ => drop(client.rotate(&key).await.unwrap()),
                }
            });
        }
    }
    tasks.join_all().await;
    for client in [client.clone(), crate::fixture::client(database).await] {
        assert_eq!(client.tags(&key, None).await.len(), CALLS);
        assert_eq!(client.alias_names(Some(&key)).await.len(), CALLS);
        assert_eq!(client.rotations(&key, None, None).await.len(), CALLS);
        // The last material of the list need not be the last rotation's: they were at once.
        let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    }
}

async fn a_deletion_that_is_due_and_its_cancellation_exclude_each_other(database: &TestDatabase) {
    let client = client(database).await;
    for _ in 0..8 {
        let key = client.create_key().await.key_id;
        client.create_alias("alias/x", &key).await.unwrap();
        client.schedule_deletion(&key, Some(7)).await.unwrap();
        let due = client.kms.next_due().await.unwrap();
        let run = async { client.kms.run(&due).await };
        let (cancelled, done) = tokio::join!(client.cancel_deletion(&key), run);
        let found = client.describe(&key).await.map(|key| key.key_state.unwrap());
        match cancelled {
            // Whoever came second was told so, or did nothing.
            Ok(_) => {
                assert_eq!(found.unwrap(), KeyState::Disabled);
                client.delete_alias("alias/x").await.unwrap();
            }
            Err(error) => {
                assert_eq!(error.code(), "NotFoundException");
                done.unwrap();
                assert_eq!(found.unwrap_err().code(), "NotFoundException");
                assert_eq!(client.alias_names(None).await, [""; 0]);
            }
        }
        assert_eq!(client.kms.next_due().await, None);
    }
}

/// Takes messages out of the outbox, as a server does after each change.
async fn deliver(db: &Db) {
    let posted = db.posted(None, 2).await.unwrap();
    let ids: Vec<_> = posted.iter().map(|message| message.id).collect();
    db.take_delivered(&ids).await.unwrap();
}

async fn a_hammer_loses_no_write(database: &TestDatabase) {
    const TASKS: usize = 32;
    const ROUNDS: usize = 2;
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let mut keys = Vec::new();
    for _ in 0..4 {
        keys.push(client.create_key().await.key_id);
    }
    let keys = Arc::new(keys);
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (client, keys, db) = (client.clone(), keys.clone(), db.clone());
        tasks.spawn(async move {
            let key = &keys[task % keys.len()];
            for round in 0..ROUNDS {
                let name = format!("alias/{task}/{round}");
                assert!(client.describe(&name).await.is_err());
                client.create_alias(&name, key).await.unwrap();
                deliver(&db).await;
                // What was answered holds from then on, whatever others do.
                assert_eq!(client.describe(&name).await.unwrap().key_id, *key);
                let blob = client.encrypt(&name, name.as_bytes(), &[("task", &name)]).await.unwrap();
                let plain = client.decrypt(&blob, Some(key), &[("task", &name)]).await.unwrap();
                assert_eq!(plain, name.as_bytes());
                let listed: HashSet<_> = client.alias_names(Some(key)).await.into_iter().collect();
                for earlier in 0..=round {
                    assert!(listed.contains(&format!("alias/{task}/{earlier}")));
                }
            }
        });
    }
    tasks.join_all().await;
    let names: HashSet<_> = client.alias_names(None).await.into_iter().collect();
    assert_eq!(names.len(), TASKS * ROUNDS);
    for key in &*keys {
        assert_eq!(client.alias_names(Some(key)).await.len(), TASKS * ROUNDS / keys.len());
    }
}
