//! The forms in which requests name keys (KMS Developer Guide, "Key identifiers"), and the texts for those that
//! are none.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, ACCOUNT, Client, FAR_REGION, REGION, STRANGER, client, data_key, decrypt};
use crate::operations::{Aids, BY_ANY_NAME, BY_KEY_ONLY, Operation};

on_both_engines! {
    all_four_forms_find_the_key,
    what_names_no_key_is_refused_in_aws_words,
    keys_are_administered_by_id_and_key_arn_only,
    a_strangers_key_is_denied_and_not_found_by_its_id,
}

async fn all_four_forms_find_the_key(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    client.create_alias("alias/app/db-1_X", &key.key_id).await.unwrap();
    let arn = key.arn.unwrap();
    for form in [&*key.key_id, &arn, "alias/app/db-1_X", &client.arn("alias/app/db-1_X")] {
        assert_eq!(client.describe(form).await.unwrap().key_id, key.key_id);

        // Answers name the key by its ARN, whatever the request did.
        let input = crate::fixture::encrypt(form, b"plain");
        let encrypted = client.try_encrypt(input).await.unwrap();
        assert_eq!(encrypted.key_id.as_ref(), Some(&arn), "{form}");
        let blob = encrypted.ciphertext_blob.unwrap().0;
        let mut input = decrypt(&blob);
        input.key_id = Some(form.to_owned());
        assert_eq!(client.try_decrypt(input).await.unwrap().key_id.as_ref(), Some(&arn), "{form}");
        let made = client.try_generate(data_key(form)).await.unwrap();
        assert_eq!(made.key_id.as_ref(), Some(&arn), "{form}");
    }
    // Names of aliases are case-sensitive.
    assert!(client.describe("alias/app/db-1_x").await.is_err());
}

/// What every operation on a key answers to these.
fn faults(client: &Client) -> Vec<(String, String)> {
    let arn = |resource: &str| client.arn(resource);
    let absent = |id: &str| format!("NotFoundException: Key '{}' does not exist", arn(&format!("key/{id}")));
    let malformed = |id: &str| format!("NotFoundException: Invalid keyId '{id}'");
    let invalid_arn = |arn: &str| format!("InvalidArnException: Invalid arn {arn}");
    let upper = ABSENT.to_uppercase();
    let multi_region = "mrk-1234abcd12ab34cd56ef1234567890ab";
    let mut faults = vec![
        (ABSENT.to_owned(), absent(ABSENT)),
        // Well formed, and the id of none.
        (upper.clone(), absent(&upper)),
        (multi_region.to_owned(), absent(multi_region)),
        (arn(&format!("key/{ABSENT}")), absent(ABSENT)),
        // Malformed inside an ARN: without quotation marks.
        (arn("key/foo"), "NotFoundException: Invalid keyId foo".to_owned()),
        (arn("key/"), "NotFoundException: Invalid keyId ".to_owned()),
        // The suffix is the ARN's Region.
        (
            format!("arn:aws:kms:us-west-1:{ACCOUNT}:key/{ABSENT}"),
            "NotFoundException: Invalid arn us-west-1".into(),
        ),
        (format!("arn:aws:kms::{ACCOUNT}:key/{ABSENT}"), "NotFoundException: Invalid arn ".into()),
        // The text names the caller's account, whatever the request named.
        (format!("arn:aws:kms:{REGION}:{STRANGER}:key/{ABSENT}"), absent(ABSENT)),
    ];
    for id in
        ["foo", "mrk-1234", "1234abcd12ab34cd56ef1234567890ab", "Alias/x", "ARN:aws:kms", "\0", "é", " "]
    {
        faults.push((id.to_owned(), malformed(id)));
    }
    for arn in [
        "arn:".to_owned(),
        "arn:aws:kms".to_owned(),
        format!("arn:aws:kms:{REGION}:{ACCOUNT}"),
        format!("arn:aws:kms:{REGION}:{ACCOUNT}:{ABSENT}"),
        format!("arn:aws:kms:{REGION}:{ACCOUNT}:Key/{ABSENT}"),
        format!("arn:aws:kms:{REGION}:{ACCOUNT}:grant/{ABSENT}"),
        format!("arn:aws:s3:{REGION}:{ACCOUNT}:key/{ABSENT}"),
        format!("arn:aws-cn:kms:{REGION}:{ACCOUNT}:key/{ABSENT}"),
        format!("arn:aws:kms:{REGION}:1111:key/{ABSENT}"),
        format!("arn:aws:kms:{REGION}::key/{ABSENT}"),
        format!("arn:aws:kms:{REGION}:root:alias/x"),
    ] {
        faults.push((arn.clone(), invalid_arn(&arn)));
    }
    faults
}

