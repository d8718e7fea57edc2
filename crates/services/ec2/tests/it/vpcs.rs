//! VPCs (VPC User Guide, "Default VPCs", "VPC CIDR blocks").

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_ec2::{Settings, SettingsError};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Client, FAR_REGION, REGION, STRANGER, client, open, refusal, start, start_with,
};

on_both_engines! {
    each_account_and_region_has_a_default_vpc_with_a_subnet_in_each_zone,
    the_default_vpcs_block_is_a_setting,
    a_vpc_comes_with_its_group_acl_and_route_table,
    blocks_that_a_vpc_can_have,
    a_vpc_is_deleted_when_nothing_is_left_in_it,
    a_default_vpc_is_made_again_when_it_was_deleted,
    attributes_are_set_one_at_a_time,
    there_are_five_vpcs_and_no_more,
    what_one_account_makes_another_does_not_see,
    networks_are_there_after_a_restart,
}

async fn each_account_and_region_has_a_default_vpc_with_a_subnet_in_each_zone(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.default_vpc().await;
    assert_eq!(vpc.cidr_block.as_deref(), Some("127.31.0.0/16"));
    assert_eq!(vpc.owner_id.as_deref(), Some(ACCOUNT));
    assert_eq!(vpc.state, Some(ec2::VpcState::Available));
    assert!(vpc.dhcp_options_id.unwrap().starts_with("dopt-"));
    let mut subnets = client.subnets(&[]).await.unwrap();
    subnets.sort_by(|one, other| one.availability_zone.cmp(&other.availability_zone));
    let found: Vec<_> = subnets
        .iter()
        .map(|subnet| {
            assert_eq!(subnet.vpc_id, vpc.vpc_id);
            assert_eq!(subnet.default_for_az, Some(true));
            assert_eq!(subnet.map_public_ip_on_launch, Some(true));
            assert_eq!(subnet.available_ip_address_count, Some(4091));
            (subnet.availability_zone.clone().unwrap(), subnet.cidr_block.clone().unwrap())
        })
        .collect();
    let expected: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .zip([0, 16, 32, 48, 64, 80])
        .map(|(letter, third)| (format!("us-east-1{letter}"), format!("127.31.{third}.0/20")))
        .collect();
    assert_eq!(found, expected);
    // The same again: nothing is made twice.
    assert_eq!(client.default_vpc().await.vpc_id, vpc.vpc_id);
    assert_eq!(client.subnets(&[]).await.unwrap().len(), 6);
    let far = client.as_of(ACCOUNT, FAR_REGION);
    assert_eq!(far.subnets(&[]).await.unwrap().len(), 3);
    assert_ne!(far.default_vpc().await.vpc_id, vpc.vpc_id);
}

async fn the_default_vpcs_block_is_a_setting(database: &TestDatabase) {
    let settings = Settings::default().with_default_vpc("127.32.0.0/18").unwrap();
    let client = Client::new(&start_with(&open(database).await, settings), ACCOUNT, FAR_REGION);
    assert_eq!(client.default_vpc().await.cidr_block.as_deref(), Some("127.32.0.0/18"));
    let mut blocks: Vec<_> =
        client.subnets(&[]).await.unwrap().into_iter().map(|subnet| subnet.cidr_block.unwrap()).collect();
    blocks.sort();
    assert_eq!(blocks, ["127.32.0.0/22", "127.32.4.0/22", "127.32.8.0/22"]);
    for block in ["127.32.0.0/25", "10.0.0.0/15", "127.32.0.0", "x", "224.0.0.0/16", "0.0.0.0/16", "::/16"] {
        let refused = Settings::default().with_default_vpc(block);
        assert_eq!(refused, Err(SettingsError::DefaultVpc(block.to_owned())));
    }
}

