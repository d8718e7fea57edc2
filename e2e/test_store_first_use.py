"""The first use of a custom key store, on the stock AWS CLI: the commands of those who come from AWS, unchanged."""

import base64
import json
from itertools import pairwise

import pytest

from rig.cluster import PATIENCE, Cluster
from rig.node import wait_until
from rig.store import KMSUSER, KMSUSER_PASSWORD, PATIENT, ZONES


@pytest.fixture
def server_options() -> tuple[str, ...]:
    return PATIENT


@pytest.fixture
def cluster_of_two(own_aws, tmp_path) -> Cluster:
    cluster = Cluster(own_aws, tmp_path / "cluster")
    cluster.first_use(*ZONES)
    return cluster


def test_three_commands_make_a_key_that_lives_and_rotates_in_the_hsms(cluster_of_two, own_aws, tmp_path):
    cluster, kms = cluster_of_two, own_aws
    made = kms(
        "kms", "create-custom-key-store",
        "--custom-key-store-name", "MyCustomKeyStore", "--cloud-hsm-cluster-id", cluster.cluster_id,
    )  # fmt: skip
    store_id = made["CustomKeyStoreId"]
    assert store_id.startswith("cks-")

    described = store_of(kms, store_id)
    assert described["ConnectionState"] == "DISCONNECTED"
    assert described["CustomKeyStoreType"] == "AWS_CLOUDHSM"
    anchor = cluster.authority.certificate.read_text()
    assert described["TrustAnchorCertificate"].split() == anchor.split()

    # It says what is missing, and does not try.
    refusal = kms.refused("kms", "connect-custom-key-store", "--custom-key-store-id", store_id)
    assert refusal.code == "CustomKeyStoreInvalidStateException"
    assert "kmsuser" in refusal.message
    assert store_of(kms, store_id)["ConnectionState"] == "DISCONNECTED"

    user = ["--username", KMSUSER, "--role", "crypto-user", "--password", KMSUSER_PASSWORD]
    cluster.tool().as_admin().run("user", "create", *user)
    kms(
        "kms", "update-custom-key-store",
        "--custom-key-store-id", store_id, "--key-store-password", KMSUSER_PASSWORD,
    )  # fmt: skip
    kms("kms", "connect-custom-key-store", "--custom-key-store-id", store_id)
    wait_until(lambda: store_of(kms, store_id)["ConnectionState"] == "CONNECTED", "a connected store", PATIENCE)
    # KMS has replaced the password that we know.
    cluster.tool().as_crypto_user(KMSUSER, KMSUSER_PASSWORD).refused("key", "list")

    key = kms("kms", "create-key", "--origin", "CLOUDHSM", "--custom-key-store-id", store_id)["KeyMetadata"]
    assert (key["Origin"], key["KeyState"]) == ("AWS_CLOUDHSM", "Enabled")
    assert (key["CustomKeyStoreId"], key["CloudHsmClusterId"]) == (store_id, cluster.cluster_id)
    assert (key["KeySpec"], key["KeyUsage"], key["MultiRegion"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", False)

    kms("kms", "enable-key-rotation", "--key-id", key["KeyId"], "--rotation-period-in-days", 90)
    status = kms("kms", "get-key-rotation-status", "--key-id", key["KeyId"])
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)

    letter, sealed = tmp_path / "letter", tmp_path / "sealed"
    letter.write_bytes(b"in the HSM")
    counts = [operations(cluster)]
    for _ in range(3):
        answer = kms("kms", "encrypt", "--key-id", key["KeyId"], "--plaintext", f"fileb://{letter}")
        sealed.write_bytes(base64.b64decode(answer["CiphertextBlob"]))
        opened = kms("kms", "decrypt", "--ciphertext-blob", f"fileb://{sealed}")
        assert base64.b64decode(opened["Plaintext"]) == b"in the HSM"
        counts.append(operations(cluster))
    # Each call is one operation of an HSM; of one that stands still for a second, another one is asked too.
    assert min(after - before for before, after in pairwise(counts)) == 2

    names = [event["EventName"] for event in kms("cloudtrail", "lookup-events")["Events"]]
    for name in ("CreateCustomKeyStore", "UpdateCustomKeyStore", "ConnectCustomKeyStore", "CreateKey", "Encrypt"):
        assert name in names
    assert KMSUSER_PASSWORD not in json.dumps(kms("cloudtrail", "lookup-events"))


def store_of(kms, store_id: str) -> dict:
    (store,) = kms("kms", "describe-custom-key-stores", "--custom-key-store-id", store_id)["CustomKeyStores"]
    return store


def operations(cluster: Cluster) -> int:
    """How many cryptographic operations the cluster's HSMs have done since they started."""
    hsms = cluster.tool().run("cluster", "hsm-info").data["hsms"]
    return sum(int(hsm["cryptographic-operations"]) for hsm in hsms)
