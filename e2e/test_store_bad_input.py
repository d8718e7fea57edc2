"""What is wrong with a key store's input is told in AWS's words, and nothing is left half-made."""

import json
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from rig import sdk, wire
from rig.cluster import Authority, Cluster
from rig.node import PATIENCE, wait_until
from rig.store import KMSUSER, KMSUSER_PASSWORD, Store

UNKNOWN_STORE = "cks-1234567890abcdef0"


@pytest.fixture(scope="module")
def refusals() -> dict[str, str]:
    """Why a cluster was refused while it grew, by what it was then."""
    return {}


@pytest.fixture(scope="module")
def spare(shared_store, refusals, tmp_path_factory) -> Cluster:
    """A second cluster on the shared server. It has no `kmsuser` and, after each test, no key store."""
    cluster = Cluster(shared_store.cluster.aws, tmp_path_factory.mktemp("spare"))
    refused = lambda: creation_refused(shared_store.kms, cluster.cluster_id)  # noqa: E731
    cluster.create("us-east-1a", "us-east-1b")
    refusals["without an HSM"] = refused()
    cluster.add_hsm("us-east-1a")
    refusals["uninitialized"] = refused()
    cluster.initialize()
    refusals["not activated"] = refused()
    cluster.activate()
    refusals["one HSM"] = refused()
    cluster.add_hsm("us-east-1b")
    return cluster


def creation_refused(kms, cluster_id: str, **more) -> str:
    """Creates a store, which must be refused, and answers the code; there is no store more than before."""
    before = kms.describe_custom_key_stores()["CustomKeyStores"]
    with sdk.refused() as refused:
        kms.create_custom_key_store(CustomKeyStoreName="Wrong", CloudHsmClusterId=cluster_id, **more)
    assert refused.status == 400, refused
    assert refused.message, refused
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == before
    return refused.code


@pytest.fixture
def new_store(store, spare):
    """A store on the spare cluster, which is not connected and has no password."""
    made = Store(spare, name="Spare").create()
    yield made
    with suppress(ClientError):
        made.disconnect()
    made.kms.delete_custom_key_store(CustomKeyStoreId=made.store_id)


def test_a_cluster_that_is_not_ready_is_refused(spare, refusals):
    assert refusals == {
        "without an HSM": "CloudHsmClusterNotActiveException",
        "uninitialized": "CloudHsmClusterNotActiveException",
        "not activated": "CloudHsmClusterNotActiveException",
        "one HSM": "CloudHsmClusterInvalidConfigurationException",
    }


@pytest.mark.slow
def test_a_cluster_in_one_zone_is_refused(store, tmp_path):
    cluster = Cluster(store.cluster.aws, tmp_path / "one-zone")
    cluster.first_use("us-east-1a")
    assert creation_refused(store.kms, cluster.cluster_id) == "CloudHsmClusterInvalidConfigurationException"
    cluster.delete_hsm(cluster.hsms()[0])


