//! Network interfaces.

use std::net::Ipv4Addr;

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_crypto::{digest, hex};
use strongroom_identity::RequestContext;
use strongroom_schema::{Timestamp, Unit};

use super::{Named, flag, list, shown};
use crate::Networks;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::id::Kind;
use crate::domain::interface::{Attachment, Interface, NewInterface, Token, check_groups};
use crate::domain::network::{Entry, Network};
use crate::domain::paging::Page;
use crate::domain::tags::Tags;
use crate::domain::zone;
use crate::error::Refusal;
use crate::networks::{Target, named};

/// Characters of a description and of a client token.
const LONGEST_DESCRIPTION: usize = 255;
const LONGEST_TOKEN: usize = 64;

/// EC2 API Reference, DescribeNetworkInterfaces; those for what there is not here fit nothing.
const FILTERS: &[Attribute<ec2::NetworkInterface>] = &[
    ("addresses.primary", |interface| {
        let addresses = interface.private_ip_addresses.iter().flatten();
        addresses.flat_map(|address| text(&address.primary)).collect()
    }),
    ("addresses.private-ip-address", |interface| {
        let addresses = interface.private_ip_addresses.iter().flatten();
        addresses.flat_map(|address| text(&address.private_ip_address)).collect()
    }),
    ("addresses.association.owner-id", |_| Vec::new()),
    ("addresses.association.public-ip", |_| Vec::new()),
    ("association.allocation-id", |_| Vec::new()),
    ("association.association-id", |_| Vec::new()),
    ("association.ip-owner-id", |_| Vec::new()),
    ("association.public-ip", |_| Vec::new()),
    ("association.public-dns-name", |_| Vec::new()),
    ("attachment.attach-time", |interface| {
        let time = interface.attachment.as_ref().and_then(|attachment| attachment.attach_time);
        time.map(Timestamp::to_iso8601).into_iter().collect()
    }),
    ("attachment.attachment-id", |interface| {
        interface.attachment.iter().flat_map(|attachment| text(&attachment.attachment_id)).collect()
    }),
    ("attachment.delete-on-termination", |interface| {
        interface.attachment.iter().flat_map(|attachment| text(&attachment.delete_on_termination)).collect()
    }),
    ("attachment.device-index", |interface| {
        interface.attachment.iter().flat_map(|attachment| text(&attachment.device_index)).collect()
    }),
    ("attachment.instance-id", |_| Vec::new()),
    ("attachment.instance-owner-id", |interface| {
        interface.attachment.iter().flat_map(|attachment| text(&attachment.instance_owner_id)).collect()
    }),
    ("attachment.status", |interface| {
        let status = interface.attachment.iter().filter_map(|attachment| attachment.status.as_ref());
        status.map(|status| status.as_str().to_owned()).collect()
    }),
    ("availability-zone", |interface| text(&interface.availability_zone)),
    ("availability-zone-id", |interface| text(&interface.availability_zone_id)),
    ("description", |interface| text(&interface.description)),
    ("group-id", |interface| {
        interface.groups.iter().flatten().flat_map(|group| text(&group.group_id)).collect()
    }),
    ("group-name", |interface| {
        interface.groups.iter().flatten().flat_map(|group| text(&group.group_name)).collect()
    }),
    ("interface-type", |interface| {
        interface.interface_type.iter().map(|kind| kind.as_str().to_owned()).collect()
    }),
    ("ipv6-addresses.ipv6-address", |_| Vec::new()),
    ("mac-address", |interface| text(&interface.mac_address)),
    ("network-interface-id", |interface| text(&interface.network_interface_id)),
    ("operator.managed", |_| vec!["false".to_owned()]),
    ("operator.principal", |_| Vec::new()),
    ("owner-id", |interface| text(&interface.owner_id)),
    ("private-dns-name", |interface| text(&interface.private_dns_name)),
    ("private-ip-address", |interface| text(&interface.private_ip_address)),
    ("requester-id", |interface| text(&interface.requester_id)),
    ("requester-managed", |interface| text(&interface.requester_managed)),
    ("source-dest-check", |interface| text(&interface.source_dest_check)),
    ("status", |interface| interface.status.iter().map(|status| status.as_str().to_owned()).collect()),
    ("subnet-id", |interface| text(&interface.subnet_id)),
    ("vpc-id", |interface| text(&interface.vpc_id)),
];

