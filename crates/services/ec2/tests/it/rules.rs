//! Rules of security groups (VPC User Guide, "Security group rules"; EC2 API Reference,
//! AuthorizeSecurityGroupIngress).

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, STRANGER, client, from_block, from_group, refusal, tag, tcp};

on_both_engines! {
    rules_are_added_listed_and_taken_away,
    a_rule_is_added_once,
    all_rules_of_a_call_are_taken_or_none,
    traffic_that_a_rule_can_speak_of,
    traffic_and_peers_that_no_rule_has,
    the_older_form_of_a_request,
    sixty_rules_and_no_more,
    rules_are_changed_in_their_place,
    descriptions_are_changed,
    egress_has_rules_of_its_own,
    rules_are_revoked_by_their_ids,
}

async fn rules_are_added_listed_and_taken_away(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let described =
        ec2::IpRange { cidr_ip: Some("203.0.113.7/24".to_owned()), description: Some("office".to_owned()) };
    let v6 = ec2::Ipv6Range { cidr_ipv6: Some("2001:db8::1/32".to_owned()), ..Default::default() };
    let permission = ec2::IpPermission {
        ip_ranges: Some(vec![described]),
        ipv6_ranges: Some(vec![v6]),
        ..from_group(tcp(2223, 2225), &group)
    };
    let input = ec2::AuthorizeSecurityGroupIngressRequest {
        group_id: Some(group.clone()),
        ip_permissions: Some(vec![permission]),
        tag_specifications: Some(vec![ec2::TagSpecification {
            resource_type: Some(ec2::ResourceType::SecurityGroupRule),
            tags: Some(vec![tag("why", "test")]),
        }]),
        ..Default::default()
    };
    let made = client.ec2.authorize_security_group_ingress(&client.changing(), input).await.unwrap();
    assert_eq!(made.r#return, Some(true));
    let made = made.security_group_rules.unwrap();
    assert_eq!(made.len(), 3);
    for rule in &made {
        assert!(rule.security_group_rule_id.as_ref().unwrap().starts_with("sgr-"));
        assert_eq!(rule.group_id.as_ref(), Some(&group));
        assert_eq!(rule.is_egress, Some(false));
        assert_eq!((rule.from_port, rule.to_port), (Some(2223), Some(2225)));
        assert_eq!(rule.tags.as_ref().unwrap()[0].value.as_deref(), Some("test"));
    }
    assert_eq!(made[0].cidr_ipv4.as_deref(), Some("203.0.113.0/24"));
    assert_eq!(made[0].description.as_deref(), Some("office"));
    assert_eq!(made[1].cidr_ipv6.as_deref(), Some("2001:db8::/32"));
    assert_eq!(made[2].referenced_group_info.as_ref().unwrap().group_id.as_ref(), Some(&group));
    let shown = client.group(&group).await.unwrap().ip_permissions.unwrap();
    let [shown] = &shown[..] else { panic!("one permission for one range of ports") };
    assert_eq!(shown.ip_protocol.as_deref(), Some("tcp"));
    assert_eq!(shown.ip_ranges.as_ref().unwrap().len(), 1);
    assert_eq!(shown.ipv6_ranges.as_ref().unwrap().len(), 1);
    assert_eq!(shown.user_id_group_pairs.as_ref().unwrap().len(), 1);
    let all = client.rules(&[("group-id", &[&group])]).await.unwrap();
    assert_eq!(all.len(), 4, "and the one that lets everything out");
    let everything = all.iter().find(|rule| rule.is_egress == Some(true)).unwrap();
    assert_eq!((everything.ip_protocol.as_deref(), everything.from_port), (Some("-1"), Some(-1)));
    // Revoking looks at what a rule says, not at how it is described or written.
    let revoked = client.revoke(&group, vec![from_block(tcp(2223, 2225), "203.0.113.99/24")]).await.unwrap();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].security_group_rule_id, made[0].security_group_rule_id);
    assert_eq!(client.rules(&[("group-id", &[&group])]).await.unwrap().len(), 3);
}

