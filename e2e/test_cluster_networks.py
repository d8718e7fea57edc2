"""Security groups decide who reaches an HSM."""

from rig.cluster import PATIENCE, Cluster, reaches
from rig.node import wait_until


def test_a_rule_that_is_revoked_cuts_new_connections_at_once(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    cluster.first_use("us-east-1a")
    (hsm,) = cluster.hsms()
    group = cluster.describe()["SecurityGroup"]
    described = own_aws("ec2", "describe-security-groups", "--group-ids", group)["SecurityGroups"][0]
    assert described["GroupName"] == f"cloudhsm-cluster-{cluster.cluster_id.removeprefix('cluster-')}-sg"
    open_rules = [rule for rule in described["IpPermissions"] if rule.get("IpRanges")]
    assert open_rules, "development mode lets the local machine in"
    assert reaches(hsm["EniIp"])

    change = ["--group-id", group, "--protocol", "tcp", "--port", "2223-2225", "--cidr"]
    for rule in open_rules:
        for cidr in rule["IpRanges"]:
            own_aws("ec2", "revoke-security-group-ingress", *change, cidr["CidrIp"])
    wait_until(lambda: not reaches(hsm["EniIp"]), "the HSM out of reach", PATIENCE)

    own_aws("ec2", "authorize-security-group-ingress", *change, "127.0.0.0/8")
    wait_until(lambda: reaches(hsm["EniIp"]), "the HSM within reach again", PATIENCE)
