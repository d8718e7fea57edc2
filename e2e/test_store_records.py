"""What is done with a key store, and what KMS does for it, is found in the event history."""

import json

import pytest

from rig import disk, sdk
from rig.store import KMSUSER_PASSWORD

PASSWORD = "Recorded7password"
"""A password that is told to KMS and must be in no record."""


@pytest.fixture
def records(store):
    """Finds records by the name of their event, newest first."""

    def find(name: str) -> list[dict]:
        attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
        client = sdk.client(store.cluster.aws.node, "cloudtrail")
        events = client.get_paginator("lookup_events").paginate(LookupAttributes=attributes).search("Events[]")
        return [json.loads(event["CloudTrailEvent"]) for event in events]

    return find


def test_the_life_of_a_store_is_recorded(store, records):
    oldest = records("CreateCustomKeyStore")[-1]
    assert oldest["eventSource"] == "kms.amazonaws.com"
    assert oldest["requestParameters"] == {
        "customKeyStoreName": store.name,
        "cloudHsmClusterId": store.cluster.cluster_id,
    } or oldest["requestParameters"] == {"customKeyStoreName": store.name, "clusterId": store.cluster.cluster_id}
    assert oldest["responseElements"] == {"customKeyStoreId": store.store_id}

    store.disconnect()
    store.reset_kmsuser(PASSWORD).set_password(PASSWORD).connect()
    for name in ("ConnectCustomKeyStore", "DisconnectCustomKeyStore", "UpdateCustomKeyStore"):
        record = next(each for each in records(name) if each["requestParameters"]["customKeyStoreId"] == store.store_id)
        assert record["readOnly"] is False
        assert record["responseElements"] is None
        assert record["additionalEventData"] == {
            "customKeyStoreName": store.name,
            "clusterId": store.cluster.cluster_id,
        }
    journal = b"".join(content for _, content in disk.contents(store.cluster.aws.node.data / "journal"))
    assert b"ConnectCustomKeyStore" in journal
    for password in (PASSWORD, KMSUSER_PASSWORD):
        assert password.encode() not in journal
        assert password not in store.cluster.aws.node.said()


def test_what_kms_does_by_itself_is_recorded_as_its_own(store, records):
    store.disconnect().connect()
    for name, source in (
        ("CreateNetworkInterface", "ec2.amazonaws.com"),
        ("DeleteNetworkInterface", "ec2.amazonaws.com"),
        ("CreateSecurityGroup", "ec2.amazonaws.com"),
        ("DeleteSecurityGroup", "ec2.amazonaws.com"),
    ):
        by_kms = [each for each in records(name) if each["userIdentity"].get("invokedBy") == "cks.kms.amazonaws.com"]
        assert by_kms, name
        assert by_kms[0]["eventSource"] == source


def test_a_key_in_the_store_is_recorded_with_its_key_in_the_hsms(store, records):
    key = store.create_key()
    record = next(each for each in records("CreateKey") if key["KeyId"] in json.dumps(each["responseElements"]))
    assert record["requestParameters"]["origin"] == "AWS_CLOUDHSM"
    assert record["requestParameters"]["customKeyStoreId"] == store.store_id
    assert record["responseElements"]["keyMetadata"]["cloudHsmClusterId"] == store.cluster.cluster_id
    backing = json.loads(record["additionalEventData"]["backingKey"])
    assert set(backing) == {"keyHandle", "backingKeyId"}
    (found,) = store.keys_in_hsms(key["Arn"])
    assert int(found["key-reference"], 16) == int(backing["keyHandle"])

    store.kms.encrypt(KeyId=key["KeyId"], Plaintext=b"in the record")
    record = next(each for each in records("Encrypt") if key["Arn"] in json.dumps(each["resources"]))
    assert record["additionalEventData"]["customKeyStoreId"] == store.store_id