async fn a_rule_is_added_once(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let all = || ec2::IpPermission { ip_protocol: Some("-1".to_owned()), ..Default::default() };
    let icmp = || ec2::IpPermission {
        ip_protocol: Some("icmp".to_owned()),
        from_port: Some(-1),
        to_port: Some(-1),
        ..Default::default()
    };
    for (permission, peer) in [
        (from_block(tcp(22, 22), "203.0.113.0/24"), "203.0.113.0/24, TCP, from port: 22, to port: 22"),
        (from_group(tcp(22, 22), &group), &*format!("{group}, TCP, from port: 22, to port: 22")),
        (from_block(all(), "10.0.0.0/8"), "10.0.0.0/8, ALL"),
        (from_block(icmp(), "10.0.0.0/8"), "10.0.0.0/8, ICMP, type: ALL, code: ALL"),
    ] {
        client.authorize(&group, vec![permission.clone()]).await.unwrap();
        assert_eq!(
            refusal(client.authorize(&group, vec![permission]).await),
            format!("InvalidPermission.Duplicate: the specified rule \"peer: {peer}, ALLOW\" already exists")
        );
    }
    let twice = vec![from_block(tcp(80, 80), "10.0.0.0/8"), from_block(tcp(80, 80), "10.1.0.0/8")];
    assert_eq!(
        refusal(client.authorize(&group, twice).await),
        "InvalidParameterValue: The same permission must not appear multiple times"
    );
    // The same name, number or case of a protocol is the same protocol.
    let number = ec2::IpPermission { ip_protocol: Some("6".to_owned()), ..tcp(22, 22) };
    assert_eq!(
        client.authorize(&group, vec![from_block(number, "203.0.113.0/24")]).await.unwrap_err().code(),
        "InvalidPermission.Duplicate"
    );
}

async fn all_rules_of_a_call_are_taken_or_none(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let one = || from_block(tcp(1, 1), "10.0.0.0/8");
    let two = || from_block(tcp(2, 2), "10.0.0.0/8");
    client.authorize(&group, vec![one()]).await.unwrap();
    assert!(client.authorize(&group, vec![two(), one()]).await.is_err());
    assert_eq!(
        refusal(client.revoke(&group, vec![one(), two()]).await),
        "InvalidPermission.NotFound: The specified rule does not exist in this security group."
    );
    assert_eq!(client.group(&group).await.unwrap().ip_permissions.unwrap().len(), 1);
}

async fn traffic_that_a_rule_can_speak_of(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    for (protocol, from, to, shown) in [
        ("tcp", Some(0), Some(65_535), ("tcp", Some(0), Some(65_535))),
        ("TCP", Some(1), Some(1), ("tcp", Some(1), Some(1))),
        ("17", Some(53), Some(53), ("udp", Some(53), Some(53))),
        ("icmp", Some(8), Some(-1), ("icmp", Some(8), Some(-1))),
        ("58", None, None, ("icmpv6", Some(-1), Some(-1))),
        ("50", Some(1), Some(2), ("50", None, None)),
        ("-1", Some(80), Some(80), ("-1", None, None)),
    ] {
        let permission = ec2::IpPermission {
            ip_protocol: Some(protocol.to_owned()),
            from_port: from,
            to_port: to,
            ..Default::default()
        };
        client.authorize(&group, vec![from_block(permission.clone(), "10.0.0.0/8")]).await.unwrap();
        let found = client.group(&group).await.unwrap().ip_permissions.unwrap().remove(0);
        let found = (found.ip_protocol.unwrap(), found.from_port, found.to_port);
        assert_eq!((&*found.0, found.1, found.2), shown);
        client.revoke(&group, vec![from_block(permission, "10.0.0.0/8")]).await.unwrap();
    }
}

