//! Keys made to be replicated, and replicated.

use strongroom_api_kms::{
    CreateKeyRequest, KeySpec, KeyState, KeyUsageType, Kms as _, MultiRegionKeyType, OriginType,
    ReplicateKeyRequest, SigningAlgorithmSpec,
};
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::multi_region::{primary, replica};
use crate::fixture::{ACCOUNT, Client, FAR_REGION, NOW, REGION, STRANGER, client, open, root, start, tags};
use crate::symmetric_only::{generate_mac, get_public_key, sign, verify, verify_mac};

const THIRD: &str = "ap-southeast-2";

on_both_engines! {
    a_primary_key_says_what_it_is,
    a_replica_is_creating_and_then_enabled,
    what_one_region_encrypts_another_decrypts,
    keys_of_every_kind_are_replicated,
    what_is_not_shared_is_the_replicas_own,
    what_cannot_be_replicated,
    callers_at_once_make_one_replica_of_a_region,
    replicas_are_there_after_a_restart,
}

async fn a_primary_key_says_what_it_is(database: &TestDatabase) {
    let client = client(database).await;
    let made = client.try_create_key(primary()).await.unwrap();
    let digits = made.key_id.strip_prefix("mrk-").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    assert_eq!((made.multi_region, made.enabled), (Some(true), Some(true)));
    let shown = made.multi_region_configuration.unwrap();
    assert_eq!(shown.multi_region_key_type, Some(MultiRegionKeyType::Primary));
    let here = shown.primary_key.unwrap();
    assert_eq!((here.arn, here.region.as_deref()), (made.arn, Some(REGION)));
    assert!(shown.replica_keys.unwrap().is_empty());
    let other = client.create_key().await;
    assert_eq!((other.multi_region, other.multi_region_configuration.is_none()), (Some(false), true));
}

async fn a_replica_is_creating_and_then_enabled(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    let client = client.at(NOW + 1_000);
    let answer = client.try_replicate(replica(&key, FAR_REGION)).await.unwrap();
    let made = answer.replica_key_metadata.unwrap();
    let there = client.in_region(FAR_REGION);
    assert_eq!((made.key_id.as_str(), made.arn), (key.as_str(), Some(there.arn(&format!("key/{key}")))));
    assert_eq!((made.key_state, made.enabled), (Some(KeyState::Creating), Some(false)));
    assert_eq!(made.creation_date, Some(Timestamp::from_millis(NOW + 1_000)));
    assert!(answer.replica_tags.unwrap().is_empty());
    assert!(answer.replica_policy.unwrap().contains("key-default-1"));
    let primary = client.describe(&key).await.unwrap();
    assert_eq!(made.current_key_material_id, primary.current_key_material_id);
    let expected = |role| (role, REGION.to_owned(), vec![FAR_REGION.to_owned()]);
    assert_eq!(client.related(&key).await, expected(MultiRegionKeyType::Primary));
    assert_eq!(there.related(&key).await, expected(MultiRegionKeyType::Replica));

    let refused = there.encrypt(&key, b"x", &[]).await.unwrap_err();
    let creating = format!("KMSInvalidStateException: {} is creating.", there.arn(&format!("key/{key}")));
    assert_eq!(refused.to_string(), creating);
    assert_eq!(client.kms.run_due(NOW + 1_000).await.len(), 1);
    assert_eq!(there.state(&key).await, KeyState::Enabled);
    assert_eq!(client.kms.next_due().await, None);
    // A third is told to all.
    client.replicate(&key, THIRD).await.unwrap();
    for region in [REGION, FAR_REGION, THIRD] {
        let (_, primary, replicas) = client.in_region(region).related(&key).await;
        assert_eq!((primary.as_str(), replicas), (REGION, vec![THIRD.to_owned(), FAR_REGION.to_owned()]));
    }
}

async fn what_one_region_encrypts_another_decrypts(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let pairs = [("purpose", "test")];
    for (one, other) in [(&client, &there), (&there, &client)] {
        let blob = one.encrypt(&key, b"plain", &pairs).await.unwrap();
        for name in [None, Some(key.clone()), Some(other.arn(&format!("key/{key}")))] {
            assert_eq!(other.decrypt(&blob, name.as_deref(), &pairs).await.unwrap(), b"plain");
        }
        let refused = other.decrypt(&blob, None, &[]).await.unwrap_err();
        assert_eq!(refused.to_string(), "InvalidCiphertextException");
        // No call reaches into another Region.
        let far = one.arn(&format!("key/{key}"));
        assert_eq!(other.decrypt(&blob, Some(&far), &pairs).await.unwrap_err().code(), "NotFoundException");
    }
    // Two sets of related keys have nothing to do with each other.
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    let (unrelated, _) = client.create_related().await;
    let refused = there.decrypt(&blob, Some(&unrelated), &[]).await.unwrap_err();
    assert_eq!(refused.code(), "IncorrectKeyException");
    let stranger = client.as_of(STRANGER, FAR_REGION);
    assert_eq!(stranger.decrypt(&blob, None, &[]).await.unwrap_err().code(), "AccessDeniedException");
}

