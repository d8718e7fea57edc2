"""Every call is recorded, as CloudTrail records it, and found by its name."""

import json
import re
from datetime import timedelta

from rig import sdk, wire

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
