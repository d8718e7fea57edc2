"""Key policies and identity policies together, with the AWS CLI."""

import pytest

from rig import sdk
from rig.cli import Cli
from rig.policy import allow, document, managed, root

LETTER = "YSBsZXR0ZXI="


@pytest.fixture
def user(aws):
    """The CLI as a new user of an account, with these of AWS's policies."""

    def user(name: str, *policies: str, of: Cli = aws) -> Cli:
        iam = sdk.client(of.node, "iam", access_key_id=of.access_key_id)
        iam.create_user(UserName=name)
        for policy in policies:
            iam.attach_user_policy(UserName=name, PolicyArn=managed(policy))
        return of.as_(iam.create_access_key(UserName=name)["AccessKey"])

    return user


def encrypt(cli: Cli, key: dict):
    return cli("kms", "encrypt", "--key-id", key["Arn"], "--plaintext", LETTER)


def refused(cli: Cli, key: dict, reason: str):
    refusal = cli.refused("kms", "encrypt", "--key-id", key["Arn"], "--plaintext", LETTER)
    assert refusal.code == "AccessDeniedException"
    assert refusal.message.endswith(f"on resource: {key['Arn']} {reason}"), refusal


NOT_BY_KEY = "because no resource-based policy allows the kms:Encrypt action"
NOT_BY_CALLER = "because no identity-based policy allows the kms:Encrypt action"


def test_without_delegation_only_whom_the_key_policy_names_is_let_in(aws, account, user):
    administrator = user("administrator", "AdministratorAccess")
    named, stranger = user("named"), user("stranger")
    only_named = document(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{account}:user/named"}))
    bypass = "--bypass-policy-lockout-safety-check"
    key = aws("kms", "create-key", "--policy", only_named, bypass)["KeyMetadata"]
    refused(administrator, key, NOT_BY_KEY)
    refused(stranger, key, NOT_BY_KEY)
    refused(aws, key, NOT_BY_KEY)
    assert encrypt(named, key)["KeyId"] == key["Arn"]
    # He has no IAM policy, and what is no key's is IAM's.
    refusal = named.refused("kms", "list-keys")
    assert refusal.message.endswith("because no identity-based policy allows the kms:ListKeys action")


def test_with_delegation_identity_policies_decide(aws, key, user):
    administrator, stranger = user("administrator", "AdministratorAccess"), user("stranger")
    assert encrypt(administrator, key)["KeyId"] == key["Arn"]
    refused(stranger, key, NOT_BY_CALLER)
    text = document(allow("kms:Encrypt", key["Arn"]))
    aws("iam", "put-user-policy", "--user-name", "stranger", "--policy-name", "p", "--policy-document", text)
    assert encrypt(stranger, key)["KeyId"] == key["Arn"]
    aws("iam", "delete-user-policy", "--user-name", "stranger", "--policy-name", "p")
    refused(stranger, key, NOT_BY_CALLER)


def test_another_account_needs_both_sides(node, aws, account, key, user):
    there = Cli(node, access_key_id=account[::-1])
    administrator, stranger = user("administrator", "AdministratorAccess", of=there), user("stranger", of=there)
    refused(administrator, key, NOT_BY_KEY)
    own = allow("kms:*", Principal=root(account))
    shared = document(own, allow(["kms:Encrypt", "kms:DescribeKey"], Principal=root(account[::-1])))
    put = ["kms", "put-key-policy", "--key-id", key["KeyId"], "--policy"]
    aws(*put, shared)
    assert encrypt(administrator, key)["KeyId"] == key["Arn"]
    refused(stranger, key, NOT_BY_CALLER)
    # Even who is named needs his own account's permission.
    stranger_arn = f"arn:aws:iam::{account[::-1]}:user/stranger"
    aws(*put, document(own, allow("kms:Encrypt", Principal={"AWS": stranger_arn})))
    refused(stranger, key, NOT_BY_CALLER)
    refused(administrator, key, NOT_BY_KEY)
    text = document(allow("kms:Encrypt", key["Arn"]))
    there("iam", "put-user-policy", "--user-name", "stranger", "--policy-name", "p", "--policy-document", text)
    assert encrypt(stranger, key)["KeyId"] == key["Arn"]
