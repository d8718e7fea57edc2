//! VPCs.

use std::sync::Arc;

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::{Named, flag, list, shown};
use crate::Networks;
use crate::domain::address;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::id::Kind;
use crate::domain::network::{Edit, Entry, Network};
use crate::domain::paging::Page;
use crate::domain::tags::Tags;
use crate::domain::vpc::{NewVpc, Vpc};
use crate::error::Refusal;
use crate::networks::{Target, named};

/// EC2 API Reference, DescribeVpcs; the second names of some are from older versions and still work.
const FILTERS: &[Attribute<ec2::Vpc>] = &[
    ("vpc-id", |vpc| text(&vpc.vpc_id)),
    ("cidr", |vpc| text(&vpc.cidr_block)),
    ("cidr-block", |vpc| text(&vpc.cidr_block)),
    ("cidrBlock", |vpc| text(&vpc.cidr_block)),
    ("cidr-block-association.cidr-block", |vpc| text(&vpc.cidr_block)),
    ("cidr-block-association.association-id", |vpc| {
        associations(vpc).iter().flat_map(|association| text(&association.association_id)).collect()
    }),
    ("cidr-block-association.state", |vpc| {
        associations(vpc).iter().map(|_| "associated".to_owned()).collect()
    }),
    ("dhcp-options-id", |vpc| text(&vpc.dhcp_options_id)),
    ("dhcpOptionsId", |vpc| text(&vpc.dhcp_options_id)),
    ("is-default", |vpc| text(&vpc.is_default)),
    ("isDefault", |vpc| text(&vpc.is_default)),
    ("owner-id", |vpc| text(&vpc.owner_id)),
    ("state", |vpc| vpc.state.iter().map(|state| state.as_str().to_owned()).collect()),
    ("ipv6-cidr-block-association.ipv6-cidr-block", |_| Vec::new()),
    ("ipv6-cidr-block-association.ipv6-pool", |_| Vec::new()),
    ("ipv6-cidr-block-association.association-id", |_| Vec::new()),
    ("ipv6-cidr-block-association.state", |_| Vec::new()),
];

fn associations(vpc: &ec2::Vpc) -> &[ec2::VpcCidrBlockAssociation] {
    vpc.cidr_block_association_set.as_deref().unwrap_or_default()
}

