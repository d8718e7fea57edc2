//! A change commits together with the draft of its record: neither is ever there without the other.

use strongroom_api_kms::{CreateAliasRequest, CreateKeyRequest, Kms as _, ListKeysRequest};
use strongroom_identity::{RecordDraft, RequestContext};
use strongroom_store::Db;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ABSENT, ACCOUNT, Client, REGION, STRANGER, data_key, decrypt, encrypt, open, root, start,
};

on_both_engines! {
    a_change_posts_its_draft,
    a_change_that_is_refused_posts_none,
    a_change_whose_draft_cannot_be_posted_is_not_made,
    what_changes_nothing_posts_nothing,
}

fn with_draft(client: &Client, number: u8) -> RequestContext {
    client.context().with_draft(RecordDraft { event_id: [number; 16], bytes: vec![number; 3], mark: None })
}

/// The numbers of the drafts that wait.
async fn posted(db: &Db) -> Vec<u8> {
    let posted = db.posted(None, 100).await.unwrap();
    posted
        .into_iter()
        .map(|message| {
            assert_eq!(message.message, [message.id[0]; 3]);
            message.id[0]
        })
        .collect()
}

fn alias(name: &str, key: &str) -> CreateAliasRequest {
    CreateAliasRequest { alias_name: name.to_owned(), target_key_id: key.to_owned() }
}

/// A caller, and a key that was made with draft 1.
async fn client_with_key(database: &TestDatabase) -> (Db, Client, String) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let made = client.kms.create_key(&with_draft(&client, 1), CreateKeyRequest::default()).await.unwrap();
    (db, client, made.key_metadata.unwrap().key_id)
}

async fn a_change_posts_its_draft(database: &TestDatabase) {
    let (db, client, key) = client_with_key(database).await;
    assert_eq!(posted(&db).await, [1]);
    client.kms.create_alias(&with_draft(&client, 2), alias("alias/x", &key)).await.unwrap();
    assert_eq!(posted(&db).await, [1, 2]);
}

async fn a_change_that_is_refused_posts_none(database: &TestDatabase) {
    let (db, client, key) = client_with_key(database).await;
    client.kms.create_alias(&with_draft(&client, 2), alias("alias/x", &key)).await.unwrap();
    let stranger = client.as_of(STRANGER, REGION);
    let strangers = client.arn(&format!("key/{key}"));
    for (caller, input) in [
        (&client, alias("alias/x", &key)),
        (&client, alias("alias/aws/x", &key)),
        (&client, alias("x", &key)),
        (&client, alias("alias/y", ABSENT)),
        (&client, alias("alias/y", "alias/x")),
        (&stranger, alias("alias/y", &strangers)),
    ] {
        caller.kms.create_alias(&with_draft(caller, 3), input).await.unwrap_err();
    }
    let input = CreateKeyRequest { description: Some("\0".to_owned()), ..CreateKeyRequest::default() };
    client.kms.create_key(&with_draft(&client, 3), input).await.unwrap_err();
    assert_eq!(posted(&db).await, [1, 2]);
}

async fn a_change_whose_draft_cannot_be_posted_is_not_made(database: &TestDatabase) {
    let (db, client, key) = client_with_key(database).await;
    // A draft of that id waits already.
    let refused = client.kms.create_alias(&with_draft(&client, 1), alias("alias/x", &key)).await;
    assert_eq!(refused.unwrap_err().code(), "KMSInternalException");
    let refused = client.kms.create_key(&with_draft(&client, 1), CreateKeyRequest::default()).await;
    assert_eq!(refused.unwrap_err().code(), "KMSInternalException");
    assert_eq!(posted(&db).await, [1]);
    assert_eq!(client.key_ids(None).await, [&*key]);
    assert_eq!(client.alias_names(None).await, [""; 0]);
    assert!(client.describe("alias/x").await.is_err());
    client.create_alias("alias/x", &key).await.unwrap();
}

async fn what_changes_nothing_posts_nothing(database: &TestDatabase) {
    let (db, client, key) = client_with_key(database).await;
    let kms = &client.kms;
    let encrypted = kms.encrypt(&with_draft(&client, 2), encrypt(&key, b"x")).await.unwrap();
    let blob = encrypted.ciphertext_blob.unwrap().0;
    kms.decrypt(&with_draft(&client, 2), decrypt(&blob)).await.unwrap();
    kms.generate_data_key(&with_draft(&client, 2), data_key(&key)).await.unwrap();
    kms.list_keys(&with_draft(&client, 2), ListKeysRequest::default()).await.unwrap();
    assert_eq!(posted(&db).await, [1]);
}
