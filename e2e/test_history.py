"""Every call is recorded, as CloudTrail records it, and found by its name."""

import json
import re
from datetime import timedelta
from pathlib import Path

from rig import development, sdk, wire
from rig.node import wait_until

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def lookup(cloudtrail, name: str, **arguments) -> list[dict]:
    attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
    return cloudtrail.lookup_events(LookupAttributes=attributes, **arguments)["Events"]


def records(cloudtrail, name: str) -> list[dict]:
    return [json.loads(event["CloudTrailEvent"]) for event in lookup(cloudtrail, name)]


def test_a_record_says_who_did_what_to_which_key(kms, cloudtrail, key, account):
    context = {"tenant": "blue"}
    kms.create_alias(AliasName="alias/recorded", TargetKeyId=key["KeyId"])
    answer = kms.encrypt(KeyId="alias/recorded", Plaintext=b"unrecorded", EncryptionContext=context)
    (event,) = lookup(cloudtrail, "Encrypt")
    assert event["EventName"] == "Encrypt"
    assert event["EventSource"] == "kms.amazonaws.com"
    assert event["ReadOnly"] == "true"
    assert event["AccessKeyId"] == account
    assert event["Username"] == "root"
    assert event["Resources"] == [{"ResourceType": "AWS::KMS::Key", "ResourceName": key["Arn"]}]

    record = json.loads(event["CloudTrailEvent"])
    assert record["eventVersion"] == "1.11"
    assert record["userIdentity"] == {
        "type": "Root",
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": account,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
    assert record["eventSource"] == "kms.amazonaws.com"
    assert record["eventName"] == "Encrypt"
    assert record["awsRegion"] == "us-east-1"
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3/" in record["userAgent"]
    assert record["requestParameters"] == {
        "keyId": "alias/recorded",
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": context,
    }
    assert record["responseElements"] is None
    assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert UUID.fullmatch(record["eventID"])
    assert record["eventID"] == event["EventId"]
    assert record["readOnly"] is True
    assert record["resources"] == [{"accountId": account, "type": "AWS::KMS::Key", "ARN": key["Arn"]}]
    assert record["eventType"] == "AwsApiCall"
    assert record["managementEvent"] is True
    assert record["recipientAccountId"] == account
    assert record["eventCategory"] == "Management"
    assert "errorCode" not in record


def test_records_hold_no_plaintext_no_ciphertext_and_no_data_key(kms, cloudtrail, key):
    made = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    kms.decrypt(CiphertextBlob=made["CiphertextBlob"])
    for name in ["GenerateDataKey", "Decrypt"]:
        (record,) = records(cloudtrail, name)
        assert record["responseElements"] is None
        text = json.dumps(record["requestParameters"])
        assert "laintext" not in text
        assert "iphertext" not in text
    (record,) = records(cloudtrail, "GenerateDataKey")
    assert record["requestParameters"] == {"keyId": key["KeyId"], "keySpec": "AES_256"}


def test_a_change_records_its_answer(kms, cloudtrail, key):
    (record,) = records(cloudtrail, "CreateKey")
    assert record["readOnly"] is False
    assert record["responseElements"]["keyMetadata"]["keyId"] == key["KeyId"]
    assert record["responseElements"]["keyMetadata"]["aWSAccountId"] == key["AWSAccountId"]


def test_refused_calls_are_recorded_too(kms, cloudtrail, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    with sdk.refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "c"})
    (record,) = records(cloudtrail, "Decrypt")
    assert record["errorCode"] == "InvalidCiphertextException"
    assert record["requestParameters"]["encryptionContext"] == {"a": "c"}
    assert record["responseElements"] is None


def test_a_denied_call_is_recorded_where_the_caller_is(node, account, key):
    stranger = account[::-1]
    with sdk.refused("AccessDeniedException") as refusal:
        sdk.client(node, "kms", access_key_id=stranger).encrypt(KeyId=key["Arn"], Plaintext=b"x")
    (record,) = records(sdk.client(node, "cloudtrail", access_key_id=stranger), "Encrypt")
    assert record["errorCode"] == "AccessDenied"
    assert record["errorMessage"] == refusal.message
    assert record["userIdentity"]["accountId"] == stranger


