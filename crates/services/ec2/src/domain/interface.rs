//! Network interfaces.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::address;
use super::id::Kind;
use super::network::{Edit, Entry};
use super::tags::Tags;
use crate::error::Refusal;

/// Network interfaces in a Region (Amazon VPC quotas).
const MOST_INTERFACES: usize = 5000;

/// Security groups of one interface (Amazon VPC quotas).
const MOST_GROUPS: usize = 5;

/// Addresses of one interface: as many as the largest instances of AWS have.
const MOST_ADDRESSES: usize = 50;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) subnet_id: String,
    pub(crate) description: String,
    /// The first one is the primary address.
    pub(crate) addresses: Vec<Ipv4Addr>,
    /// Ids of its security groups, in the order in which they were named.
    pub(crate) groups: Vec<String>,
    pub(crate) mac_address: String,
    pub(crate) source_dest_check: bool,
    /// The AWS service that made it, if one did. Such an interface is the service's to manage.
    pub(crate) requester: Option<String>,
    pub(crate) attachment: Option<Attachment>,
    /// The call that made it, if it named a token.
    pub(crate) token: Option<Token>,
    pub(crate) tags: Tags,
}

/// The attachment of a service's interface to what the service runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) attached_ms: i64,
    pub(crate) delete_on_termination: bool,
}

/// A client token, with what was asked for under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// A digest of the request.
    pub(crate) digest: String,
}

/// What a caller says of a new interface.
pub(crate) struct NewInterface {
    pub(crate) subnet_id: String,
    pub(crate) description: String,
    /// The primary address, if it is chosen.
    pub(crate) primary: Option<Ipv4Addr>,
    /// Further addresses that are chosen, and how many more are wanted.
    pub(crate) secondary: Vec<Ipv4Addr>,
    pub(crate) more: usize,
    /// `None` for the default group of the VPC.
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) requester: Option<String>,
    pub(crate) token: Option<Token>,
    pub(crate) tags: Tags,
}

impl Interface {
    /// Makes an interface, or finds the one that was made under the same token, and answers its id.
    pub(crate) fn create(edit: &mut Edit, new: &NewInterface, now_ms: i64) -> Result<String, Refusal> {
        if let Some(token) = &new.token
            && let Some(made) = edit.interfaces().find(|made| is_under(made, &token.text))
        {
            if made.token.as_ref() == Some(token) {
                return Ok(made.id.clone());
            }
            return Err(Refusal::client(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
            ));
        }
        let subnet = edit.subnet(&new.subnet_id)?;
        let vpc = edit.vpc(&subnet.vpc_id)?;
        let groups = match &new.groups {
            Some(groups) if !groups.is_empty() => check_groups(edit, groups, &vpc.id, &subnet.id)?,
            _ => vpc.default_group(edit).map(|group| group.id.clone()).into_iter().collect(),
        };
        if edit.interfaces().count() >= MOST_INTERFACES {
            let text = "You have reached the limit on the number of network interfaces that you can create.";
            return Err(Refusal::client("NetworkInterfaceLimitExceeded", text));
        }
        let requester = new.requester.clone();
        let attachment = match requester {
            Some(_) => Some(Attachment {
                id: Kind::Attachment.new_id()?,
                attached_ms: now_ms,
                delete_on_termination: false,
            }),
            None => None,
        };
        let interface = Self {
            id: Kind::Interface.new_id()?,
            vpc_id: vpc.id.clone(),
            subnet_id: subnet.id.clone(),
            description: new.description.clone(),
            addresses: addresses(edit, new)?,
            groups,
            mac_address: mac_address()?,
            source_dest_check: true,
            requester,
            attachment,
            token: new.token.clone(),
            tags: new.tags.clone(),
        };
        let id = interface.id.clone();
        edit.put(Entry::Interface(interface));
        Ok(id)
    }

    /// Deletes an interface. One of a service is deleted by that service only.
    pub(crate) fn delete(edit: &mut Edit, id: &str, service: Option<&str>) -> Result<(), Refusal> {
        let interface = edit.interface(id)?;
        if interface.attachment.is_some() && !interface.is_managed_by(service) {
            let text = format!("Network interface '{id}' is currently in use.");
            return Err(Refusal::invalid_value(text));
        }
        interface.expect_managed_by(service)?;
        edit.remove(id);
        Ok(())
    }

