"""Backups: what was in a cluster is in the cluster that is restored from its backup."""

from rig.cluster import PASSWORD, PATIENCE, Cluster, HsmCli, verifies
from rig.node import wait_until


def newest_backup(cluster: Cluster) -> dict:
    """The last backup of a cluster, when those that were begun are made: each reason for one begins one at once."""
    arguments = ["--filters", f"clusterIds={cluster.cluster_id}", "--no-sort-ascending"]

    def made() -> list[dict]:
        backups = cluster.aws("cloudhsmv2", "describe-backups", *arguments)["Backups"]
        return backups if all(backup["BackupState"] == "READY" for backup in backups) else []

    return wait_until(made, "the cluster's backups", PATIENCE)[0]


def restore(cluster: Cluster, backup_id: str, zone: str) -> Cluster:
    """A new cluster from a backup, with one HSM; it is neither initialized nor activated again."""
    restored = Cluster(cluster.aws, cluster.folder.with_name("restored"), authority=cluster.authority)
    made = cluster.aws(
        "cloudhsmv2",
        "create-cluster",
        "--hsm-type",
        "hsm2m.medium",
        "--mode",
        "FIPS",
        "--subnet-ids",
        cluster.subnets[zone],
        "--source-backup-id",
        backup_id,
    )
    restored.cluster_id = made["Cluster"]["ClusterId"]
    assert made["Cluster"]["Certificates"]["ClusterCertificate"]
    wait_until(lambda: restored.describe()["State"] != "CREATE_IN_PROGRESS", "the restored cluster", PATIENCE)
    restored.add_hsm(zone)
    restored.wait_for("ACTIVE")
    return restored


def test_a_cluster_comes_back_from_its_backup(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    tool = cluster.first_use("us-east-1a", "us-east-1b")
    tool.as_crypto_user().generate_ec_pair("signer")
    public = tool.as_crypto_user().public_key("signer-public")

    # Deleting an HSM of an active cluster takes a backup first.
    for hsm in cluster.hsms():
        cluster.delete_hsm(hsm)
    newest = newest_backup(cluster)
    own_aws("cloudhsmv2", "delete-cluster", "--cluster-id", cluster.cluster_id)

    restored = restore(cluster, newest["BackupId"], "us-east-1a")
    # One HSM: the rule that a key must be on two is switched off.
    tool: HsmCli = restored.tool()
    assert tool.process("configure", "--disable-key-availability-check").returncode == 0
    message = b"back again"
    assert verifies(public, message, tool.as_crypto_user().sign("signer", message))
    users = {user["username"] for user in tool.run("user", "list").data["users"]}
    assert users == {"admin", "alice", "app_user"}


def test_backups_are_deleted_and_brought_back(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    cluster.first_use("us-east-1a")
    backup = newest_backup(cluster)
    arguments = ["--backup-id", backup["BackupId"]]
    deleted = own_aws("cloudhsmv2", "delete-backup", *arguments)["Backup"]
    assert deleted["BackupState"] == "PENDING_DELETION"
    assert own_aws("cloudhsmv2", "restore-backup", *arguments)["Backup"]["BackupState"] == "READY"


def test_a_backup_that_was_copied_restores_in_the_other_region(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    cluster.first_use("us-east-1a", "us-east-1b").as_crypto_user().generate_ec_pair("signer")
    public = cluster.tool().as_crypto_user().public_key("signer-public")
    cluster.delete_hsm(cluster.hsms()[1])
    backup = newest_backup(cluster)
    copied = own_aws(
        "cloudhsmv2", "copy-backup-to-region", "--destination-region", "eu-central-1", "--backup-id", backup["BackupId"]
    )["DestinationBackup"]
    assert copied["SourceBackup"] == backup["BackupId"]
    assert copied["SourceRegion"] == "us-east-1"

    there = own_aws.with_(region="eu-central-1")
    filters = ["--filters", f"sourceBackupIds={backup['BackupId']},states=READY"]

    def ready():
        return there("cloudhsmv2", "describe-backups", *filters)["Backups"]

    copy = wait_until(ready, "the copy", PATIENCE)[0]
    (subnet,) = there("ec2", "describe-subnets", "--filters", "Name=availability-zone,Values=eu-central-1a")["Subnets"]
    abroad = Cluster(there, tmp_path / "abroad", authority=cluster.authority)
    abroad.subnets = {"eu-central-1a": subnet["SubnetId"]}
    restored = restore(abroad, copy["BackupId"], "eu-central-1a")
    tool = restored.tool()
    assert tool.process("configure", "--disable-key-availability-check").returncode == 0
    message = b"from the other side"
    assert verifies(public, message, tool.as_crypto_user().sign("signer", message))


def test_keys_and_users_go_between_a_cluster_and_its_clone(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    cluster.first_use("us-east-1a", "us-east-1b")
    cluster.delete_hsm(cluster.hsms()[1])
    backup = newest_backup(cluster)
    clone = restore(cluster, backup["BackupId"], "us-east-1a")

    # Made after the backup: the clone does not know them.
    tool = cluster.tool()
    assert tool.process("configure", "--disable-key-availability-check").returncode == 0
    admin, alice = tool.as_admin(), tool.as_crypto_user()
    admin.run("user", "create", "--username", "bob", "--role", "crypto-user", "--password", PASSWORD)
    alice.generate_ec_pair("signer", "--share-crypto-users", "bob")
    public = alice.public_key("signer-public")

    both = HsmCli(tool.program, tmp_path / "both")
    both.folder.mkdir()
    anchor = ["--hsm-ca-cert", cluster.authority.certificate]
    endpoint = ["--endpoint", own_aws.node.endpoint, "--region", "us-east-1"]
    for each in (cluster, clone):
        where = ["--cluster-id", each.cluster_id, *endpoint, *anchor]
        done = both.process("configure", "add-cluster", *where, more=SIGNING)
        assert done.returncode == 0, done
        done = both.process("configure", *where, "--disable-key-availability-check", more=SIGNING)
        assert done.returncode == 0, done
    ways = ["--source-cluster-id", cluster.cluster_id, "--destination-cluster-id", clone.cluster_id]
    user = ["--username", "bob", "--role", "crypto-user"]
    told = both.run("user", "replicate", *user, *ways, more=pins("admin", "admin"))
    assert told.data["message"] == "Successfully replicated user"
    key = ["--filter", "attr.label=signer", "attr.class=private-key"]
    told = both.run("key", "replicate", *key, *ways, more=pins("crypto-user", "alice"))
    assert told.data["message"] == "Successfully replicated key"

    there = clone.tool()
    assert there.process("configure", "--disable-key-availability-check").returncode == 0
    message = b"the clone signs"
    for username in ("alice", "bob"):
        assert verifies(public, message, there.as_crypto_user(username).sign("signer", message))


SIGNING = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def pins(role: str, username: str) -> dict[str, str]:
    """The same user on both clusters."""
    pin = f"{username}:{PASSWORD}"
    both = {"CLOUDHSM_ROLE": role, "CLOUDHSM_PIN": pin}
    return both | {f"DESTINATION_{name}": value for name, value in both.items()}
