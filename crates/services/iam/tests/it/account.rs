//! What an account has one of.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_schema::Unit;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, POLICY, STRANGER, TRUST, client, refusal};

on_both_engines! {
    an_alias_is_one_accounts,
    the_summary_counts_what_there_is,
}

async fn take(client: &Client, alias: &str) -> Result<(), ApiError> {
    let input = iam::CreateAccountAliasRequest { account_alias: alias.to_owned() };
    client.iam().create_account_alias(&client.changing(), input).await.map(drop)
}

async fn free(client: &Client, alias: &str) -> Result<(), ApiError> {
    let input = iam::DeleteAccountAliasRequest { account_alias: alias.to_owned() };
    client.iam().delete_account_alias(&client.changing(), input).await.map(drop)
}

async fn aliases(client: &Client) -> Vec<String> {
    let input = iam::ListAccountAliasesRequest::default();
    client.iam().list_account_aliases(&client.context(), input).await.unwrap().account_aliases
}

async fn an_alias_is_one_accounts(database: &TestDatabase) {
    let client = client(database).await;
    let stranger = client.as_of(STRANGER);
    take(&client, "first").await.unwrap();
    assert_eq!(
        refusal(take(&stranger, "first").await),
        "EntityAlreadyExists: The account alias first already exists."
    );
    assert!(aliases(&stranger).await.is_empty());
    // A new one sets the old one free.
    take(&client, "second").await.unwrap();
    assert_eq!(aliases(&client).await, ["second"]);
    take(&stranger, "first").await.unwrap();
    assert_eq!(
        refusal(free(&client, "first").await),
        "NoSuchEntity: The account alias first cannot be found."
    );
    free(&client, "second").await.unwrap();
    assert!(aliases(&client).await.is_empty());
    assert!(refusal(take(&client, "111122223333").await).starts_with("ValidationError: "));
}

async fn the_summary_counts_what_there_is(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_user("b").await.unwrap();
    client.create_group("g").await.unwrap();
    client.create_role("r", TRUST).await.unwrap();
    client.create_policy("p", POLICY).await.unwrap();
    let summary =
        client.iam().get_account_summary(&client.context(), Unit).await.unwrap().summary_map.unwrap();
    for (key, number) in [
        ("Users", 2),
        ("Groups", 1),
        ("Roles", 1),
        ("Policies", 1),
        ("PolicyVersionsInUse", 1),
        ("UsersQuota", 5000),
        ("AssumeRolePolicySizeQuota", 2048),
        ("AccessKeysPerUserQuota", 2),
        ("MFADevices", 0),
    ] {
        assert_eq!(summary.get(key), Some(&number), "{key}");
    }
    assert_eq!(summary.len(), 34);
}
