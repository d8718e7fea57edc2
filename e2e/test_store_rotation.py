"""Keys in a custom key store rotate: by the clock, on demand, late, and over a restore from a backup."""

import pytest

from rig import development, sdk
from rig.cluster import PATIENCE, Cluster
from rig.node import wait_until
from rig.store import PATIENT, ZONES, Store


@pytest.fixture
def server_options() -> tuple[str, ...]:
    return PATIENT


def rotations(store: Store, key_id: str) -> list[str]:
    return [each["RotationType"] for each in store.kms.list_key_rotations(KeyId=key_id)["Rotations"]]


def seal(store: Store, key_id: str, plaintext: bytes) -> bytes:
    return store.kms.encrypt(KeyId=key_id, Plaintext=plaintext)["CiphertextBlob"]


def test_a_key_rotates_on_demand_and_opens_what_it_ever_sealed(store):
    kms, key = store.kms, store.create_key()
    blobs = [seal(store, key["KeyId"], b"0")]
    for number in (1, 2):
        kms.rotate_key_on_demand(KeyId=key["KeyId"])
        blobs.append(seal(store, key["KeyId"], str(number).encode()))
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in blobs]
    assert [each["Plaintext"] for each in opened] == [b"0", b"1", b"2"]
    assert len({each["KeyMaterialId"] for each in opened}) == 3
    assert rotations(store, key["KeyId"]) == ["ON_DEMAND", "ON_DEMAND"]
    current = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
    assert current == opened[-1]["KeyMaterialId"]
    found = store.keys_in_hsms(key["Arn"])
    ids = {each["attributes"]["id"].removeprefix("0x") for each in found}
    assert ids == {each["KeyMaterialId"] for each in opened}, "one object of the HSMs for each material"


@pytest.mark.slow
def test_after_91_days_old_data_opens_also_in_a_cluster_restored_from_a_backup(fresh_node, own_store):
    store, kms, cluster = own_store, own_store.kms, own_store.cluster
    key = store.create_key()["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    old = seal(store, key, b"before")
    development.advance(fresh_node, days=91)
    assert rotations(store, key) == ["AUTOMATIC"]
    new = seal(store, key, b"after")
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"before"
    assert kms.decrypt(CiphertextBlob=new)["Plaintext"] == b"after"

    # The deletion of an HSM takes a backup; from it comes the cluster that the store is pointed to. One that was being
    # taken before may lack the new material.
    before = {backup["BackupId"] for backup in backups(cluster)}
    cluster.delete_hsm(cluster.hsms()[0])

    def taken() -> dict | None:
        new = (each for each in backups(cluster) if each["BackupId"] not in before)
        return next((each for each in new if each["BackupState"] == "READY"), None)

    newest = wait_until(taken, "a backup", PATIENCE)
    store.disconnect()
    for hsm in cluster.hsms():
        cluster.delete_hsm(hsm)
    restored = restore(cluster, newest["BackupId"])
    kms.update_custom_key_store(CustomKeyStoreId=store.store_id, CloudHsmClusterId=restored.cluster_id)
    assert store.describe()["CloudHsmClusterId"] == restored.cluster_id
    store.connect()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CloudHsmClusterId"] == restored.cluster_id
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"before"
    assert kms.decrypt(CiphertextBlob=new)["Plaintext"] == b"after"
    store.cluster = restored
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"before"


@pytest.mark.slow
def test_a_rotation_that_the_store_missed_is_done_when_it_is_back(fresh_node, own_store):
    store, kms = own_store, own_store.kms
    key = store.create_key()["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    old = seal(store, key, b"before")
    store.disconnect()
    development.advance(fresh_node, days=200)
    assert rotations(store, key) == []
    store.connect()
    # It was put off, for a minute at the most.
    wait_until(lambda: rotations(store, key) == ["AUTOMATIC"], "the rotation that was missed", 60 + PATIENCE)
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"before"
    status = kms.get_key_rotation_status(KeyId=key)
    assert status["KeyRotationEnabled"] is True
    now = kms.create_key()["KeyMetadata"]["CreationDate"]
    assert status["NextRotationDate"] > now, "the next one is due in the future"


def backups(cluster: Cluster) -> list[dict]:
    """All of a cluster, in whatever state, newest first."""
    filters = {"clusterIds": [cluster.cluster_id]}
    pages = sdk.client(cluster.aws.node, "cloudhsmv2").get_paginator("describe_backups")
    return [backup for page in pages.paginate(Filters=filters, SortAscending=False) for backup in page["Backups"]]


def restore(cluster: Cluster, backup_id: str) -> Cluster:
    """A cluster from a backup, with an HSM in each zone, active."""
    restored = Cluster(
        cluster.aws, cluster.folder.with_name("restored"), authority=cluster.authority, subnets=cluster.subnets
    )
    made = sdk.client(cluster.aws.node, "cloudhsmv2").create_cluster(
        HsmType="hsm2m.medium", Mode="FIPS", SubnetIds=list(cluster.subnets.values()), SourceBackupId=backup_id
    )
    restored.cluster_id = made["Cluster"]["ClusterId"]
    wait_until(lambda: restored.describe()["State"] != "CREATE_IN_PROGRESS", "the restored cluster", PATIENCE)
    for zone in ZONES:
        restored.add_hsm(zone)
    restored.wait_for("ACTIVE")
    return restored