async fn keys_of_every_kind_are_replicated(database: &TestDatabase) {
    let client = client(database).await;
    let there = client.in_region(FAR_REGION);
    let make = async |spec: KeySpec, usage: KeyUsageType| {
        let input = CreateKeyRequest { key_spec: Some(spec), key_usage: Some(usage), ..primary() };
        let key = client.try_create_key(input).await.unwrap().key_id;
        client.replicate(&key, FAR_REGION).await.unwrap();
        client.kms.run_due(client.now).await;
        key
    };
    let key = make(KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    let (algorithm, context) = (SigningAlgorithmSpec::EcdsaSha256, client.context());
    let signed = client.kms.sign(&context, sign(&key, algorithm.clone(), b"message")).await.unwrap();
    let signature = signed.signature.unwrap().0;
    client.kms.verify(&there.context(), verify(&key, algorithm, b"message", &signature)).await.unwrap();
    let public = async |who: &Client| {
        who.kms.get_public_key(&who.context(), get_public_key(&key)).await.unwrap().public_key.unwrap()
    };
    assert_eq!(public(&client).await, public(&there).await);
    let key = make(KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await;
    let algorithm = strongroom_api_kms::MacAlgorithmSpec::HmacSha256;
    let made = client.kms.generate_mac(&context, generate_mac(&key, algorithm.clone(), b"x")).await.unwrap();
    let mac = made.mac.unwrap().0;
    client.kms.verify_mac(&there.context(), verify_mac(&key, algorithm, b"x", &mac)).await.unwrap();
}

async fn what_is_not_shared_is_the_replicas_own(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    client.create_alias("alias/mine", &key).await.unwrap();
    client.describe_as(&key, "primary").await.unwrap();
    client.tag(&key, &[("place", "here")]).await.unwrap();
    let input = ReplicateKeyRequest {
        description: Some("replica".to_owned()),
        tags: Some(tags(&[("place", "there")])),
        ..replica(&key, FAR_REGION)
    };
    let answer = client.try_replicate(input).await.unwrap();
    assert_eq!(answer.replica_tags.unwrap()[0].tag_value, "there");
    let there = client.in_region(FAR_REGION);
    client.kms.run_due(client.now).await;
    assert_eq!(there.describe(&key).await.unwrap().description.as_deref(), Some("replica"));
    assert_eq!(there.tags(&key, None).await, [("place".to_owned(), "there".to_owned())]);
    assert_eq!(there.alias_names(None).await, Vec::<String>::new());
    there.create_alias("alias/mine", &key).await.unwrap();
    there.describe_as(&key, "other").await.unwrap();
    there.disable(&key).await.unwrap();
    assert_eq!(client.describe(&key).await.unwrap().description.as_deref(), Some("primary"));
    assert_eq!(client.state(&key).await, KeyState::Enabled);
    assert_eq!(client.alias_names(None).await, ["alias/mine"]);
    assert_eq!((client.key_ids(None).await, there.key_ids(None).await), (vec![key.clone()], vec![key]));
}

async fn what_cannot_be_replicated(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let refused = async |who: &Client, key: &str, region: &str| {
        who.replicate(key, region).await.unwrap_err().to_string()
    };
    let arn = |who: &Client| who.arn(&format!("key/{key}"));
    // Of these texts AWS's are not known; the codes are those of its documentation.
    for (who, region) in [(&client, FAR_REGION), (&client, REGION)] {
        let taken = who.in_region(region);
        let expected = format!("AlreadyExistsException: Key {} already exists", arn(&taken));
        assert_eq!(refused(who, &key, region).await, expected);
    }
    let expected =
        format!("UnsupportedOperationException: {} is not a multi-Region primary key.", arn(&there));
    assert_eq!(refused(&there, &key, THIRD).await, expected);
    let single = client.create_key().await;
    assert!(refused(&client, &single.key_id, THIRD).await.starts_with("UnsupportedOperationException: "));
    let nowhere = refused(&client, &key, "xx-nowhere-1").await;
    assert_eq!(nowhere, "UnsupportedOperationException: The Region xx-nowhere-1 is not supported.");
    let absent = refused(&client, "mrk-1234abcd12ab34cd56ef1234567890ab", THIRD).await;
    assert!(absent.starts_with("NotFoundException: Key "), "{absent}");
    assert!(refused(&client, "alias/x", THIRD).await.starts_with("InvalidArnException: "));
    let tagged = ReplicateKeyRequest { tags: Some(tags(&[("aws:x", "y")])), ..replica(&key, THIRD) };
    assert_eq!(client.try_replicate(tagged).await.unwrap_err().code(), "TagException");
    // A key store's keys are of one Region.
    let input = CreateKeyRequest {
        origin: Some(OriginType::AwsCloudhsm),
        custom_key_store_id: Some("cks-1234567890abcdef0".to_owned()),
        ..primary()
    };
    assert_eq!(client.try_create_key(input).await.unwrap_err().code(), "UnsupportedOperationException");
    client.disable(&key).await.unwrap();
    assert_eq!(
        refused(&client, &key, THIRD).await,
        format!("DisabledException: {} is disabled.", arn(&client))
    );
    // Nothing was made, and nobody told of it.
    assert_eq!(client.in_region(THIRD).key_ids(None).await, Vec::<String>::new());
    assert_eq!(there.related(&key).await.2, [FAR_REGION]);
}

async fn callers_at_once_make_one_replica_of_a_region(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (client, key) = (client.clone(), key.clone());
        let region = [FAR_REGION, THIRD][number % 2];
        calls.spawn(async move { client.replicate(&key, region).await.map(drop) });
    }
    let outcomes = calls.join_all().await;
    let codes: Vec<_> = outcomes.iter().filter_map(|each| each.as_ref().err()).map(ApiError::code).collect();
    assert_eq!(codes, ["AlreadyExistsException"; 6]);
    assert_eq!(client.related(&key).await.2, [THIRD, FAR_REGION]);
}

async fn replicas_are_there_after_a_restart(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let key = client.create_primary().await;
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    client.replicate(&key, FAR_REGION).await.unwrap();
    // It was not finished when the server stopped.
    let client = client.on(&client.kms.restarted(&db, &root()));
    let there = client.in_region(FAR_REGION);
    assert_eq!(there.state(&key).await, KeyState::Creating);
    client.kms.run_due(client.now).await;
    assert_eq!(there.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}
