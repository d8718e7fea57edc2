//! Who writes to the database can destroy, and cannot grant himself anything: a row that was altered or put in
//! another's place is an error, never a success, and never another key's data.

use strongroom_api_kms::CreateKeyRequest;
use strongroom_service::ApiError;
use strongroom_store::{Db, Migration, OpenOptions, Statement, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, REGION, STRANGER, data_key, open, root, start};

const INTERNAL: &str = "KMSInternalException: The request was rejected because an internal exception occurred. \
    The request can be retried.";

on_both_engines! {
    altered_rows_of_keys_are_refused,
    altered_rows_of_materials_are_refused,
    altered_rows_of_aliases_are_refused,
    rows_put_in_another_accounts_place_are_refused,
    materials_moved_to_another_key_are_refused,
    a_key_without_its_materials_is_none,
    altered_rows_of_partitions_are_refused,
    a_partition_that_is_gone_takes_its_keys_with_it,
    a_sound_row_is_not_taken_for_another_that_was_asked_for,
}

/// A key with an alias and a ciphertext.
struct Target {
    id: String,
    alias: String,
    blob: Vec<u8>,
}

async fn target(client: &Client) -> Target {
    let id = client.create_key().await.key_id;
    let alias = format!("alias/{id}");
    client.create_alias(&alias, &id).await.unwrap();
    let blob = client.encrypt(&id, b"plain", &[]).await.unwrap();
    Target { id, alias, blob }
}

/// KMS started anew on the same rows: what is in memory already is not read again.
fn anew(db: &Db) -> Client {
    Client::new(&start(db, &root()), ACCOUNT, REGION)
}

/// Runs `sql`, whose `$1` is the target's key id and `$2`, if it has one, another key's.
async fn alter(db: &Db, sql: &'static str, target: &Target, other: &Target) {
    let statement = Statement::new(sql);
    let values = [Value::from(&target.id), Value::from(&other.id)];
    let altered = db.execute(statement, &values[..statement.parameters()]).await.unwrap();
    assert!(altered > 0, "{sql}");
}

fn assert_internal<T: std::fmt::Debug>(answer: Result<T, ApiError>, what: &str) {
    assert_eq!(answer.unwrap_err().to_string(), INTERNAL, "{what}");
}

/// Everything that needs the key's material fails, by whatever name the key is called.
async fn assert_unusable(client: &Client, target: &Target, what: &str) {
    for name in [&*target.id, &client.arn(&format!("key/{}", target.id)), &target.alias] {
        assert_internal(client.describe(name).await, what);
        assert_internal(client.encrypt(name, b"x", &[]).await, what);
        assert_internal(client.decrypt(&target.blob, Some(name), &[]).await, what);
        assert_internal(client.try_generate(data_key(name)).await, what);
    }
    assert_internal(client.decrypt(&target.blob, None, &[]).await, what);
}

async fn assert_usable(client: &Client, target: &Target) {
    assert_eq!(client.describe(&target.alias).await.unwrap().key_id, target.id);
    assert_eq!(client.decrypt(&target.blob, None, &[]).await.unwrap(), b"plain");
}

