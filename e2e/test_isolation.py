"""Regions and accounts are worlds of their own."""

import pytest

from rig import expected, sdk
from rig.cli import Cli


@pytest.fixture
def elsewhere(node, account, request):
    """A client beside the test's own: in another Region, or in another account."""
    if request.param == "region":
        return sdk.client(node, "kms", region="eu-central-1", access_key_id=account)
    return sdk.client(node, "kms", access_key_id=account[::-1])


BOTH = pytest.mark.parametrize("elsewhere", ["region", "account"], indirect=True)


@BOTH
def test_keys_and_aliases_are_not_seen_from_elsewhere(kms, key, elsewhere):
    kms.create_alias(AliasName="alias/here", TargetKeyId=key["KeyId"])
    assert elsewhere.list_keys()["Keys"] == []
    assert expected.leading(elsewhere.list_aliases()["Aliases"]) == []
    with sdk.refused("NotFoundException"):
        elsewhere.describe_key(KeyId=key["KeyId"])
    with sdk.refused("NotFoundException"):
        elsewhere.encrypt(KeyId="alias/here", Plaintext=b"x")
    with sdk.refused("NotFoundException"):
        elsewhere.create_alias(AliasName="alias/there", TargetKeyId=key["KeyId"])


@BOTH
def test_the_same_alias_names_another_key_elsewhere(kms, key, elsewhere):
    other = elsewhere.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/same", TargetKeyId=key["KeyId"])
    elsewhere.create_alias(AliasName="alias/same", TargetKeyId=other["KeyId"])
    assert kms.describe_key(KeyId="alias/same")["KeyMetadata"]["Arn"] == key["Arn"]
    assert elsewhere.describe_key(KeyId="alias/same")["KeyMetadata"]["Arn"] == other["Arn"]


@BOTH
def test_ciphertexts_do_not_open_elsewhere(kms, key, elsewhere):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    with sdk.refused("AccessDeniedException") as refusal:
        elsewhere.decrypt(CiphertextBlob=blob)
    assert refusal.message == expected.FOREIGN_CIPHERTEXT


def test_another_accounts_key_is_refused_by_its_policy(node, account, key):
    stranger = account[::-1]
    foreign = sdk.client(node, "kms", access_key_id=stranger)
    with sdk.refused("AccessDeniedException") as refusal:
        foreign.encrypt(KeyId=key["Arn"], Plaintext=b"x")
    assert refusal.status == 400
    assert refusal.message == (
        f"User: arn:aws:iam::{stranger}:root is not authorized to perform: kms:Encrypt on resource: {key['Arn']} "
        "because no resource-based policy allows the kms:Encrypt action"
    )


def test_twelve_digits_are_the_root_user_of_that_account(node):
    aws = Cli(node, access_key_id="111122223333")
    assert aws("sts", "get-caller-identity") == {
        "UserId": "111122223333",
        "Account": "111122223333",
        "Arn": "arn:aws:iam::111122223333:root",
    }


def test_histories_are_kept_apart(node, account, kms, cloudtrail):
    kms.create_key()
    event = [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]
    assert len(cloudtrail.lookup_events(LookupAttributes=event)["Events"]) == 1
    for other in [
        sdk.client(node, "cloudtrail", region="eu-central-1", access_key_id=account),
        sdk.client(node, "cloudtrail", access_key_id=account[::-1]),
    ]:
        assert other.lookup_events(LookupAttributes=event)["Events"] == []
