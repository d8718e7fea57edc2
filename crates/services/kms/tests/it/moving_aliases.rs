//! Aliases pointed at other keys, and removed.

use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, ACCOUNT, Client, FAR_REGION, NOW, REGION, STRANGER, client};

/// KMS Developer Guide, "Resource quotas".
const MOST: usize = 50;

on_both_engines! {
    an_alias_follows_at_once_and_keeps_its_birthday,
    a_removed_alias_is_gone_at_once_and_free,
    an_alias_cannot_move_to_a_full_key,
    an_alias_does_not_move_to_a_key_that_is_to_be_deleted,
    names_that_cannot_be_moved_or_removed,
    aliases_of_others_stay_where_they_are,
}

async fn two_keys(client: &Client) -> (String, String) {
    (client.create_key().await.key_id, client.create_key().await.key_id)
}

async fn an_alias_follows_at_once_and_keeps_its_birthday(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) = two_keys(&client).await;
    client.create_alias("alias/x", &one).await.unwrap();
    for (step, (target, former)) in [(&two, &one), (&one, &two), (&one, &two)].into_iter().enumerate() {
        // In memory it is of the former key.
        client.describe("alias/x").await.unwrap();
        let later = client.at(NOW + 1 + step as i64);
        later.update_alias("alias/x", &later.arn(&format!("key/{target}"))).await.unwrap();
        assert_eq!(client.describe("alias/x").await.unwrap().key_id, *target);
        assert_eq!(client.describe(&client.arn("alias/x")).await.unwrap().key_id, *target);
        let blob = client.encrypt("alias/x", b"x", &[]).await.unwrap();
        assert_eq!(client.decrypt(&blob, Some(target), &[]).await.unwrap(), b"x");
        assert_eq!(client.alias_names(Some(former)).await, [""; 0]);
        let listed = client.aliases(Some(target), None).await;
        let [alias] = &*listed else { panic!("{listed:?}") };
        assert_eq!(alias.creation_date, Some(Timestamp::from_millis(NOW)));
        assert_eq!(alias.last_updated_date, Some(Timestamp::from_millis(later.now)));
    }
}

async fn a_removed_alias_is_gone_at_once_and_free(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) = two_keys(&client).await;
    for target in [&one, &two] {
        client.create_alias("alias/x", target).await.unwrap();
        let blob = client.encrypt("alias/x", b"x", &[]).await.unwrap();
        client.delete_alias("alias/x").await.unwrap();
        let absent = format!("NotFoundException: Alias {} is not found.", client.arn("alias/x"));
        for refused in [
            client.describe("alias/x").await.unwrap_err(),
            client.describe(&client.arn("alias/x")).await.unwrap_err(),
            client.encrypt("alias/x", b"x", &[]).await.unwrap_err(),
            client.decrypt(&blob, Some("alias/x"), &[]).await.unwrap_err(),
            client.delete_alias("alias/x").await.unwrap_err(),
            client.update_alias("alias/x", target).await.unwrap_err(),
        ] {
            assert_eq!(refused.to_string(), absent);
        }
        // The key itself is as before.
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"x");
        assert_eq!(client.alias_names(None).await, [""; 0]);
    }
}

async fn an_alias_cannot_move_to_a_full_key(database: &TestDatabase) {
    let client = client(database).await;
    let (full, other) = two_keys(&client).await;
    for number in 0..MOST {
        client.create_alias(&format!("alias/{number}"), &full).await.unwrap();
    }
    client.create_alias("alias/more", &other).await.unwrap();
    let refused = client.update_alias("alias/more", &full).await.unwrap_err();
    assert_eq!(refused.to_string(), "LimitExceededException: A key can have at most 50 aliases.");
    assert_eq!(client.describe("alias/more").await.unwrap().key_id, other);
    assert_eq!(client.alias_names(Some(&full)).await.len(), MOST);
    // One of its own may move to where it is.
    client.update_alias("alias/0", &full).await.unwrap();
    // Where one has gone there is room for another.
    client.update_alias("alias/0", &other).await.unwrap();
    client.update_alias("alias/more", &full).await.unwrap();
    client.delete_alias("alias/more").await.unwrap();
    client.create_alias("alias/new", &full).await.unwrap();
    assert_eq!(client.create_alias("alias/newer", &full).await.unwrap_err().code(), "LimitExceededException");
}

