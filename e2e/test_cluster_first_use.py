"""The first use of an HSM cluster, from nothing to a signature that openssl verifies."""

import subprocess
from ipaddress import ip_address, ip_network

from rig.cluster import PASSWORD, PATIENCE, Cluster, verifies


def test_a_cluster_is_made_initialized_activated_and_computes(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster").create("us-east-1a", "us-east-1b")
    assert cluster.describe()["Hsms"] == []

    first = cluster.add_hsm("us-east-1a")
    subnet = own_aws("ec2", "describe-subnets", "--subnet-ids", cluster.subnets["us-east-1a"])["Subnets"][0]
    assert ip_address(first["EniIp"]) in ip_network(subnet["CidrBlock"])
    refused = own_aws.refused(
        "cloudhsmv2", "create-hsm", "--cluster-id", cluster.cluster_id, "--availability-zone", "us-east-1b"
    )
    assert refused.code == "CloudHsmInvalidRequestException"
    assert "already contains an HSM but has not yet been fully activated" in refused.message

    initialized = cluster.initialize()
    assert set(initialized["Certificates"]) == {"ClusterCertificate"}
    tool = cluster.tool()
    users = {user["username"]: user["role"] for user in tool.run("user", "list").data["users"]}
    assert users == {"admin": "unactivated-admin", "app_user": "internal(APPLIANCE_USER)"}
    cluster.activate()

    second = cluster.add_hsm("us-east-1b")
    assert {hsm["HsmId"] for hsm in cluster.hsms()} == {first["HsmId"], second["HsmId"]}

    tool = cluster.tool()
    made = tool.as_admin().run("user", "create", "--username", "alice", "--role", "crypto-user", "--password", PASSWORD)
    assert made.data == {"username": "alice", "role": "crypto-user"}
    alice = tool.as_crypto_user()
    _, private = alice.generate_ec_pair("signer")
    assert private["key-info"]["cluster-coverage"] == "full"
    assert private["attributes"]["sign"] is True

    message = b"attack at dawn"
    public = alice.public_key("signer-public")
    # Either HSM has the key, and computes with it.
    for hsm in (first, second):
        signature = cluster.tool(hsm["EniIp"]).as_crypto_user().sign("signer", message)
        assert verifies(public, message, signature)
        assert not verifies(public, b"attack at dusk", signature)


def test_the_hsm_shows_the_customers_chain(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    cluster.first_use("us-east-1a")
    (hsm,) = cluster.hsms()
    command = ["openssl", "s_client", "-connect", f"{hsm['EniIp']}:2223", "-CAfile", cluster.authority.certificate]
    shown = subprocess.run([*command, "-showcerts"], input=b"", capture_output=True, timeout=PATIENCE)
    assert b"issuer=C = US, ST = WA, L = Seattle, O = Example" in shown.stdout.replace(b"C=US", b"C = US")
    assert b"Verify return code: 0 (ok)" in shown.stdout
