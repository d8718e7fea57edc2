"""Policies as AWS's documentation gives them for everyday needs: they do here what they are written for."""

from datetime import UTC, datetime

import pytest

from rig import sdk
from rig.policy import allow, deny, document, managed, root, trust
from rig.sdk import refused


class Account:
    """An account, by its root user, and those who call in it."""

    def __init__(self, node, number: str):
        self.node, self.number = node, number
        self.iam = sdk.client(node, "iam", access_key_id=number)
        self.kms = sdk.client(node, "kms", access_key_id=number)

    def user(self, name: str, *statements: dict, **more) -> dict:
        """A new user with these statements as his policy: his access key."""
        self.iam.create_user(UserName=name, **more)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        return self.iam.create_access_key(UserName=name)["AccessKey"]

    def role(self, name: str, *statements: dict, **more) -> str:
        """A new role that the account trusts, with these statements as its policy: its ARN."""
        trusting = trust(root(self.number))
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting, **more)["Role"]
        self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return made["Arn"]

    def as_(self, given: dict, service: str):
        """boto3's client with what IAM or STS gave out."""
        keys = given["AccessKeyId"], given["SecretAccessKey"], given.get("SessionToken")
        return sdk.client(self.node, service, "us-east-1", *keys)

    def arn(self, resource: str) -> str:
        return f"arn:aws:iam::{self.number}:{resource}"


@pytest.fixture
def here(node, account) -> Account:
    return Account(node, account)


def test_sessions_before_a_moment_are_revoked(here):
    """IAM User Guide, "Revoke IAM role temporary security credentials"."""
    role = here.role("worker", allow("kms:*"))
    sts = here.as_(here.user("alice", allow("sts:AssumeRole")), "sts")
    before = sts.assume_role(RoleArn=role, RoleSessionName="before")["Credentials"]
    here.as_(before, "kms").list_keys()
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    older = {"DateLessThanEquals": {"aws:TokenIssueTime": moment}}
    text = document(deny("*", Condition=older))
    here.iam.put_role_policy(RoleName="worker", PolicyName="AWSRevokeOlderSessions", PolicyDocument=text)
    with refused("AccessDeniedException") as refusal:
        here.as_(before, "kms").list_keys()
    assert refusal.message.endswith("with an explicit deny in an identity-based policy")
    here.iam.delete_role_policy(RoleName="worker", PolicyName="AWSRevokeOlderSessions")
    here.as_(before, "kms").list_keys()


def test_tags_of_caller_and_key_must_match(here):
    """IAM User Guide, "Define permissions based on attributes with ABAC authorization"."""
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    abac = allow(["kms:Encrypt", "kms:DescribeKey"], Condition=same)
    red = here.user("red", abac, Tags=[{"Key": "team", "Value": "red"}])
    plain = here.user("plain", abac)
    keys = {
        team: here.kms.create_key(Tags=[{"TagKey": "team", "TagValue": team}])["KeyMetadata"]["KeyId"]
        for team in ("red", "blue")
    }
    here.as_(red, "kms").encrypt(KeyId=keys["red"], Plaintext=b"a letter")
    for given, team in ((red, "blue"), (plain, "red")):
        with refused("AccessDeniedException"):
            here.as_(given, "kms").encrypt(KeyId=keys[team], Plaintext=b"a letter")
    # The tag of a session takes the place of the role's.
    role = here.role("worker", abac, Tags=[{"Key": "team", "Value": "red"}])
    here.iam.update_assume_role_policy(
        RoleName="worker",
        PolicyDocument=document(
            {"Effect": "Allow", "Principal": root(here.number), "Action": ["sts:AssumeRole", "sts:TagSession"]}
        ),
    )
    sts = here.as_(here.user("alice", allow(["sts:AssumeRole", "sts:TagSession"])), "sts")
    blue = sts.assume_role(RoleArn=role, RoleSessionName="blue", Tags=[{"Key": "team", "Value": "blue"}])
    here.as_(blue["Credentials"], "kms").encrypt(KeyId=keys["blue"], Plaintext=b"a letter")
    with refused("AccessDeniedException"):
        here.as_(blue["Credentials"], "kms").encrypt(KeyId=keys["red"], Plaintext=b"a letter")


