//! Everything that an account has of EC2 in a Region, in memory: what operations read, and what they change.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_identity::{AccountId, Region};

use super::group::Group;
use super::id::Kind;
use super::interface::Interface;
use super::rule::Rule;
use super::subnet::Subnet;
use super::tags::Tags;
use super::vpc::Vpc;
use crate::error::Refusal;

/// An account in a Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Home {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

impl Home {
    /// The ARN of a resource here, which is a whole id or `*` for one that is to be made.
    pub(crate) fn arn(&self, kind: Kind, id: &str) -> String {
        let Self { account, region } = self;
        let partition = strongroom_identity::PARTITION;
        format!("arn:{partition}:ec2:{region}:{account}:{}/{id}", kind.resource_type())
    }
}

/// One resource, as the store keeps it. What has no life of its own (a rule, a VPC's network ACL) is kept in
/// what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    Vpc(Vpc),
    Subnet(Subnet),
    Group(Group),
    Interface(Interface),
}

impl Entry {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Vpc(vpc) => &vpc.id,
            Self::Subnet(subnet) => &subnet.id,
            Self::Group(group) => &group.id,
            Self::Interface(interface) => &interface.id,
        }
    }
}

/// All resources of one home at one version. Clones share the resources.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) home: Home,
    pub(crate) version: i64,
    pub(crate) dhcp_options_id: String,
    entries: BTreeMap<String, Arc<Entry>>,
}

impl Network {
    pub(crate) fn new(
        home: Home,
        version: i64,
        dhcp_options_id: String,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Self {
        let named = |entry: Entry| (entry.id().to_owned(), Arc::new(entry));
        Self { home, version, dhcp_options_id, entries: entries.into_iter().map(named).collect() }
    }

    /// The resource of that id, as it is stored.
    pub(crate) fn entry(&self, id: &str) -> Option<&Arc<Entry>> {
        self.entries.get(id)
    }

    /// All VPCs, by id, as all lists here are.
    pub(crate) fn vpcs(&self) -> impl Iterator<Item = &Vpc> {
        self.entries
            .values()
            .filter_map(|entry| if let Entry::Vpc(vpc) = &**entry { Some(vpc) } else { None })
    }

    pub(crate) fn subnets(&self) -> impl Iterator<Item = &Subnet> {
        self.entries
            .values()
            .filter_map(|entry| if let Entry::Subnet(subnet) = &**entry { Some(subnet) } else { None })
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.entries.values().filter_map(
            |entry| {
                if let Entry::Group(group) = &**entry { Some(group) } else { None }
            },
        )
    }

    pub(crate) fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.entries.values().filter_map(|entry| {
            if let Entry::Interface(interface) = &**entry { Some(interface) } else { None }
        })
    }

    pub(crate) fn find_vpc(&self, id: &str) -> Option<&Vpc> {
        match self.entries.get(id).map(|entry| &**entry) {
            Some(Entry::Vpc(vpc)) => Some(vpc),
            _ => None,
        }
    }

    pub(crate) fn find_group(&self, id: &str) -> Option<&Group> {
        match self.entries.get(id).map(|entry| &**entry) {
            Some(Entry::Group(group)) => Some(group),
            _ => None,
        }
    }

    pub(crate) fn find_subnet(&self, id: &str) -> Option<&Subnet> {
        match self.entries.get(id).map(|entry| &**entry) {
            Some(Entry::Subnet(subnet)) => Some(subnet),
            _ => None,
        }
    }

    pub(crate) fn find_interface(&self, id: &str) -> Option<&Interface> {
        match self.entries.get(id).map(|entry| &**entry) {
            Some(Entry::Interface(interface)) => Some(interface),
            _ => None,
        }
    }

    /// The interface that has that attachment.
    pub(crate) fn interface_attached_by(&self, attachment: &str) -> Option<&Interface> {
        self.interfaces()
            .find(|interface| interface.attachment.as_ref().is_some_and(|known| known.id == attachment))
    }

    /// The VPC of that id, or AWS's refusal; so are the next three.
    pub(crate) fn vpc(&self, id: &str) -> Result<&Vpc, Refusal> {
        Kind::Vpc.check(id)?;
        self.find_vpc(id).ok_or_else(|| Kind::Vpc.not_found(&[id]))
    }

    pub(crate) fn subnet(&self, id: &str) -> Result<&Subnet, Refusal> {
        Kind::Subnet.check(id)?;
        self.find_subnet(id).ok_or_else(|| Kind::Subnet.not_found(&[id]))
    }

    pub(crate) fn group(&self, id: &str) -> Result<&Group, Refusal> {
        Kind::Group.check(id)?;
        self.find_group(id).ok_or_else(|| Kind::Group.not_found(&[id]))
    }

    pub(crate) fn interface(&self, id: &str) -> Result<&Interface, Refusal> {
        Kind::Interface.check(id)?;
        self.find_interface(id).ok_or_else(|| Kind::Interface.not_found(&[id]))
    }

    /// The default VPC, if it has not been deleted.
    pub(crate) fn default_vpc(&self) -> Option<&Vpc> {
        self.vpcs().find(|vpc| vpc.is_default)
    }

    /// The security group of that name in the default VPC.
    pub(crate) fn default_vpc_group(&self, name: &str) -> Option<&Group> {
        let vpc = self.default_vpc()?;
        self.groups().find(|group| group.vpc_id == vpc.id && group.name == name)
    }

