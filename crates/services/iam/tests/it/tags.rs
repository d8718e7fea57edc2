//! Tags.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, client, refusal};

on_both_engines! {
    keys_count_in_either_case,
    what_cannot_be_is_refused,
    fifty_are_all,
}

fn tag(key: &str, value: &str) -> iam::Tag {
    iam::Tag { key: key.to_owned(), value: value.to_owned() }
}

async fn put(client: &Client, tags: Vec<iam::Tag>) -> Result<(), ApiError> {
    let input = iam::TagUserRequest { user_name: "a".to_owned(), tags };
    client.iam().tag_user(&client.changing(), input).await.map(drop)
}

async fn listed(client: &Client) -> Vec<(String, String)> {
    let input = iam::ListUserTagsRequest { user_name: "a".to_owned(), ..Default::default() };
    let tags = client.iam().list_user_tags(&client.context(), input).await.unwrap().tags;
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

async fn keys_count_in_either_case(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    put(&client, vec![tag("Team", "1"), tag("cost", "2")]).await.unwrap();
    put(&client, vec![tag("team", "3")]).await.unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(listed(&client).await, [pair("cost", "2"), pair("team", "3")]);
    let input = iam::UntagUserRequest {
        user_name: "a".to_owned(),
        tag_keys: vec!["TEAM".to_owned(), "none".to_owned()],
    };
    client.iam().untag_user(&client.changing(), input).await.unwrap();
    assert_eq!(listed(&client).await, [pair("cost", "2")]);
}

async fn what_cannot_be_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    assert_eq!(
        refusal(put(&client, vec![tag("k", "1"), tag("K", "2")]).await),
        "InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive."
    );
    assert!(refusal(put(&client, vec![tag("AWS:x", "1")]).await).starts_with("InvalidInput: "));
    assert!(listed(&client).await.is_empty());
}

async fn fifty_are_all(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    put(&client, (0..50).map(|number| tag(&format!("k{number}"), "v")).collect()).await.unwrap();
    put(&client, vec![tag("k3", "w")]).await.unwrap();
    assert_eq!(
        refusal(put(&client, vec![tag("new", "v")]).await),
        "LimitExceeded: The number of tags has reached the maximum limit."
    );
}
