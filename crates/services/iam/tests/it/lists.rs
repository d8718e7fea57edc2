//! Lists and their pages.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{POLICY, TRUST, client, decoded, refusal};

on_both_engines! {
    pages_follow_each_other,
    paths_select,
    everything_is_told_at_once,
    lists_leave_details_out,
}

async fn pages_follow_each_other(database: &TestDatabase) {
    let client = client(database).await;
    for number in 0..7 {
        client.create_user(&format!("u{number}")).await.unwrap();
    }
    let mut marker = None;
    let mut found = Vec::new();
    for wanted in [3, 3, 1] {
        let input = iam::ListUsersRequest { max_items: Some(3), marker, ..Default::default() };
        let page = client.iam().list_users(&client.context(), input).await.unwrap();
        assert_eq!(page.users.len(), wanted);
        assert_eq!(page.is_truncated, Some(page.marker.is_some()));
        found.extend(page.users.into_iter().map(|user| user.user_name));
        marker = page.marker;
    }
    assert_eq!(marker, None);
    assert_eq!(found, ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]);
    let input = iam::ListUsersRequest { marker: Some("nonsense".to_owned()), ..Default::default() };
    assert_eq!(
        refusal(client.iam().list_users(&client.context(), input).await),
        "ValidationError: Invalid Marker."
    );
}

async fn paths_select(database: &TestDatabase) {
    let client = client(database).await;
    for (name, path) in [("a", "/"), ("b", "/x/"), ("c", "/x/y/"), ("d", "/xy/")] {
        let (user_name, path) = (name.to_owned(), Some(path.to_owned()));
        let input = iam::CreateUserRequest { user_name, path, ..Default::default() };
        client.iam().create_user(&client.changing(), input).await.unwrap();
    }
    for (prefix, names) in [("/", "abcd"), ("/x/", "bc"), ("/x", "bcd"), ("/x/y/", "c"), ("/none/", "")] {
        let input = iam::ListUsersRequest { path_prefix: Some(prefix.to_owned()), ..Default::default() };
        let listed = client.iam().list_users(&client.context(), input).await.unwrap();
        let found: String = listed.users.into_iter().map(|user| user.user_name).collect();
        assert_eq!(found, names, "{prefix}");
    }
}

async fn everything_is_told_at_once(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_group("g").await.unwrap();
    client.join("g", "a").await.unwrap();
    client.create_role("r", TRUST).await.unwrap();
    let arn = client.create_policy("p", POLICY).await.unwrap();
    client.attach_to_user("a", &arn).await.unwrap();
    client.attach_to_user("a", "arn:aws:iam::aws:policy/AdministratorAccess").await.unwrap();
    client.put_user_policy("a", "inline", POLICY).await.unwrap();

    let all = iam::GetAccountAuthorizationDetailsRequest::default();
    let told = client.iam().get_account_authorization_details(&client.context(), all).await.unwrap();
    let user = &told.user_detail_list.as_ref().unwrap()[0];
    assert_eq!(user.group_list.as_ref().unwrap(), &["g"]);
    assert_eq!(user.attached_managed_policies.as_ref().unwrap().len(), 2);
    let inline = &user.user_policy_list.as_ref().unwrap()[0];
    assert_eq!(decoded(inline.policy_document.as_ref().unwrap()), POLICY);
    assert_eq!(told.group_detail_list.unwrap().len(), 1);
    assert_eq!(told.role_detail_list.unwrap().len(), 1);
    assert_eq!(told.policies.unwrap().len(), 2);

    // Filtered, and page by page.
    let mut input = iam::GetAccountAuthorizationDetailsRequest {
        filter: Some(vec![iam::EntityType::User, iam::EntityType::LocalManagedPolicy]),
        max_items: Some(1),
        marker: None,
    };
    let first =
        client.iam().get_account_authorization_details(&client.context(), input.clone()).await.unwrap();
    assert_eq!(first.user_detail_list.unwrap().len(), 1);
    assert!(first.policies.unwrap().is_empty());
    input.marker = first.marker;
    let second = client.iam().get_account_authorization_details(&client.context(), input).await.unwrap();
    assert_eq!(second.policies.unwrap().len(), 1);
    assert_eq!(second.is_truncated, Some(false));
}

async fn lists_leave_details_out(database: &TestDatabase) {
    let client = client(database).await;
    let tag = iam::Tag { key: "k".to_owned(), value: "v".to_owned() };
    let input = iam::CreateUserRequest {
        user_name: "a".to_owned(),
        tags: Some(vec![tag]),
        permissions_boundary: Some("arn:aws:iam::aws:policy/AdministratorAccess".to_owned()),
        path: None,
    };
    client.iam().create_user(&client.changing(), input).await.unwrap();
    let listed = client.iam().list_users(&client.context(), iam::ListUsersRequest::default()).await.unwrap();
    assert!(listed.users[0].tags.is_none() && listed.users[0].permissions_boundary.is_none());
    let shown = client.user("a").await.unwrap();
    assert!(shown.tags.is_some() && shown.permissions_boundary.is_some());
}
