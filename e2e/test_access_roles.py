"""Roles and their policies, with the AWS CLI."""

import pytest

from rig import sdk
from rig.policy import allow, document, managed, root, trust


@pytest.fixture
def iam(node, account):
    return sdk.client(node, "iam", access_key_id=account)


@pytest.fixture
def role(aws, iam, account):
    """A new role that the account may assume, with one of AWS's policies attached."""

    def role(name: str, policy: str) -> str:
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(root(account)))["Role"]
        aws("iam", "attach-role-policy", "--role-name", name, "--policy-arn", managed(policy))
        return made["Arn"]

    return role


@pytest.fixture
def administrator(aws, iam):
    """The CLI as a user with AdministratorAccess: the root user assumes no roles."""
    iam.create_user(UserName="administrator")
    iam.attach_user_policy(UserName="administrator", PolicyArn=managed("AdministratorAccess"))
    return aws.as_(iam.create_access_key(UserName="administrator")["AccessKey"])


def assume(cli, role: str, *more: str):
    given = cli("sts", "assume-role", "--role-arn", role, "--role-session-name", "on-duty", *more)
    return cli.as_(given["Credentials"])


def test_read_only_access_lists_and_describes_and_does_no_more(account, administrator, key, role):
    auditor = assume(administrator, role("auditor", "ReadOnlyAccess"))
    assert [listed["KeyId"] for listed in auditor("kms", "list-keys")["Keys"]] == [key["KeyId"]]
    assert auditor("kms", "describe-key", "--key-id", key["KeyId"])["KeyMetadata"]["Arn"] == key["Arn"]
    assert auditor("iam", "get-role", "--role-name", "auditor")["Role"]["RoleName"] == "auditor"
    for action, arguments in {
        "Encrypt": ["encrypt", "--plaintext", "YSBsZXR0ZXI="],
        "ScheduleKeyDeletion": ["schedule-key-deletion"],
    }.items():
        refusal = auditor.refused("kms", *arguments, "--key-id", key["KeyId"])
        assert refusal.code == "AccessDeniedException"
        assert refusal.message == (
            f"User: arn:aws:sts::{account}:assumed-role/auditor/on-duty is not authorized to perform: kms:{action} "
            f"on resource: {key['Arn']} because no identity-based policy allows the kms:{action} action"
        )


def test_a_session_policy_takes_away_and_adds_nothing(account, administrator, key, role):
    power = role("power", "AWSKeyManagementServicePowerUser")
    narrow = assume(administrator, power, "--policy", document(allow(["kms:DescribeKey", "kms:Encrypt"])))
    assert narrow("kms", "describe-key", "--key-id", key["KeyId"])["KeyMetadata"]["Arn"] == key["Arn"]
    refusal = narrow.refused("kms", "list-keys")
    assert refusal.message.endswith("because no session policy allows the kms:ListKeys action")
    # The session's policy allows it; the role's does not.
    refusal = narrow.refused("kms", "encrypt", "--key-id", key["KeyId"], "--plaintext", "YSBsZXR0ZXI=")
    assert refusal.message.endswith("because no identity-based policy allows the kms:Encrypt action")


def test_a_boundary_takes_away_and_adds_nothing(iam, administrator, key):
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=document(allow("kms:*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="administrator", PermissionsBoundary=arn)
    assert administrator("kms", "describe-key", "--key-id", key["KeyId"])["KeyMetadata"]["Arn"] == key["Arn"]
    refusal = administrator.refused("iam", "list-users")
    assert (refusal.code, refusal.message.rpartition(" because ")[2]) == (
        "AccessDenied",
        "no permissions boundary allows the iam:ListUsers action",
    )
    iam.detach_user_policy(UserName="administrator", PolicyArn=managed("AdministratorAccess"))
    refusal = administrator.refused("kms", "describe-key", "--key-id", key["KeyId"])
    assert refusal.message.endswith("because no identity-based policy allows the kms:DescribeKey action")
