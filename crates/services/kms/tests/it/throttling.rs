//! Requests beyond AWS's quotas.

use strongroom_api_kms::{CreateKeyRequest, EncryptRequest, EncryptionAlgorithmSpec, SERVICE};
use strongroom_kms::QuotaFactor;
use strongroom_schema::{Operation, Structure, Unit};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::multi_region::replica;
use crate::fixture::{ACCOUNT, Client, FAR_REGION, REGION, STRANGER, client, open, owner, root, start};

on_both_engines! {
    each_account_region_and_group_has_its_own_quota,
    a_key_store_has_a_quota_of_its_own_whoever_calls,
    a_reset_turns_quotas_off,
    a_replica_counts_in_its_region_too,
}

fn operation(name: &str) -> &'static Operation {
    SERVICE.operations.iter().find(|operation| operation.name == name).unwrap()
}

/// More requests than any quota here admits at once.
const MOST: usize = 10_000;

/// How many of these requests are admitted at the client's moment.
fn admitted(client: &Client, name: &str, input: &dyn Structure) -> usize {
    (0..MOST).take_while(|_| admit(client, name, input).is_ok()).count()
}

fn admit(client: &Client, name: &str, input: &dyn Structure) -> Result<(), ApiError> {
    client.kms.admit(&client.context(), operation(name), input)
}

fn part(factor: f64) -> QuotaFactor {
    QuotaFactor::new(factor).unwrap()
}

async fn each_account_region_and_group_has_its_own_quota(database: &TestDatabase) {
    let client = client(database).await;
    for _ in 0..100 {
        admit(&client, "CreateKey", &Unit).unwrap();
    }
    client.kms.set_throttling(Some(QuotaFactor::PUBLISHED));
    assert_eq!(admitted(&client, "CreateKey", &Unit), 5);
    let refused = admit(&client, "CreateKey", &Unit).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ThrottlingException: You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
    );
    assert_eq!(refused.status(), None, "400, as of any error of a client's");
    // A fifth of a second later there is one more.
    assert_eq!(admitted(&client.at(client.now + 199), "CreateKey", &Unit), 0);
    assert_eq!(admitted(&client.at(client.now + 200), "CreateKey", &Unit), 1);
    assert_eq!(admitted(&client, "DeleteAlias", &Unit), 15, "each operation has its own");
    assert_eq!(admitted(&client.as_of(STRANGER, REGION), "CreateKey", &Unit), 5);
    assert_eq!(admitted(&client.as_of(ACCOUNT, FAR_REGION), "CreateKey", &Unit), 5);

    // Symmetric cryptography shares one, and that of other keys has others.
    client.kms.set_throttling(Some(part(0.001)));
    assert_eq!(admitted(&client, "Decrypt", &Unit), 100);
    assert_eq!(admitted(&client, "GenerateRandom", &Unit), 0);
    let rsa = EncryptRequest {
        encryption_algorithm: Some(EncryptionAlgorithmSpec::RsaesOaepSha256),
        ..EncryptRequest::default()
    };
    assert_eq!(admitted(&client, "Encrypt", &rsa), 1);
    assert_eq!(admitted(&client.as_of(ACCOUNT, FAR_REGION), "Decrypt", &Unit), 20, "in a smaller Region");
}

/// The clock of key stores' quotas is the server's, which stands still here.
async fn a_key_store_has_a_quota_of_its_own_whoever_calls(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let (first, _cluster) = client.connected_store().await;
    let (second, _cluster) = client.connected_store().await;
    let mut keys = Vec::new();
    for store in [&first, &second] {
        let input = CreateKeyRequest {
            origin: Some("AWS_CLOUDHSM".into()),
            custom_key_store_id: Some(store.clone()),
            ..CreateKeyRequest::default()
        };
        keys.push(client.try_create_key(input).await.unwrap().key_id);
    }
    let built_in = client.create_key().await.key_id;
    client.kms.set_throttling(Some(part(0.01)));
    let served = async |key: &str| {
        for served in 0..MOST {
            if let Err(error) = client.encrypt(key, b"a secret", &[]).await {
                assert_eq!(error.code(), "ThrottlingException");
                return served;
            }
        }
        MOST
    };
    for key in &keys {
        assert_eq!(served(key).await, 18, "in a second");
    }
    client.with_clock_moved(500);
    for key in &keys {
        assert_eq!(served(key).await, 9, "of half a second");
    }
    for _ in 0..50 {
        client.encrypt(&built_in, b"a secret", &[]).await.unwrap();
    }
    client.kms.set_throttling(None);
    for _ in 0..50 {
        client.encrypt(&keys[0], b"a secret", &[]).await.unwrap();
    }
}

async fn a_reset_turns_quotas_off(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    client.kms.set_throttling(Some(part(0.25)));
    assert_eq!(client.kms.throttling(), Some(part(0.25)));
    client.kms.reset(&db).await;
    assert_eq!(client.kms.throttling(), None);
    client.kms.set_throttling(Some(part(0.25)));
    assert_eq!(client.kms.restarted(&db, &root()).throttling(), None, "and so does a restart");
}

/// KMS Developer Guide, "Request quotas": a replica counts as two keys made in its Region.
async fn a_replica_counts_in_its_region_too(database: &TestDatabase) {
    let client = client(database).await;
    let there = client.as_of(ACCOUNT, FAR_REGION);
    client.kms.set_throttling(Some(QuotaFactor::PUBLISHED));
    let replicate = replica("mrk-1234abcd12ab34cd56ef1234567890ab", FAR_REGION);
    assert_eq!(admitted(&client, "ReplicateKey", &replicate), 2);
    assert_eq!(admitted(&there, "CreateKey", &Unit), 1);
    // What was refused counted nowhere.
    let elsewhere = replica("mrk-1234abcd12ab34cd56ef1234567890ab", "eu-west-1");
    assert_eq!(admitted(&client, "ReplicateKey", &elsewhere), 2);
    assert_eq!(admitted(&client, "ReplicateKey", &replica("x", "us-west-2")), 1);
    assert_eq!(admitted(&client, "CreateKey", &Unit), 5);
}