    /// Detaches an interface from what its service runs.
    pub(crate) fn detach(edit: &mut Edit, attachment: &str, service: Option<&str>) -> Result<(), Refusal> {
        Kind::Attachment.check(attachment)?;
        let interface = edit.interface_attached_by(attachment);
        let interface = interface.ok_or_else(|| Kind::Attachment.not_found(&[attachment]))?;
        if !interface.is_managed_by(service) {
            let text = format!("You are not allowed to manage '{attachment}' attachments.");
            return Err(Refusal::client("OperationNotPermitted", text));
        }
        let detached = Self { attachment: None, ..interface.clone() };
        edit.put(Entry::Interface(detached));
        Ok(())
    }

    /// Refuses whoever may see the interface and not change it.
    pub(crate) fn expect_managed_by(&self, service: Option<&str>) -> Result<(), Refusal> {
        if self.is_managed_by(service) { Ok(()) } else { Err(Refusal::managed_by_service()) }
    }

    /// Whether the caller, who is a service or is none, looks after the interface. A service may look after
    /// those of the account too.
    fn is_managed_by(&self, service: Option<&str>) -> bool {
        self.requester.is_none() || self.requester.as_deref() == service
    }

    /// `available`, or `in-use` while it is attached.
    pub(crate) fn status(&self) -> &'static str {
        if self.attachment.is_some() { "in-use" } else { "available" }
    }
}

/// The groups that an interface in that VPC is put into.
pub(crate) fn check_groups(
    edit: &Edit,
    groups: &[String],
    vpc_id: &str,
    place: &str,
) -> Result<Vec<String>, Refusal> {
    let mut checked = Vec::new();
    for id in groups {
        let group = edit.group(id)?;
        if group.vpc_id != vpc_id {
            let text = format!("Security group {id} and subnet {place} belong to different networks.");
            return Err(Refusal::client("InvalidParameter", text));
        }
        if !checked.contains(id) {
            checked.push(id.clone());
        }
    }
    if checked.len() > MOST_GROUPS {
        return Err(Refusal::client(
            "SecurityGroupsPerInterfaceLimitExceeded",
            format!(
                "You have exceeded the number of VPC security groups allowed per network interface: {MOST_GROUPS}"
            ),
        ));
    }
    Ok(checked)
}

fn is_under(interface: &Interface, token: &str) -> bool {
    interface.token.as_ref().is_some_and(|known| known.text == token)
}

/// The addresses of a new interface, the primary one first.
fn addresses(edit: &Edit, new: &NewInterface) -> Result<Vec<Ipv4Addr>, Refusal> {
    let subnet = edit.subnet(&new.subnet_id)?;
    if new.secondary.len() + new.more >= MOST_ADDRESSES {
        return Err(Refusal::client(
            "PrivateIpAddressLimitExceeded",
            "Number of private addresses will exceed limit.",
        ));
    }
    let mut used = subnet.used(edit);
    let mut addresses = Vec::new();
    for chosen in new.primary.iter().chain(&new.secondary) {
        address::check_chosen(subnet.block, &used, *chosen)?;
        used.insert(*chosen);
        addresses.push(*chosen);
    }
    let missing = new.more + usize::from(new.primary.is_none());
    for number in 0..missing {
        let free = address::choose(subnet.block, &used)?;
        used.insert(free);
        // Without a chosen primary address, the first free one is it.
        let primary = number == 0 && new.primary.is_none();
        addresses.insert(if primary { 0 } else { addresses.len() }, free);
    }
    Ok(addresses)
}

/// A locally administered address, as those of AWS's interfaces are.
fn mac_address() -> Result<String, Refusal> {
    let bytes: [u8; 5] =
        strongroom_crypto::random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
    Ok(bytes.iter().fold("0a".to_owned(), |text, byte| format!("{text}:{byte:02x}")))
}
