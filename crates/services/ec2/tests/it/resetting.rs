//! A reset in development: what was is gone, and is not taken for what comes after.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, REGION, from_block, open, start, tcp};

on_both_engines! {
    what_was_before_a_reset_is_forgotten,
}

async fn what_was_before_a_reset_is_forgotten(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db), ACCOUNT, REGION);
    let (vpc, group) = (client.default_vpc().await.vpc_id, client.create_group(None, "g").await.unwrap());
    client.authorize(&group, vec![from_block(tcp(2223, 2223), "10.1.0.0/16")]).await.unwrap();
    let mut changes = client.ec2.changes();
    db.clear(&[]).await.unwrap();
    client.ec2.start_over();
    changes.changed().await.unwrap();
    assert!(client.sources(&[&group]).await.is_empty());
    assert_ne!(client.default_vpc().await.vpc_id, vpc);
    assert_eq!(client.groups(&[]).await.unwrap().len(), 1);
    // As many changes as before lead to another network, not to the old one.
    let other = client.on(&start(&db));
    let again = other.create_group(None, "g").await.unwrap();
    other.authorize(&again, vec![from_block(tcp(2223, 2223), "10.2.0.0/16")]).await.unwrap();
    assert_eq!(client.sources(&[&group, &again]).await, ["10.2.0.0/16"]);
}
