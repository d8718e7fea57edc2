"""EC2's networks with the AWS CLI and boto3, over the wire."""

import pytest

from rig import sdk
from rig.sdk import refused

DRY = "Request would have succeeded, but DryRun flag is set."


@pytest.fixture
def ec2(node, account):
    """boto3's EC2 client in the test's own account."""
    return sdk.client(node, "ec2", access_key_id=account)


def test_an_account_has_a_default_vpc_with_a_subnet_in_each_zone(aws, ec2):
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    assert zones == [f"us-east-1{letter}" for letter in "abcdef"]
    vpcs = aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true")["Vpcs"]
    assert [vpc["IsDefault"] for vpc in vpcs] == [True]
    assert vpcs[0]["CidrBlockAssociationSet"][0]["CidrBlockState"]["State"] == "associated"
    subnets = aws("ec2", "describe-subnets", "--filters", "Name=default-for-az,Values=true")["Subnets"]
    assert sorted(subnet["AvailabilityZone"] for subnet in subnets) == zones
    assert {subnet["AvailableIpAddressCount"] for subnet in subnets} == {4091}
    assert ec2.describe_vpc_attribute(VpcId=vpcs[0]["VpcId"], Attribute="enableDnsHostnames")["EnableDnsHostnames"] == {
        "Value": True
    }


def test_a_network_is_made_and_unmade_with_the_cli(aws):
    def ec2(command, *more):
        return aws("ec2", *command.split(), *more)

    vpc = ec2("create-vpc --cidr-block 10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2(
        f"create-subnet --vpc-id {vpc} --cidr-block 10.20.1.0/24 --availability-zone us-east-1b"
        " --tag-specifications ResourceType=subnet,Tags=[{Key=Name,Value=hsms}]"
    )["Subnet"]
    assert subnet["Tags"] == [{"Key": "Name", "Value": "hsms"}]
    assert subnet["AvailabilityZoneId"] == "use1-az2"
    subnet = subnet["SubnetId"]
    group = ec2(f"create-security-group --group-name apps --description x --vpc-id {vpc}")["GroupId"]
    authorize = f"authorize-security-group-ingress --group-id {group}"
    rules = ec2(
        f"{authorize} --ip-permissions",
        'IpProtocol=tcp,FromPort=2223,ToPort=2223,IpRanges=[{CidrIp=10.20.0.0/16,Description="applications"}]',
    )["SecurityGroupRules"]
    assert [(rule["CidrIpv4"], rule["Description"]) for rule in rules] == [("10.20.0.0/16", "applications")]
    rule = rules[0]["SecurityGroupRuleId"]
    ec2(f"{authorize} --protocol tcp --port 22 --source-group {group}")
    made = ec2(f"create-network-interface --subnet-id {subnet} --private-ip-address 10.20.1.50 --groups {group}")
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    assert made["NetworkInterface"]["PrivateIpAddress"] == "10.20.1.50"
    found = ec2(f"describe-network-interfaces --filters Name=group-id,Values={group}")
    assert [one["NetworkInterfaceId"] for one in found["NetworkInterfaces"]] == [interface]
    ec2(f"create-tags --resources {vpc} {group} --tags Key=team,Value=keys")
    tags = ec2("describe-tags --filters Name=key,Values=team")["Tags"]
    assert {tag["ResourceType"] for tag in tags} == {"vpc", "security-group"}
    ec2(f"delete-network-interface --network-interface-id {interface}")
    ec2(f"revoke-security-group-ingress --group-id {group} --security-group-rule-ids {rule}")
    ec2(f"delete-security-group --group-id {group}")
    ec2(f"delete-subnet --subnet-id {subnet}")
    ec2(f"delete-vpc --vpc-id {vpc}")


def test_refusals_are_ec2s(ec2):
    with refused("InvalidVpcID.NotFound") as result:
        ec2.delete_vpc(VpcId="vpc-0123456789abcdef0")
    assert result.status == 400
    assert result.message == "The vpc ID 'vpc-0123456789abcdef0' does not exist"
    with refused("InvalidVpc.Range") as result:
        ec2.create_vpc(CidrBlock="10.0.0.0/8")
    assert result.message == "The CIDR '10.0.0.0/8' is invalid."
    with refused("DryRunOperation") as result:
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert (result.status, result.message) == (412, DRY)
    with refused("InvalidParameterValue") as result:
        ec2.describe_vpcs(Filters=[{"Name": "nonsense", "Values": ["x"]}])
    assert result.message == "The filter 'nonsense' is invalid"
    with refused("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId="sg-1", IpProtocol="tcp", FromPort=1, ToPort=1, CidrIp="0.0.0.0/0")


def test_what_clients_would_not_send(node, account):
    """boto3 checks some of it before it sends."""
    ec2 = sdk.client(node, "ec2", access_key_id=account, parameter_validation=False)
    with refused("InvalidParameterValue") as result:
        ec2.describe_vpcs(MaxResults=4)
    invalid = "for parameter maxResults is invalid. Expecting a value"
    assert result.message == f"Value ( 4 ) {invalid} greater than 5."
    with refused("InvalidParameterValue") as result:
        ec2.describe_vpcs(MaxResults=1001)
    assert result.message == f"Value ( 1001 ) {invalid} less than or equal to 1000."
    with refused("MissingParameter") as result:
        ec2.delete_vpc()
    assert result.message == "The request must contain the parameter VpcId"
    with refused("InvalidParameterValue") as result:
        ec2.describe_vpc_attribute(VpcId="vpc-1", Attribute="nonsense")


def test_what_only_aws_has_is_said_to_be_missing(ec2):
    with refused("NotImplemented") as result:
        ec2.describe_volumes()
    assert result.status == 501
    assert "ec2:DescribeVolumes" in result.message


def test_paginators_go_through_everything(ec2):
    for number in range(12):
        ec2.create_security_group(GroupName=f"g{number}", Description="d")
    pages = list(ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["SecurityGroups"]) for page in pages] == [5, 5, 3]
    rules = ec2.get_paginator("describe_security_group_rules").paginate(PaginationConfig={"PageSize": 5})
    assert sum(len(page["SecurityGroupRules"]) for page in rules) == 14


def test_calls_are_in_the_history(node, account, ec2):
    group = ec2.create_security_group(GroupName="seen", Description="d")["GroupId"]
    trail = sdk.client(node, "cloudtrail", access_key_id=account)
    lookup = [{"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}]
    events = trail.lookup_events(LookupAttributes=lookup)["Events"]
    assert [event["EventSource"] for event in events] == ["ec2.amazonaws.com"]
    assert group in events[0]["CloudTrailEvent"]
