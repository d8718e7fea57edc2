//! A seed's keys, planted without a caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_identity::{AccountId, Region};
use strongroom_kms::KeySeedling;
use strongroom_secret::Key256;
use strongroom_service::{NotPlanted, Planted};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::fixture::{
    ABSENT as KEY, ACCOUNT, Client, NOW, REGION, STRANGER, client, open, root, start_with_chosen_keys,
};
use crate::key_policies::{ROOT, policy, statement};

const OTHER_KEY: &str = "0987dcba-09fe-87dc-65ba-ab0987654321";

on_both_engines! {
    a_key_is_made_once_and_works,
    what_drifts_is_set_right_and_the_rest_stays,
    an_alias_moves_to_the_key_that_is_said,
    nobody_is_asked_for_permission,
    a_policy_that_is_there_already_is_no_reason_not_to_start,
    a_key_that_is_another_for_life_is_refused,
    a_server_that_lets_nobody_choose_takes_no_material,
    each_change_is_recorded,
    who_reads_while_an_alias_moves_does_not_keep_what_was,
}

async fn developer(database: &TestDatabase) -> Client {
    Client::new(&start_with_chosen_keys(&open(database).await, &root()), ACCOUNT, REGION)
}

/// A key of which nothing is said but its id.
fn bare(id: &str) -> KeySeedling {
    KeySeedling {
        id: id.to_owned(),
        region: Region::named(REGION).unwrap(),
        spec: None,
        usage: None,
        description: None,
        policy: None,
        enabled: None,
        tags: None,
        aliases: Vec::new(),
        grants: Vec::new(),
        material: None,
    }
}

fn orders() -> KeySeedling {
    KeySeedling {
        description: Some("orders".to_owned()),
        tags: Some(vec![("team".to_owned(), "orders".to_owned())]),
        aliases: vec!["alias/orders".to_owned()],
        material: Some(Key256::new([3; 32])),
        ..bare(KEY)
    }
}

async fn try_plant(client: &Client, key: &KeySeedling) -> Result<Planted, NotPlanted> {
    let account: AccountId = ACCOUNT.parse().unwrap();
    client.kms.kms.plant_key(account, key, NOW).await
}

async fn plant(client: &Client, key: &KeySeedling) -> Planted {
    try_plant(client, key).await.unwrap()
}

async fn refused(client: &Client, key: &KeySeedling) -> (String, String) {
    match try_plant(client, key).await {
        Err(NotPlanted::Refused { member, why }) => (member, why),
        other => panic!("{other:?}"),
    }
}

fn made() -> Planted {
    Planted { made: true, changed: Vec::new() }
}

fn changed(members: &[&'static str]) -> Planted {
    Planted { made: false, changed: members.to_vec() }
}

async fn a_key_is_made_once_and_works(database: &TestDatabase) {
    let client = developer(database).await;
    // Looked for before it is there: that nothing was found is not remembered.
    assert!(client.describe("alias/orders").await.is_err());
    assert_eq!(plant(&client, &orders()).await, made());
    assert_eq!(plant(&client, &orders()).await, Planted::default());
    let blob = client.encrypt("alias/orders", b"plain", &[]).await.unwrap();
    assert_eq!(client.tags(KEY, None).await, [("team".to_owned(), "orders".to_owned())]);
    // Whoever begins anew has the same key, and reads what it has encrypted.
    client.kms.reset(&open(database).await).await;
    assert!(client.describe(KEY).await.is_err());
    assert_eq!(plant(&client, &orders()).await, made());
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    // In another account it is another.
    let stranger = client.as_of(STRANGER, REGION);
    assert!(stranger.describe(KEY).await.is_err());
}

async fn what_drifts_is_set_right_and_the_rest_stays(database: &TestDatabase) {
    let client = developer(database).await;
    plant(&client, &orders()).await;
    client.tag(KEY, &[("team", "others"), ("more", "1")]).await.unwrap();
    client.disable(KEY).await.unwrap();
    assert_eq!(plant(&client, &orders()).await, changed(&["Tags"]));
    let enabled = async || client.describe(KEY).await.unwrap().enabled;
    assert_eq!(enabled().await, Some(false), "nothing was said of it");
    let usable = KeySeedling { enabled: Some(true), ..orders() };
    assert_eq!(plant(&client, &usable).await, changed(&["Enabled"]));
    assert_eq!(enabled().await, Some(true));
    // What the seed names is there, and does not go.
    client.schedule_deletion(KEY, Some(7)).await.unwrap();
    assert_eq!(plant(&client, &bare(KEY)).await, changed(&["KeyId"]));
    assert_eq!(enabled().await, Some(true));
    let unusable = KeySeedling { enabled: Some(false), ..bare(KEY) };
    assert_eq!(plant(&client, &unusable).await, changed(&["Enabled"]));
    assert_eq!(client.describe(KEY).await.unwrap().description.as_deref(), Some("orders"));
}

async fn an_alias_moves_to_the_key_that_is_said(database: &TestDatabase) {
    let client = developer(database).await;
    plant(&client, &orders()).await;
    client.encrypt("alias/orders", b"warm", &[]).await.unwrap();
    let other = KeySeedling { aliases: vec!["alias/orders".to_owned()], ..bare(OTHER_KEY) };
    assert_eq!(plant(&client, &other).await, made());
    assert_eq!(client.describe("alias/orders").await.unwrap().key_id, OTHER_KEY);
    let reserved = KeySeedling { aliases: vec!["alias/aws/mine".to_owned()], ..bare(KEY) };
    assert_eq!(refused(&client, &reserved).await.0, "Aliases[0]");
    let too_many = (0..51).map(|number| format!("alias/{number}")).collect();
    let too_many = KeySeedling { aliases: too_many, ..bare(KEY) };
    let (member, why) = refused(&client, &too_many).await;
    assert_eq!((member.as_str(), why.as_str()), ("Aliases", "A key can have at most 50 aliases."));
    assert_eq!(client.alias_names(Some(KEY)).await, [] as [&str; 0], "nothing is left of what is refused");
}

/// Nobody may do anything with this key, and it can be planted and changed all the same.
async fn nobody_is_asked_for_permission(database: &TestDatabase) {
    let client = developer(database).await;
    let shut = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;
    let closed = KeySeedling { policy: Some(shut.to_owned()), ..orders() };
    assert_eq!(plant(&client, &closed).await, made());
    assert!(client.describe(KEY).await.is_err());
    assert_eq!(plant(&client, &closed).await, Planted::default());
    let open = KeySeedling { policy: Some(shut.replace("Deny", "Allow")), ..orders() };
    assert_eq!(plant(&client, &open).await, changed(&["KeyPolicy"]));
    client.describe(KEY).await.unwrap();
    let broken = KeySeedling { policy: Some("{}".to_owned()), ..orders() };
    assert_eq!(refused(&client, &broken).await.0, "KeyPolicy");
}

/// Such policies were taken from callers too, before KMS refused them.
async fn a_policy_that_is_there_already_is_no_reason_not_to_start(database: &TestDatabase) {
    let client = developer(database).await;
    let team = r#"{"ForAllValues:StringEquals":{"kms:EncryptionContext:team":"blue"}}"#;
    let loose = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{team}}}]}}"#
    );
    let seedling = KeySeedling { policy: Some(loose), ..orders() };
    assert_eq!(plant(&client, &seedling).await, made());
    assert_eq!(plant(&client, &seedling).await, Planted::default());
}

