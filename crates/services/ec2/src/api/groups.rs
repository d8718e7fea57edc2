//! Security groups.

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_identity::RequestContext;

use super::{Named, list, permissions};
use crate::Networks;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::group::Group;
use crate::domain::id::Kind;
use crate::domain::network::{Edit, Network};
use crate::domain::paging::Page;
use crate::domain::rule::Peer;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::networks::{Target, named};

/// A group as filters see it: as the answer shows it, and the names of the groups that its rules name, which the
/// answer leaves out.
struct Shown {
    group: ec2::SecurityGroup,
    ingress_names: Vec<String>,
    egress_names: Vec<String>,
}

/// EC2 API Reference, DescribeSecurityGroups. Of several filters for rules each may be fitted by another
/// rule, as AWS does.
const FILTERS: &[Attribute<Shown>] = &[
    ("description", |shown| text(&shown.group.description)),
    ("group-id", |shown| text(&shown.group.group_id)),
    ("group-name", |shown| text(&shown.group.group_name)),
    ("owner-id", |shown| text(&shown.group.owner_id)),
    ("vpc-id", |shown| text(&shown.group.vpc_id)),
    ("ip-permission.cidr", |shown| cidrs(ingress(&shown.group))),
    ("ip-permission.from-port", |shown| from_ports(ingress(&shown.group))),
    ("ip-permission.to-port", |shown| to_ports(ingress(&shown.group))),
    ("ip-permission.protocol", |shown| protocols(ingress(&shown.group))),
    ("ip-permission.group-id", |shown| group_ids(ingress(&shown.group))),
    ("ip-permission.ipv6-cidr", |shown| ipv6_cidrs(ingress(&shown.group))),
    ("ip-permission.user-id", |shown| user_ids(ingress(&shown.group))),
    ("ip-permission.group-name", |shown| shown.ingress_names.clone()),
    ("ip-permission.prefix-list-id", |_| Vec::new()),
    ("egress.ip-permission.cidr", |shown| cidrs(egress(&shown.group))),
    ("egress.ip-permission.from-port", |shown| from_ports(egress(&shown.group))),
    ("egress.ip-permission.to-port", |shown| to_ports(egress(&shown.group))),
    ("egress.ip-permission.protocol", |shown| protocols(egress(&shown.group))),
    ("egress.ip-permission.group-id", |shown| group_ids(egress(&shown.group))),
    ("egress.ip-permission.ipv6-cidr", |shown| ipv6_cidrs(egress(&shown.group))),
    ("egress.ip-permission.user-id", |shown| user_ids(egress(&shown.group))),
    ("egress.ip-permission.group-name", |shown| shown.egress_names.clone()),
    ("egress.ip-permission.prefix-list-id", |_| Vec::new()),
];

type Permissions<'g> = &'g [ec2::IpPermission];

fn ingress(group: &ec2::SecurityGroup) -> Permissions<'_> {
    group.ip_permissions.as_deref().unwrap_or_default()
}

fn egress(group: &ec2::SecurityGroup) -> Permissions<'_> {
    group.ip_permissions_egress.as_deref().unwrap_or_default()
}

fn cidrs(permissions: Permissions<'_>) -> Vec<String> {
    permissions
        .iter()
        .flat_map(|permission| permission.ip_ranges.iter().flatten())
        .flat_map(|range| text(&range.cidr_ip))
        .collect()
}

fn ipv6_cidrs(permissions: Permissions<'_>) -> Vec<String> {
    let ranges = permissions.iter().flat_map(|permission| permission.ipv6_ranges.iter().flatten());
    ranges.flat_map(|range| text(&range.cidr_ipv6)).collect()
}

fn from_ports(permissions: Permissions<'_>) -> Vec<String> {
    permissions.iter().flat_map(|permission| text(&permission.from_port)).collect()
}

fn to_ports(permissions: Permissions<'_>) -> Vec<String> {
    permissions.iter().flat_map(|permission| text(&permission.to_port)).collect()
}

fn protocols(permissions: Permissions<'_>) -> Vec<String> {
    permissions.iter().flat_map(|permission| text(&permission.ip_protocol)).collect()
}

fn pairs(permissions: Permissions<'_>) -> impl Iterator<Item = &ec2::UserIdGroupPair> {
    permissions.iter().flat_map(|permission| permission.user_id_group_pairs.iter().flatten())
}

fn group_ids(permissions: Permissions<'_>) -> Vec<String> {
    pairs(permissions).flat_map(|pair| text(&pair.group_id)).collect()
}

fn user_ids(permissions: Permissions<'_>) -> Vec<String> {
    pairs(permissions).flat_map(|pair| text(&pair.user_id)).collect()
}

