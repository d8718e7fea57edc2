//! Every statement means something to both engines.

use strongroom_logs::{EVENT_STATEMENTS, STATEMENTS};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::open;

on_both_engines! {
    every_statement_is_understood,
}

async fn every_statement_is_understood(database: &TestDatabase) {
    let db = open(database).await;
    for statements in [STATEMENTS, EVENT_STATEMENTS].concat() {
        assert!(!statements.is_empty());
        db.check_statements(statements).await.unwrap();
    }
}
