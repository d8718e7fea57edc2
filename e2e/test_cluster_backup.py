"""Backups: what was in a cluster is in the cluster that is restored from its backup."""

from rig.cluster import PATIENCE, Cluster, HsmCli, verifies
from rig.node import wait_until


def ready_backups(cluster: Cluster, aws=None) -> list[dict]:
    filters = f"clusterIds={cluster.cluster_id},states=READY"
    arguments = ["--filters", filters, "--no-sort-ascending"]
    return (aws or cluster.aws)("cloudhsmv2", "describe-backups", *arguments)["Backups"]


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
    newest = wait_until(lambda: ready_backups(cluster), "a backup", PATIENCE)[0]
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
    backup = wait_until(lambda: ready_backups(cluster), "the backup of the activation", PATIENCE)[0]
    arguments = ["--backup-id", backup["BackupId"]]
    deleted = own_aws("cloudhsmv2", "delete-backup", *arguments)["Backup"]
    assert deleted["BackupState"] == "PENDING_DELETION"
    assert own_aws("cloudhsmv2", "restore-backup", *arguments)["Backup"]["BackupState"] == "READY"