pub(super) async fn create_network_interface(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::CreateNetworkInterfaceRequest,
) -> Result<ec2::CreateNetworkInterfaceResult, Refusal> {
    if input.ipv6_addresses.as_ref().is_some_and(|addresses| !addresses.is_empty())
        || input.ipv6_address_count.is_some_and(|count| count != 0)
        || input.enable_primary_ipv6 == Some(true)
    {
        return Err(Refusal::NotYet("IPv6 addresses of network interfaces"));
    }
    if input.interface_type.is_some() {
        return Err(Refusal::NotYet("types of network interfaces"));
    }
    Kind::Subnet.check(&input.subnet_id)?;
    let client_token = input.client_token.clone().filter(|token| !token.is_empty());
    let new = NewInterface {
        token: client_token.clone().map(|text| read_token(text, &input)).transpose()?,
        ..read_new(context, &input)?
    };
    context.ask(new.tags.asked());
    let mut targets = vec![Target::new(Kind::Interface, &new.tags), Target::One(&input.subnet_id)];
    targets.extend(new.groups.iter().flatten().map(|id| Target::One(id)));
    let (id, network) = networks
        .change::<actions::CreateNetworkInterface, _>(context, input.dry_run, &targets, |edit| {
            Interface::create(edit, &new, context.now_ms)
        })
        .await?;
    named(context, &network.home, Kind::Interface, &id);
    let made = network.find_interface(&id);
    let made = made.ok_or_else(|| Refusal::internal("an interface that was made is gone"))?;
    Ok(ec2::CreateNetworkInterfaceResult { network_interface: Some(answer(&network, made)), client_token })
}

/// What a request says of the new interface, without its token.
fn read_new(
    context: &RequestContext,
    input: &ec2::CreateNetworkInterfaceRequest,
) -> Result<NewInterface, Refusal> {
    let mut primary = input.private_ip_address.as_deref().map(parse_address).transpose()?;
    let mut secondary = Vec::new();
    for listed in input.private_ip_addresses.iter().flatten() {
        let address =
            listed.private_ip_address.as_deref().ok_or_else(|| Refusal::missing("privateIpAddress"))?;
        let address = parse_address(address)?;
        if listed.primary != Some(true) {
            secondary.push(address);
        } else if primary.replace(address).is_some() {
            return Err(Refusal::combination("Only one primary private IP address can be specified."));
        }
    }
    let more = input.secondary_private_ip_address_count.unwrap_or(0);
    if more != 0 && !secondary.is_empty() {
        return Err(Refusal::combination(
            "The parameter secondaryPrivateIpAddressCount cannot be used with the parameter privateIpAddresses",
        ));
    }
    let more = usize::try_from(more).map_err(|_| {
        Refusal::invalid_value(format!(
            "Value ({more}) for parameter secondaryPrivateIpAddressCount is invalid."
        ))
    })?;
    Ok(NewInterface {
        subnet_id: input.subnet_id.clone(),
        description: check_description(input.description.clone().unwrap_or_default())?,
        primary,
        secondary,
        more,
        groups: input.groups.clone(),
        requester: context.caller.principal.service().map(str::to_owned),
        token: None,
        tags: Tags::of_specifications(Kind::Interface, input.tag_specifications.clone())?,
    })
}

fn parse_address(text: &str) -> Result<Ipv4Addr, Refusal> {
    text.parse().map_err(|_| {
        Refusal::invalid_value(format!(
            "Value ({text}) for parameter privateIpAddress is invalid. Invalid IP address."
        ))
    })
}

fn check_description(description: String) -> Result<String, Refusal> {
    if description.chars().count() > LONGEST_DESCRIPTION || description.contains('\0') {
        return Err(Refusal::invalid_value(format!(
            "Invalid description. Valid descriptions have at most {LONGEST_DESCRIPTION} characters."
        )));
    }
    Ok(description)
}

/// A client token, bound to everything else that the request says.
fn read_token(text: String, input: &ec2::CreateNetworkInterfaceRequest) -> Result<Token, Refusal> {
    if text.len() > LONGEST_TOKEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refusal::invalid_value(format!(
            "Value ({}) for parameter clientToken is invalid. A token has at most {LONGEST_TOKEN} ASCII characters.",
            text.chars().take(LONGEST_TOKEN).collect::<String>()
        )));
    }
    let asked = ec2::CreateNetworkInterfaceRequest { client_token: None, dry_run: None, ..input.clone() };
    let digest = hex::encode(&digest::sha256(format!("{asked:?}").as_bytes()));
    Ok(Token { text, digest })
}

