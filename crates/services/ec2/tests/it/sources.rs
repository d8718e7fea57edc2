//! Whom security groups let in to an HSM, and how whoever guards it hears of changes.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use proptest::prelude::*;
use strongroom_api_ec2 as ec2;
use strongroom_store::{Db, FeedOptions, OpenOptions};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, REGION, client, from_block, from_group, in_subnet, open, start, tcp};

on_both_engines! {
    rules_by_block_and_by_group_are_sources,
    rules_for_other_traffic_are_none,
    groups_are_taken_together,
    every_change_is_told,
    nobody_is_let_in_where_nothing_was_made,
    what_another_server_changes_is_told,
}

/// An interface in those groups, and answers its id and address.
async fn member(client: &Client, groups: &[&str]) -> (String, String) {
    let input = ec2::CreateNetworkInterfaceRequest {
        groups: Some(groups.iter().map(|group| (*group).to_owned()).collect()),
        ..in_subnet(&client.some_subnet().await)
    };
    let made = client.create_interface(input).await.unwrap();
    (made.network_interface_id.unwrap(), made.private_ip_address.unwrap())
}

async fn rules_by_block_and_by_group_are_sources(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "cluster").await.unwrap();
    assert!(client.sources(&[&group]).await.is_empty());
    client.authorize(&group, vec![from_group(tcp(2223, 2225), &group)]).await.unwrap();
    assert!(client.sources(&[&group]).await.is_empty(), "nobody is in the group");
    let (first, address) = member(&client, &[&group]).await;
    assert_eq!(client.sources(&[&group]).await, [format!("{address}/32")]);
    let apps = client.create_group(None, "apps").await.unwrap();
    let (app, app_address) = member(&client, &[&apps]).await;
    assert_eq!((address.as_str(), app_address.as_str()), ("127.31.0.4", "127.31.0.5"));
    assert_eq!(client.sources(&[&group]).await, ["127.31.0.4/32"]);
    client.authorize(&group, vec![from_group(tcp(2223, 2223), &apps)]).await.unwrap();
    assert_eq!(client.sources(&[&group]).await, ["127.31.0.4/31"], "neighbours become one block");
    client.authorize(&group, vec![from_block(tcp(2223, 2223), "203.0.113.0/24")]).await.unwrap();
    assert_eq!(client.sources(&[&group]).await, ["127.31.0.4/31", "203.0.113.0/24"]);
    client.delete_interface(&app).await.unwrap();
    assert_eq!(client.sources(&[&group]).await, ["127.31.0.4/32", "203.0.113.0/24"]);
    client.revoke(&group, vec![from_group(tcp(2223, 2225), &group)]).await.unwrap();
    assert_eq!(client.sources(&[&group]).await, ["203.0.113.0/24"]);
    client.authorize(&group, vec![from_block(tcp(2223, 2223), "0.0.0.0/0")]).await.unwrap();
    assert_eq!(client.sources(&[&group]).await, ["0.0.0.0/0"]);
    client.delete_interface(&first).await.unwrap();
}

async fn rules_for_other_traffic_are_none(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "cluster").await.unwrap();
    let traffic = |protocol: &str, from: i32, to: i32| ec2::IpPermission {
        ip_protocol: Some(protocol.to_owned()),
        from_port: Some(from),
        to_port: Some(to),
        ..Default::default()
    };
    for (number, (permission, counts)) in [
        (tcp(2223, 2223), true),
        (tcp(0, 65_535), true),
        (tcp(2224, 65_535), false),
        (tcp(0, 2222), false),
        (traffic("udp", 2223, 2223), false),
        (traffic("icmp", -1, -1), false),
        (traffic("-1", -1, -1), true),
        (traffic("50", -1, -1), false),
    ]
    .into_iter()
    .enumerate()
    {
        let block = format!("10.{number}.0.0/16");
        client.authorize(&group, vec![from_block(permission.clone(), &block)]).await.unwrap();
        let expected = if counts { vec![block.clone()] } else { Vec::new() };
        assert_eq!(client.sources(&[&group]).await, expected);
        client.revoke(&group, vec![from_block(permission, &block)]).await.unwrap();
    }
    let v6 = ec2::Ipv6Range { cidr_ipv6: Some("2001:db8::/32".to_owned()), ..Default::default() };
    client
        .authorize(&group, vec![ec2::IpPermission { ipv6_ranges: Some(vec![v6]), ..tcp(2223, 2223) }])
        .await
        .unwrap();
    assert_eq!(client.sources(&[&group]).await, ["2001:db8::/32"]);
}

async fn groups_are_taken_together(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) =
        (client.create_group(None, "1").await.unwrap(), client.create_group(None, "2").await.unwrap());
    client.authorize(&one, vec![from_block(tcp(2223, 2223), "10.1.0.0/16")]).await.unwrap();
    client.authorize(&two, vec![from_block(tcp(2223, 2223), "10.2.0.0/16")]).await.unwrap();
    assert_eq!(client.sources(&[&one, &two, "sg-1", "x"]).await, ["10.1.0.0/16", "10.2.0.0/16"]);
    assert!(client.sources(&[]).await.is_empty());
}