    /// All rules with their groups, in the order of the rules' ids.
    pub(crate) fn rules(&self) -> Vec<(&Group, &Rule)> {
        let of_group = |group| Group::rules(group).iter().map(move |rule| (group, rule));
        let mut rules: Vec<_> = self.groups().flat_map(of_group).collect();
        rules.sort_by(|(_, one), (_, other)| one.id.cmp(&other.id));
        rules
    }

    /// The tags of the resource of that id, whatever it is.
    pub(crate) fn tags(&self, id: &str) -> Option<&Tags> {
        match Kind::of(id)? {
            Kind::Vpc => Some(&self.find_vpc(id)?.tags),
            Kind::Subnet => Some(&self.find_subnet(id)?.tags),
            Kind::Group => Some(&self.find_group(id)?.tags),
            Kind::Interface => Some(&self.find_interface(id)?.tags),
            Kind::Rule => self.groups().find_map(|group| group.rule(id)).map(|rule| &rule.tags),
            Kind::Acl => self.vpcs().find(|vpc| vpc.acl.id == id).map(|vpc| &vpc.acl.tags),
            Kind::RouteTable => {
                self.vpcs().find(|vpc| vpc.route_table.id == id).map(|vpc| &vpc.route_table.tags)
            }
            Kind::Attachment | Kind::Gateway => None,
        }
    }

    /// The VPC that the resource of that id is in.
    pub(crate) fn vpc_of(&self, id: &str) -> Option<&str> {
        match Kind::of(id)? {
            Kind::Subnet => Some(&self.find_subnet(id)?.vpc_id),
            Kind::Group => Some(&self.find_group(id)?.vpc_id),
            Kind::Interface => Some(&self.find_interface(id)?.vpc_id),
            Kind::Vpc | Kind::Rule | Kind::Acl | Kind::RouteTable | Kind::Attachment | Kind::Gateway => None,
        }
    }

    /// The tags of everything, by the ids of what has them.
    pub(crate) fn all_tags(&self) -> BTreeMap<&str, &Tags> {
        let mut all = BTreeMap::new();
        for vpc in self.vpcs() {
            all.insert(vpc.id.as_str(), &vpc.tags);
            all.insert(vpc.acl.id.as_str(), &vpc.acl.tags);
            all.insert(vpc.route_table.id.as_str(), &vpc.route_table.tags);
        }
        all.extend(self.subnets().map(|subnet| (subnet.id.as_str(), &subnet.tags)));
        for group in self.groups() {
            all.insert(group.id.as_str(), &group.tags);
            all.extend(group.rules().iter().map(|rule| (rule.id.as_str(), &rule.tags)));
        }
        all.extend(self.interfaces().map(|interface| (interface.id.as_str(), &interface.tags)));
        all
    }
}

/// A network that one call changes. What is put and removed is noted, so that only that is written.
pub(crate) struct Edit {
    network: Network,
    changed: BTreeSet<String>,
}

impl Deref for Edit {
    type Target = Network;

    fn deref(&self) -> &Network {
        &self.network
    }
}

impl Edit {
    pub(crate) fn new(network: Network) -> Self {
        Self { network, changed: BTreeSet::new() }
    }

    /// Adds a resource, or puts it in place of the one with its id.
    pub(crate) fn put(&mut self, entry: Entry) {
        let id = entry.id().to_owned();
        self.changed.insert(id.clone());
        self.network.entries.insert(id, Arc::new(entry));
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.changed.insert(id.to_owned());
        self.network.entries.remove(id);
    }

    /// Changes the tags of the resource of that id.
    pub(crate) fn change_tags(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Tags) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let holder = match Kind::of(id) {
            Some(Kind::Rule) => self.groups().find(|group| group.rule(id).is_some()).map(|group| &group.id),
            Some(Kind::Acl) => self.vpcs().find(|vpc| vpc.acl.id == id).map(|vpc| &vpc.id),
            Some(Kind::RouteTable) => self.vpcs().find(|vpc| vpc.route_table.id == id).map(|vpc| &vpc.id),
            Some(kind) => {
                kind.check(id)?;
                self.entries.get_key_value(id).map(|(id, _)| id)
            }
            None => return Err(Refusal::client("InvalidID", format!("The ID '{id}' is not valid"))),
        };
        let mut entry = match holder.and_then(|holder| self.entries.get(holder)) {
            Some(entry) => Entry::clone(entry),
            None => return Err(Kind::of(id).unwrap_or(Kind::Vpc).not_found(&[id])),
        };
        let tags = match &mut entry {
            Entry::Vpc(vpc) if vpc.acl.id == id => Some(&mut vpc.acl.tags),
            Entry::Vpc(vpc) if vpc.route_table.id == id => Some(&mut vpc.route_table.tags),
            Entry::Vpc(vpc) => Some(&mut vpc.tags),
            Entry::Subnet(subnet) => Some(&mut subnet.tags),
            Entry::Group(group) if group.id == id => Some(&mut group.tags),
            Entry::Group(group) => group.rule_mut(id).map(|rule| &mut rule.tags),
            Entry::Interface(interface) => Some(&mut interface.tags),
        };
        change(tags.ok_or_else(|| Refusal::internal("a rule is not in the group that has it"))?)?;
        self.put(entry);
        Ok(())
    }

    /// The network as it is now, and the ids of what has changed.
    pub(crate) fn finish(self, version: i64) -> (Network, BTreeSet<String>) {
        (Network { version, ..self.network }, self.changed)
    }
}
