"""The life of `rig/life.py`, on whatever boto3 runs this. Needs nothing of the rig."""

import json
import os
import urllib.request

import boto3
from botocore.exceptions import ClientError

DAY = 24 * 60 * 60


def tell() -> dict:
    kms = boto3.client("kms")
    refusals = {}

    def refused(name, operation, **arguments):
        try:
            operation(**arguments)
        except ClientError as error:
            refusals[name] = [error.response["Error"]["Code"], error.response["Error"]["Message"]]

    def state():
        return kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]

    arn = kms.create_key(Description="payroll", Tags=[tag("team", "blue")])["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/post", TargetKeyId=arn)
    kms.create_alias(AliasName="alias/letters", TargetKeyId=arn)
    kms.tag_resource(KeyId=arn, Tags=[tag("team", "red"), tag("stage", "test"), tag("spare", "")])
    kms.untag_resource(KeyId=arn, TagKeys=["spare"])
    tags = {each["TagKey"]: each["TagValue"] for each in kms.list_resource_tags(KeyId=arn)["Tags"]}
    kms.update_key_description(KeyId=arn, Description="letters")
    described = kms.describe_key(KeyId="alias/letters")["KeyMetadata"]
    policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=policy)
    policies = kms.list_key_policies(KeyId=arn)["PolicyNames"]

    letters, archive = {"purpose": "letters"}, {"purpose": "archive"}
    old = kms.encrypt(KeyId="alias/post", Plaintext=b"a letter", EncryptionContext=letters)["CiphertextBlob"]
    kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=90)
    rotation = kms.get_key_rotation_status(KeyId=arn)
    advance(91)
    new = kms.encrypt(KeyId="alias/post", Plaintext=b"a reply", EncryptionContext=letters)["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=arn)
    moved = kms.re_encrypt(
        CiphertextBlob=old,
        SourceEncryptionContext=letters,
        DestinationKeyId=arn,
        DestinationEncryptionContext=archive,
    )["CiphertextBlob"]
    opened = {
        "before rotation": kms.decrypt(CiphertextBlob=old, EncryptionContext=letters),
        "after rotation": kms.decrypt(CiphertextBlob=new, EncryptionContext=letters),
        "moved": kms.decrypt(CiphertextBlob=moved, EncryptionContext=archive),
    }
    rotations = kms.get_paginator("list_key_rotations").paginate(KeyId=arn, PaginationConfig={"PageSize": 1})
    rotations = [entry for page in rotations for entry in page["Rotations"]]
    current = kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"]

    states = []
    kms.disable_key(KeyId=arn)
    states.append(state())
    refused("disabled", kms.encrypt, KeyId=arn, Plaintext=b"x")
    kms.enable_key(KeyId=arn)
    states.append(state())
    data_key = kms.generate_data_key_without_plaintext(KeyId=arn, KeySpec="AES_256")["CiphertextBlob"]
    sizes = {
        "data key": len(kms.decrypt(CiphertextBlob=data_key)["Plaintext"]),
        "random": len(kms.generate_random(NumberOfBytes=24)["Plaintext"]),
    }
    last_usage = kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"]["Operation"]

    second = kms.create_key()["KeyMetadata"]["Arn"]
    kms.update_alias(AliasName="alias/post", TargetKeyId=second)
    alias_leads_to = kms.describe_key(KeyId="alias/post")["KeyMetadata"]["Arn"]
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
    listed = sorted(each["KeyArn"] for page in pages for each in page["Keys"])

    states.append(kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)["KeyState"])
    refused("pending", kms.encrypt, KeyId=arn, Plaintext=b"x")
    kms.cancel_key_deletion(KeyId=arn)
    states.append(state())
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    states.append(state())
    advance(8)
    refused("gone", kms.describe_key, KeyId=arn)
    refused("ciphertext", kms.decrypt, CiphertextBlob=old, EncryptionContext=letters)
    pages = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 1})
    aliases_left = [alias["AliasName"] for page in pages for alias in page["Aliases"] if "TargetKeyId" in alias]

    return {
        "keys": [arn, second],
        "listed": listed,
        "materials": [answer["KeyMaterialId"] for answer in opened.values()],
        "described": [described["KeyState"], described["Description"]],
        "tags": tags,
        "policies": policies,
        "rotation": [rotation["KeyRotationEnabled"], rotation["RotationPeriodInDays"]],
        "rotations": [[entry["RotationType"], entry["KeyMaterialId"]] for entry in rotations],
        "current": current,
        "opened": {name: answer["Plaintext"].decode() for name, answer in opened.items()},
        "sizes": sizes,
        "last_usage": last_usage,
        "alias_leads_to": alias_leads_to,
        "states": states,
        "aliases_left": aliases_left,
        "refusals": refusals,
    }


def tag(name: str, value: str) -> dict:
    return {"TagKey": name, "TagValue": value}


def advance(days: int):
    """Moves the server's clock: what comes due by then has happened when the answer is there."""
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"] + "/_strongroom/clock",
        data=json.dumps({"advance_seconds": days * DAY}).encode(),
        headers={"x-strongroom-dev": "1", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["settled"]


print(json.dumps(tell()))
