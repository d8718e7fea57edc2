//! Which operations of the model are here, and what the others answer.

use std::collections::BTreeSet;

use strongroom_api_logs::{CloudWatchLogsService, SERVICE};
use strongroom_service::Service as _;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::Lab;

/// What is not here: queries, subscriptions, exports, destinations, policies.
const NOT_HERE: [&str; 17] = [
    "CancelExportTask",
    "CreateExportTask",
    "DeleteQueryDefinition",
    "DeleteResourcePolicy",
    "DeleteSubscriptionFilter",
    "GetLogGroupFields",
    "GetLogRecord",
    "GetQueryResults",
    "PutAccountPolicy",
    "PutDataProtectionPolicy",
    "PutDestination",
    "PutIndexPolicy",
    "PutQueryDefinition",
    "PutResourcePolicy",
    "PutSubscriptionFilter",
    "StartQuery",
    "StopQuery",
];

on_both_engines! {
    what_is_not_here_says_so,
}

async fn what_is_not_here_says_so(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let (client, service) = (lab.root(), CloudWatchLogsService(lab.logs.clone()));
    let mut not_here = BTreeSet::new();
    for (position, operation) in SERVICE.operations.iter().enumerate() {
        let answer = service.call(&client.changing(), position, service.new_input(position)).await;
        if answer.err().is_some_and(|error| error.code() == "NotImplementedException") {
            not_here.insert(operation.name);
        }
    }
    assert_eq!(not_here, BTreeSet::from(NOT_HERE));
}