def test_a_call_that_was_not_authenticated_is_not_recorded(node, account, cloudtrail):
    answer = wire.send(node, wire.kms("ListKeys", b"{}", access_key_id=account, secret_access_key="wrong"))
    assert answer.status == 400
    assert lookup(cloudtrail, "ListKeys") == []


def test_histories_come_newest_first_and_in_pages(kms, cloudtrail, key):
    for index in range(5):
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"index": str(index)})
    pages = cloudtrail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "Encrypt"}],
        PaginationConfig={"PageSize": 2},
    )
    found = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
    assert [record["requestParameters"]["encryptionContext"]["index"] for record in found] == list("43210")


def test_each_attribute_finds_the_call_and_another_value_does_not(kms, cloudtrail, key, account):
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    (event,) = lookup(cloudtrail, "Encrypt")
    attributes = {
        "EventId": event["EventId"],
        "EventName": "Encrypt",
        "ReadOnly": "true",
        "Username": "root",
        "ResourceType": "AWS::KMS::Key",
        "ResourceName": key["Arn"],
        "EventSource": "kms.amazonaws.com",
        "AccessKeyId": account,
    }
    for name, value in attributes.items():
        for wanted, is_found in [(value, True), (value + "x", False)]:
            attribute = {"AttributeKey": name, "AttributeValue": wanted}
            found = cloudtrail.lookup_events(LookupAttributes=[attribute])["Events"]
            assert (event["EventId"] in [event["EventId"] for event in found]) is is_found, attribute


def test_times_narrow_a_lookup(kms, cloudtrail, key):
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    (event,) = lookup(cloudtrail, "Encrypt")
    at, minute = event["EventTime"], timedelta(minutes=1)
    assert len(lookup(cloudtrail, "Encrypt", StartTime=at - minute, EndTime=at + minute)) == 1
    assert lookup(cloudtrail, "Encrypt", EndTime=at - minute) == []
    assert lookup(cloudtrail, "Encrypt", StartTime=at + minute) == []
    # The second that an event shows finds it.
    assert at.microsecond == 0
    assert lookup(cloudtrail, "Encrypt", StartTime=at, EndTime=at) == [event]
    with sdk.refused("InvalidTimeRangeException"):
        lookup(cloudtrail, "Encrypt", StartTime=at, EndTime=at - minute)


def test_more_than_one_attribute_is_refused(cloudtrail):
    attribute = {"AttributeKey": "EventName", "AttributeValue": "Encrypt"}
    with sdk.refused("InvalidLookupAttributesException"):
        cloudtrail.lookup_events(LookupAttributes=[attribute, attribute])


def test_refusals_of_cloudtrails_own_have_a_capital_message(node):
    attribute = {"AttributeKey": "EventName", "AttributeValue": "Encrypt"}
    body = json.dumps({"LookupAttributes": [attribute, attribute]}).encode()
    answer = wire.send(node, wire.target("cloudtrail", f"{wire.CLOUDTRAIL}.LookupEvents", body))
    assert (answer.status, answer.code) == (400, "InvalidLookupAttributesException")
    document = json.loads(answer.body)
    assert document["Message"]
    assert "message" not in document


def test_a_material_of_ones_choice_is_a_secret_in_the_record(kms, cloudtrail):
    material = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    tags = [
        {"TagKey": "_custom_key_material_", "TagValue": material},
        {"TagKey": "owner", "TagValue": "blue"},
    ]
    kms.create_key(Tags=tags)
    (record,) = records(cloudtrail, "CreateKey")
    assert record["requestParameters"]["tags"] == [
        {"tagKey": "_custom_key_material_", "tagValue": "HIDDEN_DUE_TO_SECURITY_REASONS"},
        {"tagKey": "owner", "tagValue": "blue"},
    ]
    assert material not in json.dumps(record)