pub(super) async fn delete_network_interface(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DeleteNetworkInterfaceRequest,
) -> Result<Unit, Refusal> {
    let id = input.network_interface_id.as_str();
    networks
        .change::<actions::DeleteNetworkInterface, _>(context, input.dry_run, &[Target::One(id)], |edit| {
            Interface::delete(edit, id, context.caller.principal.service())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn detach_network_interface(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DetachNetworkInterfaceRequest,
) -> Result<Unit, Refusal> {
    let id = input.attachment_id.as_str();
    networks
        .change::<actions::DetachNetworkInterface, _>(context, input.dry_run, &[Target::One(id)], |edit| {
            Interface::detach(edit, id, context.caller.principal.service())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn describe_network_interfaces(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeNetworkInterfacesRequest,
) -> Result<ec2::DescribeNetworkInterfacesResult, Refusal> {
    let (ids, token) = (input.network_interface_ids.as_deref(), input.next_token.as_deref());
    let page = Page::parse_with_ids(list::INTERFACES, input.max_results, token, ids, "networkInterfaceId")?;
    let filters = Filters::parse(input.filters, FILTERS)?;
    let network =
        networks.read::<actions::DescribeNetworkInterfaces>(context, input.dry_run, &[Target::All]).await?;
    let named = Named::parse(Kind::Interface, ids, |id| network.find_interface(id).is_some())?;
    let found = network.interfaces().filter(|interface| named.admits(&interface.id));
    let found = found.map(|interface| (interface, answer(&network, interface)));
    let found = found.filter(|(interface, answer)| filters.admit(answer, &interface.tags));
    let (found, next_token) = page.cut(found, |(interface, _)| interface.id.clone());
    let interfaces = found.into_iter().map(|(_, answer)| answer).collect();
    Ok(ec2::DescribeNetworkInterfacesResult { network_interfaces: Some(interfaces), next_token })
}

fn answer(network: &Network, interface: &Interface) -> ec2::NetworkInterface {
    let home = network.home;
    let zone = network.find_subnet(&interface.subnet_id).map(|subnet| subnet.zone.clone());
    let named = network.find_vpc(&interface.vpc_id).is_some_and(|vpc| vpc.dns_support && vpc.dns_hostnames);
    let name = |address: Ipv4Addr| named.then(|| zone::private_dns_name(home.region, address));
    let addresses = interface.addresses.iter().enumerate().map(|(position, address)| {
        ec2::NetworkInterfacePrivateIpAddress {
            primary: Some(position == 0),
            private_dns_name: name(*address),
            private_ip_address: Some(address.to_string()),
            ..ec2::NetworkInterfacePrivateIpAddress::default()
        }
    });
    let primary = interface.addresses.first().copied();
    ec2::NetworkInterface {
        attachment: interface.attachment.as_ref().map(|attachment| attachment_answer(interface, attachment)),
        availability_zone_id: zone.as_deref().and_then(|zone| zone::id_of(home.region, zone)),
        availability_zone: zone,
        description: Some(interface.description.clone()),
        groups: Some(groups_answer(network, interface)),
        interface_type: Some(ec2::NetworkInterfaceType::Interface),
        ipv6_addresses: Some(Vec::new()),
        mac_address: Some(interface.mac_address.clone()),
        network_interface_id: Some(interface.id.clone()),
        owner_id: Some(home.account.to_string()),
        private_dns_name: primary.and_then(name),
        private_ip_address: primary.map(|address| address.to_string()),
        private_ip_addresses: Some(addresses.collect()),
        requester_id: Some(interface.requester.clone().unwrap_or_else(|| home.account.to_string())),
        requester_managed: Some(interface.requester.is_some()),
        source_dest_check: Some(interface.source_dest_check),
        status: Some(ec2::NetworkInterfaceStatus::from(interface.status())),
        subnet_id: Some(interface.subnet_id.clone()),
        tag_set: Some(interface.tags.to_answer()),
        vpc_id: Some(interface.vpc_id.clone()),
        ..ec2::NetworkInterface::default()
    }
}

fn groups_answer(network: &Network, interface: &Interface) -> Vec<ec2::GroupIdentifier> {
    let groups = interface.groups.iter().map(|id| ec2::GroupIdentifier {
        group_id: Some(id.clone()),
        group_name: network.find_group(id).map(|group| group.name.clone()),
    });
    groups.collect()
}

/// An attachment to what a service runs for the account. It runs in no instance of the account's.
fn attachment_answer(interface: &Interface, attachment: &Attachment) -> ec2::NetworkInterfaceAttachment {
    ec2::NetworkInterfaceAttachment {
        attach_time: Some(Timestamp::from_millis(attachment.attached_ms)),
        attachment_id: Some(attachment.id.clone()),
        delete_on_termination: Some(attachment.delete_on_termination),
        device_index: Some(1),
        network_card_index: Some(0),
        instance_owner_id: interface.requester.clone(),
        status: Some(ec2::AttachmentStatus::Attached),
        ..ec2::NetworkInterfaceAttachment::default()
    }
}

pub(super) async fn describe_network_interface_attribute(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeNetworkInterfaceAttributeRequest,
) -> Result<ec2::DescribeNetworkInterfaceAttributeResult, Refusal> {
    // Permission for this one is not given for single interfaces (Service Authorization Reference).
    let targets = [Target::All];
    let network =
        networks.read::<actions::DescribeNetworkInterfaceAttribute>(context, input.dry_run, &targets).await?;
    let interface = network.interface(&input.network_interface_id)?;
    let network_interface_id = Some(interface.id.clone());
    let result = ec2::DescribeNetworkInterfaceAttributeResult { network_interface_id, ..Default::default() };
    Ok(match input.attribute {
        None => return Err(Refusal::missing("Attribute")),
        Some(ec2::NetworkInterfaceAttribute::Description) => ec2::DescribeNetworkInterfaceAttributeResult {
            description: Some(ec2::AttributeValue { value: Some(interface.description.clone()) }),
            ..result
        },
        Some(ec2::NetworkInterfaceAttribute::GroupSet) => ec2::DescribeNetworkInterfaceAttributeResult {
            groups: Some(groups_answer(&network, interface)),
            ..result
        },
        Some(ec2::NetworkInterfaceAttribute::SourceDestCheck) => {
            ec2::DescribeNetworkInterfaceAttributeResult {
                source_dest_check: Some(shown(interface.source_dest_check)),
                ..result
            }
        }
        Some(ec2::NetworkInterfaceAttribute::Attachment) => ec2::DescribeNetworkInterfaceAttributeResult {
            attachment: interface
                .attachment
                .as_ref()
                .map(|attachment| attachment_answer(interface, attachment)),
            ..result
        },
        Some(ec2::NetworkInterfaceAttribute::AssociatePublicIpAddress) => {
            ec2::DescribeNetworkInterfaceAttributeResult {
                associate_public_ip_address: Some(false),
                ..result
            }
        }
        Some(ec2::NetworkInterfaceAttribute::Unknown(name)) => {
            return Err(Refusal::invalid_value(format!(
                "Value ({name}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    })
}

pub(super) async fn modify_network_interface_attribute(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::ModifyNetworkInterfaceAttributeRequest,
) -> Result<Unit, Refusal> {
    if input.associate_public_ip_address == Some(true) || input.enable_primary_ipv6 == Some(true) {
        return Err(Refusal::NotYet("public and IPv6 addresses of network interfaces"));
    }
    let check = flag(input.source_dest_check);
    let description = input.description.map(|description| description.value.unwrap_or_default());
    let description = description.map(check_description).transpose()?;
    let (groups, attachment) = (input.groups, input.attachment);
    let named = [check.is_some(), description.is_some(), groups.is_some(), attachment.is_some()];
    match named.into_iter().filter(|named| *named).count() {
        0 => return Err(Refusal::missing("description, groupId, sourceDestCheck or attachment")),
        1 => {}
        _ => return Err(Refusal::combination("Fields for multiple attribute types specified")),
    }
    let id = input.network_interface_id.as_str();
    let mut targets = vec![Target::One(id)];
    targets.extend(groups.iter().flatten().map(|id| Target::One(id)));
    networks
        .change::<actions::ModifyNetworkInterfaceAttribute, _>(context, input.dry_run, &targets, |edit| {
            let mut interface = edit.interface(id)?.clone();
            interface.expect_managed_by(context.caller.principal.service())?;
            if let Some(groups) = &groups {
                if groups.is_empty() {
                    return Err(Refusal::missing("groupId"));
                }
                interface.groups = check_groups(edit, groups, &interface.vpc_id, &interface.subnet_id)?;
            }
            if let Some(changes) = &attachment {
                change_attachment(&mut interface, changes)?;
            }
            interface.source_dest_check = check.unwrap_or(interface.source_dest_check);
            if let Some(description) = &description {
                interface.description.clone_from(description);
            }
            edit.put(Entry::Interface(interface));
            Ok(())
        })
        .await?;
    Ok(Unit)
}

fn change_attachment(
    interface: &mut Interface,
    changes: &ec2::NetworkInterfaceAttachmentChanges,
) -> Result<(), Refusal> {
    let id = changes.attachment_id.as_deref().unwrap_or_default();
    Kind::Attachment.check(id)?;
    let attachment = interface.attachment.as_mut().filter(|attachment| attachment.id == id);
    let attachment = attachment.ok_or_else(|| Kind::Attachment.not_found(&[id]))?;
    attachment.delete_on_termination =
        changes.delete_on_termination.unwrap_or(attachment.delete_on_termination);
    Ok(())
}
