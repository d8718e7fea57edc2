//! Subnets (VPC User Guide, "Subnet CIDR blocks").

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, in_subnet, refusal};

on_both_engines! {
    a_subnet_lies_in_its_vpc_and_beside_the_others,
    a_subnet_is_in_the_zone_that_is_named,
    addresses_are_counted,
    a_subnet_is_deleted_when_nothing_is_left_in_it,
    attributes_are_set_one_at_a_time,
}

async fn a_subnet_lies_in_its_vpc_and_beside_the_others(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/20").await.unwrap();
    let first = client.create_subnet(&vpc, "10.0.1.7/24").await.unwrap();
    let found = client.subnets(&[("subnet-id", &[&first])]).await.unwrap().remove(0);
    assert_eq!(found.cidr_block.as_deref(), Some("10.0.1.0/24"));
    assert_eq!(found.default_for_az, Some(false));
    assert_eq!(
        found.subnet_arn.unwrap(),
        format!("arn:aws:ec2:{}:{}:subnet/{first}", client.region, client.account)
    );
    for block in ["10.0.0.0/16", "10.1.0.0/24", "10.0.0.0/29", "10.0.16.0/24"] {
        let expected = format!("InvalidSubnet.Range: The CIDR '{block}' is invalid.");
        assert_eq!(refusal(client.create_subnet(&vpc, block).await), expected);
    }
    for block in ["10.0.1.0/24", "10.0.1.128/25", "10.0.0.0/20", "10.0.0.0/23"] {
        let expected = format!("InvalidSubnet.Conflict: The CIDR '{block}' conflicts with another subnet");
        assert_eq!(refusal(client.create_subnet(&vpc, block).await), expected);
    }
    client.create_subnet(&vpc, "10.0.2.0/24").await.unwrap();
    // Another VPC has addresses of its own.
    let other = client.create_vpc("10.0.0.0/20").await.unwrap();
    client.create_subnet(&other, "10.0.1.0/24").await.unwrap();
    for (id, expected) in [
        ("vpc-0123456789abcdef0", "InvalidVpcID.NotFound: The vpc ID 'vpc-0123456789abcdef0' does not exist"),
        ("x", "InvalidVpcID.Malformed: Invalid id: \"x\" (expecting \"vpc-...\")"),
        ("", "MissingParameter: The request must contain the parameter VpcId"),
    ] {
        assert_eq!(refusal(client.create_subnet(id, "10.0.3.0/24").await), expected);
    }
}

async fn create(client: &Client, input: ec2::CreateSubnetRequest) -> Result<ec2::Subnet, String> {
    let made = client.ec2.create_subnet(&client.changing(), input).await;
    made.map(|made| made.subnet.unwrap()).map_err(|error| error.to_string())
}

async fn a_subnet_is_in_the_zone_that_is_named(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let input = |third: u8, zone: Option<&str>, id: Option<&str>| ec2::CreateSubnetRequest {
        vpc_id: vpc.clone(),
        cidr_block: Some(format!("10.0.{third}.0/24")),
        availability_zone: zone.map(str::to_owned),
        availability_zone_id: id.map(str::to_owned),
        ..Default::default()
    };
    for (third, zone, id, expected) in [
        (0, None, None, ("us-east-1a", "use1-az1")),
        (1, Some("us-east-1c"), None, ("us-east-1c", "use1-az3")),
        (2, None, Some("use1-az6"), ("us-east-1f", "use1-az6")),
    ] {
        let made = create(&client, input(third, zone, id)).await.unwrap();
        assert_eq!(made.availability_zone.as_deref(), Some(expected.0));
        assert_eq!(made.availability_zone_id.as_deref(), Some(expected.1));
    }
    assert_eq!(
        create(&client, input(3, Some("eu-central-1a"), None)).await.unwrap_err(),
        "InvalidParameterValue: Value (eu-central-1a) for parameter availabilityZone is invalid. Subnets can currently \
         only be created in the following availability zones: us-east-1a, us-east-1b, us-east-1c, us-east-1d, \
         us-east-1e, us-east-1f."
    );
    assert!(
        create(&client, input(3, Some("us-east-1a"), Some("use1-az1")))
            .await
            .unwrap_err()
            .starts_with("InvalidParameterCombination: ")
    );
}

async fn addresses_are_counted(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/24").await.unwrap();
    let subnet = client.create_subnet(&vpc, "10.0.0.0/28").await.unwrap();
    let left = async || {
        let found = client.subnets(&[("subnet-id", &[&subnet])]).await.unwrap().remove(0);
        found.available_ip_address_count.unwrap()
    };
    assert_eq!(left().await, 11);
    let mut last = String::new();
    for number in 0..11 {
        assert_eq!(left().await, 11 - number);
        let made = client.create_interface(in_subnet(&subnet)).await.unwrap();
        assert_eq!(made.private_ip_address.unwrap(), format!("10.0.0.{}", 4 + number));
        last = made.network_interface_id.unwrap();
    }
    assert_eq!(left().await, 0);
    assert_eq!(
        refusal(client.create_interface(in_subnet(&subnet)).await),
        "InsufficientFreeAddressesInSubnet: The specified subnet does not have enough free addresses to satisfy the \
         request."
    );
    client.delete_interface(&last).await.unwrap();
    assert_eq!(left().await, 1);
}

async fn a_subnet_is_deleted_when_nothing_is_left_in_it(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let made = client.create_interface(in_subnet(&subnet)).await.unwrap();
    assert_eq!(
        refusal(client.delete_subnet(&subnet).await),
        format!("DependencyViolation: The subnet '{subnet}' has dependencies and cannot be deleted.")
    );
    client.delete_interface(&made.network_interface_id.unwrap()).await.unwrap();
    client.delete_subnet(&subnet).await.unwrap();
    assert_eq!(
        refusal(client.delete_subnet(&subnet).await),
        format!("InvalidSubnetID.NotFound: The subnet ID '{subnet}' does not exist")
    );
}

async fn attributes_are_set_one_at_a_time(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let set = |value| Some(ec2::AttributeBooleanValue { value: Some(value) });
    let modify = async |input: ec2::ModifySubnetAttributeRequest| {
        let input = ec2::ModifySubnetAttributeRequest { subnet_id: subnet.clone(), ..input };
        client.ec2.modify_subnet_attribute(&client.changing(), input).await
    };
    modify(ec2::ModifySubnetAttributeRequest { map_public_ip_on_launch: set(false), ..Default::default() })
        .await
        .unwrap();
    modify(ec2::ModifySubnetAttributeRequest {
        private_dns_hostname_type_on_launch: Some(ec2::HostnameType::ResourceName),
        ..Default::default()
    })
    .await
    .unwrap();
    let found = client.subnets(&[("subnet-id", &[&subnet])]).await.unwrap().remove(0);
    assert_eq!(found.map_public_ip_on_launch, Some(false));
    let options = found.private_dns_name_options_on_launch.unwrap();
    assert_eq!(options.hostname_type, Some(ec2::HostnameType::ResourceName));
    for (input, code) in [
        (ec2::ModifySubnetAttributeRequest::default(), "MissingParameter"),
        (
            ec2::ModifySubnetAttributeRequest {
                map_public_ip_on_launch: set(true),
                enable_resource_name_dns_a_record_on_launch: set(true),
                ..Default::default()
            },
            "InvalidParameterCombination",
        ),
        (
            ec2::ModifySubnetAttributeRequest {
                assign_ipv6_address_on_creation: set(true),
                ..Default::default()
            },
            "NotImplementedException",
        ),
    ] {
        assert_eq!(modify(input).await.unwrap_err().code(), code);
    }
}