async fn refused_once_altered(database: &TestDatabase, alterations: &[&'static str]) {
    let db = open(database).await;
    let other = target(&anew(&db)).await;
    for sql in alterations {
        let target = target(&anew(&db)).await;
        assert_usable(&anew(&db), &target).await;
        alter(&db, sql, &target, &other).await;
        assert_unusable(&anew(&db), &target, sql).await;
        assert_usable(&anew(&db), &other).await;
    }
}

async fn altered_rows_of_keys_are_refused(database: &TestDatabase) {
    refused_once_altered(
        database,
        &[
            "UPDATE kms_keys SET version = version + 1 WHERE key_id = $1",
            "UPDATE kms_keys SET state = 'Disabled' WHERE key_id = $1",
            "UPDATE kms_keys SET state = 'enabled' WHERE key_id = $1",
            "UPDATE kms_keys SET description = 'x' WHERE key_id = $1",
            "UPDATE kms_keys SET created_ms = created_ms - 1 WHERE key_id = $1",
            "UPDATE kms_keys SET current_material = substr(current_material, 1, 31) WHERE key_id = $1",
            "UPDATE kms_keys SET mac = substr(mac, 1, 32) WHERE key_id = $1",
            "UPDATE kms_keys SET mac = substr(mac, 1, 0) WHERE key_id = $1",
            "UPDATE kms_keys SET mac = (SELECT mac FROM kms_keys WHERE key_id = $2) WHERE key_id = $1",
            "UPDATE kms_keys SET current_material = (SELECT current_material FROM kms_keys WHERE key_id = $2) \
             WHERE key_id = $1",
            "UPDATE kms_keys SET current_material = (SELECT current_material FROM kms_keys WHERE key_id = $2), \
             mac = (SELECT mac FROM kms_keys WHERE key_id = $2) WHERE key_id = $1",
        ],
    )
    .await;
}

async fn altered_rows_of_materials_are_refused(database: &TestDatabase) {
    refused_once_altered(
        database,
        &[
            "UPDATE kms_materials SET created_ms = created_ms - 1 WHERE key_id = $1",
            "UPDATE kms_materials SET mac = substr(mac, 1, 32) WHERE key_id = $1",
            "UPDATE kms_materials SET token = substr(token, 1, 10) WHERE key_id = $1",
            "UPDATE kms_materials SET handle = substr(handle, 1, 15) WHERE key_id = $1",
            "UPDATE kms_materials SET mac = (SELECT mac FROM kms_materials WHERE key_id = $2) WHERE key_id = $1",
            "UPDATE kms_materials SET token = (SELECT token FROM kms_materials WHERE key_id = $2) WHERE key_id = $1",
            "UPDATE kms_materials SET handle = (SELECT handle FROM kms_materials WHERE key_id = $2) \
             WHERE key_id = $1",
            "UPDATE kms_materials SET token_digest = (SELECT token_digest FROM kms_materials WHERE key_id = $2) \
             WHERE key_id = $1",
            "UPDATE kms_materials SET material_id = (SELECT material_id FROM kms_materials WHERE key_id = $2) \
             WHERE key_id = $1",
            // All of another key's material, first under the target's own id, then with its id and MAC too.
            "UPDATE kms_materials SET token = (SELECT token FROM kms_materials WHERE key_id = $2), \
             handle = (SELECT handle FROM kms_materials WHERE key_id = $2), \
             token_digest = (SELECT token_digest FROM kms_materials WHERE key_id = $2) WHERE key_id = $1",
            "UPDATE kms_materials SET token = (SELECT token FROM kms_materials WHERE key_id = $2), \
             handle = (SELECT handle FROM kms_materials WHERE key_id = $2), \
             token_digest = (SELECT token_digest FROM kms_materials WHERE key_id = $2), \
             material_id = (SELECT material_id FROM kms_materials WHERE key_id = $2), \
             mac = (SELECT mac FROM kms_materials WHERE key_id = $2) WHERE key_id = $1",
            // Another key's material beside the target's own.
            "INSERT INTO kms_materials (account, region, key_id, material_id, handle, token, token_digest, created_ms, \
             mac) SELECT account, region, $1, material_id, handle, token, token_digest, created_ms, mac \
             FROM kms_materials WHERE key_id = $2",
        ],
    )
    .await;
}

async fn altered_rows_of_aliases_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    let other = target(&anew(&db)).await;
    for sql in [
        "UPDATE kms_aliases SET key_id = $2 WHERE key_id = $1",
        "UPDATE kms_aliases SET created_ms = created_ms - 1 WHERE key_id = $1",
        "UPDATE kms_aliases SET updated_ms = updated_ms + 1 WHERE key_id = $1",
        "UPDATE kms_aliases SET mac = substr(mac, 1, 32) WHERE key_id = $1",
        "UPDATE kms_aliases SET mac = (SELECT mac FROM kms_aliases WHERE alias_name = 'alias/' || $2) WHERE key_id = $1",
        "UPDATE kms_aliases SET key_id = $2, \
         mac = (SELECT mac FROM kms_aliases WHERE alias_name = 'alias/' || $2) WHERE key_id = $1",
    ] {
        let target = target(&anew(&db)).await;
        alter(&db, sql, &target, &other).await;
        let client = anew(&db);
        for name in [&target.alias, &client.arn(&target.alias)] {
            assert_internal(client.describe(name).await, sql);
            assert_internal(client.encrypt(name, b"x", &[]).await, sql);
            assert_internal(client.decrypt(&target.blob, Some(name), &[]).await, sql);
            assert_internal(client.decrypt(&other.blob, Some(name), &[]).await, sql);
            assert_internal(client.try_generate(data_key(name)).await, sql);
        }
        assert_internal(client.list_aliases(None, None, None).await, sql);
        // The key itself is sound, and so are other names.
        assert_eq!(client.decrypt(&target.blob, Some(&target.id), &[]).await.unwrap(), b"plain");
        assert_usable(&client, &other).await;
        let gone = Statement::new("DELETE FROM kms_aliases WHERE alias_name = $1");
        db.execute(gone, &[Value::from(&target.alias)]).await.unwrap();
    }
    assert_eq!(anew(&db).alias_names(None).await, [&*other.alias]);

    // Two aliases of one account, each with the other's key.
    let target = target(&anew(&db)).await;
    let swap =
        "UPDATE kms_aliases SET key_id = CASE WHEN key_id = $1 THEN $2 ELSE $1 END WHERE key_id IN ($1, $2)";
    alter(&db, swap, &target, &other).await;
    for alias in [&target.alias, &other.alias] {
        assert_internal(anew(&db).encrypt(alias, b"x", &[]).await, swap);
    }
}

