//! Subnets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::address;
use super::id::{Kind, new_id};
use super::network::{Edit, Entry, Network};
use super::tags::Tags;
use crate::error::Refusal;

/// Subnets in a VPC (Amazon VPC quotas).
const MOST_SUBNETS: usize = 200;

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) block: Ipv4Net,
    /// The name of its Availability Zone.
    pub(crate) zone: String,
    pub(crate) default_for_zone: bool,
    /// `MapPublicIpOnLaunch`: kept and given back; there are no public addresses here.
    pub(crate) public_addresses: bool,
    pub(crate) hostname_type: String,
    pub(crate) dns_a_record: bool,
    /// The id of its association with the VPC's network ACL.
    pub(crate) acl_association_id: String,
    pub(crate) tags: Tags,
}

impl Subnet {
    pub(crate) fn new(vpc_id: &str, block: Ipv4Net, zone: &str, tags: Tags) -> Result<Self, Refusal> {
        Ok(Self {
            id: Kind::Subnet.new_id()?,
            vpc_id: vpc_id.to_owned(),
            block,
            zone: zone.to_owned(),
            default_for_zone: false,
            public_addresses: false,
            hostname_type: "ip-name".to_owned(),
            dns_a_record: false,
            acl_association_id: new_id("aclassoc-")?,
            tags,
        })
    }

    /// Makes a subnet in a VPC, and answers its id.
    pub(crate) fn create(
        edit: &mut Edit,
        vpc_id: &str,
        block: Ipv4Net,
        zone: &str,
        tags: Tags,
    ) -> Result<String, Refusal> {
        let vpc = edit.vpc(vpc_id)?;
        if !address::is_allowed_size(block) || !vpc.block.contains(&block) {
            let text = format!("The CIDR '{block}' is invalid.");
            return Err(Refusal::client("InvalidSubnet.Range", text));
        }
        let others: Vec<_> = edit.subnets().filter(|subnet| subnet.vpc_id == vpc_id).collect();
        if others.iter().any(|subnet| address::overlap(subnet.block, block)) {
            let text = format!("The CIDR '{block}' conflicts with another subnet");
            return Err(Refusal::client("InvalidSubnet.Conflict", text));
        }
        if others.len() >= MOST_SUBNETS {
            let text = "The maximum number of subnets has been reached.";
            return Err(Refusal::client("SubnetLimitExceeded", text));
        }
        let subnet = Self::new(vpc_id, block, zone, tags)?;
        let id = subnet.id.clone();
        edit.put(Entry::Subnet(subnet));
        Ok(id)
    }

    /// Deletes a subnet without network interfaces.
    pub(crate) fn delete(edit: &mut Edit, id: &str) -> Result<(), Refusal> {
        edit.subnet(id)?;
        if edit.interfaces().any(|interface| interface.subnet_id == id) {
            return Err(Refusal::has_dependencies("subnet", id));
        }
        edit.remove(id);
        Ok(())
    }

    /// The addresses that interfaces have in it.
    pub(crate) fn used(&self, network: &Network) -> BTreeSet<Ipv4Addr> {
        let here = network.interfaces().filter(|interface| interface.subnet_id == self.id);
        here.flat_map(|interface| interface.addresses.iter().copied()).collect()
    }
}
