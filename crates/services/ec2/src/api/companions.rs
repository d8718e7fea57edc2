//! What comes with a VPC and is only looked at: its network ACL, its main route table, and the Internet
//! gateway that it does not have.

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_identity::RequestContext;

use super::{Named, list};
use crate::Networks;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::id::Kind;
use crate::domain::network::Network;
use crate::domain::paging::Page;
use crate::domain::vpc::Vpc;
use crate::error::Refusal;
use crate::networks::Target;

/// The number of the entry that refuses what none before it allows; it is shown as the last.
const LAST_ENTRY: i32 = 32_767;

/// The number of the default ACL's one entry before it, which allows everything.
const FIRST_ENTRY: i32 = 100;

/// EC2 API Reference, DescribeNetworkAcls.
const ACL_FILTERS: &[Attribute<ec2::NetworkAcl>] = &[
    ("association.association-id", |acl| {
        associations(acl)
            .iter()
            .flat_map(|association| text(&association.network_acl_association_id))
            .collect()
    }),
    ("association.network-acl-id", |acl| {
        associations(acl).iter().flat_map(|association| text(&association.network_acl_id)).collect()
    }),
    ("association.subnet-id", |acl| {
        associations(acl).iter().flat_map(|association| text(&association.subnet_id)).collect()
    }),
    ("default", |acl| text(&acl.is_default)),
    ("entry.cidr", |acl| entries(acl).iter().flat_map(|entry| text(&entry.cidr_block)).collect()),
    ("entry.egress", |acl| entries(acl).iter().flat_map(|entry| text(&entry.egress)).collect()),
    ("entry.protocol", |acl| entries(acl).iter().flat_map(|entry| text(&entry.protocol)).collect()),
    ("entry.rule-number", |acl| entries(acl).iter().flat_map(|entry| text(&entry.rule_number)).collect()),
    ("entry.rule-action", |acl| {
        let actions = entries(acl).iter().filter_map(|entry| entry.rule_action.as_ref());
        actions.map(|action| action.as_str().to_owned()).collect()
    }),
    ("entry.icmp.code", |_| Vec::new()),
    ("entry.icmp.type", |_| Vec::new()),
    ("entry.ipv6-cidr", |_| Vec::new()),
    ("entry.port-range.from", |_| Vec::new()),
    ("entry.port-range.to", |_| Vec::new()),
    ("network-acl-id", |acl| text(&acl.network_acl_id)),
    ("owner-id", |acl| text(&acl.owner_id)),
    ("vpc-id", |acl| text(&acl.vpc_id)),
];

fn associations(acl: &ec2::NetworkAcl) -> &[ec2::NetworkAclAssociation] {
    acl.associations.as_deref().unwrap_or_default()
}

fn entries(acl: &ec2::NetworkAcl) -> &[ec2::NetworkAclEntry] {
    acl.entries.as_deref().unwrap_or_default()
}

/// EC2 API Reference, DescribeRouteTables; those for what there is not here fit nothing.
const TABLE_FILTERS: &[Attribute<ec2::RouteTable>] = &[
    ("association.main", |table| {
        table.associations.iter().flatten().flat_map(|association| text(&association.main)).collect()
    }),
    ("association.route-table-association-id", |table| {
        let associations = table.associations.iter().flatten();
        associations.flat_map(|association| text(&association.route_table_association_id)).collect()
    }),
    ("association.route-table-id", |table| text(&table.route_table_id)),
    ("association.subnet-id", |_| Vec::new()),
    ("association.gateway-id", |_| Vec::new()),
    ("owner-id", |table| text(&table.owner_id)),
    ("route-table-id", |table| text(&table.route_table_id)),
    ("route.destination-cidr-block", |table| {
        table.routes.iter().flatten().flat_map(|route| text(&route.destination_cidr_block)).collect()
    }),
    ("route.destination-ipv6-cidr-block", |_| Vec::new()),
    ("route.destination-prefix-list-id", |_| Vec::new()),
    ("route.egress-only-internet-gateway-id", |_| Vec::new()),
    ("route.gateway-id", |table| {
        table.routes.iter().flatten().flat_map(|route| text(&route.gateway_id)).collect()
    }),
    ("route.instance-id", |_| Vec::new()),
    ("route.nat-gateway-id", |_| Vec::new()),
    ("route.transit-gateway-id", |_| Vec::new()),
    ("route.origin", |table| {
        let origins = table.routes.iter().flatten().filter_map(|route| route.origin.as_ref());
        origins.map(|origin| origin.as_str().to_owned()).collect()
    }),
    ("route.state", |table| {
        let states = table.routes.iter().flatten().filter_map(|route| route.state.as_ref());
        states.map(|state| state.as_str().to_owned()).collect()
    }),
    ("route.vpc-peering-connection-id", |_| Vec::new()),
    ("vpc-id", |table| text(&table.vpc_id)),
];

/// EC2 API Reference, DescribeInternetGateways.
const GATEWAY_FILTERS: &[Attribute<ec2::InternetGateway>] = &[
    ("attachment.state", |_| Vec::new()),
    ("attachment.vpc-id", |_| Vec::new()),
    ("internet-gateway-id", |gateway| text(&gateway.internet_gateway_id)),
    ("owner-id", |gateway| text(&gateway.owner_id)),
];

