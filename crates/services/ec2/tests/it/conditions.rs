//! What policies can say of EC2's operations (Service Authorization Reference, "Actions, resources, and condition keys
//! for Amazon EC2").

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, REGION, client, refusal, tag};

on_both_engines! {
    tags_in_requests_are_conditions,
    tags_of_resources_are_conditions,
    where_a_resource_is_is_a_condition,
    what_is_not_named_by_its_id_is_protected_by_it,
}

fn allow(action: &str, condition: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*","Condition":{condition}}}"#)
}

#[track_caller]
fn denied<T: std::fmt::Debug>(answer: Result<T, ApiError>) {
    let refusal = refusal(answer);
    assert!(refusal.starts_with("UnauthorizedOperation: "), "{refusal}");
}

async fn create_group(client: &Client, name: &str, tags: &[(&str, &str)]) -> Result<String, ApiError> {
    let tags: Vec<_> = tags.iter().map(|(key, value)| tag(key, value)).collect();
    let specification = ec2::TagSpecification {
        resource_type: Some(ec2::ResourceType::from("security-group")),
        tags: Some(tags.clone()),
    };
    let input = ec2::CreateSecurityGroupRequest {
        group_name: name.to_owned(),
        description: name.to_owned(),
        tag_specifications: (!tags.is_empty()).then(|| vec![specification]),
        ..Default::default()
    };
    Ok(client.ec2.create_security_group(&client.changing(), input).await?.group_id.unwrap())
}

async fn untag(client: &Client, id: &str, key: &str) -> Result<(), ApiError> {
    let tags = Some(vec![ec2::Tag { key: Some(key.to_owned()), value: None }]);
    let input = ec2::DeleteTagsRequest { resources: vec![id.to_owned()], tags, dry_run: None };
    client.ec2.delete_tags(&client.changing(), input).await.map(drop)
}

async fn tags_in_requests_are_conditions(database: &TestDatabase) {
    let root = client(database).await;
    let team = r#"{"StringEquals":{"aws:RequestTag/team":"keys"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}"#;
    let statements = [
        allow("ec2:CreateSecurityGroup", team),
        allow("ec2:CreateTags", team),
        allow("ec2:DeleteTags", r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["other"]}}"#),
    ];
    let user = root.as_user(&statements.join(","));
    denied(create_group(&user, "a", &[]).await);
    denied(create_group(&user, "a", &[("team", "others")]).await);
    denied(create_group(&user, "a", &[("team", "keys"), ("more", "")]).await);
    let group = create_group(&user, "a", &[("team", "keys")]).await.unwrap();
    denied(untag(&user, &group, "team").await);
    untag(&user, &group, "other").await.unwrap();
}

async fn tags_of_resources_are_conditions(database: &TestDatabase) {
    let root = client(database).await;
    let ours = create_group(&root, "ours", &[("team", "keys")]).await.unwrap();
    let theirs = create_group(&root, "theirs", &[("team", "others")]).await.unwrap();
    for key in ["aws:ResourceTag/team", "ec2:ResourceTag/Team"] {
        let condition = format!(r#"{{"StringEquals":{{"{key}":"keys"}}}}"#);
        let user = root.as_user(&allow("ec2:DeleteTags", &condition));
        untag(&user, &ours, "other").await.unwrap();
        denied(untag(&user, &theirs, "other").await);
    }
}

async fn where_a_resource_is_is_a_condition(database: &TestDatabase) {
    let root = client(database).await;
    let vpc = root.create_vpc("10.1.0.0/16").await.unwrap();
    let inside = root.create_group(Some(&vpc), "g").await.unwrap();
    let outside = root.create_group(None, "g").await.unwrap();
    let (account, region) = (root.account, root.region.name());
    let in_vpc = format!(r#"{{"ArnEquals":{{"ec2:Vpc":"arn:aws:ec2:{region}:{account}:vpc/{vpc}"}}}}"#);
    let user = root.as_user(&allow("ec2:DeleteSecurityGroup", &in_vpc));
    denied(user.delete_group(&outside).await);
    user.delete_group(&inside).await.unwrap();
    for (named, is_allowed) in [(REGION, true), ("eu-west-3", false)] {
        let user = root.as_user(&allow(
            "ec2:DescribeVpcs",
            &format!(r#"{{"StringEquals":{{"ec2:Region":"{named}"}}}}"#),
        ));
        assert_eq!(user.vpcs(&[]).await.is_ok(), is_allowed);
    }
}

async fn what_is_not_named_by_its_id_is_protected_by_it(database: &TestDatabase) {
    let root = client(database).await;
    let (account, region) = (root.account, root.region.name());
    let but = |kind: &str, id: &str| {
        let arn = format!("arn:aws:ec2:{region}:{account}:{kind}/{id}");
        let deny = format!(r#"{{"Effect":"Deny","Action":"*","Resource":"{arn}"}}"#);
        root.as_user(&format!("{},{deny}", allow("*", "{}")))
    };
    let group = root.create_group(None, "guarded").await.unwrap();
    let user = but("security-group", &group);
    let ports = || {
        Some(vec![ec2::IpPermission {
            ip_protocol: Some("tcp".to_owned()),
            from_port: Some(1),
            to_port: Some(1),
            ip_ranges: Some(vec![ec2::IpRange {
                cidr_ip: Some("192.0.2.0/24".to_owned()),
                ..Default::default()
            }]),
            ..Default::default()
        }])
    };
    for group_id in [None, Some(String::new())] {
        let group_name = Some("guarded".to_owned());
        let input = ec2::AuthorizeSecurityGroupIngressRequest {
            group_id: group_id.clone(),
            group_name: group_name.clone(),
            ip_permissions: ports(),
            ..Default::default()
        };
        denied(user.ec2.authorize_security_group_ingress(&user.changing(), input.clone()).await);
        let revoked = ec2::RevokeSecurityGroupIngressRequest {
            group_id: group_id.clone(),
            group_name: group_name.clone(),
            ip_permissions: ports(),
            ..Default::default()
        };
        denied(user.ec2.revoke_security_group_ingress(&user.changing(), revoked).await);
        let gone = ec2::DeleteSecurityGroupRequest { group_id, group_name, dry_run: None };
        denied(user.ec2.delete_security_group(&user.changing(), gone).await);
    }
    // A group that is made without a word of a VPC is made in the default one.
    let user = but("vpc", &root.default_vpc().await.vpc_id.unwrap());
    denied(user.create_group(None, "another").await);
}