/// The same, for names of aliases: only cryptography and DescribeKey take these.
fn alias_faults(client: &Client) -> Vec<(String, String)> {
    let absent = |arn: &str| format!("NotFoundException: Alias {arn} is not found.");
    let mut faults = vec![(
        format!("arn:aws:kms:{FAR_REGION}:{ACCOUNT}:alias/x"),
        format!("NotFoundException: Invalid arn {FAR_REGION}"),
    )];
    // The last are outside what an alias can be called, and what the database can hold.
    for name in
        ["alias/nobody", "alias/", "alias/aws/nobody", "alias/a:b", "alias/a b", "alias/\0", "alias/\u{7f}"]
    {
        faults.push((name.to_owned(), absent(&client.arn(name))));
        faults.push((client.arn(name), absent(&client.arn(name))));
    }
    let strangers = format!("arn:aws:kms:{REGION}:{STRANGER}:alias/x");
    faults.push((strangers.clone(), absent(&strangers)));
    faults
}

async fn what_names_no_key_is_refused_in_aws_words(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let aids = Aids::new(&client, &key).await;
    for (name, text) in faults(&client) {
        for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
            let refused = operation.call(&client, &name, &aids).await.unwrap_err();
            assert_eq!(refused.to_string(), text, "{operation:?} of {name:?}");
        }
    }
    for (name, text) in alias_faults(&client) {
        for operation in BY_ANY_NAME {
            let refused = operation.call(&client, &name, &aids).await.unwrap_err();
            assert_eq!(refused.to_string(), text, "{operation:?} of {name:?}");
        }
    }
    assert_eq!(client.alias_names(None).await, [&*aids.alias]);
}

async fn keys_are_administered_by_id_and_key_arn_only(database: &TestDatabase) {
    const NO_ALIAS: &str = "InvalidArnException: Key Aliases are not supported for this operation.";
    let client = client(database).await;
    let key = client.create_key().await;
    client.create_alias("alias/one", &key.key_id).await.unwrap();
    client.create_alias("alias/two", key.arn.as_ref().unwrap()).await.unwrap();
    assert_eq!(client.aliases(key.arn.as_deref(), None).await.len(), 2);
    let aids = Aids::new(&client, &key.key_id).await;
    for alias in
        ["alias/one", "alias/nobody", "alias/aws/s3", &client.arn("alias/one"), &client.arn("alias/a:b")]
    {
        for operation in BY_KEY_ONLY {
            let refused = operation.call(&client, alias, &aids).await.unwrap_err();
            assert_eq!(refused.to_string(), NO_ALIAS, "{operation:?} of {alias}");
        }
    }
    assert_eq!(client.alias_names(Some(&key.key_id)).await, ["alias/one", "alias/two"]);
}

async fn a_strangers_key_is_denied_and_not_found_by_its_id(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await;
    client.create_alias("alias/mine", &key.key_id).await.unwrap();
    let blob = client.encrypt(&key.key_id, b"x", &[]).await.unwrap();
    let arn = key.arn.clone().unwrap();
    let stranger = client.as_of(STRANGER, REGION);
    let denied = |operation: Operation| operation.denied(&format!("arn:aws:iam::{STRANGER}:root"), &arn);
    // Sound but for the key that is meant.
    let aids = Aids { blob, ..Aids::new(&stranger, &stranger.create_key().await.key_id).await };
    for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
        // ListAliases is for one's own keys, and does not tell whether a stranger's exists.
        if operation == Operation::ListAliases {
            continue;
        }
        let refused = operation.call(&stranger, &arn, &aids).await.unwrap_err();
        assert_eq!(refused.to_string(), denied(operation), "{operation:?}");
    }
    for operation in BY_ANY_NAME {
        let refused = operation.call(&stranger, &client.arn("alias/mine"), &aids).await.unwrap_err();
        assert_eq!(refused.to_string(), denied(operation), "{operation:?}");
    }
    assert_eq!(client.alias_names(None).await, ["alias/mine"]);
    assert_eq!(format!("{:?}", client.describe(&arn).await.unwrap()), format!("{key:?}"));

    // Ids and names are looked for in the caller's own account.
    let absent =
        format!("NotFoundException: Key '{}' does not exist", stranger.arn(&format!("key/{}", key.key_id)));
    assert_eq!(stranger.describe(&key.key_id).await.unwrap_err().to_string(), absent);
    assert_eq!(stranger.create_alias("alias/theirs", &key.key_id).await.unwrap_err().to_string(), absent);
    // ListAliases is for one's own keys: whether a stranger's exists is not told.
    for id in [&*key.key_id, ABSENT] {
        let listed = stranger.list_aliases(Some(&client.arn(&format!("key/{id}"))), None, None).await;
        let absent =
            format!("NotFoundException: Key '{}' does not exist", stranger.arn(&format!("key/{id}")));
        assert_eq!(listed.unwrap_err().to_string(), absent);
    }
}