pub(super) async fn create_vpc(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::CreateVpcRequest,
) -> Result<ec2::CreateVpcResult, Refusal> {
    if input.ipv6_cidr_block.is_some() || input.amazon_provided_ipv6_cidr_block == Some(true) {
        return Err(Refusal::NotYet("IPv6 blocks of VPCs"));
    }
    let tenancy = input.instance_tenancy.as_ref().map_or("default", ec2::Tenancy::as_str);
    if !matches!(tenancy, "default" | "dedicated") {
        return Err(Refusal::client(
            "UnsupportedTenancy",
            format!("The tenancy value {tenancy} is not supported."),
        ));
    }
    let block = input.cidr_block.as_deref().filter(|block| !block.is_empty());
    let block = address::parse_block(block.ok_or_else(|| {
        Refusal::client("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
    })?)?;
    let tags = Tags::of_specifications(Kind::Vpc, input.tag_specifications)?;
    context.ask(tags.asked());
    let create = |edit: &mut Edit| {
        let (tenancy, tags) = (tenancy.to_owned(), tags.clone());
        Vpc::create(edit, NewVpc { block, is_default: false, tenancy, tags })
    };
    let targets = [Target::new(Kind::Vpc, &tags)];
    let (id, network) =
        networks.change::<actions::CreateVpc, _>(context, input.dry_run, &targets, create).await?;
    named(context, &network.home, Kind::Vpc, &id);
    Ok(ec2::CreateVpcResult { vpc: Some(made(&network, &id)?) })
}

pub(super) async fn create_default_vpc(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::CreateDefaultVpcRequest,
) -> Result<ec2::CreateDefaultVpcResult, Refusal> {
    let block = networks.settings().default_vpc();
    let (id, network) = networks
        .change::<actions::CreateDefaultVpc, _>(context, input.dry_run, &[Target::All], |edit| {
            if edit.default_vpc().is_some() {
                return Err(Refusal::client(
                    "DefaultVpcAlreadyExists",
                    "A Default VPC already exists for this account in this region.",
                ));
            }
            Vpc::create_default(edit, block)
        })
        .await?;
    Ok(ec2::CreateDefaultVpcResult { vpc: Some(made(&network, &id)?) })
}

fn made(network: &Arc<Network>, id: &str) -> Result<ec2::Vpc, Refusal> {
    let vpc = network.find_vpc(id).ok_or_else(|| Refusal::internal("a VPC that was made is gone"))?;
    Ok(answer(network, vpc))
}

pub(super) async fn delete_vpc(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DeleteVpcRequest,
) -> Result<Unit, Refusal> {
    Kind::Vpc.check(&input.vpc_id)?;
    let targets = [Target::One(&input.vpc_id)];
    networks
        .change::<actions::DeleteVpc, _>(context, input.dry_run, &targets, |edit| {
            Vpc::delete(edit, &input.vpc_id)
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn describe_vpcs(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeVpcsRequest,
) -> Result<ec2::DescribeVpcsResult, Refusal> {
    let (ids, token) = (input.vpc_ids.as_deref(), input.next_token.as_deref());
    let page = Page::parse(list::VPCS, input.max_results, token)?;
    let filters = Filters::parse(input.filters, FILTERS)?;
    let network = networks.read::<actions::DescribeVpcs>(context, input.dry_run, &[Target::All]).await?;
    let named = Named::parse(Kind::Vpc, ids, |id| network.find_vpc(id).is_some())?;
    let found = network.vpcs().filter(|vpc| named.admits(&vpc.id));
    let found = found.map(|vpc| (vpc, answer(&network, vpc)));
    let found = found.filter(|(vpc, answer)| filters.admit(answer, &vpc.tags));
    let (found, next_token) = page.cut(found, |(vpc, _)| vpc.id.clone());
    let vpcs = found.into_iter().map(|(_, answer)| answer).collect();
    Ok(ec2::DescribeVpcsResult { next_token, vpcs: Some(vpcs) })
}

fn answer(network: &Network, vpc: &Vpc) -> ec2::Vpc {
    let block = vpc.block.to_string();
    ec2::Vpc {
        owner_id: Some(network.home.account.to_string()),
        instance_tenancy: Some(ec2::Tenancy::from(vpc.tenancy.as_str())),
        cidr_block_association_set: Some(vec![ec2::VpcCidrBlockAssociation {
            association_id: Some(vpc.association_id.clone()),
            cidr_block: Some(block.clone()),
            cidr_block_state: Some(ec2::VpcCidrBlockState {
                state: Some(ec2::VpcCidrBlockStateCode::Associated),
                status_message: None,
            }),
        }]),
        is_default: Some(vpc.is_default),
        tags: Some(vpc.tags.to_answer()),
        vpc_id: Some(vpc.id.clone()),
        state: Some(ec2::VpcState::Available),
        cidr_block: Some(block),
        dhcp_options_id: Some(network.dhcp_options_id.clone()),
        ..ec2::Vpc::default()
    }
}

pub(super) async fn describe_vpc_attribute(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeVpcAttributeRequest,
) -> Result<ec2::DescribeVpcAttributeResult, Refusal> {
    let targets = [Target::One(input.vpc_id.as_str())];
    let network = networks.read::<actions::DescribeVpcAttribute>(context, input.dry_run, &targets).await?;
    let vpc = network.vpc(&input.vpc_id)?;
    let vpc_id = Some(vpc.id.clone());
    let result = ec2::DescribeVpcAttributeResult { vpc_id, ..Default::default() };
    Ok(match &input.attribute {
        ec2::VpcAttributeName::EnableDnsSupport => {
            ec2::DescribeVpcAttributeResult { enable_dns_support: Some(shown(vpc.dns_support)), ..result }
        }
        ec2::VpcAttributeName::EnableDnsHostnames => {
            ec2::DescribeVpcAttributeResult { enable_dns_hostnames: Some(shown(vpc.dns_hostnames)), ..result }
        }
        ec2::VpcAttributeName::EnableNetworkAddressUsageMetrics => ec2::DescribeVpcAttributeResult {
            enable_network_address_usage_metrics: Some(shown(vpc.usage_metrics)),
            ..result
        },
        ec2::VpcAttributeName::Unknown(name) if name.is_empty() => return Err(Refusal::missing("Attribute")),
        ec2::VpcAttributeName::Unknown(name) => {
            return Err(Refusal::invalid_value(format!(
                "Value ({name}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    })
}

pub(super) async fn modify_vpc_attribute(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::ModifyVpcAttributeRequest,
) -> Result<Unit, Refusal> {
    let [support, hostnames, metrics] = [
        flag(input.enable_dns_support),
        flag(input.enable_dns_hostnames),
        flag(input.enable_network_address_usage_metrics),
    ];
    match [support, hostnames, metrics].iter().flatten().count() {
        0 => return Err(Refusal::missing("enableDnsSupport or enableDnsHostnames")),
        1 => {}
        _ => return Err(Refusal::combination("Fields for multiple attribute types specified")),
    }
    let targets = [Target::One(input.vpc_id.as_str())];
    networks
        .change::<actions::ModifyVpcAttribute, _>(context, None, &targets, |edit| {
            let vpc = edit.vpc(&input.vpc_id)?.clone();
            edit.put(Entry::Vpc(Vpc {
                dns_support: support.unwrap_or(vpc.dns_support),
                dns_hostnames: hostnames.unwrap_or(vpc.dns_hostnames),
                usage_metrics: metrics.unwrap_or(vpc.usage_metrics),
                ..vpc
            }));
            Ok(())
        })
        .await?;
    Ok(Unit)
}