async fn traffic_and_peers_that_no_rule_has(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let vpc = client.create_vpc("10.0.0.0/16").await.unwrap();
    let far = client.create_group(Some(&vpc), "far").await.unwrap();
    let traffic = |protocol: &str, from: Option<i32>, to: Option<i32>| {
        let ip_protocol = Some(protocol.to_owned());
        let permission =
            ec2::IpPermission { ip_protocol, from_port: from, to_port: to, ..Default::default() };
        from_block(permission, "10.0.0.0/8")
    };
    let described = |description: &str| {
        let description = Some(description.to_owned());
        let range = ec2::IpRange { cidr_ip: Some("10.0.0.0/8".to_owned()), description };
        ec2::IpPermission { ip_ranges: Some(vec![range]), ..tcp(1, 1) }
    };
    let pair =
        |pair: ec2::UserIdGroupPair| ec2::IpPermission { user_id_group_pairs: Some(vec![pair]), ..tcp(1, 1) };
    let named =
        |name: &str| pair(ec2::UserIdGroupPair { group_name: Some(name.to_owned()), ..Default::default() });
    let foreign = pair(ec2::UserIdGroupPair {
        group_id: Some(group.clone()),
        user_id: Some(STRANGER.to_owned()),
        ..Default::default()
    });
    let list = ec2::PrefixListId { prefix_list_id: Some("pl-1".to_owned()), ..Default::default() };
    let listed = ec2::IpPermission { prefix_list_ids: Some(vec![list]), ..tcp(1, 1) };
    let missing = "InvalidParameterValue: Invalid value 'Must specify both from and to ports with";
    for (permission, expected) in [
        (traffic("tcp", Some(1), None), format!("{missing} TCP/UDP.' for portRange.")),
        (traffic("udp", None, None), format!("{missing} TCP/UDP.' for portRange.")),
        (traffic("icmp", None, None), format!("{missing} ICMP.' for portRange.")),
        (
            traffic("tcp", Some(-1), Some(-1)),
            "InvalidPermission.Malformed: TCP/UDP port (-1) out of range".to_owned(),
        ),
        (
            traffic("tcp", Some(1), Some(65_536)),
            "InvalidPermission.Malformed: TCP/UDP port (65536) out of range".to_owned(),
        ),
        (
            traffic("tcp", Some(80), Some(22)),
            "InvalidParameterValue: Invalid TCP/UDP port range (80:22)".to_owned(),
        ),
        (
            traffic("icmp", Some(256), Some(0)),
            "InvalidPermission.Malformed: ICMP type (256) out of range".to_owned(),
        ),
        (
            traffic("icmp", Some(-1), Some(0)),
            "InvalidPermission.Malformed: ICMP code (0) out of range".to_owned(),
        ),
        (
            traffic("foo", Some(1), Some(1)),
            "InvalidParameterValue: Invalid value 'foo' for IP protocol. Unknown protocol.".to_owned(),
        ),
        (
            traffic("256", None, None),
            "InvalidParameterValue: Invalid value '256' for IP protocol. Unknown protocol.".to_owned(),
        ),
        (
            from_block(tcp(1, 1), "10.0.0.0/33"),
            "InvalidParameterValue: CIDR block 10.0.0.0/33 is malformed".to_owned(),
        ),
        (from_block(tcp(1, 1), "10.0.0.1"), "InvalidParameterValue: CIDR block 10.0.0.1 is malformed".to_owned()),
        (tcp(1, 1), "MissingParameter: Source group ID missing.".to_owned()),
        (
            from_group(tcp(1, 1), "sg-1"),
            "InvalidGroup.NotFound: The security group 'sg-1' does not exist".to_owned(),
        ),
        (named("who"), "InvalidGroup.NotFound: The security group 'who' does not exist".to_owned()),
        (foreign, format!("InvalidGroup.NotFound: The security group '{group}' does not exist")),
        (
            from_group(tcp(1, 1), &far),
            "InvalidGroup.NotFound: You have specified two resources that belong to different networks.".to_owned(),
        ),
        (listed, "InvalidPrefixListID.NotFound: The prefix list ID 'pl-1' does not exist".to_owned()),
        (
            described("<>"),
            "InvalidParameterValue: Invalid rule description. Valid descriptions are strings less than 256 characters \
             from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
                .to_owned(),
        ),
    ] {
        assert_eq!(refusal(client.authorize(&group, vec![permission]).await), expected);
    }
    assert_eq!(
        refusal(client.authorize(&group, Vec::new()).await),
        "MissingParameter: The request must contain the parameter ipPermissions"
    );
    assert!(client.group(&group).await.unwrap().ip_permissions.unwrap().is_empty());
    client.authorize(&group, vec![named("g")]).await.unwrap();
}

