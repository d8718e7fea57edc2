"""Multi-Region keys on the stock AWS CLI, and the Encryption SDK's keyrings that are made for them."""

import base64
import json
import time
from functools import partial

import aws_encryption_sdk
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.errors import AwsCryptographicMaterialProvidersException
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsMrkDiscoveryKeyringInput,
    CreateAwsKmsMrkKeyringInput,
    DiscoveryFilter,
)
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError

from rig import development, sdk
from rig.cli import Cli

HERE, THERE, FAR = "us-east-1", "eu-west-1", "ap-southeast-2"


def in_region(aws: Cli, region: str):
    """`aws kms` in a Region."""
    return partial(aws.with_(region=region), "kms")


def described(kms, key: str) -> dict:
    return kms("describe-key", "--key-id", key)["KeyMetadata"]


def enabled(kms, key: str) -> dict:
    """The key, as soon as it is enabled, as AWS tells programs to wait for it."""
    deadline = time.monotonic() + 15
    while (shown := described(kms, key))["KeyState"] != "Enabled":
        assert shown["KeyState"] in ("Creating", "Updating"), shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.05)
    return shown


@pytest.fixture
def primary(aws) -> str:
    """The id of a primary key."""
    return in_region(aws, HERE)("create-key", "--multi-region")["KeyMetadata"]["KeyId"]


@pytest.fixture
def related(aws, primary) -> str:
    """The id of a primary key with a replica."""
    in_region(aws, HERE)("replicate-key", "--key-id", primary, "--replica-region", THERE)
    enabled(in_region(aws, THERE), primary)
    return primary


