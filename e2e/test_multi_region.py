"""Multi-Region keys on the stock AWS CLI, and the Encryption SDK's keyrings that are made for them."""

import base64
import contextlib
import itertools
import json
import threading
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
from botocore.exceptions import BotoCoreError

from rig import development, sdk
from rig.cli import Cli
from rig.node import wait_until

HERE, THERE, FAR = "us-east-1", "eu-west-1", "ap-southeast-2"


def in_region(aws: Cli, region: str):
    """`aws kms` in a Region."""
    return partial(aws.with_(region=region), "kms")


def described(kms, key: str) -> dict:
    return kms("describe-key", "--key-id", key)["KeyMetadata"]


def enabled(kms, key: str) -> dict:
    """The key, as soon as it is enabled, as AWS tells programs to wait for it."""

    def shown() -> dict | None:
        shown = described(kms, key)
        assert shown["KeyState"] in ("Creating", "Updating", "Enabled"), shown
        return shown if shown["KeyState"] == "Enabled" else None

    return wait_until(shown, f"{key} enabled")


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
    # The replica may be enabled a moment before that is recorded.
    (synchronized,) = wait_until(lambda: events(HERE, "SynchronizeMultiRegionKey"), "the record of the replica")
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


def test_related_keys_agree_through_a_crash(fresh_node):
    """Whatever call a kill -9 cuts off, the keys of a set say the same in every Region: what was answered, and perhaps
    what the next call would have come to."""

    def goes_on(sets: list[list[str]]):
        """Makes sets, each by the same calls; notes of each which were answered."""
        here, there = (sdk.client(fresh_node, "kms", region) for region in (HERE, THERE))
        with contextlib.suppress(BotoCoreError):  # the server is gone
            while True:
                key = here.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
                answered = [key]
                sets.append(answered)
                here.rotate_key_on_demand(KeyId=key)
                answered.append("rotated")
                here.replicate_key(KeyId=key, ReplicaRegion=THERE)
                answered.append("replicated")
                wait_until(partial(settled, there, key), "a replica")
                here.rotate_key_on_demand(KeyId=key)
                answered.append("rotated")
                here.update_primary_region(KeyId=key, PrimaryRegion=THERE)
                answered.append("promoted")

    calls = ["rotated", "replicated", "rotated", "promoted"]
    every = []
    for _ in range(4):
        workers = []
        for _ in range(3):
            sets = []
            every.append(sets)
            workers.append(threading.Thread(target=goes_on, args=(sets,)))
            workers[-1].start()
        wait_until(lambda: all(len(sets) >= 3 for sets in every), "sets")
        fresh_node.kill()
        for worker in workers:
            worker.join()
        fresh_node.start()
    here, there = (sdk.client(fresh_node, "kms", region) for region in (HERE, THERE))
    for key, *answered in itertools.chain.from_iterable(every):
        assert answered == calls[: len(answered)]
        # What was answered, and with the next call; a set is left alone once it has had all.
        possible = [calls[: len(answered)], calls[: len(answered) + 1]]
        shown = here.describe_key(KeyId=key)["KeyMetadata"]
        related = shown["MultiRegionConfiguration"]
        replicas = [replica["Region"] for replica in related["ReplicaKeys"]]
        rotations = here.list_key_rotations(KeyId=key)["Rotations"]
        found = (len(rotations), related["PrimaryKey"]["Region"], replicas)
        assert found in [
            (
                done.count("rotated"),
                THERE if "promoted" in done else HERE,
                [HERE] if "promoted" in done else [THERE] if "replicated" in done else [],
            )
            for done in possible
        ], answered
        if replicas:
            other = wait_until(partial(settled, there, key), "a replica")
            assert other["MultiRegionConfiguration"] == related | {
                "MultiRegionKeyType": "PRIMARY" if related["MultiRegionKeyType"] == "REPLICA" else "REPLICA"
            }
            assert other["CurrentKeyMaterialId"] == shown["CurrentKeyMaterialId"]
            assert there.list_key_rotations(KeyId=key)["Rotations"] == rotations
            sealed = here.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
            assert there.decrypt(CiphertextBlob=sealed, KeyId=key)["Plaintext"] == b"x"
    fresh_node.stop()
    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr


def settled(kms, key: str) -> dict | None:
    """The key, once it is neither made nor brought up to date."""
    shown = kms.describe_key(KeyId=key)["KeyMetadata"]
    return shown if shown["KeyState"] == "Enabled" else None
