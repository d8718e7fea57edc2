"""Credentials of root users, and what IAM tells of everybody's."""

import csv
import io

import pytest

from rig import authenticator, sdk
from rig.node import wait_until
from rig.policy import managed, root, trust


@pytest.fixture
def iam(node, account):
    """boto3's IAM client in the test's own account."""
    return sdk.client(node, "iam", access_key_id=account)


def report(iam):
    """The lines of a new credential report, by user."""
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    content = iam.get_credential_report()["Content"].decode()
    return {line["user"]: line for line in csv.DictReader(io.StringIO(content))}


def test_root_makes_and_deletes_a_key_of_its_own(aws, account):
    made = aws("iam", "create-access-key")["AccessKey"]
    other = aws.as_(made)
    assert other("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{account}:root"
    listed = other("iam", "list-access-keys")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [made["AccessKeyId"]]
    assert aws("iam", "get-account-summary")["SummaryMap"]["AccountAccessKeysPresent"] == 1
    aws("iam", "delete-access-key", "--access-key-id", made["AccessKeyId"])
    assert other.refused("sts", "get-caller-identity").code == "InvalidClientTokenId"


def test_root_has_a_second_factor(aws, iam, account):
    serial, seed = authenticator.enable(iam, account, "root-account-mfa-device")
    devices = aws("iam", "list-virtual-mfa-devices")["VirtualMFADevices"]
    assert [device["User"]["Arn"] for device in devices] == [f"arn:aws:iam::{account}:root"]
    assert aws("iam", "get-account-summary")["SummaryMap"]["AccountMFAEnabled"] == 1
    own = aws.as_(aws("iam", "create-access-key")["AccessKey"])
    factor = ["--serial-number", serial, "--token-code", authenticator.code(seed, 1)]
    session = own.as_(own("sts", "get-session-token", *factor)["Credentials"])
    assert session("sts", "get-caller-identity")["Account"] == account
    assert own.refused("sts", "get-session-token", *factor).code == "AccessDenied"
    aws("iam", "deactivate-mfa-device", "--serial-number", serial)
    assert aws("iam", "list-mfa-devices")["MFADevices"] == []


def test_a_report_tells_of_all_credentials(node, iam, account):
    iam.create_user(UserName="alice")
    iam.create_login_profile(UserName="alice", Password="correct Horse 7")
    iam.attach_user_policy(UserName="alice", PolicyArn=managed("IAMReadOnlyAccess"))
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = sdk.client(node, "iam", access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    alice.list_users()
    authenticator.enable(iam, "alice", "phone")

    def used() -> str:
        return iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"]

    # IAM reads it in the journal, and a report does not wait for long until it has.
    wait_until(lambda: used() == "iam", "the key's last use")
    lines = report(iam)
    assert list(lines) == ["<root_account>", "alice"]
    assert lines["<root_account>"]["arn"] == f"arn:aws:iam::{account}:root"
    told = lines["alice"]
    assert (told["password_enabled"], told["mfa_active"], told["access_key_1_active"]) == ("true",) * 3
    assert told["access_key_1_last_used_service"] == "iam"
    assert told["access_key_1_last_used_region"] == "us-east-1"
    assert told["access_key_2_active"] == "false"


def test_a_role_tells_when_it_was_used(aws, node, iam, account):
    made = iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=trust(root(account)))["Role"]
    iam.attach_role_policy(RoleName="auditor", PolicyArn=managed("ReadOnlyAccess"))
    iam.create_user(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=managed("AdministratorAccess"))
    alice = aws.as_(iam.create_access_key(UserName="alice")["AccessKey"])
    given = alice("sts", "assume-role", "--role-arn", made["Arn"], "--role-session-name", "on-duty")
    alice.as_(given["Credentials"]).with_(region="eu-central-1")("kms", "list-keys")
    # The report is made of what is recorded, and so is what roles tell from then on.
    report(iam)

    def used() -> dict | None:
        last = iam.get_role(RoleName="auditor")["Role"]["RoleLastUsed"]
        return last if "Region" in last else None

    last = wait_until(used, "the role's last use")
    assert last["Region"] == "eu-central-1"
    assert last["LastUsedDate"] >= made["CreateDate"]
