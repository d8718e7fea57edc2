"""Faults on demand: what people see of them, and how they end."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig import development, sdk
from rig.cluster import PASSWORD, PATIENCE, Cluster, processes
from rig.faults import Faults
from rig.node import wait_until
from rig.store import PATIENT

ZONES = ("us-east-1a", "us-east-1b")

TOO_FAST = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."


@pytest.fixture
def server_options() -> tuple[str, ...]:
    return PATIENT


@pytest.fixture
def faults(fresh_node) -> Faults:
    return Faults(fresh_node)


@pytest.fixture
def own_cluster(own_aws, tmp_path) -> Cluster:
    """An active cluster of two HSMs, of the test's own."""
    cluster = Cluster(own_aws, tmp_path / "cluster")
    cluster.first_use(*ZONES)
    return cluster


def runs(hsm: dict) -> bool:
    return any(hsm["HsmId"] in command for command in processes().values())


def test_calls_of_an_operation_fail_with_what_is_asked_for(fresh_node, faults):
    kms = sdk.client(fresh_node, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert faults.set("call-fails", "kms:Encrypt", "--error-code", "DependencyTimeoutException") == [
        "call-fails:kms:Encrypt  error_code=DependencyTimeoutException"
    ]
    with sdk.refused("DependencyTimeoutException"):
        kms.encrypt(KeyId=key, Plaintext=b"a letter")
    kms.describe_key(KeyId=key)
    faults.clear("call-fails:kms:Encrypt")
    kms.encrypt(KeyId=key, Plaintext=b"a letter")
    assert "KeyUnavailableException" in faults.refused(
        "set", "call-fails", "kms:Encrypt", "--error-code", "NoSuchException"
    )
    assert "no operation of KMS" in faults.refused("set", "call-fails", "s3:GetObject", "--error-code", "NoSuchKey")


def test_an_hsm_is_down_until_that_is_cleared(own_cluster, faults):
    tool = own_cluster.tool()
    victim, other = own_cluster.hsms()
    assert faults.set("hsm-down", victim["HsmId"]) == [f"hsm-down:{victim['HsmId']}"]
    assert not runs(victim)
    assert runs(other)
    (shown,) = own_cluster.hsms("DEGRADED")
    assert shown["HsmId"] == victim["HsmId"]
    assert shown["StateMessage"] == "The HSM is not connected."
    # Nobody starts it, and whoever uses the cluster goes on with the other.
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert not runs(victim)
        assert "alice" in str(tool.run("user", "list").data)
    faults.clear(f"hsm-down:{victim['HsmId']}")
    wait_until(lambda: len(own_cluster.hsms()) == 2, "both HSMs", PATIENCE)
    assert runs(victim)
    assert faults.listed() == []


def test_an_hsm_is_slow_by_as_much_as_is_asked_for(own_cluster, faults):
    slow, _ = own_cluster.hsms()
    tool = own_cluster.tool(slow["EniIp"])
    faults.set("hsm-slow", slow["HsmId"], "--delay-ms", "1500")
    began = time.monotonic()
    tool.told("user", "list")
    assert time.monotonic() - began >= 1.5
    assert faults.listed() == [
        {"id": f"hsm-slow:{slow['HsmId']}", "fault": "hsm-slow", "hsm": slow["HsmId"], "delay_ms": 1500}
    ]
    assert faults.run("list") == [f"hsm-slow:{slow['HsmId']}  delay_ms=1500"]
    faults.clear()
    tool.run("user", "list")


def test_an_inconsistent_hsm_stays_behind_until_that_is_cleared(own_cluster, faults):
    tool = own_cluster.tool()
    alice = tool.as_crypto_user()
    behind, other = own_cluster.hsms()
    key = ["key", "generate-symmetric", "aes", "--key-length-bytes", "32", "--label"]
    alice.run(*key, "before")
    faults.set("hsm-inconsistent", behind["HsmId"])
    for count in range(4):
        user = ["--username", f"late_{count}", "--role", "crypto-user", "--password", PASSWORD]
        tool.as_admin().run("user", "create", *user)
    # A key has to be on two HSMs before it counts as made, and there is one that has it.
    assert "must be available on at least 2 HSMs" in alice.refused(*key, "during")
    assert len(own_cluster.hsms()) == 2, "nothing shows in the API"
    faults.clear()
    # It has caught up when that is answered, so the other one may go.
    faults.set("hsm-down", other["HsmId"])
    listed = str(own_cluster.tool(behind["EniIp"]).run("user", "list").data)
    assert all(f"late_{count}" in listed for count in range(4))


def test_neither_a_reset_nor_a_restart_leaves_faults(own_cluster, own_aws, faults, fresh_node, tmp_path):
    first, second = own_cluster.hsms()
    faults.set("hsm-down", first["HsmId"])
    faults.set("hsm-inconsistent", second["HsmId"])
    faults.set("throttling", "--factor", "0.5")
    assert [fault["id"].split(":")[0] for fault in faults.listed()].count("throttling") == 1
    fresh_node.kill().start()
    assert faults.listed() == []
    wait_until(lambda: len(own_cluster.hsms()) == 2, "both HSMs", PATIENCE)
    assert "alice" in str(own_cluster.tool().run("user", "list").data)

    faults.set("throttling", "--factor", "0.001")
    faults.set("hsm-slow", second["HsmId"], "--delay-ms", "10")
    development.reset(fresh_node)
    assert faults.listed() == []
    for _ in range(3):
        own_aws("kms", "create-key")


def test_calls_beyond_the_quotas_are_throttled_and_recorded(own_aws, faults, account):
    assert faults.set("throttling", "--factor", "0.001") == ["throttling  factor=0.001"]
    # Of CreateKey there are 5 a second, so one is served at once, and the next one after 200 seconds.
    key_id = own_aws("kms", "create-key")["KeyMetadata"]["KeyId"]
    refused = own_aws.refused("kms", "create-key")
    assert refused.code == "ThrottlingException"
    assert refused.message.endswith(TOO_FAST), "the CLI says before that it does not try again"
    # Other operations, Regions and accounts have quotas of their own.
    own_aws("kms", "describe-key", "--key-id", key_id)
    own_aws.with_(region="eu-west-1")("kms", "create-key")
    own_aws.with_(access_key_id=account)("kms", "create-key")
    own_aws("sts", "get-caller-identity")
    errors = own_aws(
        "cloudtrail",
        "lookup-events",
        "--lookup-attributes",
        "AttributeKey=EventName,AttributeValue=CreateKey",
        "--query",
        "Events[].CloudTrailEvent",
    )
    assert sum('"errorCode":"ThrottlingException"' in event for event in errors) == 1
    faults.clear("throttling")
    for _ in range(3):
        own_aws("kms", "create-key")


def test_a_key_store_fails_when_it_is_told_to_and_reconnecting_leads_out(own_store):
    faults = Faults(own_store.cluster.aws.node)
    key = own_store.create_key()["KeyId"]
    blob = own_store.kms.encrypt(KeyId=key, Plaintext=b"a secret")["CiphertextBlob"]
    said = faults.set("key-store-failed", own_store.store_id, "--error-code", "INVALID_CREDENTIALS")
    assert "Disconnect it and connect it again." in said[0]
    store = own_store.describe()
    assert (store["ConnectionState"], store["ConnectionErrorCode"]) == ("FAILED", "INVALID_CREDENTIALS")
    with sdk.refused("KMSInvalidStateException"):
        own_store.kms.decrypt(CiphertextBlob=blob)
    assert faults.listed() == [], "it is done, and not to be cleared"
    own_store.disconnect()

    # The next attempt fails, and the one after that does not.
    faults.set("connect-fails", own_store.store_id, "--error-code", "NETWORK_ERRORS")
    assert faults.run("list") == [f"connect-fails:{own_store.store_id}  error_code=NETWORK_ERRORS"]
    assert own_store.fails_to_connect() == "NETWORK_ERRORS"
    assert faults.listed() == []
    own_store.connect()
    assert own_store.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"a secret"


def test_a_key_store_has_a_quota_of_its_own(own_store):
    aws = own_store.cluster.aws
    faults = Faults(aws.node)
    in_store = own_store.create_key()["KeyId"]
    built_in = aws("kms", "create-key")["KeyMetadata"]["KeyId"]
    kms = sdk.client(aws.node, "kms")
    kms.encrypt(KeyId=in_store, Plaintext=b"the key is known to be there")
    faults.set("throttling", "--factor", "0.001")
    # 1.8 a second of the key store, 100 a second of the account.
    kms.encrypt(KeyId=in_store, Plaintext=b"one")
    with ThreadPoolExecutor(8) as callers, sdk.refused("ThrottlingException"):
        list(callers.map(lambda _: kms.encrypt(KeyId=in_store, Plaintext=b"too many"), range(20)))
    for _ in range(5):
        kms.encrypt(KeyId=built_in, Plaintext=b"elsewhere")
    faults.clear()
    for _ in range(5):
        kms.encrypt(KeyId=in_store, Plaintext=b"as many as you like")


def test_what_cannot_go_wrong_is_told(faults, fresh_node):
    assert faults.run("list") == ["No faults."]
    assert faults.refused("set", "hsm-down", "hsm-aaaaaaaaaaa").startswith("There is no HSM hsm-aaaaaaaaaaa.")
    refused = faults.refused("set", "connect-fails", "cks-1", "--error-code", "NETWORK_ERRORS")
    assert refused.startswith("There is no custom key store cks-1.")
    refused = faults.refused("set", "key-store-failed", "cks-1", "--error-code", "TIRED")
    assert "INVALID_CREDENTIALS" in refused
    assert "TIRED" in refused
    assert "0.000001 to 1" in faults.refused("set", "throttling", "--factor", "2")
    assert faults.refused("clear", "throttling").startswith("There is no fault throttling.")
    assert "is no fault" in faults.refused("clear", "../reset")
    for wrong in [["set", "flood"], ["set", "hsm-slow", "hsm-a"], ["clear"], ["clear", "throttling", "--all"]]:
        assert faults.process(*wrong).returncode == 2, wrong
    fresh_node.stop()
    assert "127.0.0.1" in faults.refused("list")