async fn an_alias_does_not_move_to_a_key_that_is_to_be_deleted(database: &TestDatabase) {
    let client = client(database).await;
    let (going, staying) = two_keys(&client).await;
    client.create_alias("alias/staying", &staying).await.unwrap();
    client.create_alias("alias/going", &going).await.unwrap();
    client.schedule_deletion(&going, None).await.unwrap();
    let refused = client.update_alias("alias/staying", &going).await.unwrap_err();
    let arn = client.arn(&format!("key/{going}"));
    assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {arn} is pending deletion."));
    // Away from it is another matter.
    client.update_alias("alias/going", &staying).await.unwrap();
    assert_eq!(client.alias_names(Some(&staying)).await, ["alias/going", "alias/staying"]);
    let gone = client.later(30 * crate::fixture::DAY).await;
    assert_eq!(gone.alias_names(None).await, ["alias/going", "alias/staying"]);
}

async fn names_that_cannot_be_moved_or_removed(database: &TestDatabase) {
    const PREFIX: &str = "ValidationException: Alias must start with the prefix \"alias/\". Please see \
        https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html";
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    // The key of a service, with its alias.
    client.describe("alias/aws/s3").await.unwrap();
    for (name, text) in [
        ("x", PREFIX.to_owned()),
        ("alias/", PREFIX.to_owned()),
        ("alias/aws/s3", "NotAuthorizedException: ".to_owned()),
        ("alias/aws/nobody", "NotAuthorizedException: ".to_owned()),
        (
            "alias/a:b",
            "InvalidAliasNameException: alias/a:b contains invalid characters for an alias".to_owned(),
        ),
        ("alias/nobody", format!("NotFoundException: Alias {} is not found.", client.arn("alias/nobody"))),
    ] {
        assert_eq!(client.update_alias(name, &key).await.unwrap_err().to_string(), text, "{name}");
        assert_eq!(client.delete_alias(name).await.unwrap_err().to_string(), text, "{name}");
    }
    // An alias that is there, and a key that is not.
    client.create_alias("alias/x", &key).await.unwrap();
    let refused = client.update_alias("alias/x", ABSENT).await.unwrap_err();
    let absent = client.arn(&format!("key/{ABSENT}"));
    assert_eq!(refused.to_string(), format!("NotFoundException: Key '{absent}' does not exist"));
}

async fn aliases_of_others_stay_where_they_are(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.create_alias("alias/x", &key).await.unwrap();
    for (account, region) in [(STRANGER, REGION), (ACCOUNT, FAR_REGION)] {
        let other = client.as_of(account, region);
        let theirs = other.create_key().await.key_id;
        assert_eq!(other.update_alias("alias/x", &theirs).await.unwrap_err().code(), "NotFoundException");
        assert_eq!(other.delete_alias("alias/x").await.unwrap_err().code(), "NotFoundException");
        // Nor does one of theirs come here.
        other.create_alias("alias/y", &theirs).await.unwrap();
        let refused = other.update_alias("alias/y", &client.arn(&format!("key/{key}"))).await.unwrap_err();
        let code = if region == REGION { "AccessDeniedException" } else { "NotFoundException" };
        assert_eq!(refused.code(), code);
        assert_eq!(other.describe("alias/y").await.unwrap().key_id, theirs);
    }
    assert_eq!(client.describe("alias/x").await.unwrap().key_id, key);
    assert_eq!(client.alias_names(Some(&key)).await, ["alias/x"]);
}
