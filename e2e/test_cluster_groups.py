"""Rules by security group, and the interface that an HSM has."""

from ipaddress import ip_address, ip_network

from rig.cluster import PATIENCE, Cluster, reaches
from rig.node import wait_until


def test_who_is_in_a_group_that_a_rule_names_gets_in(fresh_node, own_aws, tmp_path):
    def ec2(command):
        return own_aws("ec2", *command.split())

    cluster = Cluster(own_aws, tmp_path / "cluster").create("us-east-1a")
    hsm = cluster.add_hsm("us-east-1a")["EniIp"]
    assert ip_address(hsm) in ip_network(fresh_node.network.cidr)
    cluster.initialize()  # before that an HSM serves no clients
    wait_until(lambda: reaches(hsm, "127.0.0.1"), "the HSM within reach", PATIENCE)
    interface = ec2(f"describe-network-interfaces --filters Name=private-ip-address,Values={hsm}")
    (interface,) = interface["NetworkInterfaces"]
    assert (interface["RequesterManaged"], interface["Status"]) == (True, "in-use")
    group = cluster.describe()["SecurityGroup"]
    assert [one["GroupId"] for one in interface["Groups"]] == [group]

    # From here on only who is in the group of the applications gets in.
    for rule in ec2(f"describe-security-group-rules --filters Name=group-id,Values={group}")["SecurityGroupRules"]:
        if not rule["IsEgress"] and "CidrIpv4" in rule:
            rule_id = rule["SecurityGroupRuleId"]
            ec2(f"revoke-security-group-ingress --group-id {group} --security-group-rule-ids {rule_id}")
    wait_until(lambda: not reaches(hsm, "127.0.0.1"), "the HSM out of reach", PATIENCE)
    vpc, subnet = interface["VpcId"], interface["SubnetId"]
    applications = ec2(f"create-security-group --group-name apps --description x --vpc-id {vpc}")["GroupId"]
    ec2(f"authorize-security-group-ingress --group-id {group} --protocol tcp --port 2223 --source-group {applications}")
    made = ec2(f"create-network-interface --subnet-id {subnet} --groups {applications}")["NetworkInterface"]
    application = made["PrivateIpAddress"]
    wait_until(lambda: reaches(hsm, application), "the application let in", PATIENCE)
    assert not reaches(hsm, "127.0.0.1")

    ec2(f"delete-network-interface --network-interface-id {made['NetworkInterfaceId']}")
    wait_until(lambda: not reaches(hsm, application), "the application left out", PATIENCE)

    own_aws("cloudhsmv2", "delete-hsm", "--cluster-id", cluster.cluster_id, "--eni-ip", hsm)
    gone = f"describe-network-interfaces --filters Name=private-ip-address,Values={hsm}"
    wait_until(lambda: not ec2(gone)["NetworkInterfaces"], "the HSM's interface gone", PATIENCE)