async fn every_change_is_told(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "cluster").await.unwrap();
    let mut changes = client.ec2.changes();
    assert!(!changes.has_changed().unwrap());
    client.sources(&[&group]).await;
    client.groups(&[]).await.unwrap();
    assert!(!changes.has_changed().unwrap(), "who only looks changes nothing");
    client.authorize(&group, vec![from_block(tcp(2223, 2223), "10.1.0.0/16")]).await.unwrap();
    changes.changed().await.unwrap();
    assert_eq!(client.sources(&[&group]).await, ["10.1.0.0/16"]);
    assert!(client.authorize(&group, Vec::new()).await.is_err());
    assert!(!changes.has_changed().unwrap(), "a refused call changes nothing");
    let (_, _) = member(&client, &[&group]).await;
    assert!(changes.has_changed().unwrap());
}

async fn nobody_is_let_in_where_nothing_was_made(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db), ACCOUNT, REGION);
    assert!(client.sources(&["sg-0123456789abcdef0"]).await.is_empty());
}

async fn what_another_server_changes_is_told(database: &TestDatabase) {
    let db = open(database).await;
    let others_db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    let [one, other] = [start(&db), start(&others_db)].map(|ec2| Client::new(&ec2, ACCOUNT, REGION));
    let group = one.create_group(None, "cluster").await.unwrap();
    let mut following =
        others_db.follow_changes(FeedOptions::new(Arc::new(|| Duration::ZERO))).await.unwrap();
    let mut changes = other.ec2.changes();
    following.look().await.unwrap();
    assert!(!changes.has_changed().unwrap());
    one.authorize(&group, vec![from_block(tcp(2223, 2223), "10.1.0.0/16")]).await.unwrap();
    following.look().await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    assert_eq!(other.sources(&[&group]).await, ["10.1.0.0/16"]);
}

/// What a rule lets in, by what the reference model says.
#[derive(Clone, Debug)]
enum Rule {
    Block(u8, u8),
    Group(usize),
}

/// Three groups with rules, and interfaces that are in some of them.
fn networks() -> impl Strategy<Value = (Vec<Vec<Rule>>, Vec<Vec<usize>>)> {
    let rule = prop_oneof![
        (0_u8..8, 8_u8..=32).prop_map(|(a, b)| Rule::Block(a, b)),
        (0_usize..3).prop_map(Rule::Group)
    ];
    let groups = proptest::collection::vec(proptest::collection::vec(rule, 0..4), 3);
    let interfaces = proptest::collection::vec(proptest::collection::vec(0_usize..3, 1..3), 0..4);
    (groups, interfaces)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// An address may connect if, and only if, a rule of the group has it in its block, or it is that of an
    /// interface in a group that a rule names.
    #[test]
    fn a_source_is_let_in_by_a_rule_and_only_by_one((groups, interfaces) in networks()) {
        let database = TestDatabase::sqlite();
        strongroom_testkit::run(async {
            let client = client(&database).await;
            let mut ids = Vec::new();
            for number in 0..groups.len() {
                ids.push(client.create_group(None, &number.to_string()).await.unwrap());
            }
            let mut members: Vec<(Vec<usize>, String)> = Vec::new();
            for within in &interfaces {
                let named: Vec<_> = within.iter().map(|number| ids[*number].as_str()).collect();
                members.push((within.clone(), member(&client, &named).await.1));
            }
            for (number, rules) in groups.iter().enumerate() {
                for rule in rules {
                    let permission = match rule {
                        Rule::Block(a, length) => from_block(tcp(2223, 2223), &format!("127.31.0.{a}/{length}")),
                        Rule::Group(other) => from_group(tcp(2223, 2223), &ids[*other]),
                    };
                    // The same rule may come twice; then it is there already.
                    drop(client.authorize(&ids[number], vec![permission]).await);
                }
            }
            for (number, rules) in groups.iter().enumerate() {
                let allowed = client.sources(&[&ids[number]]).await;
                let allowed: Vec<IpNet> = allowed.iter().map(|net| net.parse().unwrap()).collect();
                for last in 0..16 {
                    let address = format!("127.31.0.{last}");
                    let parsed = address.parse::<std::net::IpAddr>().unwrap();
                    let expected = rules.iter().any(|rule| match rule {
                        Rule::Block(a, length) => {
                            let net: IpNet = format!("127.31.0.{a}/{length}").parse().unwrap();
                            net.contains(&parsed)
                        }
                        Rule::Group(other) => {
                            members.iter().any(|(within, at)| within.contains(other) && *at == address)
                        }
                    });
                    assert_eq!(allowed.iter().any(|net| net.contains(&parsed)), expected, "{address} {rules:?}");
                }
            }
        });
    }
}
