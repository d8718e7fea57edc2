//! VPCs, and what each comes with: a network ACL, a main route table and a default security group.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::address;
use super::group::Group;
use super::id::{Kind, new_id};
use super::network::{Edit, Entry, Network};
use super::subnet::Subnet;
use super::tags::Tags;
use super::zone;
use crate::error::Refusal;

/// VPCs in a Region (Amazon VPC quotas).
const MOST_VPCS: usize = 5;

/// How much longer the prefix of a default subnet is than the default VPC's, as AWS's /20s are than its /16.
const DEFAULT_SUBNET_BITS: u8 = 4;

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) block: Ipv4Net,
    /// The id of the association with its block.
    pub(crate) association_id: String,
    pub(crate) is_default: bool,
    pub(crate) tenancy: String,
    pub(crate) dns_support: bool,
    pub(crate) dns_hostnames: bool,
    pub(crate) usage_metrics: bool,
    pub(crate) acl: Companion,
    pub(crate) route_table: Companion,
    pub(crate) tags: Tags,
}

/// What comes and goes with a VPC: its network ACL or its main route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Companion {
    pub(crate) id: String,
    /// The id of a route table's association with its VPC.
    pub(crate) association_id: String,
    pub(crate) tags: Tags,
}

/// What a caller says of a new VPC.
pub(crate) struct NewVpc {
    pub(crate) block: Ipv4Net,
    pub(crate) is_default: bool,
    pub(crate) tenancy: String,
    pub(crate) tags: Tags,
}

impl Vpc {
    /// Makes a VPC with its companions and its default security group, and answers its id.
    pub(crate) fn create(edit: &mut Edit, new: NewVpc) -> Result<String, Refusal> {
        if !address::is_allowed_size(new.block) || address::is_restricted(new.block) {
            let text = format!("The CIDR '{}' is invalid.", new.block);
            return Err(Refusal::client("InvalidVpc.Range", text));
        }
        if edit.vpcs().count() >= MOST_VPCS {
            return Err(Refusal::client("VpcLimitExceeded", "The maximum number of VPCs has been reached."));
        }
        let companion = |kind: Kind, association: &str| -> Result<Companion, Refusal> {
            Ok(Companion { id: kind.new_id()?, association_id: new_id(association)?, tags: Tags::default() })
        };
        let vpc = Self {
            id: Kind::Vpc.new_id()?,
            block: new.block,
            association_id: new_id("vpc-cidr-assoc-")?,
            is_default: new.is_default,
            tenancy: new.tenancy,
            dns_support: true,
            dns_hostnames: new.is_default,
            usage_metrics: false,
            acl: companion(Kind::Acl, "aclassoc-")?,
            route_table: companion(Kind::RouteTable, "rtbassoc-")?,
            tags: new.tags,
        };
        let id = vpc.id.clone();
        edit.put(Entry::Group(Group::default_of(&id)?));
        edit.put(Entry::Vpc(vpc));
        Ok(id)
    }

    /// Makes the default VPC with one subnet in each zone, and answers its id (VPC User Guide, "Default
    /// VPCs").
    pub(crate) fn create_default(edit: &mut Edit, block: Ipv4Net) -> Result<String, Refusal> {
        let (tenancy, tags) = ("default".to_owned(), Tags::default());
        let id = Self::create(edit, NewVpc { block, is_default: true, tenancy, tags })?;
        let parts = address::parts(block, block.prefix_len() + DEFAULT_SUBNET_BITS);
        for (zone, part) in zone::of(edit.home.region).zip(parts) {
            let subnet = Subnet::new(&id, part, &zone.name, Tags::default())?;
            edit.put(Entry::Subnet(Subnet { default_for_zone: true, public_addresses: true, ..subnet }));
        }
        Ok(id)
    }

    /// Whether a block can be the default VPC's: it has to be large enough for a subnet in each of six zones.
    pub(crate) fn can_be_default(block: Ipv4Net) -> bool {
        address::is_allowed_size(block)
            && !address::is_restricted(block)
            && block.prefix_len() + DEFAULT_SUBNET_BITS <= address::SMALLEST
    }

    /// Deletes a VPC that nothing is left in but what came with it.
    pub(crate) fn delete(edit: &mut Edit, id: &str) -> Result<(), Refusal> {
        edit.vpc(id)?;
        let own_group = edit.groups().find(|group| group.vpc_id == id && group.is_default());
        let own_group = own_group.map(|group| group.id.clone());
        let subnets = edit.subnets().any(|subnet| subnet.vpc_id == id);
        let groups = edit.groups().any(|group| group.vpc_id == id && !group.is_default());
        if subnets || groups {
            return Err(Refusal::has_dependencies("vpc", id));
        }
        if let Some(group) = own_group {
            edit.remove(&group);
        }
        edit.remove(id);
        Ok(())
    }

    /// Its default security group.
    pub(crate) fn default_group<'n>(&self, network: &'n Network) -> Option<&'n Group> {
        network.groups().find(|group| group.vpc_id == self.id && group.is_default())
    }
}
