"""EC2: networks. What would change one is asked for as a dry run, where there is such a thing."""

from matrix.rows.row import row

DRY = {"DryRun": True}
GROUP = {"GroupId": "<group>"}
INTERFACE = {"NetworkInterfaceId": "<interface>"}
RULES = {"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}]}
SUBNET = {"SubnetId": "<subnet>"}
VPC = {"VpcId": "<vpc>"}


def tagged(kind: str) -> dict:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": [{"Key": "team", "Value": "keys"}]}]}


ROWS = [
    row("AuthorizeSecurityGroupEgress", **GROUP, **RULES, **DRY),
    row("AuthorizeSecurityGroupIngress", **GROUP, **RULES, **DRY),
    row("AuthorizeSecurityGroupIngress", "with tags", **GROUP, **RULES, **tagged("security-group-rule"), **DRY),
    row("AuthorizeSecurityGroupIngress", "of a group by its name", GroupName="<security-group-name>", **RULES, **DRY),
    row("CreateDefaultVpc", **DRY),
    row("CreateNetworkInterface", **SUBNET, **DRY),
    row("CreateNetworkInterface", "in a group", SubnetId="<own-subnet>", Groups=["<second-group>"], **DRY),
    row("CreateSecurityGroup", **VPC, GroupName="another", Description="Another", **DRY),
    row("CreateNetworkInterface", "with tags", **SUBNET, **tagged("network-interface"), **DRY),
    row("CreateSecurityGroup", "in the default VPC", GroupName="another", Description="Another", **DRY),
    row("CreateSecurityGroup", "with tags", GroupName="b", Description="B", **tagged("security-group"), **DRY),
    row("CreateSubnet", VpcId="<own-vpc>", CidrBlock="10.77.200.0/24", **DRY),
    row("CreateSubnet", "with tags", VpcId="<own-vpc>", CidrBlock="10.77.200.0/24", **tagged("subnet"), **DRY),
    row("CreateTags", Resources=["<vpc>"], Tags=[{"Key": "team", "Value": "keys"}], **DRY),
    row("CreateVpc", CidrBlock="10.78.0.0/16", **DRY),
    row("CreateVpc", "with tags", CidrBlock="10.78.0.0/16", **tagged("vpc"), **DRY),
    row("DeleteNetworkInterface", **INTERFACE, **DRY),
    row("DeleteSecurityGroup", **GROUP, **DRY),
    row("DeleteSecurityGroup", "by its name", GroupName="<security-group-name>", **DRY),
    row("DeleteSubnet", SubnetId="<own-subnet>", **DRY),
    row("DeleteTags", Resources=["<vpc>"], Tags=[{"Key": "team"}], **DRY),
    row("DeleteVpc", VpcId="<own-vpc>", **DRY),
    row("DescribeAccountAttributes"),
    row("DescribeAvailabilityZones"),
    row("DescribeInternetGateways"),
    row("DescribeNetworkAcls"),
    row("DescribeNetworkInterfaceAttribute", **INTERFACE, Attribute="description"),
    row("DescribeNetworkInterfaces"),
    row("DescribeRegions"),
    row("DescribeRouteTables"),
    row("DescribeSecurityGroupRules"),
    row("DescribeSecurityGroups"),
    row("DescribeSubnets"),
    row("DescribeTags"),
    row("DescribeVpcAttribute", **VPC, Attribute="enableDnsSupport"),
    row("DescribeVpcs"),
    row("DetachNetworkInterface", AttachmentId="eni-attach-0123456789abcdef0", **DRY),
    row("ModifyNetworkInterfaceAttribute", **INTERFACE, Description={"Value": "Another"}, **DRY),
    row("ModifyNetworkInterfaceAttribute", "to another group", **INTERFACE, Groups=["<second-group>"], **DRY),
    row(
        "ModifySecurityGroupRules",
        **GROUP,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": "<rule>",
                "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 3, "ToPort": 3, "CidrIpv4": "192.0.2.0/24"},
            }
        ],
        **DRY,
    ),
    row("ModifySubnetAttribute", SubnetId="<own-subnet>", MapPublicIpOnLaunch={"Value": False}),
    row("ModifyVpcAttribute", VpcId="<own-vpc>", EnableDnsSupport={"Value": True}),
    row("RevokeSecurityGroupEgress", **GROUP, SecurityGroupRuleIds=["<egress-rule>"], **DRY),
    row("RevokeSecurityGroupIngress", **GROUP, SecurityGroupRuleIds=["<rule>"], **DRY),
    row(
        "UpdateSecurityGroupRuleDescriptionsEgress",
        **GROUP,
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": "<egress-rule>", "Description": "Out"}],
        **DRY,
    ),
    row(
        "UpdateSecurityGroupRuleDescriptionsIngress",
        **GROUP,
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": "<rule>", "Description": "In"}],
        **DRY,
    ),
]
