//! Subnets.

use std::collections::HashMap;

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_identity::{Region, RequestContext};
use strongroom_schema::Unit;

use super::{Named, flag, list};
use crate::Networks;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::id::Kind;
use crate::domain::network::{Entry, Network};
use crate::domain::paging::Page;
use crate::domain::subnet::Subnet;
use crate::domain::tags::Tags;
use crate::domain::{address, zone};
use crate::error::Refusal;
use crate::networks::{Target, named};

/// EC2 API Reference, DescribeSubnets, with the second names that it gives some of them.
const FILTERS: &[Attribute<ec2::Subnet>] = &[
    ("availability-zone", |subnet| text(&subnet.availability_zone)),
    ("availabilityZone", |subnet| text(&subnet.availability_zone)),
    ("availability-zone-id", |subnet| text(&subnet.availability_zone_id)),
    ("availabilityZoneId", |subnet| text(&subnet.availability_zone_id)),
    ("available-ip-address-count", |subnet| text(&subnet.available_ip_address_count)),
    ("cidr-block", |subnet| text(&subnet.cidr_block)),
    ("cidr", |subnet| text(&subnet.cidr_block)),
    ("cidrBlock", |subnet| text(&subnet.cidr_block)),
    ("default-for-az", |subnet| text(&subnet.default_for_az)),
    ("defaultForAz", |subnet| text(&subnet.default_for_az)),
    ("enable-dns64", |subnet| text(&subnet.enable_dns64)),
    ("ipv6-native", |subnet| text(&subnet.ipv6_native)),
    ("map-customer-owned-ip-on-launch", |subnet| text(&subnet.map_customer_owned_ip_on_launch)),
    ("map-public-ip-on-launch", |subnet| text(&subnet.map_public_ip_on_launch)),
    ("owner-id", |subnet| text(&subnet.owner_id)),
    ("private-dns-name-options-on-launch.hostname-type", |subnet| {
        let options = subnet.private_dns_name_options_on_launch.as_ref();
        options
            .and_then(|options| options.hostname_type.as_ref())
            .map(|kind| kind.as_str().to_owned())
            .into_iter()
            .collect()
    }),
    ("private-dns-name-options-on-launch.enable-resource-name-dns-a-record", |subnet| {
        let options = subnet.private_dns_name_options_on_launch.as_ref();
        options.map_or_else(Vec::new, |options| text(&options.enable_resource_name_dns_a_record))
    }),
    ("private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record", |subnet| {
        let options = subnet.private_dns_name_options_on_launch.as_ref();
        options.map_or_else(Vec::new, |options| text(&options.enable_resource_name_dns_aaaa_record))
    }),
    ("state", |subnet| subnet.state.iter().map(|state| state.as_str().to_owned()).collect()),
    ("subnet-arn", |subnet| text(&subnet.subnet_arn)),
    ("subnet-id", |subnet| text(&subnet.subnet_id)),
    ("vpc-id", |subnet| text(&subnet.vpc_id)),
    ("customer-owned-ipv4-pool", |_| Vec::new()),
    ("enable-lni-at-device-index", |_| Vec::new()),
    ("ipv6-cidr-block-association.ipv6-cidr-block", |_| Vec::new()),
    ("ipv6-cidr-block-association.association-id", |_| Vec::new()),
    ("ipv6-cidr-block-association.state", |_| Vec::new()),
    ("outpost-arn", |_| Vec::new()),
];

