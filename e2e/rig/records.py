"""Records of an account's calls, as LookupEvents shows them, and what AWS's records have in common."""

import json
from functools import cached_property

from rig import sdk

ORDER = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "apiVersion",
    "managementEvent",
    "recipientAccountId",
    "serviceEventDetails",
    "sharedEventID",
    "eventCategory",
    "tlsDetails",
]
"""Members in the order of AWS's samples ("CloudTrail record contents", CloudTrail User Guide)."""

ALWAYS = {
    "eventVersion": "1.11",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "127.0.0.1",
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "eventCategory": "Management",
}


class History:
    """An account, its clients, and the records of what it did."""

    def __init__(self, node, account: str):
        self.node, self.account = node, account

    @cached_property
    def kms(self):
        return self.as_root("kms")

    @cached_property
    def iam(self):
        return self.as_root("iam")

    @cached_property
    def ec2(self):
        return self.as_root("ec2")

    @cached_property
    def cloudhsm(self):
        return self.as_root("cloudhsmv2")

    @cached_property
    def cloudtrail(self):
        return self.as_root("cloudtrail")

    def as_root(self, service: str):
        return sdk.client(self.node, service, access_key_id=self.account)

    def as_(self, service: str, given: dict):
        return sdk.client(
            self.node,
            service,
            access_key_id=given["AccessKeyId"],
            secret_access_key=given["SecretAccessKey"],
            session_token=given.get("SessionToken"),
        )

    def all(self, name: str | None = None) -> list[dict]:
        """The records with that event name, or all of them, oldest first."""
        attributes = [{"AttributeKey": "EventName", "AttributeValue": name}] if name else []
        pages = self.cloudtrail.get_paginator("lookup_events").paginate(LookupAttributes=attributes)
        return [json.loads(event["CloudTrailEvent"]) for event in pages.search("Events[]")][::-1]

    def last(self, name: str) -> dict:
        return self.all(name)[-1]

    def resource(self, kind: str, arn: str) -> dict:
        return {"accountId": self.account, "type": f"AWS::{kind}", "ARN": arn}


def shown(record: dict) -> dict:
    """What tells one call from another. What every record has is checked."""
    record = dict(record)
    assert list(record) == [member for member in ORDER if member in record]
    for member in ("eventTime", "eventName", "eventSource", "userAgent", "requestID", "eventID", "recipientAccountId"):
        assert record.pop(member), member
    record.pop("userIdentity")
    for member, value in ALWAYS.items():
        assert record.pop(member) == value, member
    return record


def read(parameters, **more) -> dict:
    return {"requestParameters": parameters, "responseElements": None, "readOnly": True, **more}


def changed(parameters, answer=None, **more) -> dict:
    return {"requestParameters": parameters, "responseElements": answer, "readOnly": False, **more}