def test_a_token_is_good_for_its_own_lookup_only(node, account, kms, cloudtrail):
    for _ in range(3):
        kms.list_keys()
    selected = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "ListKeys"}]}
    token = cloudtrail.lookup_events(**selected, MaxResults=1)["NextToken"]
    for other in [{}, {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]}]:
        with sdk.refused("InvalidNextTokenException"):
            cloudtrail.lookup_events(**other, NextToken=token)
    elsewhere = sdk.client(node, "cloudtrail", "eu-central-1", access_key_id=account)
    with sdk.refused("InvalidNextTokenException"):
        elsewhere.lookup_events(**selected, NextToken=token)
    rest = cloudtrail.lookup_events(**selected, NextToken=token)
    assert len(rest["Events"]) == 2
    assert "NextToken" not in rest


def test_what_is_global_is_in_one_region_and_the_rest_where_it_was_called(node, account):
    far = {"region": "eu-central-1", "access_key_id": account}
    sdk.client(node, "iam", **far).create_user(UserName="far")
    sdk.client(node, "sts", **far).get_caller_identity()
    sdk.client(node, "sts", access_key_id=account).get_caller_identity()
    here, there = sdk.client(node, "cloudtrail", access_key_id=account), sdk.client(node, "cloudtrail", **far)
    (record,) = records(here, "CreateUser")
    assert record["awsRegion"] == "us-east-1"
    assert lookup(there, "CreateUser") == []
    for trail, region in [(here, "us-east-1"), (there, "eu-central-1")]:
        (record,) = records(trail, "GetCallerIdentity")
        assert record["awsRegion"] == region


def test_the_last_ninety_days_are_shown(fresh_node):
    kms, cloudtrail = sdk.client(fresh_node, "kms"), sdk.client(fresh_node, "cloudtrail")
    kms.create_key()
    development.advance(fresh_node, days=89)
    kms.list_keys()
    assert len(lookup(cloudtrail, "CreateKey")) == 1
    development.advance(fresh_node, days=2)
    assert lookup(cloudtrail, "CreateKey") == []
    (event,) = lookup(cloudtrail, "ListKeys")
    # However far back is asked for.
    long_ago = event["EventTime"] - timedelta(days=1000)
    assert lookup(cloudtrail, "CreateKey", StartTime=long_ago) == []
    assert lookup(cloudtrail, "ListKeys", StartTime=long_ago) == [event]


def holds(file: Path, content: bytes) -> bool:
    """Whether the file is there, with that content; it may go and come meanwhile."""
    try:
        return file.read_bytes() == content
    except FileNotFoundError:
        return False


def test_events_are_found_by_an_index_that_may_be_lost_or_altered(fresh_node):
    index = fresh_node.data / "index"
    made = []
    # Each start begins a segment of the journal, and closes the one before.
    for _ in range(3):
        kms = sdk.client(fresh_node, "kms")
        made.append(kms.create_key()["KeyMetadata"]["Arn"])
        fresh_node.kill().start()

    def files():
        return sorted(index.rglob("*.idx"))

    def found():
        cloudtrail = sdk.client(fresh_node, "cloudtrail")
        attributes = [[{"AttributeKey": "ResourceName", "AttributeValue": arn}] for arn in made]
        events = [cloudtrail.lookup_events(LookupAttributes=attribute)["Events"] for attribute in attributes]
        assert [len(of_key) for of_key in events] == [1, 1, 1]
        everything = cloudtrail.lookup_events(LookupAttributes=[])["Events"]
        return [event["EventId"] for event in everything if event["EventName"] == "CreateKey"]

    events = found()
    assert len(events) == 3
    wait_until(lambda: len(files()) == 3, "an index for each closed segment")
    assert found() == events
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files())

    fresh_node.stop()
    lost, torn, altered = files()
    as_they_were = {file: file.read_bytes() for file in files()}
    lost.unlink()
    torn.write_bytes(torn.read_bytes()[:-40])
    altered.write_bytes(altered.read_bytes().replace(altered.read_bytes()[96:104], b"xxxxxxxx"))
    fresh_node.start()
    assert found() == events
    wait_until(lambda: all(holds(file, was) for file, was in as_they_were.items()), "the index made anew")
    assert found() == events