def test_a_key_lives_in_several_regions(aws, tmp_path):
    here, there = in_region(aws, HERE), in_region(aws, THERE)
    made = here("create-key", "--multi-region", "--description", "primary")["KeyMetadata"]
    key = made["KeyId"]
    assert key.startswith("mrk-")
    assert made["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"
    answer = here(
        *["replicate-key", "--key-id", key, "--replica-region", THERE, "--description", "replica"],
        *["--tags", "TagKey=place,TagValue=there"],
    )
    assert answer["ReplicaKeyMetadata"]["KeyState"] == "Creating"
    assert answer["ReplicaTags"] == [{"TagKey": "place", "TagValue": "there"}]
    assert json.loads(answer["ReplicaPolicy"])["Id"] == "key-default-1"
    shown = enabled(there, key)
    assert (shown["Description"], shown["Arn"]) == ("replica", made["Arn"].replace(HERE, THERE))
    assert shown["CurrentKeyMaterialId"] == made["CurrentKeyMaterialId"]
    assert shown["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": {"Arn": made["Arn"], "Region": HERE},
        "ReplicaKeys": [{"Arn": shown["Arn"], "Region": THERE}],
    }

    letter = tmp_path / "letter"
    letter.write_bytes(b"the same everywhere")
    sealed = here("encrypt", "--key-id", key, "--plaintext", f"fileb://{letter}")["CiphertextBlob"]
    (tmp_path / "sealed").write_bytes(base64.b64decode(sealed))
    opened = there("decrypt", "--ciphertext-blob", f"fileb://{tmp_path / 'sealed'}")
    assert (base64.b64decode(opened["Plaintext"]), opened["KeyId"]) == (letter.read_bytes(), shown["Arn"])


def test_the_primary_key_moves(aws, related):
    here, there = in_region(aws, HERE), in_region(aws, THERE)
    assert here("update-primary-region", "--key-id", related, "--primary-region", THERE) == {}
    for kms, role in [(here, "REPLICA"), (there, "PRIMARY")]:
        shown = enabled(kms, related)["MultiRegionConfiguration"]
        assert (shown["MultiRegionKeyType"], shown["PrimaryKey"]["Region"]) == (role, THERE)
    refused = aws.refused("kms", "replicate-key", "--key-id", related, "--replica-region", FAR)
    assert refused.code == "UnsupportedOperationException"
    there("replicate-key", "--key-id", related, "--replica-region", FAR)
    regions = [key["Region"] for key in described(here, related)["MultiRegionConfiguration"]["ReplicaKeys"]]
    assert regions == [FAR, HERE]


def test_related_keys_rotate_together(aws, related):
    here, there = in_region(aws, HERE), in_region(aws, THERE)
    before = described(there, related)["CurrentKeyMaterialId"]
    here("enable-key-rotation", "--key-id", related, "--rotation-period-in-days", "90")
    assert there("get-key-rotation-status", "--key-id", related)["RotationPeriodInDays"] == 90
    here("rotate-key-on-demand", "--key-id", related)
    after = described(there, related)["CurrentKeyMaterialId"]
    assert after not in (before, None)
    assert after == described(here, related)["CurrentKeyMaterialId"]
    refused = aws.with_(region=THERE).refused("kms", "rotate-key-on-demand", "--key-id", related)
    assert refused.code == "UnsupportedOperationException"


def test_a_primary_key_is_deleted_after_its_replicas(own_aws, fresh_node):
    here, there = in_region(own_aws, HERE), in_region(own_aws, THERE)
    key = here("create-key", "--multi-region")["KeyMetadata"]["KeyId"]
    here("replicate-key", "--key-id", key, "--replica-region", THERE)
    enabled(there, key)
    answer = here("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "10")
    assert answer["KeyState"] == "PendingReplicaDeletion"
    assert "DeletionDate" not in answer
    assert described(here, key)["PendingDeletionWindowInDays"] == 10
    there("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    development.advance(fresh_node, days=7)
    assert own_aws.with_(region=THERE).refused("kms", "describe-key", "--key-id", key).code == "NotFoundException"
    assert described(here, key)["KeyState"] == "PendingDeletion"
    development.advance(fresh_node, days=10)
    assert own_aws.refused("kms", "describe-key", "--key-id", key).code == "NotFoundException"


def test_the_account_gets_the_role(aws, node, account):
    in_region(aws, HERE)("create-key", "--multi-region")
    iam = sdk.client(node, "iam", access_key_id=account)
    name = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
    role = iam.get_role(RoleName=name)["Role"]
    assert role["Path"] == "/aws-service-role/mrk.kms.amazonaws.com/"
    (policy,) = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert policy["PolicyName"] == "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy"
    # Whoever may not make it makes no such key, though it is there.
    iam.create_user(UserName="creator")
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": statement}
    iam.put_user_policy(UserName="creator", PolicyName="kms", PolicyDocument=json.dumps(policy))
    creator = aws.as_(iam.create_access_key(UserName="creator")["AccessKey"])
    refused = creator.refused("kms", "create-key", "--multi-region")
    assert refused.code == "AccessDeniedException"
    assert "iam:CreateServiceLinkedRole" in refused.message
    creator("kms", "create-key")


def test_records_say_what_was_done_in_which_region(aws, node, account, related):
    def events(region: str, name: str) -> list[dict]:
        cloudtrail = sdk.client(node, "cloudtrail", region=region, access_key_id=account)
        attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
        found = cloudtrail.lookup_events(LookupAttributes=attributes)["Events"]
        return [json.loads(event["CloudTrailEvent"]) for event in found]

    arn = f"arn:aws:kms:{THERE}:{account}:key/{related}"
    (replicated,) = events(HERE, "ReplicateKey")
    assert replicated["requestParameters"] == {
        "keyId": related,
        "replicaRegion": THERE,
        "bypassPolicyLockoutSafetyCheck": False,
        "description": "",
    }
    shown = replicated["responseElements"]["replicaKeyMetadata"]
    assert (shown["arn"], shown["keyState"], shown["aWSAccountId"]) == (arn, "Creating", account)
    assert [resource["ARN"] for resource in replicated["resources"]] == [arn.replace(THERE, HERE)]
    (created,) = events(THERE, "CreateKey")
    assert created["requestID"] == replicated["requestID"]
    assert created["userIdentity"]["invokedBy"] == "kms.amazonaws.com"
    assert [resource["ARN"] for resource in created["resources"]] == [arn]
    (synchronized,) = events(HERE, "SynchronizeMultiRegionKey")
    assert synchronized["responseElements"] == {"keyId": arn.replace(THERE, HERE)}
    assert (synchronized["eventType"], synchronized["userIdentity"]["invokedBy"]) == ("AwsApiCall", "AWS Internal")
    aws("kms", "update-primary-region", "--key-id", related, "--primary-region", THERE)
    (here,), (there,) = events(HERE, "UpdatePrimaryRegion"), events(THERE, "UpdatePrimaryRegion")
    assert here["requestParameters"] == {"keyId": related, "primaryRegion": THERE}
    assert there["requestParameters"] == {"keyId": arn, "primaryRegion": THERE}
    assert here["requestID"] == there["requestID"]


PROVIDERS = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def test_the_encryption_sdk_opens_a_message_where_a_replica_is(node, account, related):
    """What an MRK keyring sealed under the primary key, others open by a replica, named or discovered."""
    here, there = (sdk.client(node, "kms", region=region, access_key_id=account) for region in (HERE, THERE))
    arn = f"arn:aws:kms:{HERE}:{account}:key/{related}"

    def named(client, key_id: str):
        return PROVIDERS.create_aws_kms_mrk_keyring(CreateAwsKmsMrkKeyringInput(kms_key_id=key_id, kms_client=client))

    def discovering(client, region: str, owner: str = account):
        only = DiscoveryFilter(account_ids=[owner], partition="aws")
        given = CreateAwsKmsMrkDiscoveryKeyringInput(kms_client=client, region=region, discovery_filter=only)
        return PROVIDERS.create_aws_kms_mrk_discovery_keyring(given)

    client = aws_encryption_sdk.EncryptionSDKClient()
    sealed, _ = client.encrypt(source=b"a letter", keyring=named(here, arn), encryption_context={"purpose": "letters"})
    for keyring in (
        named(there, arn.replace(HERE, THERE)),
        discovering(there, THERE),
        discovering(here, HERE),
        named(here, arn),
    ):
        opened, _ = client.decrypt(source=sealed, keyring=keyring)
        assert opened == b"a letter"
    far = sdk.client(node, "kms", region=FAR, access_key_id=account)
    for keyring in (discovering(far, FAR), discovering(there, THERE, owner="111111111111")):
        with pytest.raises((AWSEncryptionSDKClientError, AwsCryptographicMaterialProvidersException)):
            client.decrypt(source=sealed, keyring=keyring)
