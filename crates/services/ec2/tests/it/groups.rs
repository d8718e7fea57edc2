//! Security groups (VPC User Guide, "Security groups").

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, from_group, in_subnet, refusal, tcp};

on_both_engines! {
    the_default_group_lets_its_members_in,
    a_new_group_lets_nobody_in_and_everything_out,
    names_are_of_a_vpc,
    names_and_descriptions_that_a_group_cannot_have,
    a_group_is_deleted_when_nobody_needs_it,
    groups_are_found_by_id_and_by_name,
}

async fn the_default_group_lets_its_members_in(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.groups(&[("group-name", &["default"])]).await.unwrap().remove(0);
    let id = group.group_id.clone().unwrap();
    let [ingress] = &group.ip_permissions.unwrap()[..] else { panic!("one permission") };
    assert_eq!(
        (ingress.ip_protocol.as_deref(), ingress.from_port, ingress.to_port),
        (Some("-1"), None, None)
    );
    let [pair] = &ingress.user_id_group_pairs.as_ref().unwrap()[..] else { panic!("one pair") };
    assert_eq!(pair.group_id.as_ref(), Some(&id));
    assert_eq!(pair.user_id, Some(client.account.to_string()));
    let [egress] = &group.ip_permissions_egress.unwrap()[..] else { panic!("one permission") };
    assert_eq!(egress.ip_ranges.as_ref().unwrap()[0].cidr_ip.as_deref(), Some("0.0.0.0/0"));
    assert_eq!(
        refusal(client.delete_group(&id).await),
        format!("CannotDelete: the specified group: \"{id}\" name: \"default\" cannot be deleted by a user")
    );
}

async fn a_new_group_lets_nobody_in_and_everything_out(database: &TestDatabase) {
    let client = client(database).await;
    let id = client.create_group(None, "a group (1)").await.unwrap();
    let group = client.group(&id).await.unwrap();
    assert_eq!(group.vpc_id, client.default_vpc().await.vpc_id);
    assert_eq!(group.group_name.as_deref(), Some("a group (1)"));
    assert_eq!(group.description.as_deref(), Some("a group"));
    assert_eq!(group.owner_id, Some(client.account.to_string()));
    assert_eq!(
        group.security_group_arn.unwrap(),
        format!("arn:aws:ec2:{}:{}:security-group/{id}", client.region, client.account)
    );
    assert!(group.ip_permissions.unwrap().is_empty());
    let [egress] = &group.ip_permissions_egress.unwrap()[..] else { panic!("one permission") };
    assert_eq!(egress.ip_protocol.as_deref(), Some("-1"));
    assert_eq!(egress.ip_ranges.as_ref().unwrap()[0].cidr_ip.as_deref(), Some("0.0.0.0/0"));
    assert!(egress.user_id_group_pairs.as_ref().unwrap().is_empty());
}

async fn names_are_of_a_vpc(database: &TestDatabase) {
    let client = client(database).await;
    let default = client.default_vpc().await.vpc_id.unwrap();
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    client.create_group(None, "same").await.unwrap();
    assert_eq!(
        refusal(client.create_group(Some(&default), "same").await),
        format!("InvalidGroup.Duplicate: The security group 'same' already exists for VPC '{default}'")
    );
    client.create_group(Some(&vpc), "same").await.unwrap();
    client.create_group(Some(&vpc), "Same").await.unwrap();
}

async fn names_and_descriptions_that_a_group_cannot_have(database: &TestDatabase) {
    const SET: &str =
        "strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*";
    let client = client(database).await;
    let create = async |name: &str, description: &str| {
        let input = ec2::CreateSecurityGroupRequest {
            group_name: name.to_owned(),
            description: description.to_owned(),
            ..Default::default()
        };
        client.ec2.create_security_group(&client.changing(), input).await
    };
    let long = "x".repeat(256);
    for (name, description, expected) in [
        (
            "default",
            "d",
            "InvalidParameterValue: Cannot use reserved security group name: default".to_owned(),
        ),
        ("sg-1234", "d", "InvalidParameterValue: Group names may not be in the format sg-*.".to_owned()),
        ("", "d", "MissingParameter: The request must contain the parameter GroupName".to_owned()),
        ("n", "", "MissingParameter: The request must contain the parameter GroupDescription".to_owned()),
        ("ü", "d", format!("InvalidParameterValue: Invalid security group name. Valid names are {SET}")),
        (&long, "d", format!("InvalidParameterValue: Invalid security group name. Valid names are {SET}")),
        (
            "n",
            "<d>",
            format!(
                "InvalidParameterValue: Invalid security group description. Valid descriptions are {SET}"
            ),
        ),
    ] {
        assert_eq!(refusal(create(name, description).await), expected);
    }
    create(&long[1..], &long[1..]).await.unwrap();
}

