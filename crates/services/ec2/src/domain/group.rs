//! Security groups.

use serde::{Deserialize, Serialize};

use super::id::Kind;
use super::network::{Edit, Entry};
use super::rule::{DESCRIPTION_SIGNS, Peer, Permission, Rule, Traffic, is_plain};
use super::tags::Tags;
use crate::error::Refusal;

/// Security groups in a Region (Amazon VPC quotas).
const MOST_GROUPS: usize = 2500;

/// Rules of one group, for each direction and each version of IP (Amazon VPC quotas). A rule by group counts
/// for both versions.
const MOST_RULES: usize = 60;

/// The name of the group that each VPC comes with.
const DEFAULT: &str = "default";

/// Characters of a name and of a description.
const LONGEST_TEXT: usize = 255;

/// A security group with its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    rules: Vec<Rule>,
    pub(crate) tags: Tags,
}

impl Group {
    fn new(vpc_id: &str, name: &str, description: &str, tags: Tags) -> Result<Self, Refusal> {
        let anywhere = Permission { traffic: Traffic::EVERYTHING, peer: anywhere()?, description: None };
        Ok(Self {
            id: Kind::Group.new_id()?,
            vpc_id: vpc_id.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            rules: vec![anywhere.into_rule(true, &Tags::default())?],
            tags,
        })
    }

    /// The group that a VPC comes with: its members reach each other, and may send anything anywhere.
    pub(crate) fn default_of(vpc_id: &str) -> Result<Self, Refusal> {
        let mut group = Self::new(vpc_id, DEFAULT, "default VPC security group", Tags::default())?;
        let peer = Peer::Group(group.id.clone());
        let members = Permission { traffic: Traffic::EVERYTHING, peer, description: None };
        group.rules.push(members.into_rule(false, &Tags::default())?);
        Ok(group)
    }

    pub(crate) fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    /// Makes a group in a VPC, and answers its id.
    pub(crate) fn create(
        edit: &mut Edit,
        vpc_id: &str,
        name: &str,
        description: &str,
        tags: Tags,
    ) -> Result<String, Refusal> {
        check_name(name)?;
        if description.is_empty() {
            return Err(Refusal::missing("GroupDescription"));
        }
        if !is_plain(description, LONGEST_TEXT) {
            return Err(Refusal::invalid_value(format!(
                "Invalid security group description. Valid descriptions are strings less than 256 characters \
                 from the following set:  a-zA-Z0-9{}",
                DESCRIPTION_SIGNS.replacen(" .", ". ", 1)
            )));
        }
        let vpc_id = edit.vpc(vpc_id)?.id.clone();
        if edit.groups().any(|group| group.vpc_id == vpc_id && group.name == name) {
            let text = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
            return Err(Refusal::client("InvalidGroup.Duplicate", text));
        }
        if edit.groups().count() >= MOST_GROUPS {
            let text = "The maximum number of security groups has been reached.";
            return Err(Refusal::client("SecurityGroupLimitExceeded", text));
        }
        let group = Self::new(&vpc_id, name, description, tags)?;
        let id = group.id.clone();
        edit.put(Entry::Group(group));
        Ok(id)
    }

    /// Deletes a group that no interface is in and no other group's rule names.
    pub(crate) fn delete(edit: &mut Edit, id: &str) -> Result<(), Refusal> {
        let group = edit.group(id)?;
        if group.is_default() {
            let text =
                format!("the specified group: \"{id}\" name: \"{DEFAULT}\" cannot be deleted by a user");
            return Err(Refusal::client("CannotDelete", text));
        }
        let named = Peer::Group(id.to_owned());
        let is_named = |other: &Self| other.id != id && other.rules.iter().any(|rule| rule.peer == named);
        let has_members = edit.interfaces().any(|interface| interface.groups.iter().any(|group| group == id));
        if has_members || edit.groups().any(is_named) {
            return Err(Refusal::client(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            ));
        }
        edit.remove(id);
        Ok(())
    }

