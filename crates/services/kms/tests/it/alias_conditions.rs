//! Policies that speak of a key's aliases (KMS Developer Guide, "kms:ResourceAliases" and "Use aliases to control
//! access to KMS keys"), and of the service by way of which a request comes ("kms:ViaService").

use strongroom_api_kms::{DescribeKeyRequest, EncryptRequest, Kms as _};
use strongroom_schema::Blob;
use strongroom_secret::Secret;
use strongroom_store::{Row, RowMac, Statement, Type, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, REGION, client, open, root, start};
use crate::key_policies::{ROOT, key_on_condition, key_with, outcome, policy, statement};

on_both_engines! {
    a_deny_on_an_alias_comes_and_goes_with_it,
    an_allow_on_an_alias_wants_it_there,
    a_service_in_between_is_seen,
    a_change_that_may_have_been_made_leaves_nothing_in_memory,
    what_becomes_of_an_aliass_row_changes_nothing_about_its_key,
    a_key_from_before_its_row_had_the_names_is_decided_on_by_them,
}

async fn a_deny_on_an_alias_comes_and_goes_with_it(database: &TestDatabase) {
    let client = client(database).await;
    let on_prod = r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/prod"}}"#;
    let statements = [
        statement("Allow", ROOT, r#""kms:*""#, ""),
        statement("Deny", r#""*""#, r#"["kms:Encrypt","kms:DisableKey"]"#, on_prod),
    ];
    let key = key_with(&client, &policy(&statements)).await;
    let other = client.create_key().await.key_id;
    let encrypts = async || outcome(client.encrypt(&key, b"x", &[]).await);
    assert!(encrypts().await);
    client.create_alias("alias/test", &key).await.unwrap();
    assert!(encrypts().await);
    client.create_alias("alias/prod", &key).await.unwrap();
    assert!(!encrypts().await);
    // Changes are decided on the state that they commit on.
    assert!(!outcome(client.disable(&key).await));
    client.update_alias("alias/prod", &other).await.unwrap();
    assert!(encrypts().await);
    client.update_alias("alias/prod", &key).await.unwrap();
    assert!(!encrypts().await);
    client.delete_alias("alias/prod").await.unwrap();
    assert!(encrypts().await);
    assert!(outcome(client.disable(&key).await));
}

async fn an_allow_on_an_alias_wants_it_there(database: &TestDatabase) {
    let client = client(database).await;
    for (condition, before, after) in [
        (r#"{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/app-*"}}"#, false, true),
        (r#"{"StringEquals":{"kms:ResourceAliases":"alias/app-1"}}"#, false, true),
        (r#"{"Null":{"kms:ResourceAliases":"true"}}"#, true, false),
        (r#"{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/other-*"}}"#, false, false),
    ] {
        let key = key_on_condition(&client, r#""kms:DescribeKey""#, condition).await;
        assert_eq!(outcome(client.describe(&key).await), before, "{condition}");
        client.create_alias("alias/app-1", &key).await.unwrap();
        assert_eq!(outcome(client.describe(&key).await), after, "{condition}");
        client.delete_alias("alias/app-1").await.unwrap();
    }
}

async fn a_service_in_between_is_seen(database: &TestDatabase) {
    let client = client(database).await;
    let table = [
        (r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#, false, true),
        (r#"{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}"#, false, false),
        (r#"{"StringLike":{"kms:ViaService":"*.us-east-1.amazonaws.com"}}"#, false, true),
        (r#"{"StringNotEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#, true, false),
        (r#"{"Bool":{"aws:ViaAWSService":"true"}}"#, false, true),
        (r#"{"ForAnyValue:StringEquals":{"aws:CalledVia":"s3.amazonaws.com"}}"#, false, true),
    ];
    for (condition, directly, by_way_of_s3) in table {
        let key = key_on_condition(&client, r#""kms:DescribeKey""#, condition).await;
        let describe = DescribeKeyRequest { key_id: key, ..DescribeKeyRequest::default() };
        let direct = client.kms.describe_key(&client.context(), describe.clone()).await;
        assert_eq!(outcome(direct), directly, "{condition}");
        let forwarded = client.context().passed_on_by("s3.amazonaws.com");
        assert_eq!(outcome(client.kms.describe_key(&forwarded, describe).await), by_way_of_s3, "{condition}");
    }
    // An AWS managed key is used by way of its service only.
    let alias = "alias/aws/s3";
    assert!(!outcome(client.encrypt(alias, b"x", &[]).await));
    let input = EncryptRequest {
        key_id: alias.to_owned(),
        plaintext: Secret::new(Blob(b"x".to_vec())),
        ..EncryptRequest::default()
    };
    let forwarded = client.context().passed_on_by("s3.amazonaws.com");
    assert!(outcome(client.kms.encrypt(&forwarded, input.clone()).await));
    let by_another = client.context().passed_on_by("sns.amazonaws.com");
    assert!(!outcome(client.kms.encrypt(&by_another, input).await));
}

/// A change of which nobody knows whether it has been made: what this server last knew may be otherwise by now. Another
/// server stands in for the store that did it and could not say so.
async fn a_change_that_may_have_been_made_leaves_nothing_in_memory(database: &TestDatabase) {
    let db = open(database).await;
    let on_prod = r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/prod"}}"#;
    let statements = [
        statement("Allow", ROOT, r#""kms:*""#, ""),
        statement("Deny", r#""*""#, r#""kms:Encrypt""#, on_prod),
    ];
    for change in ["update", "delete"] {
        let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
        let key = key_with(&client, &policy(&statements)).await;
        let other = client.create_key().await.key_id;
        client.create_alias("alias/prod", &key).await.unwrap();
        assert!(!outcome(client.encrypt(&key, b"x", &[]).await));
        let elsewhere = Client::new(&start(&db, &root()), ACCOUNT, REGION);
        elsewhere.update_alias("alias/prod", &other).await.unwrap();
        let damage = "UPDATE kms_aliases SET updated_ms = updated_ms + 1";
        db.execute(Statement::new(damage), &[]).await.unwrap();
        let failed = match change {
            "update" => client.update_alias("alias/prod", &other).await,
            _ => client.delete_alias("alias/prod").await,
        };
        assert_eq!(failed.unwrap_err().code(), "KMSInternalException");
        assert!(outcome(client.encrypt(&key, b"x", &[]).await), "{change}");
        db.execute(Statement::new("DELETE FROM kms_aliases"), &[]).await.unwrap();
    }
}

/// Who can write into the store and has no seal cannot take an alias from what policies see.
async fn what_becomes_of_an_aliass_row_changes_nothing_about_its_key(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let on_prod = r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/prod"}}"#;
    let statements = [
        statement("Allow", ROOT, r#""kms:*""#, ""),
        statement("Deny", r#""*""#, r#""kms:Encrypt""#, on_prod),
    ];
    let key = key_with(&client, &policy(&statements)).await;
    client.create_alias("alias/prod", &key).await.unwrap();
    db.execute(Statement::new("DELETE FROM kms_aliases"), &[]).await.unwrap();
    let anew = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    assert!(!outcome(anew.encrypt(&key, b"x", &[]).await));
    db.execute(Statement::new("UPDATE kms_keys SET aliases = ''"), &[]).await.unwrap();
    let anew = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    assert_eq!(anew.encrypt(&key, b"x", &[]).await.unwrap_err().code(), "KMSInternalException");
}

async fn a_key_from_before_its_row_had_the_names_is_decided_on_by_them(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let condition = r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":["alias/old","alias/new"]}}"#;
    let key = key_on_condition(&client, r#""kms:DescribeKey""#, condition).await;
    client.create_alias("alias/old", &key).await.unwrap();
    // As a row from before is: it has no names, and is sealed without them.
    let columns = "account, region, key_id, version, state, description, created_ms, current_material, service, \
                   policy, tags, deletion_ms, rotation_days, next_rotation_ms, on_demand_rotations, due_ms, store, \
                   key_spec, key_usage, grants, policy_principals";
    let row = db.query_one(Statement::new(FROM_BEFORE), &[]).await.unwrap();
    let columns: Vec<_> = columns.split(", ").map(str::trim).collect();
    let values: Vec<_> = columns.iter().map(|column| of_column(&row, column)).collect();
    let named: Vec<_> = columns.iter().copied().zip(&values).collect();
    let mac = RowMac::new(&root()).seal("kms_keys", &named);
    let update = Statement::new("UPDATE kms_keys SET aliases = NULL, mac = $1");
    db.execute(update, &[mac.into()]).await.unwrap();

    let anew = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    assert!(outcome(anew.describe(&key).await));
    // The first change puts all of them into the row.
    anew.create_alias("alias/new", &key).await.unwrap();
    anew.delete_alias("alias/new").await.unwrap();
    db.execute(Statement::new("DELETE FROM kms_aliases"), &[]).await.unwrap();
    let anew = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    assert!(outcome(anew.describe(&key).await));
}

const FROM_BEFORE: &str = "SELECT account, region, key_id, version, state, description, created_ms, current_material, \
                           service, policy, tags, deletion_ms, rotation_days, next_rotation_ms, on_demand_rotations, \
                           due_ms, store, key_spec, key_usage, grants, policy_principals FROM kms_keys";

fn of_column(row: &Row, column: &str) -> Value {
    match column {
        "current_material" => row.blob(column).unwrap().into(),
        "version" | "created_ms" => row.i64(column).unwrap().into(),
        "deletion_ms"
        | "rotation_days"
        | "next_rotation_ms"
        | "on_demand_rotations"
        | "due_ms"
        | "grants" => row.opt_i64(column).unwrap().map_or(Value::Null(Type::I64), Value::I64),
        _ => row.opt_text(column).unwrap().map_or(Value::Null(Type::Text), Value::Text),
    }
}
