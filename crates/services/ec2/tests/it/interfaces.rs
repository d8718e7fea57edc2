//! Network interfaces, those of accounts and those of services.

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, NOW, client, in_subnet, refusal, tag};

on_both_engines! {
    an_interface_has_an_address_of_its_subnet,
    addresses_can_be_chosen,
    addresses_that_cannot_be_chosen,
    several_addresses,
    groups_are_of_the_same_vpc,
    the_same_token_makes_one_interface,
    attributes_are_shown_and_changed_one_at_a_time,
    a_services_interface_is_the_services,
    a_service_may_do_no_more_than_its_role_lets_it,
    names_follow_the_vpcs_attributes,
}

async fn an_interface_has_an_address_of_its_subnet(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let input = ec2::CreateNetworkInterfaceRequest {
        description: Some("mine".to_owned()),
        tag_specifications: Some(vec![ec2::TagSpecification {
            resource_type: Some(ec2::ResourceType::NetworkInterface),
            tags: Some(vec![tag("a", "1")]),
        }]),
        ..in_subnet(&subnet)
    };
    let made = client.create_interface(input).await.unwrap();
    assert_eq!(made.private_ip_address.as_deref(), Some("127.31.0.4"));
    assert_eq!(made.availability_zone.as_deref(), Some("us-east-1a"));
    assert_eq!(made.status, Some(ec2::NetworkInterfaceStatus::Available));
    assert_eq!(made.requester_managed, Some(false));
    assert_eq!(made.requester_id, Some(client.account.to_string()));
    assert_eq!(made.interface_type, Some(ec2::NetworkInterfaceType::Interface));
    assert_eq!(made.source_dest_check, Some(true));
    assert_eq!(made.tag_set.as_ref().unwrap().len(), 1);
    assert_eq!(made.groups.as_ref().unwrap()[0].group_name.as_deref(), Some("default"));
    assert!(made.attachment.is_none());
    let mac = made.mac_address.clone().unwrap();
    assert!(mac.starts_with("0a:") && mac.len() == 17, "{mac}");
    let id = made.network_interface_id.clone().unwrap();
    let found = client.interfaces(&[("network-interface-id", &[&id])]).await.unwrap().remove(0);
    assert_eq!(format!("{found:?}"), format!("{made:?}"));
    client.delete_interface(&id).await.unwrap();
    assert_eq!(
        refusal(client.delete_interface(&id).await),
        format!("InvalidNetworkInterfaceID.NotFound: The networkInterface ID '{id}' does not exist")
    );
    let again = client.create_interface(in_subnet(&subnet)).await.unwrap();
    assert_eq!(again.private_ip_address.as_deref(), Some("127.31.0.4"), "it is free again");
}

fn at(subnet: &str, address: &str) -> ec2::CreateNetworkInterfaceRequest {
    ec2::CreateNetworkInterfaceRequest { private_ip_address: Some(address.to_owned()), ..in_subnet(subnet) }
}

async fn addresses_can_be_chosen(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    for address in ["127.31.0.5", "127.31.15.254", "127.31.0.4"] {
        let made = client.create_interface(at(&subnet, address)).await.unwrap();
        assert_eq!(made.private_ip_address.as_deref(), Some(address));
    }
    let next = client.create_interface(in_subnet(&subnet)).await.unwrap();
    assert_eq!(next.private_ip_address.as_deref(), Some("127.31.0.6"));
}

async fn addresses_that_cannot_be_chosen(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    client.create_interface(at(&subnet, "127.31.0.9")).await.unwrap();
    let reserved = "InvalidParameterValue: Address is in subnet's reserved address range";
    let outside = "InvalidParameterValue: Address does not fall within the subnet's address range";
    for (address, expected) in [
        ("127.31.0.0", reserved),
        ("127.31.0.1", reserved),
        ("127.31.0.2", reserved),
        ("127.31.0.3", reserved),
        ("127.31.15.255", reserved),
        ("127.31.16.4", outside),
        ("10.0.0.4", outside),
        ("127.31.0.9", "InvalidIPAddress.InUse: Address 127.31.0.9 is in use."),
        (
            "x",
            "InvalidParameterValue: Value (x) for parameter privateIpAddress is invalid. Invalid IP address.",
        ),
    ] {
        assert_eq!(refusal(client.create_interface(at(&subnet, address)).await), expected, "{address}");
    }
}

