//! No column is left out: each that holds bytes is a MAC, is sealed afresh, or is said here to be under no root key.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_store::{Db, OpenOptions, Type};

use super::COLUMNS;
use crate::node::tables;

/// The column of MACs, which a rotation finds in every table by its name.
const MAC: &str = "mac";

/// Columns of bytes that a root key neither seals nor vouches for, table by table: identifiers, digests, public keys, and what
/// is sealed under keys that are themselves in sealed columns, in HSMs or in KMS. Values in texts cannot be told from the
/// tables; IAM has some in its documents, and seals them afresh by itself.
const UNDER_NO_ROOT_KEY: &[(&str, &[&str])] = &[
    ("cloudhsm_hsms", &["token_digest", "device"]),
    // Sealed by the cluster's HSMs.
    ("cloudhsm_log", &["entry"]),
    // Sealed by HSMs; backups also under a key of the service, whose epochs are asked for (`BackupHalves`).
    ("cloudhsm_pieces", &["bytes"]),
    ("cloudtrail_keys", &["public_key"]),
    ("cloudwatch_actions", &["action"]),
    ("cloudwatch_history", &["item"]),
    ("cloudwatch_metrics", &["metric"]),
    ("cloudwatch_points", &["metric"]),
    ("iam_directories", &["digest"]),
    // Frames have MACs of the epoch that their stream began in, which stays for as long as the stream (`Streams`).
    ("journal_pieces", &["bytes"]),
    ("kms_grants", &["fingerprint"]),
    ("kms_key_stores", &["certificate"]),
    ("kms_keys", &["current_material"]),
    ("kms_last_uses", &["event_id"]),
    ("kms_leftovers", &["material_id"]),
    // Tokens are sealed under their partition's key.
    ("kms_materials", &["material_id", "handle", "token", "token_digest", "public_handle", "public_key"]),
    ("kms_partitions", &["partition_id"]),
    ("logs_data_keys", &["group_id"]),
    ("logs_deliveries", &["stream_id"]),
    ("logs_emission_numbers", &["source"]),
    ("logs_filter_minutes", &["group_id"]),
    // Events are sealed under their group's data key.
    ("logs_events", &["stream_id", "group_id", "sealed"]),
    ("logs_groups", &["group_id"]),
    ("logs_leavings", &["group_id", "stream_id"]),
    ("logs_metric_filters", &["group_id"]),
    ("logs_stored", &["stream_id", "group_id"]),
    ("logs_streams", &["group_id", "stream_id"]),
    // Drafts carry MACs, and are waited for (`Drafts`).
    ("outbox", &["id", "message"]),
    // Ciphertexts of KMS, and file keys under them.
    ("s3_objects", &["data_key"]),
    ("s3_parts", &["wrapped_key"]),
    ("s3_uploads", &["data_key"]),
    ("sns_subscriptions", &["endpoint_digest", "token_digest"]),
];

/// All columns of bytes of a store with the tables of all services.
async fn columns_of_bytes() -> BTreeSet<(String, String)> {
    let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
    db.migrate(&tables()).await.unwrap();
    let snapshot = db.snapshot().await.unwrap();
    let columns = snapshot.tables().iter().flat_map(|table| {
        let of_bytes = table.columns.iter().filter(|(_, kind)| *kind == Type::Blob);
        of_bytes.map(move |(column, _)| (table.name.clone(), column.clone()))
    });
    columns.collect()
}

fn named<'n>(columns: impl IntoIterator<Item = (&'n str, &'n str)>) -> BTreeSet<(String, String)> {
    columns.into_iter().map(|(table, column)| (table.to_owned(), column.to_owned())).collect()
}

fn sealed() -> BTreeSet<(String, String)> {
    named(COLUMNS.iter().copied().flatten().map(|sealed| (sealed.table, sealed.column)))
}

fn under_no_root_key() -> BTreeSet<(String, String)> {
    let columns = UNDER_NO_ROOT_KEY
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(move |column| (*table, *column)));
    named(columns)
}

#[tokio::test]
async fn every_column_of_bytes_is_sealed_afresh_or_known_to_need_it_not() {
    let there = columns_of_bytes().await;
    let without_macs = there.iter().filter(|(_, column)| column != MAC).cloned();
    let known: BTreeSet<_> = sealed().union(&under_no_root_key()).cloned().collect();
    let unknown: Vec<_> = without_macs.filter(|column| !known.contains(column)).collect();
    assert_eq!(
        unknown,
        Vec::new(),
        "name them in the SEALED of their service, and that in COLUMNS, or in this test if no root key seals them"
    );
    let gone: Vec<_> = known.difference(&there).collect();
    assert_eq!(gone, Vec::<&(String, String)>::new(), "named, and not there");
    assert_eq!(sealed().intersection(&under_no_root_key()).count(), 0);
}

#[test]
fn no_column_is_sealed_afresh_twice() {
    let mut times = BTreeMap::new();
    for sealed in COLUMNS.iter().copied().flatten() {
        *times.entry((sealed.table, sealed.column)).or_insert(0) += 1;
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}
