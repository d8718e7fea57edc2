"""Records name callers as CloudTrail does: users, sessions, and what another account is told of them."""

import json

import pytest

from rig import disk, policy, sdk
from rig.authenticator import code, enable


def as_(node, service: str, given: dict):
    """A client with credentials that IAM or STS gave out."""
    return sdk.client(
        node,
        service,
        access_key_id=given["AccessKeyId"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given.get("SessionToken"),
    )


@pytest.fixture
def iam(node, account):
    return sdk.client(node, "iam", access_key_id=account)


def user(node, account: str, name: str) -> dict:
    """An administrator's access key."""
    iam = sdk.client(node, "iam", access_key_id=account)
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=policy.managed("AdministratorAccess"))
    return iam.create_access_key(UserName=name)["AccessKey"]


@pytest.fixture
def alice(node, account) -> dict:
    return user(node, account, "alice")


@pytest.fixture
def role(iam, account) -> str:
    """An administrator's role with a path, which everybody of the account may assume."""
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    trusted = {"Effect": "Allow", "Principal": policy.root(account), "Action": actions}
    given = iam.create_role(RoleName="Admin", Path="/ops/", AssumeRolePolicyDocument=policy.document(trusted))
    iam.attach_role_policy(RoleName="Admin", PolicyArn=policy.managed("AdministratorAccess"))
    return given["Role"]["Arn"]


def found(cloudtrail, attribute: str, value: str, name: str) -> list[dict]:
    """The records with that attribute and event name, newest first."""
    attributes = [{"AttributeKey": attribute, "AttributeValue": value}]
    events = cloudtrail.lookup_events(LookupAttributes=attributes)["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in events if event["EventName"] == name]


def test_a_user_is_named(node, account, iam, alice, cloudtrail):
    as_(node, "kms", alice).list_keys()
    (record,) = found(cloudtrail, "Username", "alice", "ListKeys")
    assert record["userIdentity"] == {
        "type": "IAMUser",
        "principalId": iam.get_user(UserName="alice")["User"]["UserId"],
        "arn": f"arn:aws:iam::{account}:user/alice",
        "accountId": account,
        "accessKeyId": alice["AccessKeyId"],
        "userName": "alice",
    }
    assert record["recipientAccountId"] == account


def test_a_users_session_says_whether_a_second_factor_was_shown(node, iam, alice, cloudtrail):
    serial, seed = enable(iam, "alice", "phone")
    sts = as_(node, "sts", alice)
    plain = sts.get_session_token()["Credentials"]
    proven = sts.get_session_token(SerialNumber=serial, TokenCode=code(seed, 1))["Credentials"]
    for given, mfa in ((plain, "false"), (proven, "true")):
        as_(node, "kms", given).list_keys()
        (record,) = found(cloudtrail, "AccessKeyId", given["AccessKeyId"], "ListKeys")
        identity = record["userIdentity"]
        assert (identity["type"], identity["userName"]) == ("IAMUser", "alice")
        assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == mfa
        assert "sessionIssuer" not in identity["sessionContext"]
    asked, _ = found(cloudtrail, "Username", "alice", "GetSessionToken")
    assert asked["requestParameters"] == {"serialNumber": serial}
    assert asked["responseElements"]["credentials"]["accessKeyId"] == proven["AccessKeyId"]


def test_a_roles_session_and_how_it_came_about(node, account, iam, alice, role, cloudtrail):
    assumed = as_(node, "sts", alice).assume_role(
        RoleArn=role,
        RoleSessionName="deploy",
        SourceIdentity="Alice",
        Tags=[{"Key": "team", "Value": "blue"}],
        TransitiveTagKeys=["team"],
    )
    given = assumed["Credentials"]
    as_(node, "kms", given).list_keys()
    (record,) = found(cloudtrail, "Username", "deploy", "ListKeys")
    role_id = iam.get_role(RoleName="Admin")["Role"]["RoleId"]
    identity = record["userIdentity"]
    creation = identity["sessionContext"]["attributes"].pop("creationDate")
    assert identity == {
        "type": "AssumedRole",
        "principalId": f"{role_id}:deploy",
        "arn": f"arn:aws:sts::{account}:assumed-role/Admin/deploy",
        "accountId": account,
        "accessKeyId": given["AccessKeyId"],
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": role,
                "accountId": account,
                "userName": "Admin",
            },
            "attributes": {"mfaAuthenticated": "false"},
            "sourceIdentity": "Alice",
        },
    }
    (asked,) = found(cloudtrail, "Username", "alice", "AssumeRole")
    assert asked["eventTime"] == creation
    assert asked["resources"] == [{"accountId": account, "type": "AWS::IAM::Role", "ARN": role}]
    assert asked["requestParameters"] == {
        "roleArn": role,
        "roleSessionName": "deploy",
        "tags": [{"key": "team", "value": "blue"}],
        "transitiveTagKeys": ["team"],
        "sourceIdentity": "Alice",
    }
    answered = asked["responseElements"]
    assert answered["credentials"].keys() == {"accessKeyId", "expiration"}
    assert answered["credentials"]["accessKeyId"] == given["AccessKeyId"]
    assert answered["assumedRoleUser"] == {"assumedRoleId": f"{role_id}:deploy", "arn": identity["arn"]}
    assert answered["sourceIdentity"] == "Alice"

    as_(node, "sts", given).assume_role(RoleArn=role, RoleSessionName="onward")
    (chained,) = found(cloudtrail, "Username", "deploy", "AssumeRole")
    assert chained["requestParameters"]["incomingTransitiveTags"] == {"team": "blue"}