async fn a_vpc_comes_with_its_group_acl_and_route_table(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let groups = client.groups(&[("vpc-id", &[&vpc])]).await.unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].group_name.as_deref(), Some("default"));
    assert_eq!(groups[0].description.as_deref(), Some("default VPC security group"));
    let input = ec2::DescribeNetworkAclsRequest::default();
    let found = client.ec2.describe_network_acls(&client.context(), input).await.unwrap();
    let acls = found.network_acls.unwrap();
    assert_eq!(acls.iter().filter(|acl| acl.vpc_id.as_ref() == Some(&vpc)).count(), 1);
    let found = client.vpcs(&[("vpc-id", &[&vpc])]).await.unwrap().remove(0);
    assert_eq!(found.is_default, Some(false));
    assert_eq!(found.instance_tenancy, Some(ec2::Tenancy::Default));
}

async fn blocks_that_a_vpc_can_have(database: &TestDatabase) {
    let client = client(database).await;
    for (block, kept) in [("10.1.2.3/16", "10.1.0.0/16"), ("127.40.0.0/28", "127.40.0.0/28")] {
        let id = client.create_vpc(block).await.unwrap();
        let found = client.vpcs(&[("vpc-id", &[&id])]).await.unwrap().remove(0);
        assert_eq!(found.cidr_block.as_deref(), Some(kept));
    }
    for block in
        ["10.0.0.0/15", "10.0.0.0/29", "0.1.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "255.0.0.0/16"]
    {
        let expected = format!("InvalidVpc.Range: The CIDR '{block}' is invalid.");
        assert_eq!(refusal(client.create_vpc(block).await), expected);
    }
    for block in ["10.0.0.0", "10.0.0/16", "x", "10.0.0.0/33", "::/16"] {
        let expected = format!(
            "InvalidParameterValue: Value ({block}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        );
        assert_eq!(refusal(client.create_vpc(block).await), expected);
    }
    let input = ec2::CreateVpcRequest::default();
    assert_eq!(
        refusal(client.ec2.create_vpc(&client.changing(), input).await),
        "MissingParameter: Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."
    );
}

async fn a_vpc_is_deleted_when_nothing_is_left_in_it(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let left = format!("DependencyViolation: The vpc '{vpc}' has dependencies and cannot be deleted.");
    let subnet = client.create_subnet(&vpc, "10.0.0.0/24").await.unwrap();
    assert_eq!(refusal(client.delete_vpc(&vpc).await), left);
    client.delete_subnet(&subnet).await.unwrap();
    let group = client.create_group(Some(&vpc), "x").await.unwrap();
    assert_eq!(refusal(client.delete_vpc(&vpc).await), left);
    client.delete_group(&group).await.unwrap();
    client.delete_vpc(&vpc).await.unwrap();
    assert_eq!(
        refusal(client.delete_vpc(&vpc).await),
        format!("InvalidVpcID.NotFound: The vpc ID '{vpc}' does not exist")
    );
    assert!(client.groups(&[("vpc-id", &[&vpc])]).await.unwrap().is_empty());
}

async fn a_default_vpc_is_made_again_when_it_was_deleted(database: &TestDatabase) {
    let client = client(database).await;
    let again = async || {
        let input = ec2::CreateDefaultVpcRequest::default();
        client.ec2.create_default_vpc(&client.changing(), input).await
    };
    assert_eq!(
        refusal(again().await),
        "DefaultVpcAlreadyExists: A Default VPC already exists for this account in this region."
    );
    let vpc = client.default_vpc().await.vpc_id.unwrap();
    for subnet in client.subnets(&[]).await.unwrap() {
        client.delete_subnet(&subnet.subnet_id.unwrap()).await.unwrap();
    }
    client.delete_vpc(&vpc).await.unwrap();
    assert_eq!(
        refusal(client.create_group(None, "x").await),
        "VPCIdNotSpecified: No default VPC for this user"
    );
    let made = again().await.unwrap().vpc.unwrap();
    assert_eq!(made.is_default, Some(true));
    assert_ne!(made.vpc_id, Some(vpc));
    assert_eq!(client.subnets(&[]).await.unwrap().len(), 6);
}

async fn attributes_are_set_one_at_a_time(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let attribute = async |attribute: ec2::VpcAttributeName| {
        let input = ec2::DescribeVpcAttributeRequest { attribute, vpc_id: vpc.clone(), ..Default::default() };
        let found = client.ec2.describe_vpc_attribute(&client.context(), input).await.unwrap();
        assert_eq!(found.vpc_id.as_deref(), Some(&*vpc));
        let [one] = [
            found.enable_dns_support,
            found.enable_dns_hostnames,
            found.enable_network_address_usage_metrics,
        ]
        .into_iter()
        .flatten()
        .map(|value| value.value.unwrap())
        .collect::<Vec<_>>()[..] else {
            panic!("one attribute is shown");
        };
        one
    };
    let modify = async |input: ec2::ModifyVpcAttributeRequest| {
        let input = ec2::ModifyVpcAttributeRequest { vpc_id: vpc.clone(), ..input };
        client.ec2.modify_vpc_attribute(&client.changing(), input).await
    };
    let set = |value| Some(ec2::AttributeBooleanValue { value: Some(value) });
    assert!(attribute(ec2::VpcAttributeName::EnableDnsSupport).await);
    assert!(!attribute(ec2::VpcAttributeName::EnableDnsHostnames).await);
    modify(ec2::ModifyVpcAttributeRequest { enable_dns_hostnames: set(true), ..Default::default() })
        .await
        .unwrap();
    modify(ec2::ModifyVpcAttributeRequest { enable_dns_support: set(false), ..Default::default() })
        .await
        .unwrap();
    assert!(!attribute(ec2::VpcAttributeName::EnableDnsSupport).await);
    assert!(attribute(ec2::VpcAttributeName::EnableDnsHostnames).await);
    assert!(!attribute(ec2::VpcAttributeName::EnableNetworkAddressUsageMetrics).await);
    let both = ec2::ModifyVpcAttributeRequest {
        enable_dns_support: set(true),
        enable_dns_hostnames: set(true),
        ..Default::default()
    };
    assert_eq!(
        refusal(modify(both).await),
        "InvalidParameterCombination: Fields for multiple attribute types specified"
    );
    assert!(
        refusal(modify(ec2::ModifyVpcAttributeRequest::default()).await).starts_with("MissingParameter: ")
    );
}

async fn there_are_five_vpcs_and_no_more(database: &TestDatabase) {
    let client = client(database).await;
    for number in 1..5 {
        client.create_vpc(&format!("10.{number}.0.0/16")).await.unwrap();
    }
    assert_eq!(
        refusal(client.create_vpc("10.5.0.0/16").await),
        "VpcLimitExceeded: The maximum number of VPCs has been reached."
    );
}

async fn what_one_account_makes_another_does_not_see(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    for other in [client.as_of(STRANGER, REGION), client.as_of(ACCOUNT, FAR_REGION)] {
        assert!(other.vpcs(&[("vpc-id", &[&vpc])]).await.unwrap().is_empty());
        assert_eq!(
            refusal(other.create_subnet(&vpc, "10.0.0.0/24").await),
            format!("InvalidVpcID.NotFound: The vpc ID '{vpc}' does not exist")
        );
        assert!(refusal(other.delete_vpc(&vpc).await).starts_with("InvalidVpcID.NotFound"));
    }
    client.delete_vpc(&vpc).await.unwrap();
}

async fn networks_are_there_after_a_restart(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db), ACCOUNT, REGION);
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    client.create_subnet(&vpc, "10.0.0.0/24").await.unwrap();
    let show = async |client: &Client| {
        let (vpcs, subnets) = (client.vpcs(&[]).await.unwrap(), client.subnets(&[]).await.unwrap());
        format!("{vpcs:?} {subnets:?} {:?}", client.groups(&[]).await.unwrap())
    };
    assert_eq!(show(&client).await, show(&client.on(&start(&db))).await);
    // Two servers see each other's changes.
    let other = client.on(&start(&db));
    let seen = other.create_group(Some(&vpc), "seen").await.unwrap();
    client.group(&seen).await.unwrap();
    client.delete_group(&seen).await.unwrap();
    assert!(other.group(&seen).await.is_err());
}
