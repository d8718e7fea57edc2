//! How long materials last, as it is measured.

use strongroom_api_kms::{ImportKeyMaterialRequest, ImportType};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, DAY, NOW, open, owner, until};

on_both_engines! {
    what_only_waits_is_not_measured,
    a_row_that_makes_no_sense_is_in_no_others_way,
}

/// The keys whose material expires, with the moment, in the order in which they are told of.
async fn measured(client: &Client) -> Vec<(String, i64)> {
    let keys = client.kms.expiring_keys().await.unwrap();
    keys.into_iter().map(|key| (key.key_id, key.expires_ms)).collect()
}

/// A key whose material lasts that long.
async fn lasting(client: &Client, days: i64) -> String {
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    client.import(until(parameters.import(&key, &[1; 32]), NOW + days * DAY)).await.unwrap();
    key
}

async fn what_only_waits_is_not_measured(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let (late, soon) = (lasting(&client, 5).await, lasting(&client, 3).await);
    let both = |of_late| vec![(soon.clone(), NOW + 3 * DAY), (late.clone(), of_late)];
    assert_eq!(measured(&client).await, both(NOW + 5 * DAY));
    let parameters = client.parameters(&late, "RSAES_OAEP_SHA_256").await;
    let new = ImportKeyMaterialRequest {
        import_type: Some(ImportType::NewKeyMaterial),
        ..until(parameters.import(&late, &[2; 32]), NOW + 4 * DAY)
    };
    client.import(new).await.unwrap();
    assert_eq!(measured(&client).await, both(NOW + 5 * DAY), "nobody misses it");
    client.rotate(&late).await.unwrap();
    assert_eq!(measured(&client).await, both(NOW + 4 * DAY), "from now on it is missed");
}

async fn a_row_that_makes_no_sense_is_in_no_others_way(database: &TestDatabase) {
    const ADD_KEY: Statement = Statement::new(
        "INSERT INTO kms_keys (account, region, key_id, version, state, description, created_ms, current_material, \
         expires_ms, mac) SELECT account, 'nowhere', key_id, version, state, description, created_ms, \
         current_material, expires_ms, mac FROM kms_keys WHERE key_id = $1",
    );
    const MOVE_MATERIAL: Statement =
        Statement::new("UPDATE kms_materials SET region = 'nowhere' WHERE key_id = $1");
    let db = open(database).await;
    let client = owner(&db);
    let (odd, sound) = (lasting(&client, 1).await, lasting(&client, 2).await);
    db.execute(ADD_KEY, &[odd.as_str().into()]).await.unwrap();
    db.execute(MOVE_MATERIAL, &[odd.as_str().into()]).await.unwrap();
    assert_eq!(measured(&client).await, [(sound, NOW + 2 * DAY)]);
}