async fn several_addresses(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let listed = |address: &str, primary: Option<bool>| ec2::PrivateIpAddressSpecification {
        private_ip_address: Some(address.to_owned()),
        primary,
    };
    let list = |addresses: Vec<ec2::PrivateIpAddressSpecification>| ec2::CreateNetworkInterfaceRequest {
        private_ip_addresses: Some(addresses),
        ..in_subnet(&subnet)
    };
    let addresses = |made: &ec2::NetworkInterface| -> Vec<String> {
        let all = made.private_ip_addresses.as_ref().unwrap();
        assert_eq!(all[0].primary, Some(true));
        assert!(all[1..].iter().all(|address| address.primary == Some(false)));
        assert_eq!(all[0].private_ip_address, made.private_ip_address);
        all.iter().map(|address| address.private_ip_address.clone().unwrap()).collect()
    };
    let made = client
        .create_interface(list(vec![listed("127.31.0.8", None), listed("127.31.0.9", Some(true))]))
        .await
        .unwrap();
    assert_eq!(addresses(&made), ["127.31.0.9", "127.31.0.8"]);
    let input = ec2::CreateNetworkInterfaceRequest {
        secondary_private_ip_address_count: Some(2),
        ..in_subnet(&subnet)
    };
    let made = client.create_interface(input).await.unwrap();
    assert_eq!(addresses(&made), ["127.31.0.4", "127.31.0.5", "127.31.0.6"]);
    let found = client.interfaces(&[("addresses.private-ip-address", &["127.31.0.6"])]).await.unwrap();
    assert_eq!(found[0].network_interface_id, made.network_interface_id);
    let two = list(vec![listed("127.31.0.20", Some(true)), listed("127.31.0.21", Some(true))]);
    assert_eq!(client.create_interface(two).await.unwrap_err().code(), "InvalidParameterCombination");
    let many = ec2::CreateNetworkInterfaceRequest {
        secondary_private_ip_address_count: Some(50),
        ..in_subnet(&subnet)
    };
    assert_eq!(client.create_interface(many).await.unwrap_err().code(), "PrivateIpAddressLimitExceeded");
}

async fn groups_are_of_the_same_vpc(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let far = client.create_group(Some(&vpc), "far").await.unwrap();
    let mut near = Vec::new();
    for number in 0..6 {
        near.push(client.create_group(None, &format!("near {number}")).await.unwrap());
    }
    let within = |groups: &[String]| ec2::CreateNetworkInterfaceRequest {
        groups: Some(groups.to_vec()),
        ..in_subnet(&subnet)
    };
    let made = client.create_interface(within(&near[..5])).await.unwrap();
    let groups: Vec<_> = made.groups.unwrap().into_iter().map(|group| group.group_id.unwrap()).collect();
    assert_eq!(groups, near[..5]);
    assert_eq!(
        client.create_interface(within(&near)).await.unwrap_err().code(),
        "SecurityGroupsPerInterfaceLimitExceeded"
    );
    assert_eq!(
        refusal(client.create_interface(within(std::slice::from_ref(&far))).await),
        format!("InvalidParameter: Security group {far} and subnet {subnet} belong to different networks.")
    );
    assert_eq!(
        refusal(client.create_interface(within(&["sg-1".to_owned()])).await),
        "InvalidGroup.NotFound: The security group 'sg-1' does not exist"
    );
}

