//! Users.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::NOW;
use crate::fixture::iam::{STRANGER, client, refusal};

on_both_engines! {
    a_user_is_made_and_shown,
    names_differ_in_more_than_case,
    a_renamed_user_is_the_same,
    accounts_see_their_own_users,
    the_root_user_is_shown_without_a_name,
    what_hangs_on_a_user_goes_first,
}

async fn a_user_is_made_and_shown(database: &TestDatabase) {
    let client = client(database).await;
    let input = iam::CreateUserRequest {
        user_name: "Alice".to_owned(),
        path: Some("/people/".to_owned()),
        tags: Some(vec![iam::Tag { key: "Team".to_owned(), value: "a".to_owned() }]),
        ..Default::default()
    };
    let made = client.iam().create_user(&client.changing(), input).await.unwrap().user.unwrap();
    let shown = client.user("Alice").await.unwrap();
    for user in [made, shown] {
        assert_eq!(user.arn, "arn:aws:iam::111122223333:user/people/Alice");
        assert_eq!((user.path.as_str(), user.user_name.as_str()), ("/people/", "Alice"));
        assert!(user.user_id.starts_with("AIDA") && user.user_id.len() == 21);
        assert_eq!(user.create_date.as_millis(), NOW / 1000 * 1000);
        assert_eq!(user.tags.unwrap()[0].key, "Team");
    }
    assert_eq!(
        refusal(client.user("alice").await),
        "NoSuchEntity: The user with name alice cannot be found."
    );
}

async fn names_differ_in_more_than_case(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("Alice").await.unwrap();
    assert_eq!(
        refusal(client.create_user("alice").await),
        "EntityAlreadyExists: User with name alice already exists."
    );
    client.create_user("bob").await.unwrap();
    let rename = |from: &str, to: &str| iam::UpdateUserRequest {
        user_name: from.to_owned(),
        new_user_name: Some(to.to_owned()),
        ..Default::default()
    };
    let refused = client.iam().update_user(&client.changing(), rename("bob", "ALICE")).await;
    assert_eq!(refusal(refused), "EntityAlreadyExists: User with name ALICE already exists.");
    client.iam().update_user(&client.changing(), rename("Alice", "ALICE")).await.unwrap();
    assert_eq!(client.users().await, ["ALICE", "bob"]);
}

async fn a_renamed_user_is_the_same(database: &TestDatabase) {
    let client = client(database).await;
    let before = client.create_user("a").await.unwrap();
    client.create_group("g").await.unwrap();
    client.join("g", "a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap();
    let input = iam::UpdateUserRequest {
        user_name: "a".to_owned(),
        new_user_name: Some("b".to_owned()),
        new_path: Some("/x/".to_owned()),
    };
    client.iam().update_user(&client.changing(), input).await.unwrap();
    let after = client.user("b").await.unwrap();
    assert_eq!(after.user_id, before.user_id);
    assert_eq!(after.arn, "arn:aws:iam::111122223333:user/x/b");
    assert_eq!(client.holder(&key.access_key_id).await.as_deref(), Some("b"));
    client.user("a").await.unwrap_err();
    let group = iam::GetGroupRequest { group_name: "g".to_owned(), ..Default::default() };
    let group = client.iam().get_group(&client.context(), group).await.unwrap();
    assert_eq!(group.users[0].user_name, "b");
}

async fn accounts_see_their_own_users(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let stranger = client.as_of(STRANGER);
    assert!(stranger.users().await.is_empty());
    stranger.user("a").await.unwrap_err();
    stranger.create_user("a").await.unwrap();
    stranger.delete_user("a").await.unwrap();
    client.user("a").await.unwrap();
}

async fn the_root_user_is_shown_without_a_name(database: &TestDatabase) {
    let client = client(database).await;
    let root = client.iam().get_user(&client.context(), iam::GetUserRequest::default()).await.unwrap().user;
    assert_eq!(root.arn, "arn:aws:iam::111122223333:root");
    assert_eq!(root.user_id, "111122223333");
}

async fn what_hangs_on_a_user_goes_first(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_group("g").await.unwrap();
    client.join("g", "a").await.unwrap();
    client.put_user_policy("a", "p", crate::fixture::iam::POLICY).await.unwrap();
    let arn = client.create_policy("m", crate::fixture::iam::POLICY).await.unwrap();
    client.attach_to_user("a", &arn).await.unwrap();
    let key = client.create_access_key("a").await.unwrap();
    let conflict = |what: &str| format!("DeleteConflict: Cannot delete entity, must {what} first.");

    assert_eq!(refusal(client.delete_user("a").await), conflict("delete access keys"));
    client.delete_access_key("a", &key.access_key_id).await.unwrap();
    assert_eq!(refusal(client.delete_user("a").await), conflict("detach all policies"));
    client.detach_from_user("a", &arn).await.unwrap();
    assert_eq!(refusal(client.delete_user("a").await), conflict("delete policies"));
    client.delete_user_policy("a", "p").await.unwrap();
    assert_eq!(refusal(client.delete_user("a").await), conflict("remove users from group"));
    client.leave("g", "a").await.unwrap();
    client.delete_user("a").await.unwrap();
    assert_eq!(refusal(client.delete_user("a").await), "NoSuchEntity: The user with name a cannot be found.");
}