async fn rows_put_in_another_accounts_place_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    let target = target(&anew(&db)).await;
    let stranger = || anew(&db).as_of(STRANGER, REGION);
    let theirs = stranger().create_key().await.key_id;
    for sql in [
        "INSERT INTO kms_keys (account, region, key_id, version, state, description, created_ms, current_material, mac) \
         SELECT $2, region, key_id, version, state, description, created_ms, current_material, mac \
         FROM kms_keys WHERE key_id = $1",
        "INSERT INTO kms_materials (account, region, key_id, material_id, handle, token, token_digest, created_ms, mac) \
         SELECT $2, region, key_id, material_id, handle, token, token_digest, created_ms, mac \
         FROM kms_materials WHERE key_id = $1",
        "INSERT INTO kms_aliases (account, region, alias_name, key_id, created_ms, updated_ms, mac) \
         SELECT $2, region, alias_name, key_id, created_ms, updated_ms, mac FROM kms_aliases WHERE key_id = $1",
    ] {
        let copied =
            db.execute(Statement::new(sql), &[Value::from(&target.id), STRANGER.into()]).await.unwrap();
        assert_eq!(copied, 1);
    }
    assert_unusable(&stranger(), &target, "a whole key copied to another account").await;
    assert_internal(stranger().list_aliases(None, None, None).await, "its alias");

    // The stranger's key under the target's name.
    let pointed = Statement::new("UPDATE kms_aliases SET key_id = $1 WHERE account = $2");
    db.execute(pointed, &[Value::from(&theirs), STRANGER.into()]).await.unwrap();
    assert_internal(stranger().encrypt(&target.alias, b"x", &[]).await, "a copied alias");
    // The owner notices nothing.
    assert_usable(&anew(&db), &target).await;
    assert_eq!(anew(&db).alias_names(None).await, [&*target.alias]);
    assert!(stranger().encrypt(&theirs, b"x", &[]).await.is_ok());
}

async fn materials_moved_to_another_key_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    let (one, two) = (target(&anew(&db)).await, target(&anew(&db)).await);
    let swap = "UPDATE kms_materials SET key_id = CASE WHEN key_id = $1 THEN $2 ELSE $1 END WHERE key_id IN ($1, $2)";
    alter(&db, swap, &one, &two).await;
    assert_unusable(&anew(&db), &one, swap).await;
    assert_unusable(&anew(&db), &two, swap).await;
    alter(&db, swap, &one, &two).await;
    assert_usable(&anew(&db), &one).await;
    assert_usable(&anew(&db), &two).await;
}

async fn a_key_without_its_materials_is_none(database: &TestDatabase) {
    let db = open(database).await;
    let (gone, other) = (target(&anew(&db)).await, target(&anew(&db)).await);
    alter(&db, "DELETE FROM kms_materials WHERE key_id = $1", &gone, &other).await;
    let client = anew(&db);
    for name in [&gone.id, &gone.alias] {
        assert_eq!(client.describe(name).await.unwrap_err().code(), "NotFoundException");
        assert_eq!(client.encrypt(name, b"x", &[]).await.unwrap_err().code(), "NotFoundException");
    }
    assert_eq!(client.decrypt(&gone.blob, None, &[]).await.unwrap_err().code(), "AccessDeniedException");
    assert_usable(&client, &other).await;
}

async fn altered_rows_of_partitions_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    let other = anew(&db).as_of(STRANGER, REGION);
    let theirs = target(&other).await;
    for (number, sql) in [
        "UPDATE kms_partitions SET incarnation = incarnation + 1 WHERE account = $1",
        "UPDATE kms_partitions SET incarnation = -1 WHERE account = $1",
        "UPDATE kms_partitions SET epoch = epoch + 1 WHERE account = $1",
        "UPDATE kms_partitions SET epoch = 4294967297 WHERE account = $1",
        "UPDATE kms_partitions SET partition_id = substr(partition_id, 1, 15) WHERE account = $1",
        "UPDATE kms_partitions SET sealed_key = substr(sealed_key, 1, 10) WHERE account = $1",
        "UPDATE kms_partitions SET partition_id = (SELECT partition_id FROM kms_partitions WHERE account = $2) \
         WHERE account = $1",
        "UPDATE kms_partitions SET sealed_key = (SELECT sealed_key FROM kms_partitions WHERE account = $2) \
         WHERE account = $1",
        "UPDATE kms_partitions SET sealed_key = (SELECT sealed_key FROM kms_partitions WHERE account = $2), \
         partition_id = (SELECT partition_id FROM kms_partitions WHERE account = $2) WHERE account = $1",
    ]
    .into_iter()
    .enumerate()
    {
        let account = format!("{:012}", 700 + number);
        let client = || anew(&db).as_of(&account, REGION);
        let target = target(&client()).await;
        let statement = Statement::new(sql);
        let values = [Value::from(&account), STRANGER.into()];
        assert_eq!(db.execute(statement, &values[..statement.parameters()]).await.unwrap(), 1, "{sql}");

        assert_internal(client().encrypt(&target.id, b"x", &[]).await, sql);
        assert_internal(client().decrypt(&target.blob, None, &[]).await, sql);
        assert_internal(client().try_generate(data_key(&target.id)).await, sql);
        assert_internal(client().try_create_key(CreateKeyRequest::default()).await, sql);
    }
    assert_usable(&anew(&db).as_of(STRANGER, REGION), &theirs).await;
}