async fn the_older_form_of_a_request(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let single = || ec2::AuthorizeSecurityGroupIngressRequest {
        group_name: Some("g".to_owned()),
        ip_protocol: Some("tcp".to_owned()),
        from_port: Some(22),
        to_port: Some(22),
        cidr_ip: Some("10.0.0.0/8".to_owned()),
        ..Default::default()
    };
    let authorize = async |input: ec2::AuthorizeSecurityGroupIngressRequest| {
        client.ec2.authorize_security_group_ingress(&client.changing(), input).await
    };
    authorize(single()).await.unwrap();
    authorize(ec2::AuthorizeSecurityGroupIngressRequest {
        group_name: Some("g".to_owned()),
        source_security_group_name: Some("default".to_owned()),
        ..Default::default()
    })
    .await
    .unwrap();
    let both = ec2::AuthorizeSecurityGroupIngressRequest {
        ip_permissions: Some(vec![from_block(tcp(1, 1), "10.0.0.0/8")]),
        ..single()
    };
    assert_eq!(
        refusal(authorize(both).await),
        "InvalidParameterCombination: The parameter ipPermissions cannot be used with the parameter ipProtocol"
    );
    let input = ec2::RevokeSecurityGroupIngressRequest {
        group_id: Some(group.clone()),
        ip_protocol: Some("tcp".to_owned()),
        from_port: Some(22),
        to_port: Some(22),
        cidr_ip: Some("10.0.0.0/8".to_owned()),
        ..Default::default()
    };
    let revoked = client.ec2.revoke_security_group_ingress(&client.changing(), input).await.unwrap();
    assert_eq!(revoked.revoked_security_group_rules.unwrap().len(), 1);
    assert_eq!(client.group(&group).await.unwrap().ip_permissions.unwrap().len(), 1);
}

async fn sixty_rules_and_no_more(database: &TestDatabase) {
    const FULL: &str = "RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has been reached.";
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let blocks = |count: u8| -> Vec<_> {
        (0..count).map(|number| from_block(tcp(1, 1), &format!("10.{number}.0.0/16"))).collect()
    };
    assert_eq!(refusal(client.authorize(&group, blocks(61)).await), FULL);
    client.authorize(&group, blocks(60)).await.unwrap();
    assert_eq!(refusal(client.authorize(&group, vec![from_group(tcp(1, 1), &group)]).await), FULL);
    // IPv6 has sixty of its own.
    let v6 = ec2::Ipv6Range { cidr_ipv6: Some("::/0".to_owned()), ..Default::default() };
    let v6 = ec2::IpPermission { ipv6_ranges: Some(vec![v6]), ..tcp(1, 1) };
    client.authorize(&group, vec![v6]).await.unwrap();
}

async fn modify(
    client: &Client,
    group: &str,
    rule: &str,
    wanted: ec2::SecurityGroupRuleRequest,
) -> Result<(), ApiError> {
    let update = ec2::SecurityGroupRuleUpdate {
        security_group_rule_id: rule.to_owned(),
        security_group_rule: Some(wanted),
    };
    let input = ec2::ModifySecurityGroupRulesRequest {
        group_id: group.to_owned(),
        security_group_rules: vec![update],
        ..Default::default()
    };
    client.ec2.modify_security_group_rules(&client.changing(), input).await.map(drop)
}

