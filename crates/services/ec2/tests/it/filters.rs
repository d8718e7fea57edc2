//! Filters, as tables: which of a few resources each lets through.

use std::collections::BTreeMap;

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, from_block, from_group, in_subnet, read, refusal, tag, tcp};

on_both_engines! {
    filters_of_vpcs,
    filters_of_subnets,
    filters_of_groups,
    filters_of_rules,
    filters_of_interfaces,
    filters_that_there_are_not,
}

type Case<'c> = (&'c [(&'c str, &'c [&'c str])], &'c str);

async fn name(client: &Client, id: &str, name: &str) {
    let input = ec2::CreateTagsRequest {
        resources: vec![id.to_owned()],
        tags: vec![tag("Name", name), tag(&format!("only-{name}"), "x*y")],
        dry_run: None,
    };
    client.ec2.create_tags(&client.changing(), input).await.unwrap();
}

/// The names of what was found, which the tags tell, in order and in one word.
fn names<T>(found: &[T], tags: impl Fn(&T) -> &Option<Vec<ec2::Tag>>) -> String {
    let mut names: Vec<_> = found
        .iter()
        .filter_map(|one| {
            let tags = tags(one).as_ref()?;
            let name = tags.iter().find(|tag| tag.key.as_deref() == Some("Name"))?;
            name.value.clone()
        })
        .collect();
    names.sort();
    names.concat()
}

async fn filters_of_vpcs(database: &TestDatabase) {
    let client = client(database).await;
    let default = client.default_vpc().await;
    let d = default.vpc_id.unwrap();
    let (a, b) =
        (client.create_vpc("10.0.0.0/16").await.unwrap(), client.create_vpc("10.1.0.0/16").await.unwrap());
    for (id, as_name) in [(&d, "d"), (&a, "a"), (&b, "b")] {
        name(&client, id, as_name).await;
    }
    let account = client.account.to_string();
    let options = default.dhcp_options_id.unwrap();
    let cases: &[Case] = &[
        (&[], "abd"),
        (&[("vpc-id", &[&a])], "a"),
        (&[("vpc-id", &[&a, &b])], "ab"),
        (&[("vpc-id", &["vpc-*"])], "abd"),
        (&[("vpc-id", &["vpc-1"])], ""),
        (&[("cidr", &["10.0.0.0/16"])], "a"),
        (&[("cidr-block", &["10.?.0.0/16"])], "ab"),
        (&[("cidr-block-association.cidr-block", &["127.*"])], "d"),
        (&[("cidr-block-association.state", &["associated"])], "abd"),
        (&[("is-default", &["true"])], "d"),
        (&[("isDefault", &["false"])], "ab"),
        (&[("isDefault", &["true", "false"])], "abd"),
        (&[("state", &["available"])], "abd"),
        (&[("state", &["pending"])], ""),
        (&[("owner-id", &[&account])], "abd"),
        (&[("dhcp-options-id", &[&options])], "abd"),
        (&[("tag:Name", &["a", "d"])], "ad"),
        (&[("tag:Name", &["A"])], ""),
        (&[("tag:name", &["a"])], ""),
        (&[("tag-key", &["only-a"])], "a"),
        (&[("tag-key", &["only-*"])], "abd"),
        (&[("tag-value", &["b"])], "b"),
        (&[("tag:only-a", &[r"x\*y"])], "a"),
        (&[("tag:only-a", &[r"x\?y"])], ""),
        (&[("isDefault", &["false"]), ("cidr", &["10.1.*"])], "b"),
        (&[("isDefault", &["true"]), ("cidr", &["10.1.*"])], ""),
        (&[("ipv6-cidr-block-association.state", &["*"])], ""),
    ];
    for (filters, expected) in cases {
        let found = client.vpcs(filters).await.unwrap();
        assert_eq!(names(&found, |vpc| &vpc.tags), *expected, "{filters:?}");
    }
}

async fn filters_of_subnets(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let d = client.some_subnet().await;
    let (a, b) = (
        client.create_subnet(&vpc, "10.0.0.0/24").await.unwrap(),
        client.create_subnet(&vpc, "10.0.1.0/28").await.unwrap(),
    );
    for (id, as_name) in [(&d, "d"), (&a, "a"), (&b, "b")] {
        name(&client, id, as_name).await;
    }
    let arn = format!("arn:aws:ec2:*:subnet/{a}");
    let cases: &[Case] = &[
        (&[("vpc-id", &[&vpc])], "ab"),
        (&[("subnet-id", &[&a, &d])], "ad"),
        (&[("availability-zone", &["us-east-1a"])], "abd"),
        (&[("availabilityZone", &["us-east-1b"])], ""),
        (&[("availability-zone-id", &["use1-az1"])], "abd"),
        (&[("available-ip-address-count", &["251"])], "a"),
        (&[("cidr-block", &["10.0.1.0/28"])], "b"),
        (&[("cidr", &["10.*"])], "ab"),
        (&[("cidrBlock", &["127.31.0.0/20"])], "d"),
        (&[("default-for-az", &["true"])], "d"),
        (&[("defaultForAz", &["false"])], "ab"),
        (&[("map-public-ip-on-launch", &["true"])], "d"),
        (&[("state", &["available"])], "abd"),
        (&[("owner-id", &["111122223333"])], "abd"),
        (&[("subnet-arn", &[&arn])], "a"),
        (&[("ipv6-native", &["false"])], "abd"),
        (&[("private-dns-name-options-on-launch.hostname-type", &["ip-name"])], "abd"),
        (&[("outpost-arn", &["*"])], ""),
        (&[("tag:Name", &["?"])], "abd"),
    ];
    for (filters, expected) in cases {
        let found = client.subnets(filters).await.unwrap();
        assert_eq!(names(&found, |subnet| &subnet.tags), *expected, "{filters:?}");
    }
}

async fn filters_of_groups(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let mut ids = BTreeMap::new();
    for as_name in ["a", "b"] {
        let id = client.create_group(Some(&vpc), as_name).await.unwrap();
        name(&client, &id, as_name).await;
        ids.insert(as_name, id);
    }
    let (a, b) = (&ids["a"], &ids["b"]);
    client.authorize(a, vec![from_block(tcp(2223, 2225), "10.1.0.0/16")]).await.unwrap();
    client.authorize(a, vec![from_block(tcp(22, 22), "10.2.0.0/16")]).await.unwrap();
    client.authorize(b, vec![from_group(tcp(2223, 2223), a)]).await.unwrap();
    let v6 = ec2::Ipv6Range { cidr_ipv6: Some("2001:db8::/32".to_owned()), ..Default::default() };
    client.authorize(b, vec![ec2::IpPermission { ipv6_ranges: Some(vec![v6]), ..tcp(1, 2) }]).await.unwrap();
    let cases: &[Case] = &[
        (&[("vpc-id", &[&vpc])], "ab"),
        (&[("group-id", &[a])], "a"),
        (&[("group-name", &["b"])], "b"),
        (&[("group-name", &["default"])], ""),
        (&[("description", &["a gr*"])], "ab"),
        (&[("owner-id", &["111122223333"])], "ab"),
        (&[("ip-permission.cidr", &["10.1.0.0/16"])], "a"),
        (&[("ip-permission.from-port", &["2223"])], "ab"),
        (&[("ip-permission.to-port", &["2225"])], "a"),
        (&[("ip-permission.protocol", &["tcp"])], "ab"),
        (&[("ip-permission.protocol", &["udp"])], ""),
        (&[("ip-permission.group-id", &[a])], "b"),
        (&[("ip-permission.group-name", &["a"])], "b"),
        (&[("egress.ip-permission.group-name", &["*"])], ""),
        (&[("ip-permission.prefix-list-id", &["*"])], ""),
        (&[("ip-permission.user-id", &["111122223333"])], "b"),
        (&[("ip-permission.ipv6-cidr", &["2001:db8::/32"])], "b"),
        // One rule may fit one filter, and another rule the other.
        (&[("ip-permission.cidr", &["10.2.0.0/16"]), ("ip-permission.to-port", &["2225"])], "a"),
        (&[("egress.ip-permission.cidr", &["0.0.0.0/0"])], "ab"),
        (&[("egress.ip-permission.protocol", &["-1"])], "ab"),
        (&[("egress.ip-permission.from-port", &["*"])], ""),
        (&[("tag-key", &["only-b"])], "b"),
    ];
    for (filters, expected) in cases {
        let found = client.groups(filters).await.unwrap();
        assert_eq!(names(&found, |group| &group.tags), *expected, "{filters:?}");
    }
}

async fn filters_of_rules(database: &TestDatabase) {
    let client = client(database).await;
    let (one, two) =
        (client.create_group(None, "1").await.unwrap(), client.create_group(None, "2").await.unwrap());
    let a = client.authorize(&one, vec![from_block(tcp(1, 1), "10.0.0.0/8")]).await.unwrap().remove(0);
    let b = client.authorize(&two, vec![from_block(tcp(1, 1), "10.0.0.0/8")]).await.unwrap().remove(0);
    name(&client, &a, "a").await;
    name(&client, &b, "b").await;
    let cases: &[Case] = &[
        (&[], "ab"),
        (&[("group-id", &[&one])], "a"),
        (&[("group-id", &["sg-*"])], "ab"),
        (&[("security-group-rule-id", &[&b])], "b"),
        (&[("tag:Name", &["a"])], "a"),
        (&[("tag-key", &["only-b"])], "b"),
    ];
    for (filters, expected) in cases {
        let found = client.rules(filters).await.unwrap();
        assert_eq!(names(&found, |rule| &rule.tags), *expected, "{filters:?}");
    }
}

async fn filters_of_interfaces(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let group = client.create_group(None, "g").await.unwrap();
    let input = |description: &str| ec2::CreateNetworkInterfaceRequest {
        description: Some(description.to_owned()),
        groups: (description == "mine").then(|| vec![group.clone()]),
        ..in_subnet(&subnet)
    };
    let a = client.create_interface(input("mine")).await.unwrap();
    let h = client.cloudhsm().create_interface(input("CloudHsm ENI for hsm-1")).await.unwrap();
    let (a_id, h_id) = (a.network_interface_id.unwrap(), h.network_interface_id.unwrap());
    name(&client, &a_id, "a").await;
    name(&client, &h_id, "h").await;
    let attachment = h.attachment.unwrap().attachment_id.unwrap();
    let mac = a.mac_address.unwrap();
    let vpc = client.default_vpc().await.vpc_id.unwrap();
    let cases: &[Case] = &[
        (&[], "ah"),
        (&[("network-interface-id", &[&a_id])], "a"),
        (&[("private-ip-address", &["127.31.0.5"])], "h"),
        (&[("addresses.private-ip-address", &["127.31.0.*"])], "ah"),
        (&[("addresses.primary", &["true"])], "ah"),
        (&[("subnet-id", &[&subnet])], "ah"),
        (&[("vpc-id", &[&vpc])], "ah"),
        (&[("availability-zone", &["us-east-1a"])], "ah"),
        (&[("group-id", &[&group])], "a"),
        (&[("group-name", &["default"])], "h"),
        (&[("description", &["CloudHsm ENI*"])], "h"),
        (&[("status", &["in-use"])], "h"),
        (&[("status", &["available"])], "a"),
        (&[("requester-managed", &["true"])], "h"),
        (&[("requester-id", &["cloudhsm.amazonaws.com"])], "h"),
        (&[("attachment.attachment-id", &[&attachment])], "h"),
        (&[("attachment.status", &["attached"])], "h"),
        (&[("attachment.instance-id", &["*"])], ""),
        (&[("interface-type", &["interface"])], "ah"),
        (&[("mac-address", &[&mac])], "a"),
        (&[("owner-id", &["111122223333"])], "ah"),
        (&[("source-dest-check", &["true"])], "ah"),
        (&[("private-dns-name", &["ip-127-31-0-4*"])], "a"),
        (&[("association.public-ip", &["*"])], ""),
        (&[("tag:Name", &["h"]), ("status", &["in-use"])], "h"),
    ];
    for (filters, expected) in cases {
        let found = client.interfaces(filters).await.unwrap();
        assert_eq!(names(&found, |interface| &interface.tag_set), *expected, "{filters:?}");
    }
}

async fn filters_that_there_are_not(database: &TestDatabase) {
    let client = client(database).await;
    for (filter, expected) in [
        ("vpcId", "InvalidParameterValue: The filter 'vpcId' is invalid"),
        ("VPC-ID", "InvalidParameterValue: The filter 'VPC-ID' is invalid"),
        ("tag:", "InvalidParameterValue: The filter 'tag:' is invalid"),
        ("subnet-id", "InvalidParameterValue: The filter 'subnet-id' is invalid"),
    ] {
        assert_eq!(refusal(client.vpcs(&[(filter, &["x"])]).await), expected);
    }
    assert_eq!(client.vpcs(&[("vpc-id", &[])]).await.unwrap_err().code(), "MissingParameter");
    let many: Vec<_> = (0..201).map(|number| format!("vpc-{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    client.vpcs(&[("vpc-id", &many[..200])]).await.unwrap();
    assert_eq!(client.vpcs(&[("vpc-id", &many)]).await.unwrap_err().code(), "FilterLimitExceeded");
    let long = "x".repeat(256);
    assert_eq!(client.vpcs(&[("vpc-id", &[&long])]).await.unwrap_err().code(), "InvalidParameterValue");
    let input = ec2::DescribeTagsRequest { filters: Some(read(&[("vpc-id", &["x"])])), ..Default::default() };
    assert!(client.ec2.describe_tags(&client.context(), input).await.is_err());
}