async fn the_same_token_makes_one_interface(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let create = async |token: &str, description: &str| {
        let input = ec2::CreateNetworkInterfaceRequest {
            client_token: Some(token.to_owned()),
            description: Some(description.to_owned()),
            ..in_subnet(&subnet)
        };
        client.ec2.create_network_interface(&client.changing(), input).await
    };
    let first = create("t", "d").await.unwrap();
    assert_eq!(first.client_token.as_deref(), Some("t"));
    let again = create("t", "d").await.unwrap();
    let id = |made: &ec2::CreateNetworkInterfaceResult| {
        made.network_interface.as_ref().unwrap().network_interface_id.clone()
    };
    assert_eq!(id(&first), id(&again));
    assert_ne!(id(&first), id(&create("other", "d").await.unwrap()));
    assert_eq!(
        refusal(create("t", "another").await),
        "IdempotentParameterMismatch: Arguments on this idempotent request are inconsistent with arguments used in \
         previous request(s)."
    );
    assert_eq!(create(&"x".repeat(65), "d").await.unwrap_err().code(), "InvalidParameterValue");
    assert_eq!(client.interfaces(&[]).await.unwrap().len(), 2);
}

async fn attributes_are_shown_and_changed_one_at_a_time(database: &TestDatabase) {
    let client = client(database).await;
    let id = client.create_interface(in_subnet(&client.some_subnet().await)).await.unwrap();
    let id = id.network_interface_id.unwrap();
    let group = client.create_group(None, "g").await.unwrap();
    let modify = async |input: ec2::ModifyNetworkInterfaceAttributeRequest| {
        let input = ec2::ModifyNetworkInterfaceAttributeRequest { network_interface_id: id.clone(), ..input };
        client.ec2.modify_network_interface_attribute(&client.changing(), input).await
    };
    let show = async |attribute: ec2::NetworkInterfaceAttribute| {
        let input = ec2::DescribeNetworkInterfaceAttributeRequest {
            network_interface_id: id.clone(),
            attribute: Some(attribute),
            dry_run: None,
        };
        client.ec2.describe_network_interface_attribute(&client.context(), input).await
    };
    let description = || Some(ec2::AttributeValue { value: Some("new".to_owned()) });
    let check = || Some(ec2::AttributeBooleanValue { value: Some(false) });
    modify(ec2::ModifyNetworkInterfaceAttributeRequest { description: description(), ..Default::default() })
        .await
        .unwrap();
    modify(ec2::ModifyNetworkInterfaceAttributeRequest { source_dest_check: check(), ..Default::default() })
        .await
        .unwrap();
    modify(ec2::ModifyNetworkInterfaceAttributeRequest {
        groups: Some(vec![group.clone()]),
        ..Default::default()
    })
    .await
    .unwrap();
    let shown = show(ec2::NetworkInterfaceAttribute::Description).await.unwrap();
    assert_eq!(shown.description.unwrap().value.as_deref(), Some("new"));
    let shown = show(ec2::NetworkInterfaceAttribute::SourceDestCheck).await.unwrap();
    assert_eq!(shown.source_dest_check.unwrap().value, Some(false));
    let shown = show(ec2::NetworkInterfaceAttribute::GroupSet).await.unwrap();
    assert_eq!(shown.groups.unwrap()[0].group_id.as_ref(), Some(&group));
    assert!(show(ec2::NetworkInterfaceAttribute::Attachment).await.unwrap().attachment.is_none());
    let both = ec2::ModifyNetworkInterfaceAttributeRequest {
        description: description(),
        source_dest_check: check(),
        ..Default::default()
    };
    assert_eq!(modify(both).await.unwrap_err().code(), "InvalidParameterCombination");
    assert_eq!(
        modify(ec2::ModifyNetworkInterfaceAttributeRequest::default()).await.unwrap_err().code(),
        "MissingParameter"
    );
}

/// An interface that CloudHSM has made.
async fn of_cloudhsm(client: &Client) -> ec2::NetworkInterface {
    let input = ec2::CreateNetworkInterfaceRequest {
        description: Some("CloudHsm ENI for hsm-1".to_owned()),
        ..in_subnet(&client.some_subnet().await)
    };
    client.cloudhsm().create_interface(input).await.unwrap()
}

async fn detach(client: &Client, attachment: &str) -> Result<(), ApiError> {
    let attachment_id = attachment.to_owned();
    let input = ec2::DetachNetworkInterfaceRequest { attachment_id, ..Default::default() };
    client.ec2.detach_network_interface(&client.changing(), input).await.map(drop)
}