    /// All rules, those for either direction.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(crate) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    pub(crate) fn rule_mut(&mut self, id: &str) -> Option<&mut Rule> {
        self.rules.iter_mut().find(|rule| rule.id == id)
    }

    /// Adds rules, all or none, and answers their ids.
    pub(crate) fn authorize(
        &mut self,
        egress: bool,
        permissions: &[Permission],
        tags: &Tags,
    ) -> Result<Vec<String>, Refusal> {
        let mut ids = Vec::with_capacity(permissions.len());
        for (position, permission) in permissions.iter().enumerate() {
            let again = permissions[..position].iter();
            if again.clone().any(|other| other.traffic == permission.traffic && other.peer == permission.peer)
            {
                return Err(Refusal::invalid_value("The same permission must not appear multiple times"));
            }
            if self.rules.iter().any(|rule| rule.egress == egress && permission.is(rule)) {
                return Err(permission.duplicate());
            }
        }
        for permission in permissions {
            let rule = permission.clone().into_rule(egress, tags)?;
            ids.push(rule.id.clone());
            self.rules.push(rule);
        }
        self.expect_room(egress)?;
        Ok(ids)
    }

    /// Takes the rules away that say what `permissions` say, all or none, and answers them.
    pub(crate) fn revoke(&mut self, egress: bool, permissions: &[Permission]) -> Result<Vec<Rule>, Refusal> {
        let mut revoked = Vec::new();
        for permission in permissions {
            let place = self.rules.iter().position(|rule| rule.egress == egress && permission.is(rule));
            let place = place.ok_or_else(Permission::not_found)?;
            revoked.push(self.rules.remove(place));
        }
        Ok(revoked)
    }

    /// Takes the rules of those ids away, all or none, and answers them.
    pub(crate) fn revoke_ids(&mut self, egress: bool, ids: &[String]) -> Result<Vec<Rule>, Refusal> {
        let mut revoked = Vec::new();
        for id in ids {
            Kind::Rule.check(id)?;
            let place = self.rules.iter().position(|rule| rule.egress == egress && rule.id == *id);
            let place = place.ok_or_else(|| Kind::Rule.not_found(&[id]))?;
            revoked.push(self.rules.remove(place));
        }
        Ok(revoked)
    }

    /// Gives a rule another meaning; what kind of peer it has stays.
    pub(crate) fn replace_rule(&mut self, id: &str, permission: Permission) -> Result<(), Refusal> {
        let rule = self.rule(id).ok_or_else(|| Kind::Rule.not_found(&[id]))?;
        if !rule.peer.is_like(&permission.peer) {
            return Err(Refusal::invalid_value(format!(
                "You may not change the source or destination type of the security group rule '{id}'"
            )));
        }
        let egress = rule.egress;
        let others = self.rules.iter().filter(|other| other.id != id && other.egress == egress);
        if others.clone().any(|other| permission.is(other)) {
            return Err(permission.duplicate());
        }
        if let Some(rule) = self.rule_mut(id) {
            (rule.traffic, rule.peer, rule.description) =
                (permission.traffic, permission.peer, permission.description);
        }
        Ok(())
    }

    fn expect_room(&self, egress: bool) -> Result<(), Refusal> {
        let count = |not: fn(&Peer) -> bool| {
            self.rules.iter().filter(|rule| rule.egress == egress && !not(&rule.peer)).count()
        };
        let v4 = count(|peer| matches!(peer, Peer::V6(_)));
        let v6 = count(|peer| matches!(peer, Peer::V4(_)));
        if v4.max(v6) > MOST_RULES {
            return Err(Refusal::client(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            ));
        }
        Ok(())
    }
}

fn anywhere() -> Result<Peer, Refusal> {
    Peer::parse_v4("0.0.0.0/0")
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::missing("GroupName"));
    }
    if name.eq_ignore_ascii_case(DEFAULT) {
        return Err(Refusal::invalid_value(format!("Cannot use reserved security group name: {name}")));
    }
    if name.starts_with("sg-") {
        return Err(Refusal::invalid_value("Group names may not be in the format sg-*."));
    }
    if !is_plain(name, LONGEST_TEXT) {
        return Err(Refusal::invalid_value(format!(
            "Invalid security group name. Valid names are strings less than 256 characters from the following \
             set:  a-zA-Z0-9{}",
            DESCRIPTION_SIGNS.replacen(" .", ". ", 1)
        )));
    }
    Ok(())
}
