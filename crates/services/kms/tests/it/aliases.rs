//! Aliases made and listed.

use strongroom_api_kms::AliasListEntry;
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, FAR_REGION, NOW, REGION, STRANGER, client};

/// KMS Developer Guide, "Resource quotas".
const MOST: usize = 50;

/// Aliases that show before their services have made a key (KMS API Reference, ListAliases).
const PREDEFINED: [&str; 4] = ["alias/aws/ebs", "alias/aws/rds", "alias/aws/redshift", "alias/aws/s3"];

on_both_engines! {
    an_alias_is_listed_with_what_belongs_to_it,
    lists_show_every_alias_once_in_pages_of_any_size,
    names_are_used_once_in_an_account_and_region,
    names_that_no_caller_may_give,
    a_key_has_fifty_aliases_and_no_more,
    aliases_are_seen_as_soon_as_they_are_made,
}

async fn an_alias_is_listed_with_what_belongs_to_it(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.create_alias("alias/app/db", &key).await.unwrap();
    let aliases = client.aliases(Some(&key), None).await;
    let [alias] = &*aliases else { panic!("{aliases:?}") };
    assert_eq!(alias.alias_name.as_deref(), Some("alias/app/db"));
    assert_eq!(alias.alias_arn.as_deref(), Some(&*format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/app/db")));
    assert_eq!(alias.target_key_id, Some(key));
    assert_eq!(alias.creation_date, Some(Timestamp::from_millis(NOW)));
    assert_eq!(alias.last_updated_date, Some(Timestamp::from_millis(NOW)));
}

async fn lists_show_every_alias_once_in_pages_of_any_size(database: &TestDatabase) {
    let client = client(database).await;
    let keys = [client.create_key().await.key_id, client.create_key().await.key_id];
    // In the order of their bytes, on both engines. No name of one key is next to another of the same.
    let names = ["alias/A", "alias/B", "alias/_", "alias/a", "alias/a/b", "alias/ab", "alias/b"];
    for (at, name) in names.iter().enumerate().rev() {
        client.create_alias(name, &keys[at % 2]).await.unwrap();
    }
    let name = |alias: &AliasListEntry| alias.alias_name.clone().unwrap();
    let mut with_predefined = [&names[..], &PREDEFINED].concat();
    with_predefined.sort_unstable();
    for page in [1, 2, 3, 6, 7, 8, 100] {
        let all: Vec<_> = client.aliases(None, Some(page)).await.iter().map(name).collect();
        assert_eq!(all, with_predefined, "pages of {page}");
        for (at, key) in keys.iter().enumerate() {
            let expected: Vec<_> = names.iter().skip(at).step_by(2).copied().collect();
            let of_key = client.aliases(Some(key), Some(page)).await;
            assert!(of_key.iter().all(|alias| alias.target_key_id.as_ref() == Some(key)));
            assert_eq!(of_key.iter().map(name).collect::<Vec<_>>(), expected, "pages of {page}");
        }
    }
    // KMS API Reference, ListAliases: 1 to 100.
    let refused = client.list_aliases(None, Some(101), None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationException: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: \
         Member must have value less than or equal to 100"
    );
    let unaliased = client.create_key().await.key_id;
    assert!(client.aliases(Some(&unaliased), None).await.is_empty());
}

async fn names_are_used_once_in_an_account_and_region(database: &TestDatabase) {
    let client = client(database).await;
    let (first, second) = (client.create_key().await.key_id, client.create_key().await.key_id);
    client.create_alias("alias/x", &first).await.unwrap();
    let taken =
        format!("AlreadyExistsException: An alias with the name {} already exists", client.arn("alias/x"));
    for key in [&first, &second] {
        assert_eq!(client.create_alias("alias/x", key).await.unwrap_err().to_string(), taken);
    }
    assert_eq!(client.describe("alias/x").await.unwrap().key_id, first);
    assert_eq!(client.alias_names(Some(&second)).await, [""; 0]);
    for (account, region) in [(ACCOUNT, FAR_REGION), (STRANGER, REGION)] {
        let other = client.as_of(account, region);
        let key = other.create_key().await.key_id;
        other.create_alias("alias/x", &key).await.unwrap();
        assert_eq!(other.describe("alias/x").await.unwrap().key_id, key);
    }
    assert_eq!(client.describe("alias/x").await.unwrap().key_id, first);
}

async fn names_that_no_caller_may_give(database: &TestDatabase) {
    const PREFIX: &str = "ValidationException: Alias must start with the prefix \"alias/\". Please see \
        https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    for (name, text) in [
        ("x", PREFIX),
        ("alias/", PREFIX),
        ("alias", PREFIX),
        ("Alias/x", PREFIX),
        ("/alias/x", PREFIX),
        ("alias/aws/s3", "NotAuthorizedException: "),
        ("alias/aws/", "NotAuthorizedException: "),
        ("alias/a:b", "InvalidAliasNameException: alias/a:b contains invalid characters for an alias"),
        (
            "alias/arn:aws:kms",
            "InvalidAliasNameException: alias/arn:aws:kms contains invalid characters for an alias",
        ),
    ] {
        assert_eq!(client.create_alias(name, &key).await.unwrap_err().to_string(), text, "{name}");
    }
    assert_eq!(client.alias_names(None).await, [""; 0]);
    // Close to what is refused, and fine; the longest that the model lets through.
    let longest = format!("alias/{}", "z".repeat(250));
    for name in ["alias/alias/x", "alias/aws", "alias/aws-mine", "alias//", &longest] {
        client.create_alias(name, &key).await.unwrap();
        assert_eq!(client.describe(name).await.unwrap().key_id, key, "{name}");
    }
    assert_eq!(client.aliases(None, Some(1)).await.len(), 5 + PREDEFINED.len());
}

async fn a_key_has_fifty_aliases_and_no_more(database: &TestDatabase) {
    let client = client(database).await;
    let (full, other) = (client.create_key().await.key_id, client.create_key().await.key_id);
    for number in 0..MOST {
        client.create_alias(&format!("alias/{number}"), &full).await.unwrap();
    }
    let refused = client.create_alias("alias/more", &full).await.unwrap_err();
    assert_eq!(refused.to_string(), "LimitExceededException: A key can have at most 50 aliases.");
    assert!(client.describe("alias/more").await.is_err());
    // A taken name says so, even on a full key.
    let taken = client.create_alias("alias/0", &full).await.unwrap_err();
    assert_eq!(taken.code(), "AlreadyExistsException");
    // The limit is the key's.
    client.create_alias("alias/more", &other).await.unwrap();
    assert_eq!(client.alias_names(Some(&full)).await.len(), MOST);
    assert_eq!(client.aliases(None, Some(7)).await.len(), MOST + 1 + PREDEFINED.len());
}

async fn aliases_are_seen_as_soon_as_they_are_made(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    for number in 0..5 {
        let name = format!("alias/{number}");
        // Looked for before it is there: that nothing was found is not remembered.
        assert_eq!(client.describe(&name).await.unwrap_err().code(), "NotFoundException");
        assert_eq!(client.encrypt(&name, b"x", &[]).await.unwrap_err().code(), "NotFoundException");
        client.create_alias(&name, &key).await.unwrap();
        assert_eq!(client.describe(&name).await.unwrap().key_id, key);
        let blob = client.encrypt(&name, b"x", &[]).await.unwrap();
        assert_eq!(client.decrypt(&blob, Some(&name), &[]).await.unwrap(), b"x");
        assert_eq!(client.alias_names(Some(&key)).await.len(), number + 1);
    }
}
