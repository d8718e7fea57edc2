//! Permissions, the form in which requests and answers speak of rules: one protocol and port range, and many
//! peers.

use std::collections::BTreeMap;

use strongroom_api_ec2 as ec2;
use strongroom_identity::AccountId;

use crate::domain::group::Group;
use crate::domain::id::Kind;
use crate::domain::network::Network;
use crate::domain::rule::{Peer, Permission, Rule, Traffic, parse_description};
use crate::error::Refusal;

/// Rules that one request may speak of: more than a group can have.
const MOST_RULES: usize = 1000;

/// What the older form of a request says, which speaks of one peer.
pub(super) struct Single<'i> {
    pub(super) protocol: Option<&'i str>,
    pub(super) from: Option<i32>,
    pub(super) to: Option<i32>,
    pub(super) cidr: Option<&'i str>,
    pub(super) group_name: Option<&'i str>,
    pub(super) group_owner: Option<&'i str>,
}

impl Single<'_> {
    fn is_any(&self) -> bool {
        self.protocol.is_some() || self.cidr.is_some() || self.group_name.is_some()
    }

    fn to_permission(&self) -> ec2::IpPermission {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let range = |cidr: &str| ec2::IpRange { cidr_ip: Some(cidr.to_owned()), ..Default::default() };
        let pair = |name: &str| ec2::UserIdGroupPair {
            group_name: Some(name.to_owned()),
            user_id: owned(self.group_owner),
            ..ec2::UserIdGroupPair::default()
        };
        ec2::IpPermission {
            ip_protocol: Some(self.protocol.unwrap_or("-1").to_owned()),
            from_port: self.from,
            to_port: self.to,
            ip_ranges: self.cidr.map(|cidr| vec![range(cidr)]),
            user_id_group_pairs: self.group_name.map(|name| vec![pair(name)]),
            ..ec2::IpPermission::default()
        }
    }
}

/// Reads the permissions of a request about `group`, in either form.
pub(super) fn parse(
    network: &Network,
    group: &Group,
    several: Option<&[ec2::IpPermission]>,
    single: &Single<'_>,
) -> Result<Vec<Permission>, Refusal> {
    let several = several.unwrap_or_default();
    let read = match (several.is_empty(), single.is_any()) {
        (false, true) => {
            let text = "The parameter ipPermissions cannot be used with the parameter ipProtocol";
            return Err(Refusal::combination(text));
        }
        (false, false) => {
            several.iter().map(|one| parse_one(network, group, one)).collect::<Result<Vec<_>, _>>()?
        }
        (true, true) => vec![parse_one(network, group, &single.to_permission())?],
        (true, false) => return Err(Refusal::missing("ipPermissions")),
    };
    let read: Vec<_> = read.into_iter().flatten().collect();
    if read.len() > MOST_RULES {
        return Err(Refusal::client(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        ));
    }
    Ok(read)
}

fn parse_one(
    network: &Network,
    group: &Group,
    permission: &ec2::IpPermission,
) -> Result<Vec<Permission>, Refusal> {
    let protocol = permission.ip_protocol.as_deref().ok_or_else(|| Refusal::missing("ipProtocol"))?;
    let traffic = Traffic::parse(protocol, permission.from_port, permission.to_port)?;
    if let Some(list) = permission.prefix_list_ids.iter().flatten().next() {
        return Err(no_prefix_list(list.prefix_list_id.as_deref().unwrap_or_default()));
    }
    let mut read = Vec::new();
    let mut add = |peer: Peer, description: &Option<String>| -> Result<(), Refusal> {
        let description = parse_description(description.clone())?;
        read.push(Permission { traffic, peer, description });
        Ok(())
    };
    for range in permission.ip_ranges.iter().flatten() {
        add(Peer::parse_v4(range.cidr_ip.as_deref().unwrap_or_default())?, &range.description)?;
    }
    for range in permission.ipv6_ranges.iter().flatten() {
        add(Peer::parse_v6(range.cidr_ipv6.as_deref().unwrap_or_default())?, &range.description)?;
    }
    for pair in permission.user_id_group_pairs.iter().flatten() {
        add(Peer::Group(parse_pair(network, group, pair)?), &pair.description)?;
    }
    if read.is_empty() {
        return Err(Refusal::client("MissingParameter", "Source group ID missing."));
    }
    Ok(read)
}

/// The group that a pair names: one of the same VPC, as there are no peerings.
fn parse_pair(network: &Network, group: &Group, pair: &ec2::UserIdGroupPair) -> Result<String, Refusal> {
    let unknown = |named: &str| Kind::Group.not_found(&[named]);
    if let Some(owner) = &pair.user_id
        && !owner.is_empty()
        && *owner != network.home.account.to_string()
    {
        return Err(unknown(pair.group_id.as_deref().or(pair.group_name.as_deref()).unwrap_or_default()));
    }
    match (pair.group_id.as_deref(), pair.group_name.as_deref()) {
        (Some(id), _) => expect_same_vpc(network, group, id),
        (None, Some(name)) => {
            let found = network.groups().find(|other| other.vpc_id == group.vpc_id && other.name == name);
            found.map(|other| other.id.clone()).ok_or_else(|| unknown(name))
        }
        (None, None) => Err(Refusal::client("MissingParameter", "Source group ID missing.")),
    }
}

/// The group of that id, if it can be named in rules of `group`.
pub(super) fn expect_same_vpc(network: &Network, group: &Group, id: &str) -> Result<String, Refusal> {
    let other = network.group(id)?;
    if other.vpc_id == group.vpc_id {
        return Ok(other.id.clone());
    }
    let text = "You have specified two resources that belong to different networks.";
    Err(Refusal::client("InvalidGroup.NotFound", text))
}

/// There are no prefix lists here.
pub(super) fn no_prefix_list(id: &str) -> Refusal {
    Refusal::client("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist"))
}

/// Rules as an answer shows them: those of one protocol and port range together.
pub(super) fn show<'r>(account: AccountId, rules: impl Iterator<Item = &'r Rule>) -> Vec<ec2::IpPermission> {
    let mut by_traffic: BTreeMap<Traffic, ec2::IpPermission> = BTreeMap::new();
    for rule in rules {
        let (from_port, to_port) = rule.traffic.shown_ports();
        let permission = by_traffic.entry(rule.traffic).or_insert_with(|| ec2::IpPermission {
            ip_protocol: Some(rule.traffic.protocol.to_string()),
            from_port,
            to_port,
            user_id_group_pairs: Some(Vec::new()),
            ip_ranges: Some(Vec::new()),
            ipv6_ranges: Some(Vec::new()),
            prefix_list_ids: Some(Vec::new()),
        });
        let description = rule.description.clone();
        match &rule.peer {
            Peer::V4(net) => permission
                .ip_ranges
                .get_or_insert_default()
                .push(ec2::IpRange { description, cidr_ip: Some(net.to_string()) }),
            Peer::V6(net) => permission
                .ipv6_ranges
                .get_or_insert_default()
                .push(ec2::Ipv6Range { description, cidr_ipv6: Some(net.to_string()) }),
            Peer::Group(id) => {
                let user_id = Some(account.to_string());
                let group_id = Some(id.clone());
                let pair = ec2::UserIdGroupPair { description, user_id, group_id, ..Default::default() };
                permission.user_id_group_pairs.get_or_insert_default().push(pair);
            }
        }
    }
    by_traffic.into_values().collect()
}