async fn a_key_that_is_another_for_life_is_refused(database: &TestDatabase) {
    let client = developer(database).await;
    plant(&client, &orders()).await;
    let other = KeySeedling { material: Some(Key256::new([4; 32])), ..orders() };
    let (member, why) = refused(&client, &other).await;
    assert_eq!(member, "KeyMaterial");
    assert!(why.contains("is there with other key material, which cannot be replaced"), "{why}");
    let other = KeySeedling {
        spec: Some("ECC_NIST_P256".to_owned()),
        usage: Some("SIGN_VERIFY".to_owned()),
        ..bare(KEY)
    };
    let (member, why) = refused(&client, &other).await;
    assert_eq!(member, "KeySpec");
    assert!(why.contains("is there with KeySpec SYMMETRIC_DEFAULT"), "{why}");
    let unfit = KeySeedling { usage: Some("SIGN_VERIFY".to_owned()), ..bare(OTHER_KEY) };
    assert_eq!(refused(&client, &unfit).await.0, "KeyUsage");
    // What rotates keeps the material that it began with.
    client.rotate(KEY).await.unwrap();
    client.kms.run_due(NOW).await;
    assert_eq!(plant(&client, &orders()).await, Planted::default());
}

async fn a_server_that_lets_nobody_choose_takes_no_material(database: &TestDatabase) {
    let client = client(database).await;
    assert_eq!(refused(&client, &orders()).await.0, "KeyMaterial");
    let without = KeySeedling { material: None, ..orders() };
    assert_eq!(plant(&client, &without).await, made());
}

async fn each_change_is_recorded(database: &TestDatabase) {
    let client = developer(database).await;
    plant(&client, &orders()).await;
    plant(&client, &orders()).await;
    plant(&client, &KeySeedling { description: Some("others".to_owned()), ..orders() }).await;
    let records = client.kms.records();
    let planted: Vec<_> = records.iter().filter(|record| record.event_name == "PlantResource").collect();
    let details: Vec<_> =
        planted.iter().map(|record| record.service_event_details.as_deref().unwrap()).collect();
    assert_eq!(details, [r#"{"made":true,"changed":[]}"#, r#"{"made":false,"changed":["Description"]}"#]);
    assert_eq!(planted[0].resources.as_ref().unwrap()[0].arn, client.arn(&format!("key/{KEY}")));
}

async fn who_reads_while_an_alias_moves_does_not_keep_what_was(database: &TestDatabase) {
    let client = developer(database).await;
    let on_prod = r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/prod"}}"#;
    let policy = policy(&[
        statement("Allow", ROOT, r#""kms:*""#, ""),
        statement("Deny", r#""*""#, r#""kms:Encrypt""#, on_prod),
    ]);
    let with_alias = |id: &str| KeySeedling {
        aliases: vec!["alias/prod".to_owned()],
        policy: Some(policy.clone()),
        ..bare(id)
    };
    plant(&client, &with_alias(KEY)).await;
    let ended = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for id in [KEY, OTHER_KEY] {
        let (client, ended) = (client.clone(), ended.clone());
        readers.spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                let _ = client.encrypt(id, b"x", &[]).await;
                tokio::task::yield_now().await;
            }
        });
    }
    for round in 0..20 {
        let (owner, former) = if round % 2 == 0 { (OTHER_KEY, KEY) } else { (KEY, OTHER_KEY) };
        plant(&client, &with_alias(owner)).await;
        assert!(client.encrypt(owner, b"x", &[]).await.is_err(), "round {round}");
        client.encrypt(former, b"x", &[]).await.unwrap();
    }
    ended.store(true, Ordering::Relaxed);
    readers.join_all().await;
}