async fn rules_are_changed_in_their_place(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let permissions = vec![from_block(tcp(1, 1), "10.0.0.0/8"), from_block(tcp(2, 2), "10.0.0.0/8")];
    let ids = client.authorize(&group, permissions).await.unwrap();
    let wanted = ec2::SecurityGroupRuleRequest {
        ip_protocol: Some("tcp".to_owned()),
        from_port: Some(3),
        to_port: Some(4),
        cidr_ipv4: Some("192.0.2.1/32".to_owned()),
        description: Some("changed".to_owned()),
        ..Default::default()
    };
    modify(&client, &group, &ids[0], wanted.clone()).await.unwrap();
    let rule = client.rules(&[("security-group-rule-id", &[&ids[0]])]).await.unwrap().remove(0);
    assert_eq!((rule.from_port, rule.to_port), (Some(3), Some(4)));
    assert_eq!(rule.cidr_ipv4.as_deref(), Some("192.0.2.1/32"));
    assert_eq!(rule.description.as_deref(), Some("changed"));
    let block = |block: &str| ec2::SecurityGroupRuleRequest {
        cidr_ipv4: Some(block.to_owned()),
        ..Default::default()
    };
    modify(&client, &group, &ids[0], block("192.0.2.2/32")).await.unwrap();
    let rule = client.rules(&[("security-group-rule-id", &[&ids[0]])]).await.unwrap().remove(0);
    assert_eq!((rule.from_port, rule.description.as_deref()), (Some(3), Some("changed")));
    let duplicate = ec2::SecurityGroupRuleRequest { cidr_ipv4: Some("192.0.2.2/32".to_owned()), ..wanted };
    assert_eq!(
        refusal(modify(&client, &group, &ids[1], duplicate).await),
        "InvalidPermission.Duplicate: the specified rule \"peer: 192.0.2.2/32, TCP, from port: 3, to port: 4, ALLOW\" \
         already exists"
    );
    let to_v6 = ec2::SecurityGroupRuleRequest { cidr_ipv6: Some("::/0".to_owned()), ..Default::default() };
    assert_eq!(modify(&client, &group, &ids[1], to_v6).await.unwrap_err().code(), "InvalidParameterValue");
    let two = ec2::SecurityGroupRuleRequest { cidr_ipv6: Some("::/0".to_owned()), ..block("10.0.0.0/8") };
    assert_eq!(
        modify(&client, &group, &ids[1], two).await.unwrap_err().code(),
        "InvalidParameterCombination"
    );
    let other = client.create_group(None, "other").await.unwrap();
    assert_eq!(
        refusal(modify(&client, &other, &ids[1], block("10.0.0.0/9")).await),
        format!(
            "InvalidSecurityGroupRuleId.NotFound: The security group rule ID '{}' does not exist",
            ids[1]
        )
    );
}

async fn descriptions_are_changed(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let ids = client.authorize(&group, vec![from_block(tcp(1, 1), "10.0.0.0/8")]).await.unwrap();
    let described =
        async || client.rules(&[("security-group-rule-id", &[&ids[0]])]).await.unwrap().remove(0).description;
    let update = async |permissions: Option<Vec<ec2::IpPermission>>, by_id: Option<&str>| {
        let description = |text: &str| ec2::SecurityGroupRuleDescription {
            security_group_rule_id: Some(ids[0].clone()),
            description: Some(text.to_owned()),
        };
        let input = ec2::UpdateSecurityGroupRuleDescriptionsIngressRequest {
            group_id: Some(group.clone()),
            ip_permissions: permissions,
            security_group_rule_descriptions: by_id.map(|text| vec![description(text)]),
            ..Default::default()
        };
        client.ec2.update_security_group_rule_descriptions_ingress(&client.changing(), input).await
    };
    update(None, Some("by id")).await.unwrap();
    assert_eq!(described().await.as_deref(), Some("by id"));
    let range = ec2::IpRange {
        cidr_ip: Some("10.0.0.0/8".to_owned()),
        description: Some("by what it says".to_owned()),
    };
    let permission = |from| ec2::IpPermission { ip_ranges: Some(vec![range.clone()]), ..tcp(from, from) };
    update(Some(vec![permission(1)]), None).await.unwrap();
    assert_eq!(described().await.as_deref(), Some("by what it says"));
    assert_eq!(
        update(Some(vec![permission(2)]), None).await.unwrap_err().code(),
        "InvalidPermission.NotFound"
    );
    update(Some(vec![from_block(tcp(1, 1), "10.0.0.0/8")]), None).await.unwrap();
    assert_eq!(described().await, None);
    let input = ec2::UpdateSecurityGroupRuleDescriptionsEgressRequest {
        group_id: Some(group.clone()),
        security_group_rule_descriptions: Some(vec![ec2::SecurityGroupRuleDescription {
            security_group_rule_id: Some(ids[0].clone()),
            description: None,
        }]),
        ..Default::default()
    };
    let egress = client.ec2.update_security_group_rule_descriptions_egress(&client.changing(), input).await;
    assert_eq!(egress.unwrap_err().code(), "InvalidSecurityGroupRuleId.NotFound");
}

