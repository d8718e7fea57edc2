"""A second factor that policies demand, with the AWS CLI."""

import pytest

from rig import sdk
from rig.authenticator import code, enable
from rig.policy import allow, deny, document, managed, root

INVALID = "MultiFactorAuthentication failed with invalid MFA one time pass code."


@pytest.fixture
def iam(node, account):
    return sdk.client(node, "iam", access_key_id=account)


@pytest.fixture
def alice(aws, iam):
    """The CLI as a user with AdministratorAccess, her device's serial number, and its seed."""
    iam.create_user(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=managed("AdministratorAccess"))
    serial, seed = enable(iam, "alice", "phone")
    return aws.as_(iam.create_access_key(UserName="alice")["AccessKey"]), serial, seed


def session(cli, serial: str, token: str, *more: str):
    given = cli("sts", "get-session-token", "--serial-number", serial, "--token-code", token, *more)
    return cli.as_(given["Credentials"])


def test_deletion_takes_a_second_factor(aws, account, key, alice):
    alice, serial, seed = alice
    aws(
        *("kms", "put-key-policy", "--key-id", key["KeyId"], "--policy"),
        document(
            allow("kms:*", Principal=root(account)),
            deny(
                "kms:ScheduleKeyDeletion",
                Principal="*",
                Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            ),
        ),
    )
    delete = ["kms", "schedule-key-deletion", "--key-id", key["KeyId"]]
    refusal = alice.refused(*delete)
    assert refusal.code == "AccessDeniedException"
    assert refusal.message == (
        f"User: arn:aws:iam::{account}:user/alice is not authorized to perform: kms:ScheduleKeyDeletion "
        f"on resource: {key['Arn']} with an explicit deny in a resource-based policy"
    )
    # Temporary credentials without a code are no second factor.
    plain = alice.as_(alice("sts", "get-session-token")["Credentials"])
    assert plain.refused(*delete).message.endswith("with an explicit deny in a resource-based policy")

    shown = code(seed, 1)
    proven = session(alice, serial, shown)
    refusal = alice.refused("sts", "get-session-token", "--serial-number", serial, "--token-code", shown)
    assert (refusal.code, refusal.message) == ("AccessDenied", INVALID)
    assert proven(*delete)["KeyState"] == "PendingDeletion"


def test_a_policy_that_allows_with_a_second_factor_only(aws, iam, account, key, alice):
    alice, serial, seed = alice
    iam.detach_user_policy(UserName="alice", PolicyArn=managed("AdministratorAccess"))
    within = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}
    text = document(allow(["kms:DescribeKey", "iam:ListUsers"], Condition=within))
    iam.put_user_policy(UserName="alice", PolicyName="with-mfa", PolicyDocument=text)
    describe = ["kms", "describe-key", "--key-id", key["KeyId"]]
    assert alice.refused(*describe).message.endswith(
        "because no identity-based policy allows the kms:DescribeKey action"
    )
    # GetSessionToken needs no permission.
    proven = session(alice, serial, code(seed, 1))
    assert proven(*describe)["KeyMetadata"]["Arn"] == key["Arn"]
    assert [user["UserName"] for user in proven("iam", "list-users")["Users"]] == ["alice"]


def test_codes_of_other_times_and_devices_are_refused(alice, iam):
    alice, serial, seed = alice
    ask = ["sts", "get-session-token", "--serial-number"]
    for steps in (-20, -3, 4, 20):
        refusal = alice.refused(*ask, serial, "--token-code", code(seed, steps))
        assert (refusal.code, refusal.message) == ("AccessDenied", INVALID)
    iam.create_user(UserName="bob")
    other, other_seed = enable(iam, "bob", "tablet")
    for foreign in (other, serial.replace("phone", "absent")):
        refusal = alice.refused(*ask, foreign, "--token-code", code(other_seed, 1))
        assert refusal.code == "AccessDenied"
        assert refusal.message == (
            "MultiFactorAuthentication failed, unable to validate MFA code.  "
            "Please verify your MFA serial number is valid and associated with this user."
        )