def test_who_makes_users_can_make_none_beyond_a_boundary(here):
    """IAM User Guide, "Permissions boundaries for IAM entities", delegating responsibility to others."""
    limit = here.iam.create_policy(PolicyName="limit", PolicyDocument=document(allow("kms:*")))["Policy"]["Arn"]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": limit}}
    maria = here.user(
        "maria",
        allow(["iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey"], Condition=bounded),
        allow("iam:CreateAccessKey"),
    )
    iam = here.as_(maria, "iam")
    with refused("AccessDenied"):
        iam.create_user(UserName="free")
    with refused("AccessDenied"):
        iam.create_user(UserName="free", PermissionsBoundary=managed("AdministratorAccess"))
    iam.create_user(UserName="new", PermissionsBoundary=limit)
    iam.attach_user_policy(UserName="new", PolicyArn=managed("AdministratorAccess"))
    for forbidden in (
        lambda: iam.delete_user_permissions_boundary(UserName="new"),
        lambda: iam.put_user_permissions_boundary(UserName="new", PermissionsBoundary=managed("AdministratorAccess")),
        lambda: iam.attach_user_policy(UserName="maria", PolicyArn=managed("AdministratorAccess")),
        lambda: iam.create_policy_version(PolicyArn=limit, PolicyDocument=document(allow("*")), SetAsDefault=True),
    ):
        with refused("AccessDenied"):
            forbidden()
    new = iam.create_access_key(UserName="new")["AccessKey"]
    here.as_(new, "kms").list_keys()
    with refused("AccessDenied") as refusal:
        here.as_(new, "iam").list_users()
    assert "because no permissions boundary allows the iam:ListUsers action" in refusal.message


def test_users_look_after_their_own_access_keys_only(here):
    """IAM User Guide, "AWS: Allows IAM users to manage their own credentials"."""
    own = here.arn("user/${aws:username}")
    alice = here.as_(here.user("alice", allow("iam:*AccessKey*", own)), "iam")
    here.user("bob")
    second = alice.create_access_key()["AccessKey"]
    alice.delete_access_key(AccessKeyId=second["AccessKeyId"])
    assert len(alice.list_access_keys(UserName="alice")["AccessKeyMetadata"]) == 1
    for name in ("bob", "alic", "alicea"):
        with refused("AccessDenied"):
            alice.create_access_key(UserName=name)


def test_only_from_known_addresses(here):
    """IAM User Guide, "AWS: Denies access to AWS based on the source IP"."""
    outside = {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}}
    inside = {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "127.0.0.0/8"]}}
    far = here.user("far", allow("kms:ListKeys"), deny("*", Condition=outside))
    near = here.user("near", allow("kms:ListKeys"), deny("*", Condition=inside))
    here.as_(near, "kms").list_keys()
    with refused("AccessDeniedException") as refusal:
        here.as_(far, "kms").list_keys()
    assert refusal.message.endswith("with an explicit deny in an identity-based policy")


def test_what_is_taken_away_is_gone_at_once(here):
    """Our own promise: a change of permissions holds for the next call, of sessions too."""
    role = here.role("worker", allow("kms:ListKeys"))
    alice = here.user("alice", allow("sts:AssumeRole"))
    here.iam.create_group(GroupName="readers")
    text = document(allow("kms:ListAliases"))
    here.iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=text)
    here.iam.add_user_to_group(GroupName="readers", UserName="alice")
    session = here.as_(alice, "sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    worker, kms = here.as_(session, "kms"), here.as_(alice, "kms")
    worker.list_keys()
    kms.list_aliases()
    here.iam.delete_role_policy(RoleName="worker", PolicyName="own")
    here.iam.remove_user_from_group(GroupName="readers", UserName="alice")
    for call in (worker.list_keys, kms.list_aliases):
        with refused("AccessDeniedException"):
            call()

    # Another default version decides from then on.
    policy = here.iam.create_policy(PolicyName="p", PolicyDocument=text)["Policy"]["Arn"]
    here.iam.attach_user_policy(UserName="alice", PolicyArn=policy)
    kms.list_aliases()
    nothing = document(deny("kms:*"))
    here.iam.create_policy_version(PolicyArn=policy, PolicyDocument=nothing, SetAsDefault=True)
    with refused("AccessDeniedException") as refusal:
        kms.list_aliases()
    assert f"with an explicit deny in an identity-based policy: {policy}" in refusal.message
    here.iam.set_default_policy_version(PolicyArn=policy, VersionId="v1")
    kms.list_aliases()

    # So is the access key itself.
    here.iam.update_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"], Status="Inactive")
    with refused("UnrecognizedClientException"):
        kms.list_aliases()
    here.iam.update_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"], Status="Active")
    kms.list_aliases()
    here.iam.delete_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"])
    with refused("UnrecognizedClientException"):
        kms.list_aliases()
