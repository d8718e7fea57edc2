//! Keys whose makers choose their ids and materials, as tools written for LocalStack do in development.

use strongroom_api_kms::CreateKeyRequest;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Client, FAR_REGION, REGION, STRANGER, client, open, root, start, start_with_chosen_keys, tags,
};

const ID: &str = "0000abcd-0000-0000-0000-00000000cafe";
/// 32 bytes, in base64.
const MATERIAL: &str = "c3Ryb25ncm9vbSB0ZXN0cyBjaG9vc2UgdGhpcyBrZXk=";

on_both_engines! {
    in_development_ids_and_materials_can_be_chosen,
    a_chosen_id_must_be_one_and_free,
    a_chosen_material_must_be_a_key,
    otherwise_the_tags_are_plain_tags,
}

fn asking(pairs: &[(&str, &str)]) -> CreateKeyRequest {
    CreateKeyRequest { tags: Some(tags(pairs)), ..CreateKeyRequest::default() }
}

async fn developer(database: &TestDatabase) -> Client {
    Client::new(&start_with_chosen_keys(&open(database).await, &root()), ACCOUNT, REGION)
}

async fn in_development_ids_and_materials_can_be_chosen(database: &TestDatabase) {
    let client = developer(database).await;
    // Looked for before it is there: that nothing was found is not remembered.
    assert!(client.describe(ID).await.is_err());
    let chosen = [("_custom_id_", ID), ("_custom_key_material_", MATERIAL), ("more", "1")];
    let key = client.try_create_key(asking(&chosen)).await.unwrap();
    assert_eq!(key.key_id, ID);
    assert_eq!(client.describe(ID).await.unwrap().arn, Some(client.arn(&format!("key/{ID}"))));
    // The material is in no tag, and nowhere in the store.
    let shown = client.tags(ID, None).await;
    assert_eq!(shown, [("_custom_id_".to_owned(), ID.to_owned()), ("more".to_owned(), "1".to_owned())]);
    if let Some(file) = database.sqlite_file() {
        for file in [file.to_owned(), file.with_extension("db-wal")] {
            let stored = std::fs::read(file).unwrap_or_default();
            for secret in [MATERIAL.as_bytes(), b"strongroom tests choose this key"] {
                assert!(!stored.windows(secret.len()).any(|window| window == secret));
            }
        }
    }
    let blob = client.encrypt(ID, b"plain", &[]).await.unwrap();
    let again = crate::fixture::client(database).await;
    assert_eq!(again.decrypt(&blob, None, &[]).await.unwrap(), b"plain");

    // The same id and material in another account and Region: the same material, and what one encrypts the
    // other does not find.
    for (account, region) in [(ACCOUNT, FAR_REGION), (STRANGER, REGION)] {
        let other = client.as_of(account, region);
        let made = other.try_create_key(asking(&chosen[..2])).await.unwrap();
        assert_eq!(made.current_key_material_id, key.current_key_material_id);
    }
    // Another key of that material has another material id: ids of materials belong to keys.
    let material_only = client.try_create_key(asking(&chosen[1..2])).await.unwrap();
    assert_ne!(material_only.key_id, ID);
    assert_ne!(material_only.current_key_material_id, key.current_key_material_id);
    assert_eq!(client.tags(&material_only.key_id, None).await, []);
    // Rotation replaces a chosen material like any other.
    client.rotate(ID).await.unwrap();
    assert_ne!(client.describe(ID).await.unwrap().current_key_material_id, key.current_key_material_id);
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}

async fn a_chosen_id_must_be_one_and_free(database: &TestDatabase) {
    let client = developer(database).await;
    for id in ["", "foo", "0000ABCD-0000-0000-0000-00000000CAFE", "mrk-1234abcd12ab34cd56ef1234567890ab"] {
        let refused = client.try_create_key(asking(&[("_custom_id_", id)])).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "ValidationException: The tag _custom_id_ must hold a key id, a UUID in lower case such as \
             1234abcd-12ab-34cd-56ef-1234567890ab",
            "{id}"
        );
    }
    assert_eq!(client.key_ids(None).await, [""; 0]);
    let first = client.try_create_key(asking(&[("_custom_id_", ID)])).await.unwrap();
    let refused = client.try_create_key(asking(&[("_custom_id_", ID)])).await.unwrap_err();
    let arn = first.arn.clone().unwrap();
    assert_eq!(refused.to_string(), format!("AlreadyExistsException: Key {arn} already exists"));
    assert_eq!(format!("{:?}", client.describe(ID).await.unwrap()), format!("{first:?}"));
    // Tags put later choose nothing.
    client.tag(ID, &[("_custom_id_", "other")]).await.unwrap();
    assert_eq!(client.describe(ID).await.unwrap().key_id, ID);
}

async fn a_chosen_material_must_be_a_key(database: &TestDatabase) {
    let client = developer(database).await;
    for material in ["", "AAAA", &MATERIAL[1..], "not base64", &MATERIAL.repeat(2), &"A".repeat(43)] {
        let refused =
            client.try_create_key(asking(&[("_custom_key_material_", material)])).await.unwrap_err();
        let text = refused.to_string();
        assert_eq!(
            text,
            "ValidationException: The tag _custom_key_material_ must hold the 32 bytes of the key in base64"
        );
    }
    assert_eq!(client.key_ids(None).await, [""; 0]);
}

async fn otherwise_the_tags_are_plain_tags(database: &TestDatabase) {
    let client = client(database).await;
    let pairs = [("_custom_id_", ID), ("_custom_key_material_", "anything")];
    let key = client.try_create_key(asking(&pairs)).await.unwrap();
    assert_ne!(key.key_id, ID);
    let expected = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(client.tags(&key.key_id, None).await, expected);
    // Another server on the same store does not change that.
    let db = open(database).await;
    let other = client.on(&start(&db, &root())).try_create_key(asking(&pairs)).await.unwrap();
    assert_ne!(other.key_id, key.key_id);
}
