//! Calls at the same time, from one server and from two on the same store.

use std::collections::BTreeSet;

use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::fixture::{ACCOUNT, Client, REGION, in_subnet, open, start};

on_both_engines! {
    the_default_vpc_is_made_once,
    an_address_is_given_once,
    blocks_do_not_come_to_overlap,
    a_group_is_not_deleted_under_a_member,
}

async fn two_servers(database: &TestDatabase) -> [Client; 2] {
    let db = open(database).await;
    let client = Client::new(&start(&db), ACCOUNT, REGION);
    [client.on(&start(&db)), client]
}

async fn the_default_vpc_is_made_once(database: &TestDatabase) {
    let servers = two_servers(database).await;
    let mut calls = JoinSet::new();
    for number in 0..8 {
        let client = servers[number % 2].clone();
        calls.spawn(async move { client.default_vpc().await.vpc_id.unwrap() });
    }
    let ids: BTreeSet<_> = calls.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(servers[0].subnets(&[]).await.unwrap().len(), 6);
}

async fn an_address_is_given_once(database: &TestDatabase) {
    let servers = two_servers(database).await;
    let subnet = servers[0].some_subnet().await;
    let mut calls = JoinSet::new();
    for number in 0..10 {
        let (client, input) = (servers[number % 2].clone(), in_subnet(&subnet));
        calls.spawn(async move { client.create_interface(input).await.unwrap().private_ip_address.unwrap() });
    }
    let addresses: BTreeSet<_> = calls.join_all().await.into_iter().collect();
    assert_eq!(addresses.len(), 10);
    assert_eq!(servers[1].interfaces(&[]).await.unwrap().len(), 10);
}

async fn blocks_do_not_come_to_overlap(database: &TestDatabase) {
    let servers = two_servers(database).await;
    let vpc = servers[0].create_vpc("10.0.0.0/16").await.unwrap();
    let mut calls = JoinSet::new();
    for number in 0..6 {
        let (client, vpc) = (servers[number % 2].clone(), vpc.clone());
        let block = if number < 3 { "10.0.0.0/24" } else { "10.0.0.0/23" };
        calls.spawn(async move { client.create_subnet(&vpc, block).await.is_ok() });
    }
    let made = calls.join_all().await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 1);
    assert_eq!(servers[1].subnets(&[("vpc-id", &[&vpc])]).await.unwrap().len(), 1);
}

async fn a_group_is_not_deleted_under_a_member(database: &TestDatabase) {
    let servers = two_servers(database).await;
    let subnet = servers[0].some_subnet().await;
    for number in 0..4 {
        let group = servers[0].create_group(None, &number.to_string()).await.unwrap();
        let mut input = in_subnet(&subnet);
        input.groups = Some(vec![group.clone()]);
        let (joined, deleted) =
            tokio::join!(servers[0].create_interface(input), servers[1].delete_group(&group));
        assert_ne!(joined.is_ok(), deleted.is_ok());
        assert_eq!(servers[0].group(&group).await.is_ok(), joined.is_ok());
    }
}
