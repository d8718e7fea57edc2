"""`strongroom down` destroys nothing that `strongroom up` did not make, unless it is told to."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from rig import development, sdk
from rig.cluster import PATIENCE, HsmCli
from rig.node import wait_until
from rig.store import PATIENT
from rig.up import Up

GENERATE = ["key", "generate-symmetric", "aes", "--key-length-bytes", "32", "--label"]


@pytest.fixture
def server_options() -> tuple[str, ...]:
    return PATIENT


@pytest.fixture
def at(program, tmp_path, fresh_node):
    """`up` at a server that runs."""
    return Up(program, tmp_path / "up", "--endpoint", fresh_node.endpoint)


def assert_untouched(node, document: dict):
    """The cluster serves, with both HSMs."""
    clusters = sdk.client(node, "cloudhsmv2").describe_clusters(Filters={"clusterIds": [document["cluster_id"]]})
    (cluster,) = clusters["Clusters"]
    assert cluster["State"] == "ACTIVE"
    assert [hsm["State"] for hsm in cluster["Hsms"]] == ["ACTIVE", "ACTIVE"]


def test_a_key_store_of_somebody_else_on_its_cluster_stays(at, fresh_node):
    document = at.json()
    kms = sdk.client(fresh_node, "kms")
    old = {"CustomKeyStoreId": document["custom_key_store_id"]}
    kms.schedule_key_deletion(KeyId=document["key_id"], PendingWindowInDays=7)
    development.advance(fresh_node, days=8)
    wait_until(lambda: not kms.list_keys()["Keys"], "the key deleted", PATIENCE)
    kms.disconnect_custom_key_store(**old)

    def state(store: dict) -> str:
        return kms.describe_custom_key_stores(**store)["CustomKeyStores"][0]["ConnectionState"]

    wait_until(lambda: state(old) == "DISCONNECTED", "the key store disconnected", PATIENCE)
    kms.delete_custom_key_store(**old)

    # Somebody makes another on the same cluster.
    made = kms.create_custom_key_store(CustomKeyStoreName="Mine", CloudHsmClusterId=document["cluster_id"])
    mine = {"CustomKeyStoreId": made["CustomKeyStoreId"]}
    assert mine["CustomKeyStoreId"] in at.refused("down"), "though it has no keys yet"
    password = "Somebody0else"
    change = ["user", "change-password", "--username", "kmsuser", "--role", "crypto-user", "--password", password]
    at.tool(document, "admin").run(*change)
    kms.update_custom_key_store(**mine, KeyStorePassword=password)
    kms.connect_custom_key_store(**mine)
    wait_until(lambda: state(mine) == "CONNECTED", "the key store connected", PATIENCE)
    key = kms.create_key(Origin="AWS_CLOUDHSM", **mine)["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"letter")["CiphertextBlob"]

    said = at.refused("down")
    assert mine["CustomKeyStoreId"] in said
    assert key in said
    assert "--all-keys" in said
    assert_untouched(fresh_node, document)
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"letter"

    # `up` uses it, and it is no more its own for that.
    assert at.json()["custom_key_store_id"] == mine["CustomKeyStoreId"]
    assert key in at.refused("down")

    assert "Nothing is left" in at.done("down", "--all-keys", "--now")
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []


@pytest.mark.parametrize("user", ["crypto_user", "somebody"])
def test_keys_of_users_in_the_hsms_stay(at, fresh_node, user):
    document = at.json()
    tool = at.tool(document)
    if user == "somebody":
        made = ["--username", user, "--role", "crypto-user", "--password", "Somebody0else"]
        at.tool(document, "admin").run("user", "create", *made)
        tool = tool.as_crypto_user(user, "Somebody0else")
    tool.run(*GENERATE, "mine")
    tool.run(*GENERATE, "another")

    said = at.refused("down")
    assert f"2 of `{user}`" in said
    assert "--all-keys" in said
    assert_untouched(fresh_node, document)
    kms = sdk.client(fresh_node, "kms")
    assert kms.describe_key(KeyId=document["alias"])["KeyMetadata"]["KeyState"] == "Enabled"

    if user == "somebody":
        assert "scheduled for deletion" in at.done("down", "--all-keys")
    else:
        for label in ["mine", "another"]:
            tool.run("key", "delete", "--filter", f"attr.label={label}")
        assert "scheduled for deletion" in at.done("down")


def test_hsms_that_do_not_tell_of_their_keys_stay(at, fresh_node):
    document = at.json()
    change = ["user", "change-password", "--username", "admin", "--role", "admin", "--password", "Another-one7"]
    at.tool(document, "admin").run(*change)
    said = at.refused("down")
    assert "admin_password" in said
    assert "--all-keys" in said
    assert_untouched(fresh_node, document)

    cloudhsm = sdk.client(fresh_node, "cloudhsmv2")
    for hsm in document["hsms"]:
        cloudhsm.delete_hsm(ClusterId=document["cluster_id"], HsmId=hsm["hsm_id"])
    said = at.refused("down")
    assert "no HSM" in said
    assert "--all-keys" in said
    at.done("down", "--all-keys")


def test_a_backup_can_be_restored_after_down(at, fresh_node, tmp_path):
    document = at.json()
    at.tool(document).run(*GENERATE, "mine")
    at.done("down", "--all-keys", "--now")
    kept = at.files / "taken-down.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [file.name for file in at.files.iterdir()] == [kept.name]
    (deployment,) = json.loads(kept.read_text())["deployments"]
    assert deployment["cluster_id"] == document["cluster_id"]

    cloudhsm, ec2 = sdk.client(fresh_node, "cloudhsmv2"), sdk.client(fresh_node, "ec2")
    backups = cloudhsm.describe_backups(Filters={"clusterIds": [document["cluster_id"]], "states": ["READY"]})
    backup = max(backups["Backups"], key=lambda backup: backup["CreateTimestamp"])
    (subnet, *_) = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    made = cloudhsm.create_cluster(
        HsmType="hsm2m.medium", Mode="FIPS", SubnetIds=[subnet["SubnetId"]], SourceBackupId=backup["BackupId"]
    )
    cluster_id = made["Cluster"]["ClusterId"]

    def cluster() -> dict:
        return cloudhsm.describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"][0]

    wait_until(lambda: cluster()["State"] != "CREATE_IN_PROGRESS", "the cluster made", PATIENCE)
    cloudhsm.create_hsm(ClusterId=cluster_id, AvailabilityZone=subnet["AvailabilityZone"])
    wait_until(lambda: cluster()["Hsms"][0]["State"] == "ACTIVE", "the HSM in service", PATIENCE)
    anchor = tmp_path / "anchor.crt"
    anchor.write_text(deployment["customer_ca"])
    tool = HsmCli(Path(document["cloudhsm_cli"]["program"]), tmp_path / "client")
    tool = tool.configure((cluster()["Hsms"][0]["EniIp"],), anchor)
    tool = tool.as_crypto_user(deployment["crypto_user"], deployment["crypto_user_password"])
    assert tool.run("key", "list").data["total_key_count"] == 1


def test_where_up_has_made_nothing_down_does_nothing(program, tmp_path):
    here = Up(program, tmp_path, "--listen", "127.0.0.1:0")
    assert "has made nothing in" in here.refused("down")
    assert not here.data.exists()


def test_what_another_region_has_is_named(at):
    document = at.json()
    said = at.done("down", "--region", "eu-west-1")
    assert f"Nothing was done about {document['cluster_id']} at {document['endpoint']} in us-east-1" in said
    assert "eu-west-1" in said


def test_that_nobody_reads_does_not_stop_down(at, fresh_node):
    document = at.json()
    (at.files / "env.sh.new").write_text("left by a crash")
    command = [at.program, "down", *at.arguments, "--now"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=at.environment()) as down:
        down.stdout.close()
        said = down.stderr.read().decode()
    assert down.returncode == 0, said
    assert "panicked" not in said
    assert [file.name for file in at.files.iterdir()] == ["taken-down.json"], document["cluster_id"]