pub(super) async fn describe_network_acls(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeNetworkAclsRequest,
) -> Result<ec2::DescribeNetworkAclsResult, Refusal> {
    let (ids, token) = (input.network_acl_ids.as_deref(), input.next_token.as_deref());
    let page = Page::parse(list::ACLS, input.max_results, token)?;
    let filters = Filters::parse(input.filters, ACL_FILTERS)?;
    let network =
        networks.read::<actions::DescribeNetworkAcls>(context, input.dry_run, &[Target::All]).await?;
    let named = Named::parse(Kind::Acl, ids, |id| network.vpcs().any(|vpc| vpc.acl.id == id))?;
    let mut vpcs: Vec<_> = network.vpcs().filter(|vpc| named.admits(&vpc.acl.id)).collect();
    vpcs.sort_by(|one, other| one.acl.id.cmp(&other.acl.id));
    let found = vpcs.into_iter().map(|vpc| (vpc, acl(&network, vpc)));
    let found = found.filter(|(vpc, answer)| filters.admit(answer, &vpc.acl.tags));
    let (found, next_token) = page.cut(found, |(vpc, _)| vpc.acl.id.clone());
    let acls = found.into_iter().map(|(_, answer)| answer).collect();
    Ok(ec2::DescribeNetworkAclsResult { network_acls: Some(acls), next_token })
}

/// The default ACL, which lets everything pass.
fn acl(network: &Network, vpc: &Vpc) -> ec2::NetworkAcl {
    let id = Some(vpc.acl.id.clone());
    let subnets = network.subnets().filter(|subnet| subnet.vpc_id == vpc.id);
    let associations = subnets.map(|subnet| ec2::NetworkAclAssociation {
        network_acl_association_id: Some(subnet.acl_association_id.clone()),
        network_acl_id: id.clone(),
        subnet_id: Some(subnet.id.clone()),
    });
    let entry = |egress: bool, number: i32, action: ec2::RuleAction| ec2::NetworkAclEntry {
        cidr_block: Some("0.0.0.0/0".to_owned()),
        egress: Some(egress),
        protocol: Some("-1".to_owned()),
        rule_action: Some(action),
        rule_number: Some(number),
        ..ec2::NetworkAclEntry::default()
    };
    let entries = [true, false].into_iter().flat_map(|egress| {
        [entry(egress, FIRST_ENTRY, ec2::RuleAction::Allow), entry(egress, LAST_ENTRY, ec2::RuleAction::Deny)]
    });
    ec2::NetworkAcl {
        associations: Some(associations.collect()),
        entries: Some(entries.collect()),
        is_default: Some(true),
        network_acl_id: id.clone(),
        tags: Some(vpc.acl.tags.to_answer()),
        vpc_id: Some(vpc.id.clone()),
        owner_id: Some(network.home.account.to_string()),
    }
}

pub(super) async fn describe_route_tables(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeRouteTablesRequest,
) -> Result<ec2::DescribeRouteTablesResult, Refusal> {
    let (ids, token) = (input.route_table_ids.as_deref(), input.next_token.as_deref());
    let page = Page::parse(list::ROUTE_TABLES, input.max_results, token)?;
    let filters = Filters::parse(input.filters, TABLE_FILTERS)?;
    let network =
        networks.read::<actions::DescribeRouteTables>(context, input.dry_run, &[Target::All]).await?;
    let is_there = |id: &str| network.vpcs().any(|vpc| vpc.route_table.id == id);
    let named = Named::parse(Kind::RouteTable, ids, is_there)?;
    let mut vpcs: Vec<_> = network.vpcs().filter(|vpc| named.admits(&vpc.route_table.id)).collect();
    vpcs.sort_by(|one, other| one.route_table.id.cmp(&other.route_table.id));
    let found = vpcs.into_iter().map(|vpc| (vpc, route_table(&network, vpc)));
    let found = found.filter(|(vpc, answer)| filters.admit(answer, &vpc.route_table.tags));
    let (found, next_token) = page.cut(found, |(vpc, _)| vpc.route_table.id.clone());
    let tables = found.into_iter().map(|(_, answer)| answer).collect();
    Ok(ec2::DescribeRouteTablesResult { route_tables: Some(tables), next_token })
}

/// The main route table: within the VPC, and nowhere else.
fn route_table(network: &Network, vpc: &Vpc) -> ec2::RouteTable {
    let id = Some(vpc.route_table.id.clone());
    ec2::RouteTable {
        associations: Some(vec![ec2::RouteTableAssociation {
            main: Some(true),
            route_table_association_id: Some(vpc.route_table.association_id.clone()),
            route_table_id: id.clone(),
            association_state: Some(ec2::RouteTableAssociationState {
                state: Some(ec2::RouteTableAssociationStateCode::Associated),
                status_message: None,
            }),
            ..ec2::RouteTableAssociation::default()
        }]),
        propagating_vgws: Some(Vec::new()),
        route_table_id: id,
        routes: Some(vec![ec2::Route {
            destination_cidr_block: Some(vpc.block.to_string()),
            gateway_id: Some("local".to_owned()),
            origin: Some(ec2::RouteOrigin::CreateRouteTable),
            state: Some(ec2::RouteState::Active),
            ..ec2::Route::default()
        }]),
        tags: Some(vpc.route_table.tags.to_answer()),
        vpc_id: Some(vpc.id.clone()),
        owner_id: Some(network.home.account.to_string()),
    }
}

/// There is none: nothing here leads to the Internet.
pub(super) async fn describe_internet_gateways(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeInternetGatewaysRequest,
) -> Result<ec2::DescribeInternetGatewaysResult, Refusal> {
    let (ids, token) = (input.internet_gateway_ids.as_deref(), input.next_token.as_deref());
    Page::parse(list::GATEWAYS, input.max_results, token)?;
    Filters::parse(input.filters, GATEWAY_FILTERS)?;
    networks.read::<actions::DescribeInternetGateways>(context, input.dry_run, &[Target::All]).await?;
    Named::parse(Kind::Gateway, ids, |_| false)?;
    Ok(ec2::DescribeInternetGatewaysResult { internet_gateways: Some(Vec::new()), next_token: None })
}
