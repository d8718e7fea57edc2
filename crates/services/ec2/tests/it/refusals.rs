//! Refusals that many operations share: dry runs, ids that are none, statuses, and features that are not here.

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, from_block, in_subnet, refusal, tcp};

const DRY: &str = "DryRunOperation: Request would have succeeded, but DryRun flag is set.";

on_both_engines! {
    a_dry_run_says_what_would_happen_and_changes_nothing,
    a_dry_run_of_a_call_that_would_fail_fails,
    codes_have_their_statuses,
    ids_that_are_none,
    what_is_not_here_says_so,
}

async fn a_dry_run_says_what_would_happen_and_changes_nothing(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let dry_run = Some(true);
    let context = &client.changing();
    let mut answers: Vec<Result<(), ApiError>> = Vec::new();
    let input =
        ec2::CreateVpcRequest { cidr_block: Some("10.0.0.0/16".to_owned()), dry_run, ..Default::default() };
    answers.push(client.ec2.create_vpc(context, input).await.map(drop));
    let input = ec2::DeleteSubnetRequest { subnet_id: subnet.clone(), dry_run };
    answers.push(client.ec2.delete_subnet(context, input).await.map(drop));
    let input = ec2::CreateSecurityGroupRequest {
        group_name: "g".to_owned(),
        description: "d".to_owned(),
        dry_run,
        ..Default::default()
    };
    answers.push(client.ec2.create_security_group(context, input).await.map(drop));
    let input = ec2::CreateNetworkInterfaceRequest { dry_run, ..in_subnet(&subnet) };
    answers.push(client.ec2.create_network_interface(context, input).await.map(drop));
    let input = ec2::AuthorizeSecurityGroupIngressRequest {
        group_name: Some("default".to_owned()),
        ip_permissions: Some(vec![from_block(tcp(1, 1), "10.0.0.0/8")]),
        dry_run,
        ..Default::default()
    };
    answers.push(client.ec2.authorize_security_group_ingress(context, input).await.map(drop));
    let input = ec2::CreateTagsRequest {
        resources: vec![subnet],
        tags: vec![crate::fixture::tag("k", "v")],
        dry_run,
    };
    answers.push(client.ec2.create_tags(context, input).await.map(drop));
    let input = ec2::DescribeVpcsRequest { dry_run, ..Default::default() };
    answers.push(client.ec2.describe_vpcs(context, input).await.map(drop));
    let input = ec2::DescribeRegionsRequest { dry_run, ..Default::default() };
    answers.push(client.ec2.describe_regions(context, input).await.map(drop));
    for answer in answers {
        assert_eq!(refusal(answer), DRY);
    }
    assert_eq!(client.vpcs(&[]).await.unwrap().len(), 1);
    assert_eq!(client.subnets(&[]).await.unwrap().len(), 6);
    assert_eq!(client.groups(&[]).await.unwrap().len(), 1);
    assert_eq!(client.rules(&[]).await.unwrap().len(), 2);
    assert!(client.interfaces(&[]).await.unwrap().is_empty());
    assert!(client.subnets(&[("tag-key", &["k"])]).await.unwrap().is_empty());
}

async fn a_dry_run_of_a_call_that_would_fail_fails(database: &TestDatabase) {
    let client = client(database).await;
    let input = ec2::DeleteVpcRequest { vpc_id: "vpc-1".to_owned(), dry_run: Some(true) };
    assert_eq!(
        client.ec2.delete_vpc(&client.changing(), input).await.unwrap_err().code(),
        "InvalidVpcID.NotFound"
    );
    let input = ec2::CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".to_owned()),
        dry_run: Some(true),
        ..Default::default()
    };
    let service = client.cloudhsm();
    assert_eq!(
        service.ec2.create_vpc(&service.changing(), input).await.unwrap_err().code(),
        "UnauthorizedOperation"
    );
}

