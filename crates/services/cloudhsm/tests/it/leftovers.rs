//! What was made in EC2 by a server that ended before it could write down what for.

use std::collections::BTreeSet;

use strongroom_api_cloudhsm::ClusterState;
use strongroom_cloudhsm::Options;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, until};

on_both_engines! {
    what_belongs_to_nobody_is_removed,
}

/// Who makes the interfaces of HSMs.
const MAKER: &str = "cloudhsm.amazonaws.com";

fn leave(bench: &Bench, id: &str, group: &str, maker: &str) {
    let mut made = bench.ec2.made();
    made.interfaces.insert(id.to_owned(), ("subnet-0000000a".to_owned(), id.to_owned()));
    made.belongings.insert(id.to_owned(), (group.to_owned(), maker.to_owned()));
}

async fn what_belongs_to_nobody_is_removed(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (cluster, hsm) = bench.client().active().await;
    // From now on nothing is made for which so little time might be too short.
    let mut options = Options::default();
    options.leftover_ms = 400;
    let bench = bench.restart_with(options).await;
    let client = bench.client();
    let shown = client.cluster(&cluster).await.unwrap();
    let group = shown.security_group.unwrap();
    let own = shown.hsms.unwrap().remove(0).eni_id.unwrap();
    leave(&bench, "eni-leftover", &group, MAKER);
    leave(&bench, "eni-customer", &group, "");
    for (id, name) in [("sg-leftover", "cloudhsm-cluster-aaaaaaaaaaa-sg"), ("sg-customer", "my-sg")] {
        bench.ec2.made().groups.insert(id.to_owned(), (name.to_owned(), BTreeSet::new()));
    }
    until("the end of both", async || {
        let made = bench.ec2.made();
        let gone = !made.interfaces.contains_key("eni-leftover") && !made.groups.contains_key("sg-leftover");
        gone.then_some(())
    })
    .await;
    {
        let made = bench.ec2.made();
        assert!(made.interfaces.contains_key(&own) && made.interfaces.contains_key("eni-customer"));
        assert!(made.groups.contains_key(&group) && made.groups.contains_key("sg-customer"));
    }

    // What is left with a cluster goes with it, and does not keep its group.
    client.delete_hsm(&cluster, &hsm).await.unwrap();
    client.has_hsms(&cluster, 0).await;
    leave(&bench, "eni-late", &group, MAKER);
    client.delete_cluster(&cluster).await.unwrap();
    client.reaches(&cluster, ClusterState::Deleted).await;
    let made = bench.ec2.made();
    assert!(!made.interfaces.contains_key("eni-late") && !made.groups.contains_key(&group));
    assert!(made.interfaces.contains_key("eni-customer"));
}
