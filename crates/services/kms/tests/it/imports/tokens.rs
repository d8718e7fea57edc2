//! Import tokens: for one key, for a day, as they were given.

use strongroom_api_kms::{KeySpec, KeyUsageType};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Client, FAR_REGION, NOW, REGION, client, external, open, other_root, owner, start,
};

const MATERIAL: [u8; 32] = [0x5a; 32];
const DAY: i64 = 24 * 60 * 60 * 1000;
const INVALID: &str = "InvalidImportTokenException: The provided import token is invalid or is associated with a \
                       different KMS key.";

on_both_engines! {
    a_token_lasts_a_day,
    a_token_is_for_one_key,
    a_token_that_was_touched_is_none,
    a_token_and_its_key_belong_together,
    a_token_is_used_as_often_as_its_owner_wants,
    a_token_for_the_longest_key_fits_into_a_request,
}

async fn a_token_lasts_a_day(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let key = client.empty_key().await;
    let answer = client.try_parameters(&key, "RSAES_OAEP_SHA_256", "RSA_2048").await.unwrap();
    assert_eq!(answer.key_id, Some(client.arn(&format!("key/{key}"))));
    assert_eq!(answer.parameters_valid_to, Some(Timestamp::from_millis(NOW + DAY)));
    let parameters = crate::fixture::Parameters::of(answer, "RSAES_OAEP_SHA_256");
    let late = client.with_clock_moved(DAY);
    let refused = late.import(parameters.import(&key, &MATERIAL)).await.unwrap_err();
    assert_eq!(refused.to_string(), "ExpiredImportTokenException: The specified import token is expired.");
    let in_time = client.at(NOW + DAY - 1);
    in_time.import(parameters.import(&key, &MATERIAL)).await.unwrap();
}

async fn a_token_is_for_one_key(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &crate::fixture::root()), ACCOUNT, REGION);
    let (key, other) = (client.empty_key().await, client.empty_key().await);
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let far = client.as_of(ACCOUNT, FAR_REGION);
    let far_key = far.empty_key().await;
    for (caller, key) in [(&client, &other), (&far, &far_key)] {
        let refused = caller.import(parameters.import(key, &MATERIAL)).await.unwrap_err();
        assert_eq!(refused.to_string(), INVALID);
    }
    // Nor is it another installation's.
    let elsewhere = client.on(&start(&db, &other_root()));
    assert!(elsewhere.import(parameters.import(&key, &MATERIAL)).await.is_err());
    client.import(parameters.import(&key, &MATERIAL)).await.unwrap();
}

async fn a_token_that_was_touched_is_none(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let sound = parameters.import(&key, &MATERIAL);
    let length = sound.import_token.0.len();
    for position in (0..length).step_by(if database.sqlite_file().is_some() { 1 } else { 41 }) {
        let mut bad = sound.clone();
        bad.import_token.0[position] ^= 1;
        assert_eq!(client.import(bad).await.unwrap_err().to_string(), INVALID, "byte {position}");
    }
    for length in [1, 5, 40, length - 1] {
        let mut bad = sound.clone();
        bad.import_token.0.truncate(length);
        assert_eq!(client.import(bad).await.unwrap_err().to_string(), INVALID, "{length} bytes");
    }
    let mut bad = sound.clone();
    bad.import_token.0.push(0);
    assert_eq!(client.import(bad).await.unwrap_err().to_string(), INVALID);
    client.import(sound).await.unwrap();
}

async fn a_token_and_its_key_belong_together(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let (one, other) = (
        client.parameters(&key, "RSAES_OAEP_SHA_256").await,
        client.parameters(&key, "RSAES_OAEP_SHA_256").await,
    );
    assert_ne!(one.public_key, other.public_key, "each request has its own");
    let mut mixed = one.import(&key, &MATERIAL);
    mixed.import_token = other.import(&key, &MATERIAL).import_token;
    assert_eq!(client.import(mixed).await.unwrap_err().to_string(), "InvalidCiphertextException");
}

async fn a_token_is_used_as_often_as_its_owner_wants(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_1").await;
    for _ in 0..3 {
        client.import(parameters.import(&key, &MATERIAL)).await.unwrap();
        client.take_away(&key, None).await.unwrap();
    }
}

async fn a_token_for_the_longest_key_fits_into_a_request(database: &TestDatabase) {
    let client = client(database).await;
    let input = external(KeySpec::Hmac512, KeyUsageType::GenerateVerifyMac);
    let key = client.try_create_key(input).await.unwrap().key_id;
    let answer = client.try_parameters(&key, "RSAES_OAEP_SHA_256", "RSA_4096").await.unwrap();
    assert!(answer.import_token.as_ref().unwrap().0.len() <= 6_144);
    let parameters = crate::fixture::Parameters::of(answer, "RSAES_OAEP_SHA_256");
    client.import(parameters.import(&key, &[3; 128])).await.unwrap();
}