pub(super) async fn create_subnet(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::CreateSubnetRequest,
) -> Result<ec2::CreateSubnetResult, Refusal> {
    if input.ipv6_cidr_block.is_some() || input.ipv6_native == Some(true) {
        return Err(Refusal::NotYet("IPv6 blocks of subnets"));
    }
    if input.outpost_arn.is_some() {
        return Err(Refusal::NotYet("Outposts"));
    }
    Kind::Vpc.check(&input.vpc_id)?;
    let block = input.cidr_block.as_deref().filter(|block| !block.is_empty());
    let block = address::parse_block(block.ok_or_else(|| {
        Refusal::client("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
    })?)?;
    let zone = choose_zone(context.region, input.availability_zone, input.availability_zone_id)?;
    let tags = Tags::of_specifications(Kind::Subnet, input.tag_specifications)?;
    context.ask(tags.asked());
    let targets = [Target::new(Kind::Subnet, &tags), Target::One(&input.vpc_id)];
    let (id, network) = networks
        .change::<actions::CreateSubnet, _>(context, input.dry_run, &targets, |edit| {
            Subnet::create(edit, &input.vpc_id, block, &zone, tags.clone())
        })
        .await?;
    named(context, &network.home, Kind::Subnet, &id);
    let made = network.find_subnet(&id).ok_or_else(|| Refusal::internal("a subnet that was made is gone"))?;
    Ok(ec2::CreateSubnetResult { subnet: Some(answer(&network, made, 0)) })
}

/// The zone that a caller names, by its name or its id; else the Region's first.
fn choose_zone(region: Region, name: Option<String>, id: Option<String>) -> Result<String, Refusal> {
    if name.is_some() && id.is_some() {
        return Err(Refusal::combination(
            "Only one of availabilityZone or availabilityZoneId can be specified.",
        ));
    }
    let (parameter, named) =
        if id.is_some() { ("availabilityZoneId", id) } else { ("availabilityZone", name) };
    let zones: Vec<_> = zone::of(region).collect();
    let found = match &named {
        None => zones.first(),
        Some(named) => zones.iter().find(|zone| zone.name == *named || zone.id == *named),
    };
    found.map(|zone| zone.name.clone()).ok_or_else(|| {
        let names: Vec<_> = zones.iter().map(|zone| zone.name.as_str()).collect();
        Refusal::invalid_value(format!(
            "Value ({}) for parameter {parameter} is invalid. Subnets can currently only be created in the following \
             availability zones: {}.",
            named.unwrap_or_default(),
            names.join(", ")
        ))
    })
}

pub(super) async fn delete_subnet(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DeleteSubnetRequest,
) -> Result<Unit, Refusal> {
    Kind::Subnet.check(&input.subnet_id)?;
    let targets = [Target::One(&input.subnet_id)];
    networks
        .change::<actions::DeleteSubnet, _>(context, input.dry_run, &targets, |edit| {
            Subnet::delete(edit, &input.subnet_id)
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn describe_subnets(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeSubnetsRequest,
) -> Result<ec2::DescribeSubnetsResult, Refusal> {
    let (ids, token) = (input.subnet_ids.as_deref(), input.next_token.as_deref());
    let page = Page::parse(list::SUBNETS, input.max_results, token)?;
    let filters = Filters::parse(input.filters, FILTERS)?;
    let network = networks.read::<actions::DescribeSubnets>(context, input.dry_run, &[Target::All]).await?;
    let named = Named::parse(Kind::Subnet, ids, |id| network.find_subnet(id).is_some())?;
    let mut used: HashMap<&str, usize> = HashMap::new();
    for interface in network.interfaces() {
        *used.entry(&interface.subnet_id).or_default() += interface.addresses.len();
    }
    let found = network.subnets().filter(|subnet| named.admits(&subnet.id)).map(|subnet| {
        let used = used.get(subnet.id.as_str()).copied().unwrap_or_default();
        (subnet, answer(&network, subnet, used))
    });
    let found = found.filter(|(subnet, answer)| filters.admit(answer, &subnet.tags));
    let (found, next_token) = page.cut(found, |(subnet, _)| subnet.id.clone());
    let subnets = found.into_iter().map(|(_, answer)| answer).collect();
    Ok(ec2::DescribeSubnetsResult { next_token, subnets: Some(subnets) })
}

fn answer(network: &Network, subnet: &Subnet, used: usize) -> ec2::Subnet {
    let home = network.home;
    ec2::Subnet {
        availability_zone_id: zone::id_of(home.region, &subnet.zone),
        map_customer_owned_ip_on_launch: Some(false),
        owner_id: Some(home.account.to_string()),
        assign_ipv6_address_on_creation: Some(false),
        ipv6_cidr_block_association_set: Some(Vec::new()),
        tags: Some(subnet.tags.to_answer()),
        subnet_arn: Some(home.arn(Kind::Subnet, &subnet.id)),
        enable_dns64: Some(false),
        ipv6_native: Some(false),
        private_dns_name_options_on_launch: Some(ec2::PrivateDnsNameOptionsOnLaunch {
            hostname_type: Some(ec2::HostnameType::from(subnet.hostname_type.as_str())),
            enable_resource_name_dns_a_record: Some(subnet.dns_a_record),
            enable_resource_name_dns_aaaa_record: Some(false),
        }),
        subnet_id: Some(subnet.id.clone()),
        state: Some(ec2::SubnetState::Available),
        vpc_id: Some(subnet.vpc_id.clone()),
        cidr_block: Some(subnet.block.to_string()),
        available_ip_address_count: Some(address::count_available(subnet.block, used)),
        availability_zone: Some(subnet.zone.clone()),
        default_for_az: Some(subnet.default_for_zone),
        map_public_ip_on_launch: Some(subnet.public_addresses),
        ..ec2::Subnet::default()
    }
}

pub(super) async fn modify_subnet_attribute(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::ModifySubnetAttributeRequest,
) -> Result<Unit, Refusal> {
    let elsewhere = [
        flag(input.assign_ipv6_address_on_creation),
        flag(input.map_customer_owned_ip_on_launch),
        flag(input.enable_dns64),
        flag(input.enable_resource_name_dns_aaaa_record_on_launch),
        flag(input.disable_lni_at_device_index),
        input.enable_lni_at_device_index.map(|_| true),
    ];
    if elsewhere.contains(&Some(true)) {
        return Err(Refusal::NotYet("attributes of subnets for IPv6 and Outposts"));
    }
    let public = flag(input.map_public_ip_on_launch);
    let record = flag(input.enable_resource_name_dns_a_record_on_launch);
    let hostnames = input.private_dns_hostname_type_on_launch;
    if let Some(ec2::HostnameType::Unknown(kind)) = &hostnames {
        return Err(Refusal::invalid_value(format!(
            "Value ({kind}) for parameter privateDnsHostnameTypeOnLaunch is invalid."
        )));
    }
    let named = elsewhere.iter().flatten().count()
        + usize::from(public.is_some())
        + usize::from(record.is_some())
        + usize::from(hostnames.is_some());
    match named {
        0 => return Err(Refusal::missing("mapPublicIpOnLaunch")),
        1 => {}
        _ => return Err(Refusal::combination("Fields for multiple attribute types specified")),
    }
    let targets = [Target::One(input.subnet_id.as_str())];
    networks
        .change::<actions::ModifySubnetAttribute, _>(context, None, &targets, |edit| {
            let subnet = edit.subnet(&input.subnet_id)?.clone();
            let hostname_type = hostnames.as_ref().map(|kind| kind.as_str().to_owned());
            edit.put(Entry::Subnet(Subnet {
                public_addresses: public.unwrap_or(subnet.public_addresses),
                dns_a_record: record.unwrap_or(subnet.dns_a_record),
                hostname_type: hostname_type.unwrap_or(subnet.hostname_type.clone()),
                ..subnet
            }));
            Ok(())
        })
        .await?;
    Ok(Unit)
}
