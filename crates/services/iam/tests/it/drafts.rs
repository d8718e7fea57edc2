//! A change commits together with the draft of its record, and records name what a call touched.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_identity::{RecordDraft, RequestContext};
use strongroom_store::Db;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{ACCOUNT, Client, serve};
use crate::fixture::open;

on_both_engines! {
    a_change_posts_its_draft,
    a_call_that_changes_nothing_posts_none,
    a_change_whose_draft_cannot_be_posted_is_not_made,
    a_record_names_what_was_touched,
    a_server_that_starts_anew_knows_it_all,
}

fn with_draft(client: &Client, number: u8) -> RequestContext {
    client.context().with_draft(RecordDraft { event_id: [number; 16], bytes: vec![number; 3], mark: None })
}

/// The numbers of the drafts that wait.
async fn posted(db: &Db) -> Vec<u8> {
    db.posted(None, 100).await.unwrap().into_iter().map(|message| message.id[0]).collect()
}

async fn a_client(database: &TestDatabase) -> (Db, Client) {
    let db = open(database).await;
    let client = Client::new(&serve(&db), ACCOUNT);
    (db, client)
}

fn user(name: &str) -> iam::CreateUserRequest {
    iam::CreateUserRequest { user_name: name.to_owned(), ..Default::default() }
}

async fn a_change_posts_its_draft(database: &TestDatabase) {
    let (db, client) = a_client(database).await;
    client.iam().create_user(&with_draft(&client, 1), user("a")).await.unwrap();
    client.iam().create_user(&with_draft(&client, 2), user("b")).await.unwrap();
    assert_eq!(posted(&db).await, [1, 2]);
}

async fn a_call_that_changes_nothing_posts_none(database: &TestDatabase) {
    let (db, client) = a_client(database).await;
    let context = with_draft(&client, 1);
    client.iam().list_users(&context, iam::ListUsersRequest::default()).await.unwrap();
    let input = iam::DeleteUserRequest { user_name: "a".to_owned() };
    client.iam().delete_user(&context, input).await.unwrap_err();
    assert!(posted(&db).await.is_empty());
}

async fn a_change_whose_draft_cannot_be_posted_is_not_made(database: &TestDatabase) {
    let (db, client) = a_client(database).await;
    client.iam().create_user(&with_draft(&client, 1), user("a")).await.unwrap();
    // A draft of that id waits already.
    let refused = client.iam().create_user(&with_draft(&client, 1), user("b")).await;
    assert_eq!(refused.unwrap_err().code(), "InternalFailure");
    assert_eq!(posted(&db).await, [1]);
    assert_eq!(client.users().await, ["a"]);
}

async fn a_record_names_what_was_touched(database: &TestDatabase) {
    let (_, client) = a_client(database).await;
    client.create_user("a").await.unwrap();
    let context = client.context();
    let input = iam::GetUserRequest { user_name: Some("a".to_owned()) };
    client.iam().get_user(&context, input).await.unwrap();
    let touched: Vec<_> =
        context.take_notes().resources.into_iter().map(|resource| (resource.kind, resource.arn)).collect();
    assert_eq!(touched, [("AWS::IAM::User", "arn:aws:iam::111122223333:user/a".to_owned())]);
}

async fn a_server_that_starts_anew_knows_it_all(database: &TestDatabase) {
    let (db, client) = a_client(database).await;
    client.create_user("a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap();
    let anew = client.on(&serve(&db));
    assert_eq!(anew.users().await, ["a"]);
    assert_eq!(anew.holder(&key.access_key_id).await.as_deref(), Some("a"));
    // A reset empties the store, and memory follows.
    let quiet = anew.iam().quiet().await;
    db.clear(&[]).await.unwrap();
    anew.server.keys.forget_all();
    anew.iam().start_over(quiet, anew.server.reader());
    assert!(anew.users().await.is_empty());
    assert_eq!(anew.holder(&key.access_key_id).await, None);
    anew.create_user("a").await.unwrap();
}
