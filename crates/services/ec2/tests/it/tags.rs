//! Tags (EC2 User Guide, "Tag your Amazon EC2 resources").

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, from_block, in_subnet, read, refusal, tag, tcp};

on_both_engines! {
    everything_with_an_id_has_tags,
    tags_are_put_taken_away_and_described,
    tags_that_there_cannot_be,
    fifty_tags_and_no_more,
    all_resources_are_tagged_or_none,
    specifications_are_of_the_resource_that_is_made,
}

async fn create(client: &Client, ids: &[&str], tags: Vec<ec2::Tag>) -> Result<(), ApiError> {
    let resources = ids.iter().map(|id| (*id).to_owned()).collect();
    let input = ec2::CreateTagsRequest { resources, tags, dry_run: None };
    client.ec2.create_tags(&client.changing(), input).await.map(drop)
}

async fn delete(client: &Client, id: &str, tags: Option<Vec<ec2::Tag>>) -> Result<(), ApiError> {
    let input = ec2::DeleteTagsRequest { resources: vec![id.to_owned()], tags, dry_run: None };
    client.ec2.delete_tags(&client.changing(), input).await.map(drop)
}

/// Key, value, resource type and id of the tags that fit.
async fn described(client: &Client, filters: &[(&str, &[&str])]) -> Vec<(String, String, String, String)> {
    let input = ec2::DescribeTagsRequest { filters: Some(read(filters)), ..Default::default() };
    let found = client.ec2.describe_tags(&client.context(), input).await.unwrap();
    let tag = |tag: ec2::TagDescription| {
        let kind = tag.resource_type.unwrap().as_str().to_owned();
        (tag.key.unwrap(), tag.value.unwrap(), kind, tag.resource_id.unwrap())
    };
    found.tags.unwrap().into_iter().map(tag).collect()
}

async fn everything_with_an_id_has_tags(database: &TestDatabase) {
    let client = client(database).await;
    let vpc = client.default_vpc().await.vpc_id.unwrap();
    let subnet = client.some_subnet().await;
    let group = client.create_group(None, "g").await.unwrap();
    let rule = client.authorize(&group, vec![from_block(tcp(1, 1), "10.0.0.0/8")]).await.unwrap().remove(0);
    let interface = client.create_interface(in_subnet(&subnet)).await.unwrap().network_interface_id.unwrap();
    let acls = ec2::DescribeNetworkAclsRequest::default();
    let acls = client.ec2.describe_network_acls(&client.context(), acls).await.unwrap();
    let acl = acls.network_acls.unwrap().remove(0).network_acl_id.unwrap();
    let tables = ec2::DescribeRouteTablesRequest::default();
    let tables = client.ec2.describe_route_tables(&client.context(), tables).await.unwrap();
    let table = tables.route_tables.unwrap().remove(0).route_table_id.unwrap();
    let ids = [&*vpc, &subnet, &group, &rule, &interface, &acl, &table];
    create(&client, &ids, vec![tag("k", "v")]).await.unwrap();
    let kinds = [
        "vpc",
        "subnet",
        "security-group",
        "security-group-rule",
        "network-interface",
        "network-acl",
        "route-table",
    ];
    for (id, kind) in ids.iter().zip(kinds) {
        assert_eq!(
            described(&client, &[("resource-id", &[id])]).await,
            [("k".to_owned(), "v".to_owned(), kind.to_owned(), (*id).to_owned())]
        );
        assert_eq!(described(&client, &[("resource-type", &[kind])]).await.len(), 1);
    }
    let tagged: &[(&str, &[&str])] = &[("tag:k", &["v"])];
    assert_eq!(client.vpcs(tagged).await.unwrap().len(), 1);
    assert_eq!(client.subnets(tagged).await.unwrap().len(), 1);
    assert_eq!(client.groups(tagged).await.unwrap().len(), 1);
    assert_eq!(client.rules(tagged).await.unwrap().len(), 1);
    assert_eq!(client.interfaces(tagged).await.unwrap().len(), 1);
}

