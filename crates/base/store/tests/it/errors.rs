//! The engines' errors, told alike.

use std::error::Error;

use strongroom_store::StoreError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::tables::{ADD_ACCOUNT, ADD_MONEY, ADD_PAYMENT, open};

on_both_engines! {
    duplicates_name_their_table,
    other_rules_are_told_apart,
}

async fn duplicates_name_their_table(database: &TestDatabase) {
    let db = open(database).await;
    for (statement, table, values) in [
        (ADD_ACCOUNT, "accounts", ["a".into(), 0_i64.into()]),
        (ADD_PAYMENT, "payments", ["a".into(), 1_i64.into()]),
    ] {
        db.execute(statement, &values).await.unwrap();
        let error = db.execute(statement, &values).await.unwrap_err();
        assert!(error.is_duplicate_in(table), "{error:?}");
        assert!(!error.is_duplicate_in("meta"));
        assert!(error.to_string().starts_with(table), "{error}");
    }
}

async fn other_rules_are_told_apart(database: &TestDatabase) {
    let db = open(database).await;
    db.execute(ADD_ACCOUNT, &["a".into(), 0_i64.into()]).await.unwrap();
    for (statement, values) in [
        (ADD_PAYMENT, ["nobody".into(), 1_i64.into()]),
        (ADD_ACCOUNT, ["b".into(), None::<i64>.into()]),
        (ADD_MONEY, ["a".into(), (-1_i64).into()]),
    ] {
        let error = db.execute(statement, &values).await.unwrap_err();
        assert!(matches!(error, StoreError::Constraint(_)), "{error:?}");
        assert!(error.source().is_some());
    }
}