async fn a_services_interface_is_the_services(database: &TestDatabase) {
    let client = client(database).await;
    let service = client.cloudhsm();
    let made = of_cloudhsm(&client).await;
    let id = made.network_interface_id.clone().unwrap();
    assert_eq!(made.requester_id.as_deref(), Some("cloudhsm.amazonaws.com"));
    assert_eq!(made.requester_managed, Some(true));
    assert_eq!(made.owner_id, Some(client.account.to_string()));
    assert_eq!(made.status, Some(ec2::NetworkInterfaceStatus::InUse));
    let attachment = made.attachment.unwrap();
    assert_eq!(attachment.status, Some(ec2::AttachmentStatus::Attached));
    assert_eq!(attachment.attach_time.unwrap().as_millis(), NOW);
    let attachment = attachment.attachment_id.unwrap();
    // The account sees it, and does not change it.
    assert_eq!(client.interfaces(&[("requester-managed", &["true"])]).await.unwrap().len(), 1);
    assert_eq!(
        refusal(client.delete_interface(&id).await),
        format!("InvalidParameterValue: Network interface '{id}' is currently in use.")
    );
    assert_eq!(
        refusal(detach(&client, &attachment).await),
        format!("OperationNotPermitted: You are not allowed to manage '{attachment}' attachments.")
    );
    let modify = ec2::ModifyNetworkInterfaceAttributeRequest {
        network_interface_id: id.clone(),
        description: Some(ec2::AttributeValue { value: Some("mine".to_owned()) }),
        ..Default::default()
    };
    assert_eq!(
        refusal(client.ec2.modify_network_interface_attribute(&client.changing(), modify).await),
        "AuthFailure: You do not have permission to access the specified resource."
    );
    // The service detaches and deletes it, or deletes it at once.
    detach(&service, &attachment).await.unwrap();
    assert_eq!(detach(&service, &attachment).await.unwrap_err().code(), "InvalidAttachmentID.NotFound");
    let found = client.interfaces(&[("network-interface-id", &[&id])]).await.unwrap().remove(0);
    assert_eq!(found.status, Some(ec2::NetworkInterfaceStatus::Available));
    assert_eq!(client.delete_interface(&id).await.unwrap_err().code(), "AuthFailure");
    service.delete_interface(&id).await.unwrap();
    let another = of_cloudhsm(&client).await.network_interface_id.unwrap();
    service.delete_interface(&another).await.unwrap();
}

async fn a_service_may_do_no_more_than_its_role_lets_it(database: &TestDatabase) {
    let client = client(database).await;
    let service = client.cloudhsm();
    let group = service.create_group(None, "cloudhsm-cluster-x-sg").await.unwrap();
    service.delete_group(&group).await.unwrap();
    assert_eq!(service.create_vpc("10.0.0.0/16").await.unwrap_err().code(), "UnauthorizedOperation");
    let subnet = client.some_subnet().await;
    let refused = refusal(service.delete_subnet(&subnet).await);
    assert!(
        refused.starts_with(
            "UnauthorizedOperation: You are not authorized to perform this operation. User: cloudhsm.amazonaws.com is \
             not authorized to perform: ec2:DeleteSubnet on resource: arn:aws:ec2:us-east-1:111122223333:subnet/subnet-"
        ),
        "{refused}"
    );
}

async fn names_follow_the_vpcs_attributes(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let subnet = client.create_subnet(&vpc, "10.0.0.0/24").await.unwrap();
    assert_eq!(client.create_interface(in_subnet(&subnet)).await.unwrap().private_dns_name, None);
    let default = client.create_interface(in_subnet(&client.some_subnet().await)).await.unwrap();
    assert_eq!(default.private_dns_name.as_deref(), Some("ip-127-31-0-4.ec2.internal"));
    let far = client.as_of(crate::fixture::ACCOUNT, crate::fixture::FAR_REGION);
    let made = far.create_interface(in_subnet(&far.some_subnet().await)).await.unwrap();
    assert_eq!(made.private_dns_name.as_deref(), Some("ip-127-31-0-4.eu-central-1.compute.internal"));
}
