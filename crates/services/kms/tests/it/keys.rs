//! Keys made, described and listed.

use strongroom_api_kms::Kms as _;
use strongroom_api_kms::{
    CreateKeyRequest, CustomerMasterKeySpec, EncryptionAlgorithmSpec, KeyManagerType, KeyMetadata, KeySpec,
    KeyState, KeyUsageType, ListKeysRequest, OriginType, ResourceOwnerType,
};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, FAR_REGION, NOW, REGION, STRANGER, client};

on_both_engines! {
    a_new_key_has_the_metadata_that_aws_gives,
    what_describes_a_key_at_its_making_describes_it_later,
    spelled_out_defaults_make_the_same_key,
    lists_show_every_key_once_in_pages_of_any_size,
    accounts_and_regions_know_nothing_of_each_other,
    keys_are_listed_by_whose_they_are,
}

async fn a_new_key_has_the_metadata_that_aws_gives(database: &TestDatabase) {
    let client = client(database).await;
    let input =
        CreateKeyRequest { description: Some("for payments".to_owned()), ..CreateKeyRequest::default() };
    let key = client.try_create_key(input).await.unwrap();

    let digits: Vec<_> = key.key_id.split('-').map(str::len).collect();
    assert_eq!(digits, [8, 4, 4, 4, 12], "{}", key.key_id);
    assert!(
        key.key_id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')),
        "{}",
        key.key_id
    );
    assert_eq!(&key.key_id[14..15], "4", "a random UUID");
    let material = key.current_key_material_id.clone().unwrap();
    assert_eq!(material.len(), 64);
    assert!(material.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{material}");

    // KMS API Reference, "KeyMetadata": what is always there, and nothing of other kinds of key.
    let expected = KeyMetadata {
        aws_account_id: Some(ACCOUNT.to_owned()),
        arn: Some(format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{}", key.key_id)),
        key_id: key.key_id.clone(),
        creation_date: Some(Timestamp::from_millis(NOW)),
        enabled: Some(true),
        description: Some("for payments".to_owned()),
        key_usage: Some(KeyUsageType::EncryptDecrypt),
        key_state: Some(KeyState::Enabled),
        origin: Some(OriginType::AwsKms),
        key_manager: Some(KeyManagerType::Customer),
        customer_master_key_spec: Some(CustomerMasterKeySpec::SymmetricDefault),
        key_spec: Some(KeySpec::SymmetricDefault),
        encryption_algorithms: Some(vec![EncryptionAlgorithmSpec::SymmetricDefault]),
        multi_region: Some(false),
        current_key_material_id: Some(material),
        ..KeyMetadata::default()
    };
    assert_eq!(format!("{key:?}"), format!("{expected:?}"));
}

async fn what_describes_a_key_at_its_making_describes_it_later(database: &TestDatabase) {
    let client = client(database).await;
    for description in [None, Some(""), Some("é\u{1F511}\n"), Some(&*"x".repeat(8192))] {
        let description = description.map(str::to_owned);
        let input = CreateKeyRequest { description: description.clone(), ..CreateKeyRequest::default() };
        let made = client.try_create_key(input).await.unwrap();
        assert_eq!(made.description, Some(description.unwrap_or_default()));
        let described = client.describe(&made.key_id).await.unwrap();
        assert_eq!(format!("{described:?}"), format!("{made:?}"));
    }
}

async fn spelled_out_defaults_make_the_same_key(database: &TestDatabase) {
    let client = client(database).await;
    let inputs = [
        CreateKeyRequest {
            key_spec: Some(KeySpec::SymmetricDefault),
            key_usage: Some(KeyUsageType::EncryptDecrypt),
            origin: Some(OriginType::AwsKms),
            multi_region: Some(false),
            bypass_policy_lockout_safety_check: Some(false),
            tags: Some(Vec::new()),
            description: Some(String::new()),
            ..CreateKeyRequest::default()
        },
        CreateKeyRequest {
            customer_master_key_spec: Some(CustomerMasterKeySpec::SymmetricDefault),
            ..CreateKeyRequest::default()
        },
    ];
    let plain = client.create_key().await;
    for input in inputs {
        let key = client.try_create_key(input).await.unwrap();
        let renamed = KeyMetadata {
            key_id: plain.key_id.clone(),
            arn: plain.arn.clone(),
            current_key_material_id: plain.current_key_material_id.clone(),
            ..key
        };
        assert_eq!(format!("{renamed:?}"), format!("{plain:?}"));
    }
}

async fn lists_show_every_key_once_in_pages_of_any_size(database: &TestDatabase) {
    let client = client(database).await;
    assert_eq!(client.key_ids(Some(1)).await, [""; 0]);
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(client.create_key().await.key_id);
        // Reads follow writes.
        assert_eq!(client.key_ids(None).await.len(), made.len());
    }
    made.sort_unstable();
    for page in [1, 2, 3, 6, 7, 8, 1000] {
        assert_eq!(client.key_ids(Some(page)).await, made, "pages of {page}");
    }
    let own = ListKeysRequest {
        resource_owners: Some(vec![ResourceOwnerType::Self2]),
        ..ListKeysRequest::default()
    };
    let answer = client.kms.list_keys(&client.context(), own).await.unwrap();
    assert_eq!(answer.keys.unwrap().len(), made.len());
}

async fn accounts_and_regions_know_nothing_of_each_other(database: &TestDatabase) {
    let client = client(database).await;
    let homes = [(ACCOUNT, REGION), (ACCOUNT, FAR_REGION), (STRANGER, REGION), (STRANGER, FAR_REGION)];
    let clients = homes.map(|(account, region)| client.as_of(account, region));
    let mut keys = Vec::new();
    for client in &clients {
        let key = client.create_key().await.key_id;
        client.create_alias("alias/same", &key).await.unwrap();
        keys.push(key);
    }
    for (at, client) in clients.iter().enumerate() {
        assert_eq!(client.key_ids(None).await, [&*keys[at]]);
        assert_eq!(client.alias_names(None).await, ["alias/same"]);
        assert_eq!(client.describe("alias/same").await.unwrap().key_id, keys[at]);
        for (of, key) in keys.iter().enumerate() {
            let found = client.describe(key).await;
            if of == at {
                assert_eq!(found.unwrap().key_id, *key);
            } else {
                let text =
                    format!("NotFoundException: Key '{}' does not exist", client.arn(&format!("key/{key}")));
                assert_eq!(found.unwrap_err().to_string(), text);
            }
        }
    }
}

/// Nobody shares keys through Resource Access Manager here: there are none of other accounts.
async fn keys_are_listed_by_whose_they_are(database: &TestDatabase) {
    let client = client(database).await;
    let mut own = vec![client.create_key().await.key_id, client.create_key().await.key_id];
    own.sort();
    client.as_of(STRANGER, REGION).create_key().await;
    let (ours, others) = (ResourceOwnerType::Self2, ResourceOwnerType::OtherAccountsViaRam);
    let list = async |owners: &[&ResourceOwnerType], marker: Option<&str>| {
        let input = ListKeysRequest {
            resource_owners: Some(owners.iter().map(|owner| (*owner).clone()).collect()),
            limit: Some(1),
            marker: marker.map(str::to_owned),
        };
        client.kms.list_keys(&client.context(), input).await
    };
    let both: &[&ResourceOwnerType] = &[&others, &ours];
    for owners in [&[&ours][..], both] {
        let first = list(owners, None).await.unwrap();
        let marker = first.next_marker.unwrap();
        let second = list(owners, Some(&marker)).await.unwrap();
        let keys = first.keys.into_iter().chain(second.keys).flatten();
        assert_eq!(keys.map(|key| key.key_id.unwrap()).collect::<Vec<_>>(), own);
        assert_eq!((second.truncated, second.next_marker), (Some(false), None));
        // A marker is for the same owners (KMS API Reference, ListKeys).
        let refused = list(&[&others], Some(&marker)).await.unwrap_err();
        assert_eq!(refused.code(), "InvalidMarkerException");
    }
    let none = list(&[&others], None).await.unwrap();
    assert_eq!((none.keys.unwrap().len(), none.truncated), (0, Some(false)));
}
