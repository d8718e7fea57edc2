//! Materials of multi-Region keys, which each Region is brought by itself (KMS Developer Guide, "Importing key material
//! into multi-Region keys").

use strongroom_api_kms::{
    CreateKeyRequest, ImportKeyMaterialRequest, ImportState, IncludeKeyMaterial, KeyMaterialState, KeySpec,
    KeyState, KeyUsageType,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, FAR_REGION, external, open, owner, until};

const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];
const THIRD_REGION: &str = "ap-southeast-2";

on_both_engines! {
    a_replica_waits_for_the_same_material,
    a_key_rotates_when_all_regions_have_the_material,
    what_is_gone_before_it_is_rotated_to_is_gone_everywhere,
    a_region_can_lack_what_others_have,
    nobody_waits_for_a_region_whose_key_is_gone,
    what_waits_waits_for_a_new_region_too,
    a_region_whose_material_is_over_does_not_have_it,
}

/// A multi-Region key with a material and a replica that waits for it; whoever calls there.
async fn related(database: &TestDatabase) -> (Client, Client, String) {
    let client = owner(&open(database).await);
    let external = external(KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt);
    let input = CreateKeyRequest { multi_region: Some(true), ..external };
    let key = client.try_create_key(input).await.unwrap().key_id;
    client.bring(&key, &FIRST).await.unwrap();
    client.replicate(&key, FAR_REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    let far = client.as_of(ACCOUNT, FAR_REGION);
    (client, far, key)
}

/// The states of all materials, as a Region shows them.
async fn listed(client: &Client, key: &str) -> Vec<(KeyMaterialState, ImportState)> {
    let all = client.rotations(key, Some(IncludeKeyMaterial::AllKeyMaterial), None).await;
    all.into_iter().map(|entry| (entry.key_material_state.unwrap(), entry.import_state.unwrap())).collect()
}

async fn state(client: &Client, key: &str) -> KeyState {
    client.describe(key).await.unwrap().key_state.unwrap()
}

async fn a_replica_waits_for_the_same_material(database: &TestDatabase) {
    let (near, far, key) = related(database).await;
    assert_eq!(state(&far, &key).await, KeyState::PendingImport);
    assert_eq!(listed(&far, &key).await, [(KeyMaterialState::Current, ImportState::PendingImport)]);
    assert_eq!(far.bring(&key, &SECOND).await.unwrap_err().code(), "IncorrectKeyMaterialException");
    assert_eq!(far.bring_new(&key, &SECOND).await.unwrap_err().code(), "UnsupportedOperationException");
    let parameters = far.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let described = ImportKeyMaterialRequest {
        key_material_description: Some("here too".to_owned()),
        ..parameters.import(&key, &FIRST)
    };
    assert_eq!(far.import(described).await.unwrap_err().code(), "ValidationException");
    // One Region's token is no other's.
    let near_parameters = near.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let refused = far.import(near_parameters.import(&key, &FIRST)).await.unwrap_err();
    assert_eq!(refused.code(), "InvalidImportTokenException");

    let id = near.describe(&key).await.unwrap().current_key_material_id.unwrap();
    assert_eq!(far.bring(&key, &FIRST).await.unwrap(), id);
    assert_eq!(state(&far, &key).await, KeyState::Enabled);
    let blob = near.encrypt(&key, b"plain", &[]).await.unwrap();
    assert_eq!(far.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}

async fn a_key_rotates_when_all_regions_have_the_material(database: &TestDatabase) {
    let (near, far, key) = related(database).await;
    far.bring(&key, &FIRST).await.unwrap();
    let old = far.encrypt(&key, b"old", &[]).await.unwrap();
    let second = near.bring_new(&key, &SECOND).await.unwrap();
    let waits = KeyMaterialState::PendingMultiRegionImportAndRotation;
    let current = (KeyMaterialState::Current, ImportState::Imported);
    assert_eq!(listed(&near, &key).await, [current.clone(), (waits.clone(), ImportState::Imported)]);
    assert_eq!(listed(&far, &key).await, [current.clone(), (waits, ImportState::PendingImport)]);
    assert_eq!(state(&far, &key).await, KeyState::Enabled, "what waits is not missed");
    assert_eq!(near.rotate(&key).await.unwrap_err().code(), "KMSInvalidStateException");

    assert_eq!(far.bring(&key, &SECOND).await.unwrap(), second);
    let ready = (KeyMaterialState::PendingRotation, ImportState::Imported);
    for client in [&near, &far] {
        assert_eq!(listed(client, &key).await, [current.clone(), ready.clone()]);
    }
    assert_eq!(far.rotate(&key).await.unwrap_err().code(), "UnsupportedOperationException");
    near.rotate(&key).await.unwrap();
    for client in [&near, &far] {
        let shown = client.describe(&key).await.unwrap();
        assert_eq!(shown.current_key_material_id.as_ref(), Some(&second));
        assert_eq!(client.rotations(&key, None, None).await.len(), 1);
        assert_eq!(client.decrypt(&old, None, &[]).await.unwrap(), b"old");
    }
    let new = far.encrypt(&key, b"new", &[]).await.unwrap();
    assert_eq!(near.decrypt(&new, None, &[]).await.unwrap(), b"new");
}

async fn what_is_gone_before_it_is_rotated_to_is_gone_everywhere(database: &TestDatabase) {
    let (near, far, key) = related(database).await;
    far.bring(&key, &FIRST).await.unwrap();
    let second = near.bring_new(&key, &SECOND).await.unwrap();
    far.bring(&key, &SECOND).await.unwrap();
    near.take_away(&key, Some(&second)).await.unwrap();
    for client in [&near, &far] {
        assert_eq!(listed(client, &key).await.len(), 1);
    }
    assert_eq!(far.bring(&key, &SECOND).await.unwrap_err().code(), "IncorrectKeyMaterialException");
    near.bring_new(&key, &[3; 32]).await.unwrap();
    assert_eq!(listed(&far, &key).await.len(), 2);
}

async fn a_region_can_lack_what_others_have(database: &TestDatabase) {
    let (near, far, key) = related(database).await;
    let parameters = far.parameters(&key, "RSAES_OAEP_SHA_256").await;
    far.import(until(parameters.import(&key, &FIRST), far.now + 1_000)).await.unwrap();
    let second = near.bring_new(&key, &SECOND).await.unwrap();
    far.bring(&key, &SECOND).await.unwrap();
    // Its own end is its own.
    let later = far.much_later(1_000).await;
    assert_eq!(state(&later, &key).await, KeyState::PendingImport);
    assert_eq!(state(&near, &key).await, KeyState::Enabled);
    assert_eq!(near.describe(&key).await.unwrap().valid_to, None);
    // What a replica loses the primary key keeps, and rotates to.
    later.take_away(&key, Some(&second)).await.unwrap();
    assert_eq!(listed(&near, &key).await[1], (KeyMaterialState::PendingRotation, ImportState::Imported));
    near.at(later.now).rotate(&key).await.unwrap();
    later.bring(&key, &FIRST).await.unwrap();
    assert_eq!(state(&later, &key).await, KeyState::PendingImport, "it rotated here too");
    later.bring(&key, &SECOND).await.unwrap();
    assert_eq!(state(&later, &key).await, KeyState::Enabled);
}

async fn nobody_waits_for_a_region_whose_key_is_gone(database: &TestDatabase) {
    let (near, far, key) = related(database).await;
    near.bring_new(&key, &SECOND).await.unwrap();
    assert_eq!(near.rotate(&key).await.unwrap_err().code(), "KMSInvalidStateException");
    far.schedule_deletion(&key, Some(7)).await.unwrap();
    let later = near.much_later(8 * DAY).await;
    assert_eq!(listed(&later, &key).await[1], (KeyMaterialState::PendingRotation, ImportState::Imported));
    later.rotate(&key).await.unwrap();
}

/// Who waits is told: a rotation without the new Region's material would take a key away that is in use there.
async fn what_waits_waits_for_a_new_region_too(database: &TestDatabase) {
    let client = owner(&open(database).await);
    let external = external(KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt);
    let input = CreateKeyRequest { multi_region: Some(true), ..external };
    let key = client.try_create_key(input).await.unwrap().key_id;
    client.bring(&key, &FIRST).await.unwrap();
    client.bring_new(&key, &SECOND).await.unwrap();
    let mut regions = vec![client.clone()];
    for region in [FAR_REGION, THIRD_REGION] {
        let stage = async |client: &Client| listed(client, &key).await[1].clone();
        for client in &regions {
            assert_eq!(stage(client).await, (KeyMaterialState::PendingRotation, ImportState::Imported));
        }
        client.replicate(&key, region).await.unwrap();
        client.kms.run_due(client.now).await;
        let there = client.in_region(region);
        there.bring(&key, &FIRST).await.unwrap();
        assert_eq!(state(&there, &key).await, KeyState::Enabled);
        let waits = KeyMaterialState::PendingMultiRegionImportAndRotation;
        for client in &regions {
            assert_eq!(stage(client).await, (waits.clone(), ImportState::Imported));
        }
        assert_eq!(stage(&there).await, (waits, ImportState::PendingImport));
        assert_eq!(client.rotate(&key).await.unwrap_err().code(), "KMSInvalidStateException");
        assert_eq!(state(&there, &key).await, KeyState::Enabled);
        there.bring(&key, &SECOND).await.unwrap();
        regions.push(there);
    }
    client.rotate(&key).await.unwrap();
    for client in &regions {
        assert_eq!(state(client, &key).await, KeyState::Enabled);
        client.encrypt(&key, b"x", &[]).await.unwrap();
    }
}

async fn a_region_whose_material_is_over_does_not_have_it(database: &TestDatabase) {
    let (near, far, key) = related(database).await;
    let third = near.in_region(THIRD_REGION);
    near.replicate(&key, THIRD_REGION).await.unwrap();
    near.kms.run_due(near.now).await;
    far.bring(&key, &FIRST).await.unwrap();
    third.bring(&key, &FIRST).await.unwrap();
    near.bring_new(&key, &SECOND).await.unwrap();
    let parameters = far.parameters(&key, "RSAES_OAEP_SHA_256").await;
    far.import(until(parameters.import(&key, &SECOND), far.now + 1_000)).await.unwrap();
    // Nothing that is due is done.
    let late = third.with_clock_moved(1_000);
    late.bring(&key, &SECOND).await.unwrap();
    let waits = KeyMaterialState::PendingMultiRegionImportAndRotation;
    assert_eq!(listed(&late, &key).await[1], (waits, ImportState::Imported));
    assert_eq!(near.at(late.now).rotate(&key).await.unwrap_err().code(), "KMSInvalidStateException");
    far.at(late.now).bring(&key, &SECOND).await.unwrap();
    near.at(late.now).rotate(&key).await.unwrap();
    near.kms.run_due(late.now).await;
    for client in [&near, &far, &third] {
        assert_eq!(state(client, &key).await, KeyState::Enabled);
    }
}