def test_a_cluster_that_is_unknown_in_use_or_of_another_owner_is_refused(store, spare, tmp_path):
    kms = store.kms
    assert creation_refused(kms, "cluster-2345672345a") == "CloudHsmClusterNotFoundException"
    assert creation_refused(kms, store.cluster.cluster_id) == "CloudHsmClusterInUseException"
    stranger = Authority(tmp_path / "stranger").certificate.read_text()
    for anchor in (stranger, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"):
        code = creation_refused(kms, spare.cluster_id, TrustAnchorCertificate=anchor)
        assert code == "IncorrectTrustAnchorException"
    node = store.cluster.aws.node
    elsewhere = sdk.client(node, "kms", region="eu-central-1")
    assert creation_refused(elsewhere, spare.cluster_id) == "CloudHsmClusterNotFoundException"
    stranger = sdk.client(node, "kms", access_key_id="123456789012")
    assert creation_refused(stranger, spare.cluster_id) == "CloudHsmClusterNotFoundException"


def test_a_name_that_is_taken_is_refused_and_the_same_store_is_the_same(store, new_store):
    kms = store.kms
    with sdk.refused("CustomKeyStoreNameInUseException"):
        kms.create_custom_key_store(CustomKeyStoreName=store.name, CloudHsmClusterId=new_store.cluster.cluster_id)
    with sdk.refused("CustomKeyStoreNameInUseException"):
        kms.update_custom_key_store(CustomKeyStoreId=new_store.store_id, NewCustomKeyStoreName=store.name)
    again = kms.create_custom_key_store(
        CustomKeyStoreName=new_store.name, CloudHsmClusterId=new_store.cluster.cluster_id
    )
    assert again["CustomKeyStoreId"] == new_store.store_id
    # In every state, and only with values that are the store's own.
    same = {"CustomKeyStoreName": store.name, "CloudHsmClusterId": store.cluster.cluster_id}
    assert kms.create_custom_key_store(**same)["CustomKeyStoreId"] == store.store_id
    with sdk.refused("CustomKeyStoreNameInUseException"):
        kms.create_custom_key_store(**same, KeyStorePassword="Another7password")
    assert store.state == "CONNECTED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"CustomKeyStoreName": ""},
        {"CustomKeyStoreName": "n" * 257},
        {"CloudHsmClusterId": "cluster-1"},
        {"KeyStorePassword": "short"},
        {"KeyStorePassword": "p" * 33},
        {"TrustAnchorCertificate": "c" * 5001},
        {"CustomKeyStoreType": "PAPER"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_breaks_the_interface_s_bounds_is_refused(store, spare, wrong):
    aws = store.cluster.aws
    client = sdk.client(aws.node, "kms", parameter_validation=False)
    before = client.describe_custom_key_stores()["CustomKeyStores"]
    request = {"CustomKeyStoreName": "Wrong", "CloudHsmClusterId": spare.cluster_id} | wrong
    with sdk.refused("ValidationException"):
        client.create_custom_key_store(**request)
    assert client.describe_custom_key_stores()["CustomKeyStores"] == before


def test_a_store_without_a_password_says_what_is_missing(new_store):
    with sdk.refused("CustomKeyStoreInvalidStateException") as refused:
        new_store.kms.connect_custom_key_store(CustomKeyStoreId=new_store.store_id)
    assert KMSUSER in refused.message
    assert "password" in refused.message
    assert new_store.state == "DISCONNECTED"


def test_a_user_that_is_missing_and_a_password_that_is_wrong_fail_the_connection(new_store):
    new_store.set_password()
    assert new_store.fails_to_connect() == "USER_NOT_FOUND"
    new_store.create_kmsuser()
    new_store.set_password("Wrong7password")
    assert new_store.fails_to_connect() == "INVALID_CREDENTIALS"
    # Nothing of an attempt stays: no interface, no group, and the password is the one that the user was made with.
    assert interfaces_and_groups(new_store) == ([], [])
    new_store.cluster.tool().as_crypto_user(KMSUSER, KMSUSER_PASSWORD).run("key", "list")
    new_store.set_password().connect()
    networks = interfaces_and_groups(new_store)
    assert [len(each) for each in networks] == [2, 1]
    new_store.disconnect()
    assert interfaces_and_groups(new_store) == ([], [])
    user = ["--username", KMSUSER, "--role", "crypto-user"]
    new_store.cluster.tool().as_admin().run("user", "delete", *user)


def interfaces_and_groups(store: Store) -> tuple[list, list]:
    ec2 = sdk.client(store.cluster.aws.node, "ec2")
    description = f"KMS managed ENI for cluster {store.cluster.cluster_id}"
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": [description]}])
    name = f"kms-{store.store_id}"
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])
    return interfaces["NetworkInterfaces"], groups["SecurityGroups"]


def test_a_connected_store_is_connected_once_and_not_changed_or_deleted(store, spare):
    kms, wanted = store.kms, {"CustomKeyStoreId": store.store_id}
    kms.connect_custom_key_store(**wanted)
    assert store.state == "CONNECTED"
    for change in (
        {"KeyStorePassword": "Another7password"},
        {"CloudHsmClusterId": spare.cluster_id},
        {"NewCustomKeyStoreName": "Other", "KeyStorePassword": "Another7password"},
    ):
        with sdk.refused("CustomKeyStoreInvalidStateException"):
            kms.update_custom_key_store(**wanted, **change)
    with sdk.refused("CustomKeyStoreInvalidStateException"):
        kms.delete_custom_key_store(**wanted)
    assert store.describe()["CustomKeyStoreName"] == store.name
    kms.update_custom_key_store(**wanted, NewCustomKeyStoreName="Renamed")
    assert store.describe()["CustomKeyStoreName"] == "Renamed"
    kms.update_custom_key_store(**wanted, NewCustomKeyStoreName=store.name)


