//! The keys that AWS services keep for an account (KMS Developer Guide, "AWS managed keys").

use strongroom_api_kms::{KeyManagerType, KeyMetadata, KeyState, RotationType};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, FAR_REGION, NOW, REGION, STRANGER, client, open, root, start};
use crate::operations::{Aids, BY_ANY_NAME, BY_KEY_ONLY, Operation};

on_both_engines! {
    a_services_key_comes_into_being_when_its_alias_is_first_used,
    callers_at_once_find_one_key,
    the_account_sees_the_key_and_does_no_more_with_it,
    its_policy_is_that_of_aws,
    it_rotates_every_year,
    the_lists_show_what_is_there_and_what_will_be,
}

async fn a_services_key_comes_into_being_when_its_alias_is_first_used(database: &TestDatabase) {
    let client = client(database).await;
    assert_eq!(client.key_ids(None).await, [""; 0]);
    let key = client.describe("alias/aws/s3").await.unwrap();
    let expected = KeyMetadata {
        key_manager: Some(KeyManagerType::Aws),
        key_state: Some(KeyState::Enabled),
        enabled: Some(true),
        creation_date: Some(Timestamp::from_millis(NOW)),
        arn: Some(client.arn(&format!("key/{}", key.key_id))),
        ..key.clone()
    };
    assert_eq!(format!("{key:?}"), format!("{expected:?}"));
    // The same whenever and however it is looked for, also by a server that starts later.
    let again = crate::fixture::client(database).await.at(NOW + DAY);
    for name in ["alias/aws/s3", &client.arn("alias/aws/s3"), &key.key_id, key.arn.as_ref().unwrap()] {
        for client in [&client, &again] {
            assert_eq!(format!("{:?}", client.describe(name).await.unwrap()), format!("{key:?}"), "{name}");
        }
    }
    assert_eq!(client.key_ids(None).await, [&*key.key_id]);
    // Each service, account and Region has its own.
    let others = [
        client.describe("alias/aws/ebs").await.unwrap(),
        client.as_of(ACCOUNT, FAR_REGION).describe("alias/aws/s3").await.unwrap(),
        client.as_of(STRANGER, REGION).describe("alias/aws/s3").await.unwrap(),
    ];
    assert!(others.iter().all(|other| other.key_id != key.key_id));
    // There is none of a service that keeps no keys, and none is made in another account.
    for name in ["alias/aws/nobody", "alias/aws/", "alias/aws/S3"] {
        assert_eq!(client.describe(name).await.unwrap_err().code(), "NotFoundException");
    }
    let strangers = format!("arn:aws:kms:{REGION}:{STRANGER}:alias/aws/rds");
    assert_eq!(client.describe(&strangers).await.unwrap_err().code(), "NotFoundException");
    assert_eq!(client.as_of(STRANGER, REGION).key_ids(None).await.len(), 1);
}

async fn callers_at_once_find_one_key(database: &TestDatabase) {
    let db = open(database).await;
    // Half of them come to another server on the same store.
    let servers = [start(&db, &root()), start(&db, &root())].map(|kms| Client::new(&kms, ACCOUNT, REGION));
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..16 {
        let client = servers[number % 2].clone();
        calls.spawn(async move { client.describe("alias/aws/dynamodb").await.unwrap().key_id });
    }
    let mut found = calls.join_all().await;
    found.dedup();
    assert_eq!(found.len(), 1);
    assert_eq!(servers[0].key_ids(None).await, found);
    let made: Vec<_> = servers.iter().flat_map(|client| client.kms.records()).collect();
    assert_eq!(made.iter().filter(|record| record.event_name == "CreateKey").count(), 1);
}

