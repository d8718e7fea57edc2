"""Conditions on what a key is called and on how long nobody has used it, with the AWS CLI."""

import pytest

from rig import sdk
from rig.cli import Cli
from rig.policy import allow, deny, document, root

LETTER = "YSBsZXR0ZXI="


@pytest.fixture
def alice(aws) -> Cli:
    """A user who may use and describe keys that are called `alias/app-...`."""
    iam = sdk.client(aws.node, "iam", access_key_id=aws.access_key_id)
    iam.create_user(UserName="alice")
    on_alias = {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/app-*"}}
    text = document(allow(["kms:Encrypt", "kms:DescribeKey"], Condition=on_alias))
    iam.put_user_policy(UserName="alice", PolicyName="apps", PolicyDocument=text)
    return aws.as_(iam.create_access_key(UserName="alice")["AccessKey"])


def test_a_key_is_a_users_as_long_as_it_is_called_so(aws, key, alice):
    encrypt = ["kms", "encrypt", "--key-id", key["Arn"], "--plaintext", LETTER]
    because = "because no identity-based policy allows the kms:Encrypt action"
    assert alice.refused(*encrypt).message.endswith(because)
    aws("kms", "create-alias", "--alias-name", "alias/app-1", "--target-key-id", key["KeyId"])
    assert alice(*encrypt)["KeyId"] == key["Arn"]
    aws("kms", "delete-alias", "--alias-name", "alias/app-1")
    assert alice.refused(*encrypt).message.endswith(because)


def test_a_key_that_was_used_lately_is_not_deleted(aws, account, key):
    lately = {"NumericLessThan": {"kms:TrailingDaysWithoutKeyUsage": "90"}}
    statements = [
        allow("kms:*", Principal=root(account)),
        deny(["kms:ScheduleKeyDeletion", "kms:DisableKey"], Principal="*", Condition=lately),
    ]
    aws("kms", "put-key-policy", "--key-id", key["KeyId"], "--policy", document(*statements))
    aws("kms", "encrypt", "--key-id", key["KeyId"], "--plaintext", LETTER)
    delete = ["kms", "schedule-key-deletion", "--key-id", key["KeyId"], "--pending-window-in-days", "7"]
    assert aws.refused(*delete).message.endswith("with an explicit deny in a resource-based policy")
    assert aws.refused("kms", "disable-key", "--key-id", key["KeyId"]).code == "AccessDeniedException"
    again = [allow("kms:*", Principal=root(account))]
    aws("kms", "put-key-policy", "--key-id", key["KeyId"], "--policy", document(*again))
    assert aws(*delete)["KeyState"] == "PendingDeletion"