async fn a_partition_that_is_gone_takes_its_keys_with_it(database: &TestDatabase) {
    let db = open(database).await;
    let lost = target(&anew(&db)).await;
    let gone = Statement::new("DELETE FROM kms_partitions WHERE account = $1");
    assert_eq!(db.execute(gone, &[ACCOUNT.into()]).await.unwrap(), 1);
    let client = anew(&db);
    // A new partition does not open what was made in another.
    let fresh = target(&client).await;
    assert_internal(client.encrypt(&lost.id, b"x", &[]).await, "a key of the lost partition");
    assert_internal(client.decrypt(&lost.blob, None, &[]).await, "a key of the lost partition");
    assert_usable(&client, &fresh).await;
}

/// Tables that find rows by names in another case too: the nearest thing, on both engines, to a database that
/// answers a question with a row of its own choice.
const CARELESS_SQLITE: &str = "
ALTER TABLE kms_keys RENAME TO keys;
CREATE VIEW kms_keys AS SELECT account, region, key_id COLLATE NOCASE AS key_id, version, state, description,
    created_ms, current_material, service, policy, tags, deletion_ms, rotation_days, next_rotation_ms,
    on_demand_rotations, due_ms, store, key_spec, key_usage, grants, policy_principals, aliases, origin,
    expires_ms, incomplete, multi_region, until_ms, pending_window_days, mac FROM keys;
ALTER TABLE kms_materials RENAME TO materials;
CREATE VIEW kms_materials AS SELECT account, region, key_id COLLATE NOCASE AS key_id, material_id, handle, token,
    token_digest, created_ms, rotation, public_handle, public_key, import_stage, expires_ms, import_description, mac
    FROM materials;
ALTER TABLE kms_aliases RENAME TO aliases;
CREATE VIEW kms_aliases AS SELECT account, region, alias_name COLLATE NOCASE AS alias_name, key_id, created_ms,
    updated_ms, mac FROM aliases;";
const CARELESS_POSTGRES: &str = "
CREATE COLLATION careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
ALTER TABLE kms_materials DROP CONSTRAINT kms_materials_account_region_key_id_fkey;
ALTER TABLE kms_aliases DROP CONSTRAINT kms_aliases_account_region_key_id_fkey;
ALTER TABLE kms_keys ALTER COLUMN key_id TYPE TEXT COLLATE careless;
ALTER TABLE kms_materials ALTER COLUMN key_id TYPE TEXT COLLATE careless;
ALTER TABLE kms_aliases ALTER COLUMN alias_name TYPE TEXT COLLATE careless;";

async fn a_sound_row_is_not_taken_for_another_that_was_asked_for(database: &TestDatabase) {
    let db = open(database).await;
    let key = anew(&db).create_key().await.key_id;
    anew(&db).create_alias("alias/Prod", &key).await.unwrap();
    let sql = if database.sqlite_file().is_some() { CARELESS_SQLITE } else { CARELESS_POSTGRES };
    let careless = [Migration { component: "careless", version: 1, name: "names", sql }];
    db.migrate(&[strongroom_kms::MIGRATIONS, strongroom_journal::MIGRATIONS, &careless]).await.unwrap();

    // Connections that knew the tables as they were would notice.
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    let client = anew(&db);
    assert_eq!(client.describe("alias/Prod").await.unwrap().key_id, key);
    assert_internal(client.describe("alias/prod").await, "an alias in another case");
    assert_internal(client.encrypt("alias/prod", b"x", &[]).await, "an alias in another case");
    let upper = key.to_uppercase();
    assert_ne!(upper, key);
    assert_internal(client.describe(&upper).await, "a key in another case");
    assert_internal(client.encrypt(&upper, b"x", &[]).await, "a key in another case");
}
