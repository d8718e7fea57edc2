//! Every operation of the model is there.

use strongroom_api_iam::{IamService, SERVICE};
use strongroom_service::Service as _;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::client;

on_both_engines! {
    every_one_is_there,
}

async fn every_one_is_there(database: &TestDatabase) {
    let client = client(database).await;
    let service = IamService(client.server.iam.clone());
    let mut missing = Vec::new();
    for (position, operation) in SERVICE.operations.iter().enumerate() {
        let answer = service.call(&client.changing(), position, service.new_input(position)).await;
        let code = answer.err().map(|error| error.code().to_owned());
        assert_ne!(code.as_deref(), Some("InternalFailure"), "{}", operation.name);
        if code.as_deref() == Some("NotImplementedException") {
            missing.push(operation.name);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