def test_a_store_with_keys_is_not_deleted_nor_pointed_to_a_cluster_that_is_not_related(store, spare):
    key = store.create_key()["KeyId"]
    store.disconnect()
    with sdk.refused("CustomKeyStoreHasCMKsException"):
        store.kms.delete_custom_key_store(CustomKeyStoreId=store.store_id)
    with sdk.refused("CloudHsmClusterNotRelatedException"):
        store.kms.update_custom_key_store(CustomKeyStoreId=store.store_id, CloudHsmClusterId=spare.cluster_id)
    with sdk.refused("CloudHsmClusterNotFoundException"):
        store.kms.update_custom_key_store(CustomKeyStoreId=store.store_id, CloudHsmClusterId="cluster-2345672345a")
    with sdk.refused("CustomKeyStoreInvalidStateException"):
        store.kms.disconnect_custom_key_store(CustomKeyStoreId=store.store_id)
    store.connect()
    store.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_a_store_that_is_disconnecting_takes_no_order(store):
    # None of the orders does anything to a store that is disconnected already: it has a key, and this name.
    store.create_key()
    wanted = {"CustomKeyStoreId": store.store_id}
    orders = {
        "ConnectCustomKeyStore": wanted,
        "DisconnectCustomKeyStore": wanted,
        "UpdateCustomKeyStore": wanted | {"NewCustomKeyStoreName": store.name},
        "DeleteCustomKeyStore": wanted,
    }

    def call(operation: str) -> wire.Request:
        return wire.kms(operation, json.dumps(orders[operation]).encode())

    for operation in orders:

        def is_caught(operation=operation) -> bool:
            """Whether the order came while the store was still disconnecting: that takes milliseconds."""
            node = store.cluster.aws.node
            begun, ordered = wire.in_a_row(node, call("DisconnectCustomKeyStore"), call(operation))
            assert begun.status == 200, begun
            if store.wait_for_rest() == "DISCONNECTED":
                store.connect()
            if ordered.status == 200 or "DISCONNECTING" not in ordered.message:
                return False
            assert (ordered.status, ordered.code) == (400, "CustomKeyStoreInvalidStateException"), ordered
            return True

        wait_until(is_caught, f"{operation} of a store that is disconnecting", 3 * PATIENCE)


def test_an_unknown_store_is_not_found_by_any_operation(store):
    kms, unknown = store.kms, {"CustomKeyStoreId": UNKNOWN_STORE}
    for call in (
        lambda: kms.connect_custom_key_store(**unknown),
        lambda: kms.disconnect_custom_key_store(**unknown),
        lambda: kms.delete_custom_key_store(**unknown),
        lambda: kms.update_custom_key_store(**unknown, NewCustomKeyStoreName="Other"),
        lambda: kms.describe_custom_key_stores(**unknown),
        lambda: kms.describe_custom_key_stores(CustomKeyStoreName="Nobody"),
        lambda: kms.create_key(Origin="AWS_CLOUDHSM", **unknown),
        lambda: kms.generate_random(NumberOfBytes=8, **unknown),
    ):
        with sdk.refused("CustomKeyStoreNotFoundException") as refused:
            call()
        assert refused.status == 400
    # A store is its account's and its Region's.
    node, mine = store.cluster.aws.node, {"CustomKeyStoreId": store.store_id}
    for stranger in (
        sdk.client(node, "kms", access_key_id="123456789012"),
        sdk.client(node, "kms", region="eu-central-1"),
    ):
        with sdk.refused("CustomKeyStoreNotFoundException"):
            stranger.describe_custom_key_stores(**mine)
        with sdk.refused("CustomKeyStoreNotFoundException"):
            stranger.connect_custom_key_store(**mine)
        assert stranger.describe_custom_key_stores()["CustomKeyStores"] == []


def test_a_key_of_another_place_does_not_open_what_the_store_has_sealed(store):
    kms, key, built_in = store.kms, store.create_key()["Arn"], store.kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for wrong in (built_in, store.create_key()["Arn"]):
        with sdk.refused("IncorrectKeyException"):
            kms.decrypt(CiphertextBlob=blob, KeyId=wrong)
        with sdk.refused("IncorrectKeyException"):
            kms.re_encrypt(CiphertextBlob=blob, SourceKeyId=wrong, DestinationKeyId=key)


def test_a_key_whose_origin_and_store_do_not_fit_is_refused(store):
    kms, mine = store.kms, {"CustomKeyStoreId": store.store_id}
    before = sorted(key["KeyId"] for key in kms.get_paginator("list_keys").paginate().search("Keys[]"))
    for wrong in ({"Origin": "AWS_CLOUDHSM"}, {"Origin": "AWS_KMS", **mine}, mine):
        with sdk.refused() as refused:
            kms.create_key(**wrong)
        assert (refused.status, refused.code) == (400, "ValidationException"), (wrong, refused)
    with sdk.refused() as refused:
        kms.create_key(Origin="AWS_CLOUDHSM", MultiRegion=True, **mine)
    assert refused.code in ("UnsupportedOperationException", "ValidationException")
    after = sorted(key["KeyId"] for key in kms.get_paginator("list_keys").paginate().search("Keys[]"))
    assert after == before


def test_stores_are_listed_in_pages(store, new_store):
    kms = store.kms
    listed, marker = [], {}
    while True:
        page = kms.describe_custom_key_stores(Limit=1, **marker)
        assert len(page["CustomKeyStores"]) == 1
        listed += [each["CustomKeyStoreId"] for each in page["CustomKeyStores"]]
        if not page["Truncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert sorted(listed) == sorted([store.store_id, new_store.store_id])
    with sdk.refused("InvalidMarkerException"):
        kms.describe_custom_key_stores(Limit=1, Marker="garbage")
    with sdk.refused("ValidationException"):
        kms.describe_custom_key_stores(CustomKeyStoreId=store.store_id, CustomKeyStoreName=store.name)
