//! Network ACLs, main route tables and Internet gateways, which are only looked at.

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{client, read, refusal};

on_both_engines! {
    the_default_acl_lets_everything_pass,
    the_main_route_table_leads_nowhere_else,
    there_is_no_internet_gateway,
}

async fn the_default_acl_lets_everything_pass(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let subnet = client.create_subnet(&vpc, "10.0.0.0/24").await.unwrap();
    let describe = async |filters: &[(&str, &[&str])]| {
        let input = ec2::DescribeNetworkAclsRequest { filters: Some(read(filters)), ..Default::default() };
        client.ec2.describe_network_acls(&client.context(), input).await.unwrap().network_acls.unwrap()
    };
    let acl = describe(&[("vpc-id", &[&vpc])]).await.remove(0);
    assert_eq!(acl.is_default, Some(true));
    let [association] = &acl.associations.clone().unwrap()[..] else { panic!("one association") };
    assert_eq!(association.subnet_id.as_ref(), Some(&subnet));
    let entries: Vec<_> = acl
        .entries
        .unwrap()
        .into_iter()
        .map(|entry| (entry.egress.unwrap(), entry.rule_number.unwrap(), entry.rule_action.unwrap()))
        .collect();
    let [allow, deny] = [ec2::RuleAction::Allow, ec2::RuleAction::Deny];
    assert_eq!(
        entries,
        [
            (true, 100, allow.clone()),
            (true, 32_767, deny.clone()),
            (false, 100, allow),
            (false, 32_767, deny)
        ]
    );
    assert_eq!(describe(&[("association.subnet-id", &[&subnet])]).await.len(), 1);
    assert_eq!(describe(&[("default", &["true"])]).await.len(), 2);
    assert_eq!(describe(&[("entry.rule-action", &["deny"]), ("vpc-id", &[&vpc])]).await.len(), 1);
    assert_eq!(describe(&[("entry.ipv6-cidr", &["*"])]).await.len(), 0);
    let input = ec2::DescribeNetworkAclsRequest {
        network_acl_ids: Some(vec!["acl-1".to_owned()]),
        ..Default::default()
    };
    assert_eq!(
        refusal(client.ec2.describe_network_acls(&client.context(), input).await),
        "InvalidNetworkAclID.NotFound: The networkAcl ID 'acl-1' does not exist"
    );
}

async fn the_main_route_table_leads_nowhere_else(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.default_vpc().await.vpc_id.unwrap();
    let describe = async |filters: &[(&str, &[&str])]| {
        let input = ec2::DescribeRouteTablesRequest { filters: Some(read(filters)), ..Default::default() };
        client.ec2.describe_route_tables(&client.context(), input).await.unwrap().route_tables.unwrap()
    };
    let table = describe(&[("association.main", &["true"]), ("vpc-id", &[&vpc])]).await.remove(0);
    let [route] = &table.routes.clone().unwrap()[..] else { panic!("one route") };
    assert_eq!(route.destination_cidr_block.as_deref(), Some("127.31.0.0/16"));
    assert_eq!(route.gateway_id.as_deref(), Some("local"));
    assert_eq!(route.state, Some(ec2::RouteState::Active));
    assert_eq!(describe(&[("route.gateway-id", &["igw-*"])]).await.len(), 0);
    assert_eq!(describe(&[("route.destination-cidr-block", &["127.*"])]).await.len(), 1);
    let input = ec2::DescribeRouteTablesRequest {
        route_table_ids: Some(vec![table.route_table_id.unwrap()]),
        ..Default::default()
    };
    let found = client.ec2.describe_route_tables(&client.context(), input).await.unwrap();
    assert_eq!(found.route_tables.unwrap().len(), 1);
}

async fn there_is_no_internet_gateway(database: &TestDatabase) {
    let client = client(database).await;
    let describe = async |ids: Option<Vec<String>>| {
        let input = ec2::DescribeInternetGatewaysRequest { internet_gateway_ids: ids, ..Default::default() };
        client.ec2.describe_internet_gateways(&client.context(), input).await
    };
    assert!(describe(None).await.unwrap().internet_gateways.unwrap().is_empty());
    assert_eq!(
        refusal(describe(Some(vec!["igw-1".to_owned()])).await),
        "InvalidInternetGatewayID.NotFound: The internetGateway ID 'igw-1' does not exist"
    );
}
