//! Key stores as a running server keeps them: in the background, after a restart, through trouble and resets.

use std::time::Duration;

use strongroom_api_kms::KeyState;
use strongroom_runtime::ShutdownOwner;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, REGION, client, new_store, open, root, start};

on_both_engines! {
    connecting_goes_on_in_the_background,
    disconnecting_ends_an_attempt_that_hangs,
    one_cluster_out_of_reach_keeps_nobody_waiting,
    an_attempt_that_takes_long_is_waited_for_in_peace,
    a_connected_key_store_is_back_after_a_restart,
    a_key_store_that_is_disconnected_is_not_dialled_for_who_came_too_late,
    a_connected_key_store_lives_through_an_outage,
    new_hsms_take_over_from_the_old,
    a_reset_leaves_nothing,
}

/// How long something may take to come about, and how often it is looked for.
const PATIENCE: u32 = 3_000;
const LOOK: Duration = Duration::from_millis(20);

impl Client {
    async fn reaches(&self, store: &str, state: &str) {
        let mut last = String::new();
        for _ in 0..PATIENCE {
            last = self.store_state(store).await.0;
            if last == state {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{store} is {last} and does not become {state}");
    }

    /// Has this client's server look after key stores until the owner is dropped.
    fn keeps(&self) -> ShutdownOwner {
        let owner = ShutdownOwner::new();
        let shutdown = owner.handle();
        owner.handle().spawn(self.kms.kms.clone().keep_key_stores(shutdown));
        owner
    }
}

async fn connecting_goes_on_in_the_background(database: &TestDatabase) {
    let client = client(database).await;
    let running = client.keeps();
    let store = client.create_store(new_store("store", &client.cloud().cluster())).await.unwrap();
    for _ in 0..2 {
        client.begin_connecting(&store).await.unwrap();
        client.reaches(&store, "CONNECTED").await;
        client.begin_disconnecting(&store).await.unwrap();
        client.reaches(&store, "DISCONNECTED").await;
    }
    assert!(client.cloud().networks().interfaces.is_empty());
    assert!(running.finish(Duration::from_secs(30)).await);
}

async fn disconnecting_ends_an_attempt_that_hangs(database: &TestDatabase) {
    let client = client(database).await;
    let running = client.keeps();
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    for step in [0, 3, 5, 7] {
        cluster.steps.hold(step);
        client.begin_connecting(&store).await.unwrap();
        cluster.steps.reached().await;
        assert_eq!(client.store_state(&store).await.0, "CONNECTING");
        client.begin_disconnecting(&store).await.unwrap();
        client.reaches(&store, "DISCONNECTED").await;
        cluster.steps.release();
    }
    // Whichever password is in force by now, KMS knows it.
    client.begin_connecting(&store).await.unwrap();
    client.reaches(&store, "CONNECTED").await;
    assert!(running.finish(Duration::from_secs(30)).await);
}

async fn one_cluster_out_of_reach_keeps_nobody_waiting(database: &TestDatabase) {
    let client = client(database).await;
    let running = client.keeps();
    let (slow, quick) = (client.cloud().cluster(), client.cloud().cluster());
    let hanging = client.create_store(new_store("slow", &slow)).await.unwrap();
    let store = client.create_store(new_store("quick", &quick)).await.unwrap();
    slow.steps.hold(0);
    client.begin_connecting(&hanging).await.unwrap();
    slow.steps.reached().await;
    client.begin_connecting(&store).await.unwrap();
    client.reaches(&store, "CONNECTED").await;
    assert_eq!(client.store_state(&hanging).await.0, "CONNECTING");
    assert!(running.finish(Duration::from_secs(30)).await, "a shutdown does not wait for it either");
}

async fn an_attempt_that_takes_long_is_waited_for_in_peace(database: &TestDatabase) {
    /// Looks at a connected key store: some for each change of the other one's, and one every few seconds.
    const FEW: usize = 200;
    let client = client(database).await;
    client.connected_store().await;
    let running = client.keeps();
    let (slow, quick) = (client.cloud().cluster(), client.cloud().cluster());
    let hanging = client.create_store(new_store("slow", &slow)).await.unwrap();
    let store = client.create_store(new_store("quick", &quick)).await.unwrap();
    slow.steps.hold(0);
    client.begin_connecting(&hanging).await.unwrap();
    slow.steps.reached().await;
    let before = client.cloud().described();
    for _ in 0..3 {
        client.begin_connecting(&store).await.unwrap();
        client.reaches(&store, "CONNECTED").await;
        client.begin_disconnecting(&store).await.unwrap();
        client.reaches(&store, "DISCONNECTED").await;
    }
    let looks = client.cloud().described() - before;
    assert!(looks < FEW, "{looks} looks at what there is");
    assert_eq!(client.store_state(&hanging).await.0, "CONNECTING");
    assert!(running.finish(Duration::from_secs(30)).await);
}

async fn a_connected_key_store_is_back_after_a_restart(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let (store, cluster) = client.connected_store().await;
    let key = client.create_key_in(&store).await;
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    let state = cluster.snapshot();

    // Whoever comes first dials.
    let after = client.on(&client.kms.restarted(&db, &root()));
    assert_eq!(after.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    // Nobody comes.
    let after = client.on(&client.kms.restarted(&db, &root()));
    let dialled = client.cloud().dialled().len();
    after.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.cloud().dialled().len(), dialled + 1);
    assert_eq!(after.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    assert_eq!(client.cloud().dialled().len(), dialled + 1);
    assert_eq!(cluster.snapshot(), state, "the password is the same");
}

/// He knows the key store as it was when it was connected, and begins to dial when it is not any more.
async fn a_key_store_that_is_disconnected_is_not_dialled_for_who_came_too_late(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let (store, cluster) = client.connected_store().await;
    let key = client.create_key_in(&store).await;
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    let late = client.on(&client.kms.restarted(&db, &root()));
    assert_eq!(late.describe(&key).await.unwrap().key_state, Some(KeyState::Enabled));

    client.disconnect(&store).await.unwrap();
    let dialled = client.cloud().dialled().len();
    for _ in 0..2 {
        let error = late.decrypt(&blob, None, &[]).await.unwrap_err();
        assert_eq!(error.code(), "KMSInvalidStateException");
    }
    assert_eq!(client.cloud().dialled().len(), dialled);
    // Nobody is logged in: an administrator may give the user another password.
    cluster.set_password("ownPassword1").unwrap();
}

async fn a_connected_key_store_lives_through_an_outage(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = client.connected_store().await;
    let key = client.create_key_in(&store).await;
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    cluster.set_reachable(false);
    for _ in 0..2 {
        let error = client.decrypt(&blob, None, &[]).await.unwrap_err();
        assert_eq!(error.code(), "KMSInvalidStateException");
        client.kms.settle_key_stores().await.unwrap();
        assert_eq!(client.store_state(&store).await.0, "CONNECTED");
    }
    cluster.hsms()[1].set_reachable(true);
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}

async fn new_hsms_take_over_from_the_old(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = client.connected_store().await;
    let key = client.create_key_in(&store).await;
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    let state = cluster.snapshot();
    cluster.remove_hsms();
    assert!(client.decrypt(&blob, None, &[]).await.is_err());
    cluster.add_hsm_with(&state, "us-east-1a", "10.0.0.201");
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}

async fn a_reset_leaves_nothing(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let (store, cluster) = client.connected_store().await;
    let running = client.keeps();
    let hanging = client.cloud().cluster();
    let other = client.create_store(new_store("other", &hanging)).await.unwrap();
    hanging.steps.hold(5);
    client.begin_connecting(&other).await.unwrap();
    hanging.steps.reached().await;

    client.kms.reset(&db).await;
    assert!(client.stores().await.is_empty());
    let error = client.begin_connecting(&store).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreNotFoundException");
    // Nobody is logged in any more: the user can be deleted.
    cluster.delete_user();
    // The server goes on working.
    let store = client.create_store(new_store("new", &client.cloud().cluster())).await.unwrap();
    client.begin_connecting(&store).await.unwrap();
    client.reaches(&store, "CONNECTED").await;
    assert!(running.finish(Duration::from_secs(30)).await);
}
