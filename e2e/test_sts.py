"""Temporary credentials with the AWS CLI and boto3, over the wire."""

import base64
import json
import urllib.error
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from rig import authenticator, development, policy, sdk
from rig.node import HTTP, PATIENCE
from rig.sdk import refused


@pytest.fixture
def iam(node, account):
    """boto3's IAM client in the test's own account, as its root user."""
    return sdk.client(node, "iam", access_key_id=account)


@pytest.fixture
def user(iam, aws):
    """The CLI of a user who may do everything with roles, keys and IAM."""
    iam.create_user(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=policy.managed("AdministratorAccess"))
    return aws.as_(iam.create_access_key(UserName="alice")["AccessKey"])


def role(iam, account, name="reader", **more):
    """A role that lets its account decide, and may read everything."""
    trust = policy.trust(policy.root(account))
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy.managed("ReadOnlyAccess"))
    return made["Arn"]


def assume(aws, arn, *more):
    return aws("sts", "assume-role", "--role-arn", arn, "--role-session-name", "s1", *more)


def assume_refused(aws, arn, *more):
    return aws.refused("sts", "assume-role", "--role-arn", arn, "--role-session-name", "s1", *more)


def client_of(node, service, given):
    """boto3 with credentials that were given out."""
    return sdk.client(
        node,
        service,
        access_key_id=given["AccessKeyId"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given.get("SessionToken"),
    )


def test_a_role_is_assumed_and_reads_only(iam, user, account):
    arn = role(iam, account)
    answer = assume(user, arn)
    assumed = answer["AssumedRoleUser"]
    assert assumed["Arn"] == f"arn:aws:sts::{account}:assumed-role/reader/s1"
    end = datetime.fromisoformat(answer["Credentials"]["Expiration"])
    assert timedelta(minutes=55) < end - datetime.now(UTC) <= timedelta(hours=1)
    session = user.as_(answer["Credentials"])
    assert session("sts", "get-caller-identity") == {
        "UserId": assumed["AssumedRoleId"],
        "Account": account,
        "Arn": assumed["Arn"],
    }
    key = user("kms", "create-key")["KeyMetadata"]["KeyId"]
    assert [one["KeyId"] for one in session("kms", "list-keys")["Keys"]] == [key]
    refusal = session.refused("kms", "schedule-key-deletion", "--key-id", key)
    assert refusal.code == "AccessDeniedException"
    assert refusal.message.startswith(f"User: {assumed['Arn']} is not authorized to perform: kms:ScheduleKeyDeletion")


def test_a_profile_that_names_a_role(iam, user, account, tmp_path):
    """The CLI assumes the role by itself."""
    arn = role(iam, account)
    config = tmp_path / "config"
    config.write_text(
        f"[profile reader]\nrole_arn = {arn}\nsource_profile = alice\nrole_session_name = by-profile\n"
        f"[profile alice]\naws_access_key_id = {user.access_key_id}\naws_secret_access_key = {user.secret_access_key}\n"
    )
    identity = user.with_(profile=("reader", config))("sts", "get-caller-identity")
    assert identity["Arn"] == f"arn:aws:sts::{account}:assumed-role/reader/by-profile"


def test_a_session_token_proves_a_second_factor(iam, user, account):
    serial, seed = authenticator.enable(iam, "alice", "phone")
    plain = user("sts", "get-session-token")["Credentials"]
    refusal = user.as_(plain).refused("iam", "list-users")
    assert (refusal.code, refusal.message) == (
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
    )
    ask = ["sts", "get-session-token", "--serial-number", serial, "--token-code"]
    code = authenticator.code(seed, 1)
    given = user(*ask, code, "--duration-seconds", "900")["Credentials"]
    session = user.as_(given)
    assert session("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{account}:user/alice"
    assert [one["UserName"] for one in session("iam", "list-users")["Users"]] == ["alice"]
    for reused in (code, "000000"):
        refusal = user.refused(*ask, reused)
        assert (refusal.code, refusal.message) == (
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        )
    refusal = session.refused("sts", "get-session-token")
    assert (refusal.code, refusal.message) == (
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )


def test_a_trust_policy_that_wants_a_second_factor(iam, user, account):
    trust = policy.trust(policy.root(account), Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    arn = iam.create_role(RoleName="admin", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    serial, seed = authenticator.enable(iam, "alice", "phone")
    refusal = assume_refused(user, arn)
    assert "is not authorized to perform: sts:AssumeRole" in refusal.message
    assume(user, arn, "--serial-number", serial, "--token-code", authenticator.code(seed, 1))


def test_tags_and_session_policies_decide(node, iam, user, account):
    statement = {"Effect": "Allow", "Principal": policy.root(account), "Action": ["sts:AssumeRole", "sts:TagSession"]}
    arn = iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=policy.document(statement))["Role"]["Arn"]
    own = policy.allow("kms:*", Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})
    iam.put_role_policy(RoleName="tagged", PolicyName="own", PolicyDocument=policy.document(own))
    keys = {
        team: user("kms", "create-key", "--tags", f"TagKey=team,TagValue={team}")["KeyMetadata"]["KeyId"]
        for team in ("red", "blue")
    }
    passed = policy.document(policy.allow(["kms:DescribeKey", "kms:Encrypt"]))
    answer = assume(user, arn, "--tags", "Key=team,Value=red", "--policy", passed)
    assert 0 < answer["PackedPolicySize"] < 10
    kms = client_of(node, "kms", answer["Credentials"])
    kms.encrypt(KeyId=keys["red"], Plaintext=b"secret")
    with refused("AccessDeniedException") as refusal:
        kms.encrypt(KeyId=keys["blue"], Plaintext=b"secret")
    assert "because no identity-based policy allows the kms:Encrypt action" in refusal.message
    with refused("AccessDeniedException") as refusal:
        kms.schedule_key_deletion(KeyId=keys["red"])
    assert "because no session policy allows the kms:ScheduleKeyDeletion action" in refusal.message


def test_two_accounts(node, iam, user, account):
    """The role's account trusts the user, and his own lets him."""
    other = f"{int(account) + 500_000_000:012}"
    theirs = sdk.client(node, "iam", access_key_id=other)
    trust = policy.trust(
        {"AWS": f"arn:aws:iam::{account}:user/alice"}, Condition={"StringEquals": {"sts:ExternalId": "42"}}
    )
    arn = theirs.create_role(RoleName="guest", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    refused = f"User: arn:aws:iam::{account}:user/alice is not authorized to perform: sts:AssumeRole on resource: {arn}"
    assert assume_refused(user, arn).message == refused
    given = assume(user, arn, "--external-id", "42")["Credentials"]
    assert user.as_(given)("sts", "get-caller-identity")["Account"] == other
    iam.detach_user_policy(UserName="alice", PolicyArn=policy.managed("AdministratorAccess"))
    assert assume_refused(user, arn, "--external-id", "42").message == refused


def test_forged_and_foreign_tokens(node, iam, user, account):
    arn = role(iam, account)
    one, other = (assume(user, arn)["Credentials"] for _ in range(2))
    token = one["SessionToken"]
    raw = bytearray(base64.b64decode(token))
    raw[-1] ^= 1
    for changed in ({"SessionToken": base64.b64encode(raw).decode()}, {"SessionToken": other["SessionToken"]}):
        with refused("UnrecognizedClientException") as refusal:
            client_of(node, "kms", one | changed).list_keys()
        assert refusal.message.startswith("The security token included in the request is invalid")
    with refused("InvalidClientTokenId") as refusal:
        client_of(node, "sts", one | {"SessionToken": None}).get_caller_identity()
    assert refusal.status == 403
    with refused("InvalidSignatureException"):
        client_of(node, "kms", one | {"SecretAccessKey": other["SecretAccessKey"]}).list_keys()
    iam.detach_role_policy(RoleName="reader", PolicyArn=policy.managed("ReadOnlyAccess"))
    iam.delete_role(RoleName="reader")
    role(iam, account)
    with refused("InvalidClientTokenId"):
        client_of(node, "sts", one).get_caller_identity()


def test_sessions_outlive_the_server_and_no_reset(fresh_node):
    """Nobody keeps them, so nothing is lost; their users are gone after a reset."""
    iam = sdk.client(fresh_node, "iam")
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    given = client_of(fresh_node, "sts", key).get_session_token()["Credentials"]
    fresh_node.stop()
    fresh_node.start()
    assert client_of(fresh_node, "sts", given).get_caller_identity()["Arn"].endswith("user/alice")
    development.reset(fresh_node)
    sdk.client(fresh_node, "iam").create_user(UserName="alice")
    with refused("InvalidClientTokenId"):
        client_of(fresh_node, "sts", given).get_caller_identity()


def test_presigned_urls_and_every_protocol_take_sessions(node, iam, user, account):
    given = assume(user, role(iam, account))["Credentials"]
    assert [one["IsDefault"] for one in client_of(node, "ec2", given).describe_vpcs()["Vpcs"]] == [True]
    assert client_of(node, "cloudhsmv2", given).describe_clusters()["Clusters"] == []
    url = client_of(node, "sts", given).generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with HTTP.open(url, timeout=PATIENCE) as answer:
        assert "assumed-role/reader/s1</Arn>" in answer.read().decode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        HTTP.open(url.replace("X-Amz-Security-Token=", "X-Amz-Security-Token=A"), timeout=PATIENCE)
    assert caught.value.code == 403


def test_federated_users(user, account):
    given = user("sts", "get-federation-token", "--name", "Bob", "--policy", policy.document(policy.allow("kms:List*")))
    assert given["FederatedUser"] == {
        "FederatedUserId": f"{account}:Bob",
        "Arn": f"arn:aws:sts::{account}:federated-user/Bob",
    }
    session = user.as_(given["Credentials"])
    session("kms", "list-keys")
    refusal = session.refused("kms", "create-key")
    assert "because no session policy allows the kms:CreateKey action" in refusal.message
    assert session.refused("iam", "list-users").code == "InvalidClientTokenId"


def test_whose_an_access_key_is(iam, user, account):
    arn = role(iam, account)
    for id in (user.access_key_id, assume(user, arn)["Credentials"]["AccessKeyId"]):
        assert user("sts", "get-access-key-info", "--access-key-id", id) == {"Account": account}


def test_a_refusal_is_decoded(node, iam, user, account):
    """EC2's refusals carry their message in the text, as AWS's do, those of other services in a header of ours."""
    deny = policy.deny(["ec2:CreateVpc", "kms:CreateKey"], Sid="NotToday")
    iam.put_user_policy(UserName="alice", PolicyName="deny", PolicyDocument=policy.document(deny))
    refusal = user.refused("ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")
    assert refusal.code == "UnauthorizedOperation"
    encoded = refusal.message.rsplit("Encoded authorization failure message: ", 1)[1]
    decoded = json.loads(user("sts", "decode-authorization-message", "--encoded-message", encoded)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"]) == (False, True)
    assert decoded["context"]["action"] == "ec2:CreateVpc"
    assert decoded["context"]["principal"]["arn"] == f"arn:aws:iam::{account}:user/alice"
    assert [one["statementId"] for one in decoded["matchedStatements"]["items"]] == ["NotToday"]

    kms = sdk.client(node, "kms", access_key_id=user.access_key_id, secret_access_key=user.secret_access_key)
    with pytest.raises(ClientError) as caught:
        kms.create_key()
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    encoded = headers["x-strongroom-encoded-authorization-message"]
    decoded = json.loads(user("sts", "decode-authorization-message", "--encoded-message", encoded)["DecodedMessage"])
    assert decoded["context"]["action"] == "kms:CreateKey"

    # Who may not decode learns nothing, and nobody does of another account.
    refusal = user.refused("sts", "decode-authorization-message", "--encoded-message", encoded[:-4] + "AAAA")
    assert refusal.code == "InvalidAuthorizationMessageException"
    other = user.with_(access_key_id=f"{int(account) + 500_000_000:012}", secret_access_key="test")
    refusal = other.refused("sts", "decode-authorization-message", "--encoded-message", encoded)
    assert refusal.code == "InvalidAuthorizationMessageException"