async fn the_account_sees_the_key_and_does_no_more_with_it(database: &TestDatabase) {
    const SEEN: [Operation; 8] = [
        Operation::DescribeKey,
        Operation::ListAliases,
        Operation::ListResourceTags,
        Operation::GetKeyPolicy,
        Operation::ListKeyPolicies,
        Operation::GetKeyRotationStatus,
        Operation::ListKeyRotations,
        Operation::GetKeyLastUsage,
    ];
    let client = client(database).await;
    let key = client.describe("alias/aws/s3").await.unwrap();
    let arn = key.arn.clone().unwrap();
    let own = client.create_key().await.key_id;
    let aids = Aids::new(&client, &own).await;
    for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
        let answer = match operation {
            // There is no ciphertext of this key, for nobody can make one.
            Operation::Decrypt | Operation::ReEncryptFrom => continue,
            other => other.call(&client, &key.key_id, &aids).await,
        };
        let expected = (!SEEN.contains(&operation))
            .then(|| operation.denied(&format!("arn:aws:iam::{ACCOUNT}:root"), &arn));
        assert_eq!(answer.err().map(|error| error.to_string()), expected, "{operation:?}");
    }
    let keys = client.key_ids(None).await;
    for operation in [Operation::Encrypt, Operation::GenerateDataKey, Operation::ReEncryptTo] {
        let refused = operation.call(&client, "alias/aws/s3", &aids).await.unwrap_err();
        let expected = operation.denied(&format!("arn:aws:iam::{ACCOUNT}:root"), &arn);
        assert_eq!(refused.to_string(), expected, "{operation:?}");
        // Who may not use it does not bring it into being either.
        let refused = operation.call(&client, "alias/aws/ebs", &aids).await.unwrap_err();
        let expected =
            operation.denied(&format!("arn:aws:iam::{ACCOUNT}:root"), &client.arn("alias/aws/ebs"));
        assert_eq!(refused.to_string(), expected, "{operation:?}");
        assert_eq!(client.key_ids(None).await, keys, "{operation:?}");
    }
    assert_eq!(client.alias_names(Some(&key.key_id)).await, ["alias/aws/s3"]);
    assert_eq!(format!("{:?}", client.describe("alias/aws/s3").await.unwrap()), format!("{key:?}"));
    assert_eq!(client.tags(&key.key_id, None).await, []);
    // Its alias is nobody's to move, and no key's to get.
    assert_eq!(client.update_alias("alias/aws/s3", &own).await.unwrap_err().code(), "NotAuthorizedException");
    assert_eq!(client.delete_alias("alias/aws/s3").await.unwrap_err().code(), "NotAuthorizedException");
    assert_eq!(
        client.create_alias("alias/aws/rds", &own).await.unwrap_err().code(),
        "NotAuthorizedException"
    );
}

async fn its_policy_is_that_of_aws(database: &TestDatabase) {
    let client = client(database).await;
    for service in ["s3", "ebs"] {
        let key = client.describe(&format!("alias/aws/{service}")).await.unwrap().key_id;
        let policy: serde_json::Value = serde_json::from_str(&client.policy(&key).await.unwrap()).unwrap();
        assert_eq!(policy["Id"], format!("auto-{service}-2"));
        let [through, direct] = policy["Statement"].as_array().unwrap().as_slice() else {
            panic!("{policy}")
        };
        assert_eq!(through["Principal"]["AWS"], "*");
        assert_eq!(
            through["Condition"]["StringEquals"],
            serde_json::json!({
                "kms:CallerAccount": ACCOUNT,
                "kms:ViaService": format!("{service}.{REGION}.amazonaws.com"),
            })
        );
        assert_eq!(direct["Principal"]["AWS"], format!("arn:aws:iam::{ACCOUNT}:root"));
        assert_eq!(direct["Action"], serde_json::json!(["kms:Describe*", "kms:Get*", "kms:List*"]));
    }
}

async fn it_rotates_every_year(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.describe("alias/aws/s3").await.unwrap().key_id;
    let status = client.rotation_status(&key).await.unwrap();
    assert_eq!(status.key_rotation_enabled, Some(true));
    assert_eq!(status.rotation_period_in_days, Some(365));
    assert_eq!(status.next_rotation_date, Some(Timestamp::from_millis(NOW + 365 * DAY)));
    let later = client.later(800 * DAY).await;
    let rotations = later.rotations(&key, None, None).await;
    let moments: Vec<_> = rotations.iter().map(|entry| entry.rotation_date.unwrap().as_millis()).collect();
    assert_eq!(moments, [NOW + 365 * DAY, NOW + 730 * DAY]);
    assert!(rotations.iter().all(|entry| entry.rotation_type == Some(RotationType::Automatic)));
}

async fn the_lists_show_what_is_there_and_what_will_be(database: &TestDatabase) {
    let client = client(database).await;
    let listed = async |page| {
        let aliases = client.aliases(None, Some(page)).await.into_iter();
        aliases
            .map(|alias| {
                let name = alias.alias_name.unwrap();
                assert_eq!(alias.alias_arn, Some(client.arn(&name)));
                assert_eq!(alias.creation_date.is_some(), alias.target_key_id.is_some(), "{name}");
                assert_eq!(alias.last_updated_date.is_some(), alias.target_key_id.is_some(), "{name}");
                (name, alias.target_key_id)
            })
            .collect::<Vec<_>>()
    };
    let mut expected: Vec<_> = ["alias/aws/ebs", "alias/aws/rds", "alias/aws/redshift", "alias/aws/s3"]
        .map(|name| (name.to_owned(), None))
        .into();
    assert_eq!(listed(100).await, expected);
    // One of them, and one that was not announced.
    for name in ["alias/aws/rds", "alias/aws/xray"] {
        let key = client.describe(name).await.unwrap().key_id;
        expected.retain(|(other, _)| other != name);
        expected.push((name.to_owned(), Some(key)));
    }
    let own = client.create_key().await.key_id;
    client.create_alias("alias/aws-mine", &own).await.unwrap();
    client.create_alias("alias/b", &own).await.unwrap();
    expected.extend(["alias/aws-mine", "alias/b"].map(|name| (name.to_owned(), Some(own.clone()))));
    expected.sort_unstable();
    for page in [1, 2, 3, 5, 6, 7, 8, 100] {
        assert_eq!(listed(page).await, expected, "pages of {page}");
    }
}