async fn a_group_is_deleted_when_nobody_needs_it(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "needed").await.unwrap();
    let needed = format!("DependencyViolation: resource {group} has a dependent object");
    let input = ec2::CreateNetworkInterfaceRequest {
        groups: Some(vec![group.clone()]),
        ..in_subnet(&client.some_subnet().await)
    };
    let member = client.create_interface(input).await.unwrap().network_interface_id.unwrap();
    assert_eq!(refusal(client.delete_group(&group).await), needed);
    client.delete_interface(&member).await.unwrap();
    let other = client.create_group(None, "other").await.unwrap();
    client.authorize(&other, vec![from_group(tcp(1, 1), &group)]).await.unwrap();
    assert_eq!(refusal(client.delete_group(&group).await), needed);
    client.revoke(&other, vec![from_group(tcp(1, 1), &group)]).await.unwrap();
    // A rule of its own is no hindrance.
    client.authorize(&group, vec![from_group(tcp(1, 1), &group)]).await.unwrap();
    client.delete_group(&group).await.unwrap();
    assert_eq!(
        refusal(client.delete_group(&group).await),
        format!("InvalidGroup.NotFound: The security group '{group}' does not exist")
    );
}

async fn describe(client: &Client, ids: &[&str], names: &[&str]) -> Result<Vec<String>, String> {
    let owned = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let input = ec2::DescribeSecurityGroupsRequest {
        group_ids: owned(ids),
        group_names: owned(names),
        ..Default::default()
    };
    let found = client.ec2.describe_security_groups(&client.context(), input).await;
    let name = |group: ec2::SecurityGroup| group.group_name.unwrap();
    found
        .map(|found| found.security_groups.unwrap().into_iter().map(name).collect())
        .map_err(|e| e.to_string())
}

async fn groups_are_found_by_id_and_by_name(database: &TestDatabase) {
    let client = client(database).await;
    let one = client.create_group(None, "one").await.unwrap();
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    client.create_group(Some(&vpc), "elsewhere").await.unwrap();
    assert_eq!(describe(&client, &[&one], &[]).await.unwrap(), ["one"]);
    assert_eq!(describe(&client, &[], &["one"]).await.unwrap(), ["one"]);
    let both = describe(&client, &[&one], &["default"]).await.unwrap();
    assert!(both.len() == 2 && both.contains(&"default".to_owned()));
    let default = client.default_vpc().await.vpc_id.unwrap();
    assert_eq!(
        describe(&client, &[], &["elsewhere"]).await.unwrap_err(),
        format!(
            "InvalidGroup.NotFound: The security group 'elsewhere' does not exist in default VPC '{default}'"
        )
    );
    for (ids, expected) in [
        (vec!["one"], "InvalidGroupId.Malformed: Invalid id: \"one\" (expecting \"sg-...\")"),
        (vec!["sg-1"], "InvalidGroup.NotFound: The security group 'sg-1' does not exist"),
        (vec!["sg-1", &one, "sg-2"], "InvalidGroup.NotFound: The security groups 'sg-1, sg-2' do not exist"),
    ] {
        assert_eq!(describe(&client, &ids, &[]).await.unwrap_err(), expected);
    }
    // By name a group is deleted too, but not by both.
    let delete = async |id: Option<&str>, name: Option<&str>| {
        let (group_id, group_name) = (id.map(str::to_owned), name.map(str::to_owned));
        let input = ec2::DeleteSecurityGroupRequest { group_id, group_name, dry_run: None };
        client.ec2.delete_security_group(&client.changing(), input).await
    };
    assert_eq!(
        refusal(delete(Some(&one), Some("one")).await),
        "InvalidParameterCombination: The parameter groupName cannot be used with the parameter groupId"
    );
    assert_eq!(
        refusal(delete(None, None).await),
        "MissingParameter: The request must contain the parameter groupName or groupId"
    );
    assert_eq!(delete(None, Some("one")).await.unwrap().group_id, Some(one));
}