async fn codes_have_their_statuses(database: &TestDatabase) {
    let client = client(database).await;
    let status = |error: ApiError| error.query().map(|query| (query.code, query.http_status));
    let input = ec2::DescribeVpcsRequest { dry_run: Some(true), ..Default::default() };
    let dry = client.ec2.describe_vpcs(&client.context(), input).await.unwrap_err();
    assert_eq!(status(dry), Some(("DryRunOperation", 412)));
    let denied = client.cloudhsm().create_vpc("10.0.0.0/16").await.unwrap_err();
    assert_eq!(status(denied), Some(("UnauthorizedOperation", 403)));
    let unknown = client.delete_vpc("vpc-1").await.unwrap_err();
    assert_eq!(status(unknown), Some(("InvalidVpcID.NotFound", 400)));
}

/// One call with the id of each kind.
async fn call(client: &Client, kind: &str, id: &str) -> Result<(), ApiError> {
    let (context, id) = (client.changing(), id.to_owned());
    match kind {
        "vpc-" => client.delete_vpc(&id).await,
        "subnet-" => client.delete_subnet(&id).await,
        "sg-" => client.group(&id).await.map(drop),
        "eni-" => client.delete_interface(&id).await,
        "eni-attach-" => {
            let input = ec2::DetachNetworkInterfaceRequest { attachment_id: id, ..Default::default() };
            client.ec2.detach_network_interface(&context, input).await.map(drop)
        }
        "sgr-" => {
            let security_group_rule_ids = Some(vec![id]);
            let input =
                ec2::DescribeSecurityGroupRulesRequest { security_group_rule_ids, ..Default::default() };
            client.ec2.describe_security_group_rules(&context, input).await.map(drop)
        }
        "rtb-" => {
            let input =
                ec2::DescribeRouteTablesRequest { route_table_ids: Some(vec![id]), ..Default::default() };
            client.ec2.describe_route_tables(&context, input).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

async fn ids_that_are_none(database: &TestDatabase) {
    let client = client(database).await;
    for (kind, malformed, not_found, noun) in [
        ("vpc-", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "vpc ID"),
        ("subnet-", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "subnet ID"),
        ("sg-", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "security group"),
        (
            "sgr-",
            "InvalidSecurityGroupRuleId.Malformed",
            "InvalidSecurityGroupRuleId.NotFound",
            "security group rule ID",
        ),
        (
            "eni-",
            "InvalidNetworkInterfaceId.Malformed",
            "InvalidNetworkInterfaceID.NotFound",
            "networkInterface ID",
        ),
        (
            "eni-attach-",
            "InvalidNetworkInterfaceAttachmentId.Malformed",
            "InvalidAttachmentID.NotFound",
            "networkInterfaceAttachment ID",
        ),
        ("rtb-", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound", "routeTable ID"),
    ] {
        for id in ["x", "id with space", kind, &format!("{kind}xyz"), &format!("{kind}{}", "0".repeat(18))] {
            let expected = format!("{malformed}: Invalid id: \"{id}\" (expecting \"{kind}...\")");
            assert_eq!(refusal(call(&client, kind, id).await), expected);
        }
        let id = format!("{kind}0123456789abcdef0");
        let expected = format!("{not_found}: The {noun} '{id}' does not exist");
        assert_eq!(refusal(call(&client, kind, &id).await), expected);
        let missing = call(&client, kind, "").await.unwrap_err();
        assert_eq!(missing.code(), "MissingParameter", "{kind}");
    }
}

async fn what_is_not_here_says_so(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    let v6 = ec2::CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".to_owned()),
        amazon_provided_ipv6_cidr_block: Some(true),
        ..Default::default()
    };
    assert_eq!(
        refusal(client.ec2.create_vpc(&client.changing(), v6).await),
        "NotImplementedException: Strongroom does not implement ec2: IPv6 blocks of VPCs yet. docs/compatibility.md \
         lists what it does."
    );
    let v6 = ec2::CreateNetworkInterfaceRequest { ipv6_address_count: Some(1), ..in_subnet(&subnet) };
    assert_eq!(client.create_interface(v6).await.unwrap_err().code(), "NotImplementedException");
    let host = ec2::CreateVpcRequest {
        cidr_block: Some("10.0.0.0/16".to_owned()),
        instance_tenancy: Some(ec2::Tenancy::Host),
        ..Default::default()
    };
    assert_eq!(
        client.ec2.create_vpc(&client.changing(), host).await.unwrap_err().code(),
        "UnsupportedTenancy"
    );
}
