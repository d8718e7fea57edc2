//! Every operation of the model is there.

use std::sync::Arc;

use strongroom_api_ec2::{Ec2Service, SERVICE};
use strongroom_ec2::Networks;
use strongroom_service::Service as _;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::client;

on_both_engines! {
    no_operation_is_left_out,
}

async fn no_operation_is_left_out(database: &TestDatabase) {
    let client = client(database).await;
    let networks: Arc<Networks> = client.ec2.clone();
    let service = Ec2Service(networks);
    for (position, operation) in SERVICE.operations.iter().enumerate() {
        let answer = service.call(&client.changing(), position, service.new_input(position)).await;
        let code = answer.err().map(|error| error.code().to_owned());
        let reads = operation.read_only && !operation.name.ends_with("Attribute");
        match code.as_deref() {
            // What reads answers all that there is, and what makes or changes wants to know what.
            None => assert!(reads, "{}", operation.name),
            Some("DefaultVpcAlreadyExists") => assert_eq!(operation.name, "CreateDefaultVpc"),
            Some(code) => {
                assert_eq!(code, "MissingParameter", "{}", operation.name);
                assert!(!reads, "{}", operation.name);
            }
        }
    }
}