async fn egress_has_rules_of_its_own(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let permission = || from_block(tcp(1, 1), "10.0.0.0/8");
    client.authorize(&group, vec![permission()]).await.unwrap();
    let authorize = async || {
        let input = ec2::AuthorizeSecurityGroupEgressRequest {
            group_id: group.clone(),
            ip_permissions: Some(vec![permission()]),
            ..Default::default()
        };
        client.ec2.authorize_security_group_egress(&client.changing(), input).await
    };
    let made = authorize().await.unwrap().security_group_rules.unwrap();
    assert_eq!(made[0].is_egress, Some(true));
    assert_eq!(authorize().await.unwrap_err().code(), "InvalidPermission.Duplicate");
    let revoke = async |permission: ec2::IpPermission| {
        let input = ec2::RevokeSecurityGroupEgressRequest {
            group_id: group.clone(),
            ip_permissions: Some(vec![permission]),
            ..Default::default()
        };
        client.ec2.revoke_security_group_egress(&client.changing(), input).await
    };
    revoke(permission()).await.unwrap();
    assert_eq!(revoke(permission()).await.unwrap_err().code(), "InvalidPermission.NotFound");
    let all = ec2::IpPermission { ip_protocol: Some("-1".to_owned()), ..Default::default() };
    revoke(from_block(all, "0.0.0.0/0")).await.unwrap();
    let left = client.group(&group).await.unwrap();
    assert!(left.ip_permissions_egress.unwrap().is_empty());
    assert_eq!(left.ip_permissions.unwrap().len(), 1);
}

async fn rules_are_revoked_by_their_ids(database: &TestDatabase) {
    let client = client(database).await;
    let group = client.create_group(None, "g").await.unwrap();
    let permissions = (1..=3).map(|port| from_block(tcp(port, port), "10.0.0.0/8")).collect();
    let ids = client.authorize(&group, permissions).await.unwrap();
    let revoke = async |rule_ids: &[&str], permissions: Option<Vec<ec2::IpPermission>>| {
        let input = ec2::RevokeSecurityGroupIngressRequest {
            group_id: Some(group.clone()),
            security_group_rule_ids: Some(rule_ids.iter().map(|id| (*id).to_owned()).collect()),
            ip_permissions: permissions,
            ..Default::default()
        };
        client.ec2.revoke_security_group_ingress(&client.changing(), input).await
    };
    assert_eq!(
        refusal(revoke(&[&ids[0], "sgr-1"], None).await),
        "InvalidSecurityGroupRuleId.NotFound: The security group rule ID 'sgr-1' does not exist"
    );
    assert_eq!(
        refusal(revoke(&["x"], None).await),
        "InvalidSecurityGroupRuleId.Malformed: Invalid id: \"x\" (expecting \"sgr-...\")"
    );
    assert_eq!(
        revoke(&[&ids[0]], Some(vec![tcp(1, 1)])).await.unwrap_err().code(),
        "InvalidParameterCombination"
    );
    revoke(&[&ids[0], &ids[2]], None).await.unwrap();
    let left: Vec<_> =
        client.rules(&[("security-group-rule-id", &[&ids[0], &ids[1], &ids[2]])]).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].security_group_rule_id.as_ref(), Some(&ids[1]));
}
