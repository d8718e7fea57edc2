//! Servers that do not know yet what has become of a set of related keys.

use strongroom_api_kms::{
    CreateKeyRequest, IncludeKeyMaterial, KeyMaterialState, KeySpec, KeyUsageType, MultiRegionKeyType,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, FAR_REGION, external};
use crate::following::Pair;

const THIRD: &str = "ap-southeast-2";

on_both_engines! {
    what_became_a_replica_does_not_rotate_the_others,
    a_replica_has_what_the_key_has_by_then,
}

/// A set whose primary key is here and whose replica is in the far Region, of materials that its owner has brought to both,
/// one of which waits for a rotation.
async fn brought(client: &Client) -> String {
    let external = external(KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt);
    let input = CreateKeyRequest { multi_region: Some(true), ..external };
    let key = client.try_create_key(input).await.unwrap().key_id;
    let far = client.in_region(FAR_REGION);
    client.bring(&key, &[1; 32]).await.unwrap();
    client.replicate(&key, FAR_REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    far.bring(&key, &[1; 32]).await.unwrap();
    client.bring_new(&key, &[2; 32]).await.unwrap();
    far.bring(&key, &[2; 32]).await.unwrap();
    key
}

/// The ids of all materials, and what each is to the key.
async fn materials(client: &Client, key: &str) -> Vec<(Option<String>, Option<KeyMaterialState>)> {
    let all = client.rotations(key, Some(IncludeKeyMaterial::AllKeyMaterial), None).await;
    all.into_iter().map(|entry| (entry.key_material_id, entry.key_material_state)).collect()
}

async fn what_became_a_replica_does_not_rotate_the_others(database: &TestDatabase) {
    let pair = Pair::open(database).await;
    let (made, _) = pair.here.create_related().await;
    let brought = brought(&pair.here).await;
    for key in [&made, &brought] {
        assert_eq!(pair.there.related(key).await.0, MultiRegionKeyType::Primary);
        let before = pair.here.describe(key).await.unwrap().current_key_material_id;
        pair.here.update_primary(key, FAR_REGION).await.unwrap();
        assert_eq!(pair.there.related(key).await.0, MultiRegionKeyType::Primary, "it has not looked");
        assert_eq!(pair.there.rotate(key).await.unwrap_err().code(), "UnsupportedOperationException");
        let far = pair.here.in_region(FAR_REGION);
        assert_eq!(far.describe(key).await.unwrap().current_key_material_id, before);
        far.rotate(key).await.unwrap();
    }
}

async fn a_replica_has_what_the_key_has_by_then(database: &TestDatabase) {
    let pair = Pair::open(database).await;
    let made = pair.here.create_primary().await;
    let brought = brought(&pair.here).await;
    for key in [&made, &brought] {
        let before = pair.there.describe(key).await.unwrap().current_key_material_id;
        pair.here.rotate(key).await.unwrap();
        assert_eq!(pair.there.describe(key).await.unwrap().current_key_material_id, before);
        pair.there.replicate(key, THIRD).await.unwrap();
        let shown = materials(&pair.here, key).await;
        assert_eq!(shown.len(), 2);
        assert_eq!(materials(&pair.here.in_region(THIRD), key).await, shown);
        assert!(pair.here.related(key).await.2.contains(&THIRD.to_owned()));
    }
}
