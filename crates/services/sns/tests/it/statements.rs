//! Every statement means something to both engines.

use strongroom_sns::STATEMENTS;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::open;

on_both_engines! {
    every_statement_is_understood,
}

async fn every_statement_is_understood(database: &TestDatabase) {
    assert!(!STATEMENTS.is_empty());
    open(database).await.check_statements(STATEMENTS).await.unwrap();
}
