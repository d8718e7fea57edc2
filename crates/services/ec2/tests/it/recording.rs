//! What records show of requests: as those of real calls do (Invictus Incident Response's aws_dataset, Stratus Red Team's
//! docs/detonation-logs, AWS's cloud-trail-lake-query-samples).

use serde_json::{Value, json};
use strongroom_ec2::recorded_parameters;

fn recorded(operation: &str, parameters: &str) -> Value {
    let recorded = recorded_parameters(operation, Some(parameters.to_owned()), None).unwrap();
    serde_json::from_str(&recorded).unwrap()
}

#[test]
fn what_is_looked_for_has_the_names_of_the_older_protocol() {
    let filters =
        r#"{"items":[{"name":"vpc-id","value":{"items":["vpc-1","vpc-2"]}},{"name":"default","value":{}}]}"#;
    let shown_filters = json!({ "items": [
        { "name": "vpc-id", "valueSet": { "items": [{ "value": "vpc-1" }, { "value": "vpc-2" }] } },
        { "name": "default", "valueSet": {} },
    ] });
    for (operation, asked, set, name) in [
        ("DescribeVpcs", "vpcId", "vpcSet", "vpcId"),
        ("DescribeSubnets", "subnetId", "subnetSet", "subnetId"),
        ("DescribeNetworkInterfaces", "networkInterfaceId", "networkInterfaceIdSet", "networkInterfaceId"),
        ("DescribeRouteTables", "routeTableId", "routeTableIdSet", "routeTableId"),
        ("DescribeNetworkAcls", "networkAclId", "networkAclIdSet", "networkAclId"),
        ("DescribeInternetGateways", "internetGatewayId", "internetGatewayIdSet", "internetGatewayId"),
        ("DescribeAccountAttributes", "attributeName", "accountAttributeNameSet", "attributeName"),
    ] {
        assert_eq!(
            recorded(operation, &format!(r#"{{"{asked}":{{"items":["a","b"]}}}}"#)),
            json!({ set: { "items": [{ name: "a" }, { name: "b" }] }, "filterSet": {} }),
            "{operation}"
        );
        assert_eq!(
            recorded(operation, &format!(r#"{{"filter":{filters},"maxResults":1000}}"#)),
            json!({ "maxResults": 1000, set: {}, "filterSet": shown_filters }),
            "{operation}"
        );
    }
    assert_eq!(
        recorded("DescribeSecurityGroups", r#"{"groupId":{"items":["sg-1"]}}"#),
        json!({
            "securityGroupSet": {},
            "securityGroupIdSet": { "items": [{ "groupId": "sg-1" }] },
            "filterSet": {},
        })
    );
    assert_eq!(
        recorded("DescribeSecurityGroups", r#"{"groupName":{"items":["default"]}}"#),
        json!({
            "securityGroupSet": { "items": [{ "groupName": "default" }] },
            "securityGroupIdSet": {},
            "filterSet": {},
        })
    );
    assert_eq!(
        recorded("DescribeTags", &format!(r#"{{"filter":{filters},"maxResults":500}}"#)),
        json!({ "maxResults": 500, "filterSet": shown_filters })
    );
    assert_eq!(
        recorded("DescribeRegions", r#"{"allRegions":true}"#),
        json!({ "regionSet": {}, "allRegions": true })
    );
    assert_eq!(
        recorded("DescribeAvailabilityZones", &format!(r#"{{"filter":{filters}}}"#)),
        json!({ "availabilityZoneSet": {}, "availabilityZoneIdSet": {}, "filterSet": shown_filters })
    );
}

#[test]
fn whoever_asks_for_nothing_is_shown_empty_lists_unless_nobody_knows() {
    let empty = |operation, error| recorded_parameters(operation, None, error);
    assert_eq!(empty("DescribeVpcs", None).unwrap(), r#"{"vpcSet":{},"filterSet":{}}"#);
    let zones = r#"{"availabilityZoneSet":{},"availabilityZoneIdSet":{}}"#;
    assert_eq!(empty("DescribeAvailabilityZones", None).unwrap(), zones);
    assert_eq!(
        empty("DescribeRegions", Some("Client.UnauthorizedOperation")).unwrap(),
        r#"{"regionSet":{}}"#
    );
    assert_eq!(empty("DescribeVpcs", Some("Client.InvalidParameterValue")), None);
    assert_eq!(empty("DescribeTags", None), None);
    assert_eq!(empty("ModifySecurityGroupRules", None), None);
    assert_eq!(recorded_parameters("DescribeVpcs", Some("no object".to_owned()), None).unwrap(), "no object");
}

#[test]
fn tags_are_in_sets() {
    let tags = json!({ "items": [{ "key": "StratusRedTeam", "value": "true" }] });
    let asked =
        r#"{"resourceId":{"items":["vpc-1"]},"tag":{"items":[{"key":"StratusRedTeam","value":"true"}]}}"#;
    let resources = json!({ "items": [{ "resourceId": "vpc-1" }] });
    for operation in ["CreateTags", "DeleteTags"] {
        assert_eq!(
            recorded(operation, asked),
            json!({ "resourcesSet": resources, "tagSet": tags }),
            "{operation}"
        );
    }
    assert_eq!(
        recorded("DeleteTags", r#"{"resourceId":{"items":["vpc-1"]}}"#),
        json!({ "resourcesSet": resources })
    );
}

#[test]
fn what_is_made_with_tags_shows_them_as_a_bare_list() {
    let tagged =
        r#""tagSpecification":{"items":[{"resourceType":"vpc","tag":{"items":[{"key":"k","value":"v"}]}}]}"#;
    let set = json!({ "items": [{ "resourceType": "vpc", "tags": [{ "key": "k", "value": "v" }] }] });
    assert_eq!(
        recorded("CreateVpc", &format!(r#"{{"cidrBlock":"10.0.0.0/16",{tagged}}}"#)),
        json!({
            "cidrBlock": "10.0.0.0/16",
            "instanceTenancy": "default",
            "amazonProvidedIpv6CidrBlock": false,
            "tagSpecificationSet": set,
        })
    );
    assert_eq!(
        recorded("CreateVpc", r#"{"instanceTenancy":"dedicated","amazonProvidedIpv6CidrBlock":true}"#),
        json!({ "instanceTenancy": "dedicated", "amazonProvidedIpv6CidrBlock": true })
    );
    assert_eq!(
        recorded("CreateSubnet", &format!(r#"{{"vpcId":"vpc-1",{tagged}}}"#)),
        json!({ "vpcId": "vpc-1", "tagSpecificationSet": set })
    );
    assert_eq!(
        recorded("CreateSecurityGroup", r#"{"groupName":"g","groupDescription":"d"}"#),
        json!({ "groupName": "g", "groupDescription": "d" })
    );
}

#[test]
fn rules_show_all_that_they_could_be_from() {
    let asked = r#"{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0","description":"TLS"}]}}]}}"#;
    let rule = json!({
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "groups": {},
        "ipRanges": { "items": [{ "cidrIp": "0.0.0.0/0", "description": "TLS" }] },
        "ipv6Ranges": {},
        "prefixListIds": {},
    });
    let flat = r#"{"groupId":"sg-1","ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIp":"0.0.0.0/0"}"#;
    for operation in [
        "AuthorizeSecurityGroupEgress",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
    ] {
        assert_eq!(
            recorded(operation, asked),
            json!({ "groupId": "sg-1", "ipPermissions": { "items": [rule] } }),
            "{operation}"
        );
        assert_eq!(
            recorded(operation, flat),
            json!({
                "groupId": "sg-1",
                "ipPermissions": {},
                "ipProtocol": "tcp",
                "fromPort": 22,
                "toPort": 22,
                "cidrIp": "0.0.0.0/0",
            }),
            "{operation}"
        );
    }
    assert_eq!(
        recorded(
            "RevokeSecurityGroupIngress",
            r#"{"groupId":"sg-1","securityGroupRuleId":{"items":["sgr-1"]}}"#
        ),
        json!({
            "groupId": "sg-1",
            "ipPermissions": {},
            "securityGroupRuleIds": { "items": [{ "securityGroupRuleId": "sgr-1" }] },
        })
    );
}

#[test]
fn interfaces_show_their_groups_and_addresses() {
    assert_eq!(
        recorded(
            "CreateNetworkInterface",
            r#"{"subnetId":"subnet-1","description":"d","securityGroupId":{"items":["sg-1"]}}"#
        ),
        json!({
            "subnetId": "subnet-1",
            "description": "d",
            "groupSet": { "items": [{ "groupId": "sg-1" }] },
            "privateIpAddressesSet": {},
        })
    );
    assert_eq!(
        recorded(
            "CreateNetworkInterface",
            r#"{"privateIpAddresses":{"items":[{"primary":true,"privateIpAddress":"10.0.1.10"}]}}"#
        ),
        json!({
            "groupSet": {},
            "privateIpAddressesSet": { "items": [{ "privateIpAddress": "10.0.1.10", "primary": true }] },
        })
    );
    assert_eq!(
        recorded(
            "ModifyNetworkInterfaceAttribute",
            r#"{"networkInterfaceId":"eni-1","securityGroupId":{"items":["sg-1"]}}"#
        ),
        json!({ "networkInterfaceId": "eni-1", "groupSet": { "items": [{ "groupId": "sg-1" }] } })
    );
}

#[test]
fn changed_rules_are_shown_as_they_were_sent() {
    let rule = |port: u16| {
        format!(
            r#"{{"securityGroupRuleId":"sgr-{port}","securityGroupRule":{{"ipProtocol":"tcp","fromPort":{port},"toPort":{port},"cidrIpv4":"0.0.0.0/0"}}}}"#
        )
    };
    let shown_rule = |position: u16, port: u16| {
        json!({
            "tag": position,
            "SecurityGroupRuleId": format!("sgr-{port}"),
            "SecurityGroupRule": {
                "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIpv4": "0.0.0.0/0",
            },
        })
    };
    let changed = |rules: &[String]| {
        let rules = rules.join(",");
        recorded(
            "ModifySecurityGroupRules",
            &format!(r#"{{"groupId":"sg-1","securityGroupRule":{{"items":[{rules}]}}}}"#),
        )
    };
    assert_eq!(
        changed(&[rule(443)]),
        json!({ "ModifySecurityGroupRulesRequest": {
            "GroupId": "sg-1",
            "SecurityGroupRule": shown_rule(1, 443),
        } })
    );
    assert_eq!(
        changed(&[rule(443), rule(22)]),
        json!({ "ModifySecurityGroupRulesRequest": {
            "GroupId": "sg-1",
            "SecurityGroupRule": [shown_rule(1, 443), shown_rule(2, 22)],
        } })
    );
}

#[test]
fn what_nobody_has_shown_stays() {
    assert_eq!(
        recorded("DescribeSecurityGroupRules", r#"{"filter":{"items":[]}}"#),
        json!({ "filter": { "items": [] } })
    );
    assert_eq!(recorded("DeleteVpc", r#"{"vpcId":"vpc-1"}"#), json!({ "vpcId": "vpc-1" }));
}
