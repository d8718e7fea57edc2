//! Access keys of users, and whether they count.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, STRANGER, TRUST, client, refusal, serve};
use crate::fixture::{NOW, open};

on_both_engines! {
    a_key_counts_until_it_does_not,
    two_keys_are_all,
    a_key_is_one_users,
    another_server_sees_it_at_once,
    users_are_named_by_those_who_are_none,
}

async fn listed(client: &Client, user: &str) -> Vec<(String, String)> {
    let input = iam::ListAccessKeysRequest { user_name: Some(user.to_owned()), ..Default::default() };
    let listed = client.iam().list_access_keys(&client.context(), input).await.unwrap();
    let shown =
        |key: iam::AccessKeyMetadata| (key.access_key_id.unwrap(), key.status.unwrap().as_str().to_owned());
    listed.access_key_metadata.into_iter().map(shown).collect()
}

async fn a_key_counts_until_it_does_not(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap();
    let id = key.access_key_id.as_str();
    assert!(id.starts_with("AKIA") && id.len() == 20);
    assert_eq!(key.secret_access_key.expose().len(), 40);
    assert_eq!(key.create_date.unwrap().as_millis(), NOW / 1000 * 1000);
    assert_eq!(client.holder(id).await.as_deref(), Some("a"));

    client.set_status("a", id, "Inactive").await.unwrap();
    assert_eq!(client.holder(id).await, None);
    assert_eq!(listed(&client, "a").await, [(id.to_owned(), "Inactive".to_owned())]);
    client.set_status("a", id, "Active").await.unwrap();
    assert_eq!(client.holder(id).await.as_deref(), Some("a"));
    client.delete_access_key("a", id).await.unwrap();
    assert_eq!(client.holder(id).await, None);
    assert_eq!(
        refusal(client.delete_access_key("a", id).await),
        format!("NoSuchEntity: The Access Key with id {id} cannot be found.")
    );
}

async fn two_keys_are_all(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let first = client.create_access_key("a").await.unwrap();
    client.set_status("a", &first.access_key_id, "Inactive").await.unwrap();
    client.create_access_key("a").await.unwrap();
    assert_eq!(
        refusal(client.create_access_key("a").await),
        "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2"
    );
    client.delete_access_key("a", &first.access_key_id).await.unwrap();
    client.create_access_key("a").await.unwrap();
}

async fn a_key_is_one_users(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_user("b").await.unwrap();
    let key = client.create_access_key("a").await.unwrap();
    let id = key.access_key_id.as_str();
    client.set_status("b", id, "Inactive").await.unwrap_err();
    client.delete_access_key("b", id).await.unwrap_err();
    let stranger = client.as_of(STRANGER);
    stranger.create_user("a").await.unwrap();
    stranger.delete_access_key("a", id).await.unwrap_err();
    assert_eq!(client.holder(id).await.as_deref(), Some("a"));
}

async fn another_server_sees_it_at_once(database: &TestDatabase) {
    let db = open(database).await;
    // SQLite has one server; a second one is the first after a restart.
    let first = Client::new(&serve(&db), "111122223333");
    first.create_user("a").await.unwrap();
    let key = first.create_access_key("a").await.unwrap();
    let second = first.on(&serve(&db));
    assert_eq!(second.holder(&key.access_key_id).await.as_deref(), Some("a"));
    if db.engine() == strongroom_store::Engine::Postgres {
        first.set_status("a", &key.access_key_id, "Inactive").await.unwrap();
        assert_eq!(second.holder(&key.access_key_id).await, None);
    }
}

async fn users_are_named_by_those_who_are_none(database: &TestDatabase) {
    let client = client(database).await;
    let unnamed = iam::CreateAccessKeyRequest::default();
    client.create_role("r", TRUST).await.unwrap();
    let session = client.as_session_of("r").await;
    assert_eq!(
        refusal(session.iam().create_access_key(&session.changing(), unnamed).await),
        "ValidationError: Must specify userName when calling with non-User credentials"
    );
}