async fn tags_are_put_taken_away_and_described(database: &TestDatabase) {
    let client = client(database).await;
    let id = client.create_group(None, "g").await.unwrap();
    create(&client, &[&id], vec![tag("a", "1"), tag("b", ""), tag("A", "x")]).await.unwrap();
    create(&client, &[&id], vec![tag("a", "2"), tag("c", "3")]).await.unwrap();
    let shown = async || -> Vec<(String, String)> {
        let tags = client.group(&id).await.unwrap().tags.unwrap();
        tags.into_iter().map(|tag| (tag.key.unwrap(), tag.value.unwrap())).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(shown().await, pairs(&[("A", "x"), ("a", "2"), ("b", ""), ("c", "3")]));
    assert_eq!(described(&client, &[("key", &["a"])]).await.len(), 1);
    assert_eq!(described(&client, &[("value", &["?"])]).await.len(), 3);
    assert_eq!(described(&client, &[("tag:a", &["2"])]).await.len(), 1);
    assert_eq!(described(&client, &[("tag:a", &["3"])]).await.len(), 0);
    let key_only = |key: &str| ec2::Tag { key: Some(key.to_owned()), value: None };
    // With a value, a tag goes only if it has that one.
    delete(&client, &id, Some(vec![tag("a", "1"), tag("c", "3"), key_only("b"), key_only("z")]))
        .await
        .unwrap();
    assert_eq!(shown().await, pairs(&[("A", "x"), ("a", "2")]));
    delete(&client, &id, None).await.unwrap();
    assert_eq!(shown().await, []);
}

async fn tags_that_there_cannot_be(database: &TestDatabase) {
    let client = client(database).await;
    let id = client.create_group(None, "g").await.unwrap();
    let long = "x".repeat(257);
    for (tags, expected) in [
        (
            vec![tag("aws:x", "1")],
            "InvalidParameterValue: Tag keys starting with 'aws:' are reserved for internal use",
        ),
        (vec![tag("", "1")], "InvalidParameterValue: Tag key cannot be null or empty."),
        (
            vec![tag(&long[..129], "1")],
            "InvalidParameterValue: Tag key exceeds the maximum length of 128 characters",
        ),
        (
            vec![tag("k", &long)],
            "InvalidParameterValue: Tag value exceeds the maximum length of 256 characters",
        ),
        (vec![tag("k", "1"), tag("k", "2")], "InvalidParameterValue: Duplicate tag key 'k' specified."),
        (vec![], "MissingParameter: The request must contain the parameter Tag"),
    ] {
        assert_eq!(refusal(create(&client, &[&id], tags).await), expected);
    }
    for (id, expected) in [
        ("x", "InvalidID: The ID 'x' is not valid"),
        ("sg-1", "InvalidGroup.NotFound: The security group 'sg-1' does not exist"),
        ("vpc-1", "InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist"),
        ("sgr-1", "InvalidSecurityGroupRuleId.NotFound: The security group rule ID 'sgr-1' does not exist"),
        ("acl-1", "InvalidNetworkAclID.NotFound: The networkAcl ID 'acl-1' does not exist"),
        ("rtb-1", "InvalidRouteTableID.NotFound: The routeTable ID 'rtb-1' does not exist"),
        ("igw-1", "InvalidInternetGatewayID.NotFound: The internetGateway ID 'igw-1' does not exist"),
    ] {
        assert_eq!(refusal(create(&client, &[id], vec![tag("k", "v")]).await), expected);
        assert_eq!(refusal(delete(&client, id, None).await), expected);
    }
    assert_eq!(
        refusal(create(&client, &[], vec![tag("k", "v")]).await),
        "MissingParameter: The request must contain the parameter resourceIdSet"
    );
}

async fn fifty_tags_and_no_more(database: &TestDatabase) {
    const FULL: &str = "TagLimitExceeded: The maximum number of Tags for a resource has been reached.";
    let client = client(database).await;
    let id = client.create_group(None, "g").await.unwrap();
    let tags = |count: usize| (0..count).map(|number| tag(&format!("k{number:02}"), "v")).collect::<Vec<_>>();
    assert_eq!(refusal(create(&client, &[&id], tags(51)).await), FULL);
    create(&client, &[&id], tags(50)).await.unwrap();
    create(&client, &[&id], vec![tag("k07", "new")]).await.unwrap();
    assert_eq!(refusal(create(&client, &[&id], vec![tag("more", "v")]).await), FULL);
}

async fn all_resources_are_tagged_or_none(database: &TestDatabase) {
    let client = client(database).await;
    let id = client.create_group(None, "g").await.unwrap();
    assert!(create(&client, &[&id, "sg-1"], vec![tag("k", "v")]).await.is_err());
    assert!(client.group(&id).await.unwrap().tags.unwrap().is_empty());
}

async fn specifications_are_of_the_resource_that_is_made(database: &TestDatabase) {
    let client = client(database).await;
    let make = async |specifications: Vec<ec2::TagSpecification>| {
        let input = ec2::CreateVpcRequest {
            cidr_block: Some("10.0.0.0/16".to_owned()),
            tag_specifications: Some(specifications),
            ..Default::default()
        };
        client.ec2.create_vpc(&client.changing(), input).await
    };
    let specification = |kind: Option<ec2::ResourceType>, tags: Vec<ec2::Tag>| ec2::TagSpecification {
        resource_type: kind,
        tags: Some(tags),
    };
    for (given, expected) in [
        (
            specification(Some(ec2::ResourceType::Subnet), vec![tag("k", "v")]),
            "InvalidParameterValue: 'subnet' is not a valid taggable resource type for this operation.",
        ),
        (
            specification(None, vec![tag("k", "v")]),
            "MissingParameter: Tag specification resource type must have a value",
        ),
        (
            specification(Some(ec2::ResourceType::Vpc), vec![]),
            "InvalidParameterValue: Tag specification must have at least one tag",
        ),
    ] {
        assert_eq!(refusal(make(vec![given]).await), expected);
    }
    let made = make(vec![specification(Some(ec2::ResourceType::Vpc), vec![tag("Name", "x")])]).await.unwrap();
    assert_eq!(made.vpc.unwrap().tags.unwrap()[0].value.as_deref(), Some("x"));
}
