//! How much an account may have in a Region, where an operator limits it (KMS Developer Guide, "Resource quotas").

use strongroom_api_kms::CreateKeyRequest;
use strongroom_kms::{ResourceQuotas, Settings};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Client, DAY, FAR_REGION, REGION, STRANGER, Surroundings, grant, open, root, start_in,
};

on_both_engines! {
    keys_are_limited_where_an_operator_says_so,
    aliases_and_grants_of_a_key_are_limited,
}

async fn with_quotas(database: &TestDatabase, quotas: impl FnOnce(&mut ResourceQuotas)) -> Client {
    let mut settings = Settings::default();
    quotas(&mut settings.quotas);
    let surroundings = Surroundings { settings, ..Surroundings::default() };
    Client::new(&start_in(&open(database).await, &root(), &surroundings), ACCOUNT, REGION)
}

async fn keys_are_limited_where_an_operator_says_so(database: &TestDatabase) {
    let client = with_quotas(database, |quotas| quotas.keys = Some(3)).await;
    let primary = client.create_primary().await;
    let key = client.create_key().await.key_id;
    client.create_key().await;
    let refused = client.try_create_key(CreateKeyRequest::default()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "LimitExceededException: You have reached the limit of 3 KMS keys in this account and Region."
    );
    // Keys that services keep do not count, and each account and Region counts for itself.
    client.describe("alias/aws/s3").await.unwrap();
    client.as_of(STRANGER, REGION).create_key().await;
    let there = client.in_region(FAR_REGION);
    for _ in 0..3 {
        there.create_key().await;
    }
    let refused = client.replicate(&primary, FAR_REGION).await.unwrap_err();
    assert_eq!(refused.code(), "LimitExceededException");
    assert_eq!(client.related(&primary).await.2, Vec::<String>::new());
    // One that is to be deleted counts until it is gone.
    client.schedule_deletion(&key, Some(7)).await.unwrap();
    assert!(client.try_create_key(CreateKeyRequest::default()).await.is_err());
    client.later(7 * DAY).await.create_key().await;
}

async fn aliases_and_grants_of_a_key_are_limited(database: &TestDatabase) {
    let client =
        with_quotas(database, |quotas| (quotas.aliases_per_key, quotas.grants_per_key) = (2, 1)).await;
    let key = client.create_key().await.key_id;
    for name in ["alias/a", "alias/b"] {
        client.create_alias(name, &key).await.unwrap();
    }
    let refused = client.create_alias("alias/c", &key).await.unwrap_err();
    assert_eq!(refused.to_string(), "LimitExceededException: A key can have at most 2 aliases.");
    let user = client.iam("user/app");
    client.create_grant(grant(&key, &user, &["Encrypt"])).await.unwrap();
    let refused = client.create_grant(grant(&key, &user, &["Decrypt"])).await.unwrap_err();
    assert_eq!(refused.to_string(), "LimitExceededException: A key can have at most 1 grants.");
}
