//! Every operation of the model is there.

use strongroom_api_cloudwatch::{CloudWatchService, SERVICE};
use strongroom_service::Service as _;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::Lab;

on_both_engines! {
    no_operation_is_left_out,
}

async fn no_operation_is_left_out(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let (client, service) = (lab.root(), CloudWatchService(lab.cloudwatch.clone()));
    for (position, operation) in SERVICE.operations.iter().enumerate() {
        let answer = service.call(&client.changing(), position, service.new_input(position)).await;
        let code = answer.err().map(|error| error.code().to_owned());
        assert_ne!(code.as_deref(), Some("NotImplementedException"), "{}", operation.name);
    }
}
