//! A server that dies while it connects a key store, at any step: the next one always can.

use strongroom_hsm_proto::command::{Command, FailureCode};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::cluster::KMS_PASSWORD;
use crate::fixture::{ACCOUNT, Client, REGION, client, new_store, open, root, start};

on_both_engines! {
    whoever_comes_after_a_crash_can_connect,
    a_password_that_only_one_side_knows_is_never_lost,
    an_owner_who_tells_a_password_of_before_takes_none_away,
    an_hsm_that_was_left_behind_does_not_keep_kms_out,
}

/// More steps than connecting has.
const MORE_THAN_ENOUGH: usize = 40;

/// More often than KMS tries to change a password in one attempt to connect.
const EACH_TIME: usize = 10;

fn changes_password(command: &Command) -> bool {
    matches!(command, Command::ChangePassword(_))
}

async fn whoever_comes_after_a_crash_can_connect(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    let mut crashes = 0;
    for step in 0.. {
        assert!(step < MORE_THAN_ENOUGH);
        client.begin_connecting(&store).await.unwrap();
        cluster.steps.hold(step);
        let ended = tokio::select! {
            ended = client.kms.settle_key_stores() => { ended.unwrap(); true }
            () = cluster.steps.reached() => false,
        };
        cluster.steps.release();
        if ended {
            break;
        }
        crashes += 1;
        assert_eq!(client.store_state(&store).await.0, "CONNECTING");

        // Another server finds it being connected, and goes on.
        let after = client.on(&client.kms.restarted(&db, &root()));
        after.kms.settle_key_stores().await.unwrap();
        assert_eq!(after.store_state(&store).await, ("CONNECTED".to_owned(), None), "step {step}");
        after.disconnect(&store).await.unwrap();
        client.kms.forget_everything().await;
    }
    assert!(crashes >= 8, "{crashes} steps");
}

async fn a_password_that_only_one_side_knows_is_never_lost(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    // Server after server dies between the HSMs' change and its own.
    for _ in 0..6 {
        client.begin_connecting(&store).await.unwrap();
        let server = client.kms.restarted(&db, &root());
        cluster.lose_answers(changes_password, EACH_TIME);
        server.settle_key_stores().await.unwrap();
        client.kms.forget_everything().await;
        assert_eq!(client.store_state(&store).await.0, "FAILED");
        client.disconnect(&store).await.unwrap();
    }
    cluster.lose_answers(changes_password, 0);
    assert_eq!(cluster.try_log_in(KMS_PASSWORD), Err(FailureCode::LoginFailed));
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));
}

async fn an_owner_who_tells_a_password_of_before_takes_none_away(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    // KMS is cut off when the HSMs have its password: the owner gives the one that he has set, as the book says.
    let cut_off = async || {
        cluster.lose_answers(changes_password, EACH_TIME);
        client.connect(&store).await.unwrap();
        assert_eq!(client.store_state(&store).await.0, "FAILED");
        client.disconnect(&store).await.unwrap();
        cluster.lose_answers(changes_password, 0);
    };
    cut_off().await;
    assert_eq!(cluster.try_log_in(KMS_PASSWORD), Err(FailureCode::LoginFailed));
    client.set_store_password(&store, KMS_PASSWORD).await.unwrap();
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));

    // What the owner says holds all the same, if it is so.
    client.disconnect(&store).await.unwrap();
    cut_off().await;
    cluster.set_password("ownPassword1").unwrap();
    client.set_store_password(&store, "ownPassword1").await.unwrap();
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));
    assert_eq!(cluster.try_log_in("ownPassword1"), Err(FailureCode::LoginFailed));
}

async fn an_hsm_that_was_left_behind_does_not_keep_kms_out(database: &TestDatabase) {
    /// Steps of an attempt up to the one at which the HSMs have changed the password.
    const UNTIL_CHANGED: usize = 7;
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    let [first, second] = &cluster.hsms()[..] else { panic!("two HSMs") };
    first.set_behind(true);
    client.begin_connecting(&store).await.unwrap();
    cluster.steps.hold(UNTIL_CHANGED);
    tokio::select! {
        _ = client.kms.settle_key_stores() => panic!("it is held"),
        () = cluster.steps.reached() => {}
    }
    cluster.steps.release();
    // One HSM lets in with the former password, and cannot change it; the other one knows the new one only.
    assert_eq!(cluster.try_log_in_at(first, KMS_PASSWORD).err(), None);
    assert_eq!(cluster.try_log_in_at(second, KMS_PASSWORD).err(), Some(FailureCode::LoginFailed));
    for _ in 0..3 {
        client.kms.settle_key_stores().await.unwrap();
        assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));
        client.disconnect(&store).await.unwrap();
        client.begin_connecting(&store).await.unwrap();
    }
}
