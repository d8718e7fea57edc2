//! Groups and who is in them.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{client, refusal};

on_both_engines! {
    members_come_and_go,
    a_user_is_in_ten_groups_at_most,
    a_group_is_renamed,
}

async fn members_come_and_go(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group("Admins").await.unwrap();
    assert!(group.group_id.starts_with("AGPA"));
    assert_eq!(group.arn, "arn:aws:iam::111122223333:group/Admins");
    assert_eq!(
        refusal(client.create_group("admins").await),
        "EntityAlreadyExists: Group with name admins already exists."
    );
    assert_eq!(
        refusal(client.join("Admins", "a").await),
        "NoSuchEntity: The user with name a cannot be found."
    );
    client.create_user("a").await.unwrap();
    assert_eq!(
        refusal(client.join("none", "a").await),
        "NoSuchEntity: The group with name none cannot be found."
    );
    for _ in 0..2 {
        client.join("Admins", "a").await.unwrap();
    }
    let input = iam::ListGroupsForUserRequest { user_name: "a".to_owned(), ..Default::default() };
    let groups = client.iam().list_groups_for_user(&client.context(), input).await.unwrap().groups;
    assert_eq!(groups.len(), 1);
    assert_eq!(
        refusal(client.delete_group("Admins").await),
        "DeleteConflict: Cannot delete entity, must remove users from group first."
    );
    for _ in 0..2 {
        client.leave("Admins", "a").await.unwrap();
    }
    client.delete_group("Admins").await.unwrap();
}

async fn a_user_is_in_ten_groups_at_most(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    for number in 0..10 {
        let group = format!("g{number}");
        client.create_group(&group).await.unwrap();
        client.join(&group, "a").await.unwrap();
    }
    client.create_group("g10").await.unwrap();
    assert_eq!(
        refusal(client.join("g10", "a").await),
        "LimitExceeded: Cannot exceed quota for GroupsPerUser: 10"
    );
    client.join("g3", "a").await.unwrap();
}

async fn a_group_is_renamed(database: &TestDatabase) {
    let client = client(database).await;
    client.create_group("a").await.unwrap();
    let input = iam::UpdateGroupRequest {
        group_name: "a".to_owned(),
        new_group_name: Some("b".to_owned()),
        new_path: Some("/x/".to_owned()),
    };
    client.iam().update_group(&client.changing(), input).await.unwrap();
    let listed =
        client.iam().list_groups(&client.context(), iam::ListGroupsRequest::default()).await.unwrap();
    assert_eq!(listed.groups[0].arn, "arn:aws:iam::111122223333:group/x/b");
}