def test_a_federated_user_names_who_asked_for_it(node, account, alice, cloudtrail):
    everything = policy.document(policy.allow("*"))
    given = as_(node, "sts", alice).get_federation_token(Name="guest", Policy=everything)["Credentials"]
    as_(node, "kms", given).list_keys()
    (record,) = found(cloudtrail, "Username", "guest", "ListKeys")
    identity = record["userIdentity"]
    assert (identity["type"], identity["principalId"]) == ("FederatedUser", f"{account}:guest")
    assert identity["sessionContext"]["sessionIssuer"]["userName"] == "alice"


def test_nothing_that_proves_a_session_is_kept(node, alice, role):
    """Neither secret nor token of a session is in the data folder, in whatever file."""
    given = as_(node, "sts", alice).assume_role(RoleArn=role, RoleSessionName="secretive")["Credentials"]
    as_(node, "kms", given).list_keys()
    files = [content for _, content in disk.contents(node.data)]
    assert any(b"secretive" in file for file in files)
    for secret in (given["SecretAccessKey"], given["SessionToken"], given["SessionToken"][-40:]):
        assert not any(secret.encode() in file for file in files)


@pytest.fixture
def stranger(node, account) -> dict:
    """An administrator of another account, with the account."""
    other = account[::-1]
    return {"account": other, **user(node, other, "bob")}


def test_both_accounts_hear_of_a_call_on_a_key(node, account, kms, stranger, cloudtrail):
    principals = {"AWS": [f"arn:aws:iam::{one}:root" for one in (account, stranger["account"])]}
    both = policy.document({"Effect": "Allow", "Principal": principals, "Action": "kms:*", "Resource": "*"})
    key = kms.create_key(Policy=both)["KeyMetadata"]["Arn"]
    bob = as_(node, "kms", stranger)
    answer = bob.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"of": "bob"})
    theirs = sdk.client(node, "cloudtrail", access_key_id=stranger["account"])
    (callers,) = found(theirs, "EventName", "Encrypt", "Encrypt")
    (owners,) = found(cloudtrail, "EventName", "Encrypt", "Encrypt")
    assert callers["userIdentity"]["arn"] == f"arn:aws:iam::{stranger['account']}:user/bob"
    assert owners["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": callers["userIdentity"]["principalId"],
        "accountId": stranger["account"],
    }
    assert callers["sharedEventID"] == owners["sharedEventID"]
    assert callers["eventID"] != owners["eventID"]
    own = {"userIdentity", "eventID", "recipientAccountId"}
    assert {name for name in callers if callers[name] != owners[name]} == own
    assert callers["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert (callers["recipientAccountId"], owners["recipientAccountId"]) == (stranger["account"], account)

    kms.disable_key(KeyId=key)
    with sdk.refused("DisabledException"):
        bob.decrypt(KeyId=key, CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"of": "bob"})
    (failed,) = found(cloudtrail, "EventName", "Decrypt", "Decrypt")
    assert (failed["errorCode"], failed["userIdentity"]["type"]) == ("DisabledException", "AWSAccount")


def test_of_a_refusal_the_callers_account_hears_alone(node, account, key, stranger, cloudtrail):
    with sdk.refused("AccessDeniedException"):
        as_(node, "kms", stranger).encrypt(KeyId=key["Arn"], Plaintext=b"x")
    theirs = sdk.client(node, "cloudtrail", access_key_id=stranger["account"])
    (record,) = found(theirs, "EventName", "Encrypt", "Encrypt")
    assert record["errorCode"] == "AccessDenied"
    assert "sharedEventID" not in record
    assert found(cloudtrail, "EventName", "Encrypt", "Encrypt") == []


def test_both_accounts_hear_of_a_role_that_was_assumed(node, account, iam, stranger, cloudtrail):
    trusted = policy.trust(policy.root(stranger["account"]))
    role = iam.create_role(RoleName="Visitor", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    as_(node, "sts", stranger).assume_role(RoleArn=role, RoleSessionName="visit")
    theirs = sdk.client(node, "cloudtrail", access_key_id=stranger["account"])
    (callers,) = found(theirs, "EventName", "AssumeRole", "AssumeRole")
    (owners,) = found(cloudtrail, "EventName", "AssumeRole", "AssumeRole")
    assert owners["userIdentity"]["type"] == "AWSAccount"
    assert owners["sharedEventID"] == callers["sharedEventID"]
    assert owners["responseElements"] == callers["responseElements"]