pub(super) async fn create_security_group(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::CreateSecurityGroupRequest,
) -> Result<ec2::CreateSecurityGroupResult, Refusal> {
    let tags = Tags::of_specifications(Kind::Group, input.tag_specifications)?;
    context.ask(tags.asked());
    let mut targets = vec![Target::new(Kind::Group, &tags)];
    targets.push(input.vpc_id.as_deref().map_or(Target::DefaultVpc, Target::One));
    let create = |edit: &mut Edit| {
        let vpc_id = match &input.vpc_id {
            Some(id) => id.clone(),
            None => default_vpc_id(edit)?,
        };
        Group::create(edit, &vpc_id, &input.group_name, &input.description, tags.clone())
    };
    let (id, network) =
        networks.change::<actions::CreateSecurityGroup, _>(context, input.dry_run, &targets, create).await?;
    let tags = network.find_group(&id).map(|group| group.tags.to_answer());
    let security_group_arn = Some(named(context, &network.home, Kind::Group, &id));
    // The answer has no member for it, and the record shows it.
    context.responded("_return", true);
    Ok(ec2::CreateSecurityGroupResult { group_id: Some(id), tags, security_group_arn })
}

fn default_vpc_id(network: &Network) -> Result<String, Refusal> {
    network
        .default_vpc()
        .map(|vpc| vpc.id.clone())
        .ok_or_else(|| Refusal::client("VPCIdNotSpecified", "No default VPC for this user"))
}

/// The id of the group that a request names by its id, or by its name in the default VPC.
pub(super) fn named_group(
    network: &Network,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<String, Refusal> {
    match (id.filter(|id| !id.is_empty()), name.filter(|name| !name.is_empty())) {
        (Some(_), Some(_)) => {
            Err(Refusal::combination("The parameter groupName cannot be used with the parameter groupId"))
        }
        (Some(id), None) => Ok(network.group(id)?.id.clone()),
        (None, Some(name)) => {
            let vpc_id = default_vpc_id(network)?;
            network.default_vpc_group(name).map(|group| group.id.clone()).ok_or_else(|| {
                let text = format!("The security group '{name}' does not exist in default VPC '{vpc_id}'");
                Refusal::client("InvalidGroup.NotFound", text)
            })
        }
        (None, None) => Err(Refusal::missing("groupName or groupId")),
    }
}

pub(super) async fn delete_security_group(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DeleteSecurityGroupRequest,
) -> Result<ec2::DeleteSecurityGroupResult, Refusal> {
    let targets = [Target::group(input.group_id.as_deref(), input.group_name.as_deref())];
    let (id, _) = networks
        .change::<actions::DeleteSecurityGroup, _>(context, input.dry_run, &targets, |edit| {
            let id = named_group(edit, input.group_id.as_deref(), input.group_name.as_deref())?;
            Group::delete(edit, &id)?;
            Ok(id)
        })
        .await?;
    Ok(ec2::DeleteSecurityGroupResult { r#return: Some(true), group_id: Some(id) })
}

pub(super) async fn describe_security_groups(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeSecurityGroupsRequest,
) -> Result<ec2::DescribeSecurityGroupsResult, Refusal> {
    let (ids, token) = (input.group_ids.as_deref(), input.next_token.as_deref());
    let page = Page::parse(list::GROUPS, input.max_results, token)?;
    let filters = Filters::parse(input.filters, FILTERS)?;
    let network =
        networks.read::<actions::DescribeSecurityGroups>(context, input.dry_run, &[Target::All]).await?;
    let mut ids = ids.unwrap_or_default().to_vec();
    for name in input.group_names.unwrap_or_default() {
        ids.push(named_group(&network, None, Some(&name))?);
    }
    let named = Named::parse(Kind::Group, Some(&ids), |id| network.find_group(id).is_some())?;
    let found = network.groups().filter(|group| named.admits(&group.id));
    let found = found.map(|group| (group, shown(&network, group)));
    let found = found.filter(|(group, shown)| filters.admit(shown, &group.tags));
    let (found, next_token) = page.cut(found, |(group, _)| group.id.clone());
    let groups = found.into_iter().map(|(_, shown)| shown.group).collect();
    Ok(ec2::DescribeSecurityGroupsResult { next_token, security_groups: Some(groups) })
}

fn shown(network: &Network, group: &Group) -> Shown {
    let names = |egress: bool| {
        let rules = group.rules().iter().filter(|rule| rule.egress == egress);
        let named = rules.filter_map(|rule| if let Peer::Group(id) = &rule.peer { Some(id) } else { None });
        named.filter_map(|id| network.find_group(id)).map(|named| named.name.clone()).collect()
    };
    Shown { group: answer(network, group), ingress_names: names(false), egress_names: names(true) }
}

fn answer(network: &Network, group: &Group) -> ec2::SecurityGroup {
    let home = network.home;
    let of = |egress: bool| {
        let rules = group.rules().iter().filter(move |rule| rule.egress == egress);
        permissions::show(home.account, rules)
    };
    ec2::SecurityGroup {
        group_id: Some(group.id.clone()),
        ip_permissions_egress: Some(of(true)),
        tags: Some(group.tags.to_answer()),
        vpc_id: Some(group.vpc_id.clone()),
        security_group_arn: Some(home.arn(Kind::Group, &group.id)),
        owner_id: Some(home.account.to_string()),
        group_name: Some(group.name.clone()),
        description: Some(group.description.clone()),
        ip_permissions: Some(of(false)),
    }
}
