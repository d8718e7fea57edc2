"""Policies, principals and session tokens that are wrong: AWS's errors, and nothing is granted."""

import json

import pytest

from rig import sdk
from rig.policy import allow, document, managed, root, trust
from rig.sdk import refused


def as_(node, service: str, given: dict):
    """boto3's client with what IAM or STS gave out."""
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


@pytest.fixture
def alice(iam) -> dict:
    """The access key of a new user without permissions."""
    iam.create_user(UserName="alice")
    return iam.create_access_key(UserName="alice")["AccessKey"]


@pytest.fixture
def administrator(iam) -> dict:
    """The access key of a user with AdministratorAccess."""
    iam.create_user(UserName="administrator")
    iam.attach_user_policy(UserName="administrator", PolicyArn=managed("AdministratorAccess"))
    return iam.create_access_key(UserName="administrator")["AccessKey"]


def statement(**more) -> str:
    return document({"Effect": "Allow", "Action": "kms:*", "Resource": "*"} | more)


def without(element: str) -> str:
    whole = json.loads(statement())
    del whole["Statement"][0][element]
    return json.dumps(whole)


MALFORMED = {
    "{": "Syntax errors in policy.",
    '"kms:*"': "Syntax errors in policy.",
    statement(Principal="*"): "Policy document should not specify a principal.",
    statement(Resource="everything"): 'Resource everything must be in ARN format or "*".',
    statement(Action="kms:a:b"): "Actions/Condition can contain only one colon.",
    statement(Sid="a b"): (
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    ),
    without("Resource"): "Policy statement must contain resources.",
    without("Action"): "Policy statement must contain actions.",
    statement(Effect="allow"): None,
    statement(Condition={"StringMatches": {"aws:username": "alice"}}): None,
}
"""Identity policies that are none, and AWS's texts where they are known."""


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_policy_is_refused_and_grants_nothing(node, iam, alice, text):
    for put in (
        lambda: iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=text),
        lambda: iam.create_policy(PolicyName="p", PolicyDocument=text),
    ):
        with refused("MalformedPolicyDocument") as refusal:
            put()
        assert refusal.status == 400
        assert MALFORMED[text] in (None, refusal.message)
    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == []
    with refused("AccessDeniedException"):
        as_(node, "kms", alice).list_keys()


def test_oversized_policies_are_refused(iam, alice, account, kms, key):
    def long(characters: int) -> str:
        return document(allow([f"kms:{'a' * 40}{number:04}" for number in range(characters // 51)]))

    with refused("LimitExceeded") as refusal:
        iam.create_policy(PolicyName="p", PolicyDocument=long(6500))
    assert (refusal.status, refusal.message) == (409, "Cannot exceed quota for PolicySize: 6144")
    with refused("LimitExceeded") as refusal:
        iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=long(2200))
    assert (refusal.status, refusal.message) == (409, "Maximum policy size of 2048 bytes exceeded for user alice")
    several = [f"arn:aws:iam::{number:012}:root" for number in range(1, 80)]
    with refused("LimitExceeded") as refusal:
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": several}))
    assert (refusal.status, refusal.message) == (409, "Cannot exceed quota for ACLSizePerRole: 2048")
    whole = json.loads(long(40_000))
    whole["Statement"][0]["Principal"] = root(account)
    with refused():
        kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(whole))


def test_principals_that_do_not_exist_are_refused(iam, account, kms, key):
    absent = f"arn:aws:iam::{account}:user/absent"
    with refused("MalformedPolicyDocument") as refusal:
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": absent}))
    assert (refusal.status, refusal.message) == (400, f'Invalid principal in policy: "AWS":"{absent}"')
    own = allow("kms:*", Principal=root(account))
    with refused("MalformedPolicyDocumentException") as refusal:
        kms.put_key_policy(KeyId=key["KeyId"], Policy=document(own, allow("kms:*", Principal={"AWS": absent})))
    assert refusal.message == "Policy contains a statement with one or more invalid principals."
    with refused("InvalidArnException"):
        kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=absent, Operations=["Decrypt"])


def test_a_namesake_of_a_user_who_is_gone_gets_nothing(node, iam, account, alice, kms, key):
    arn = f"arn:aws:iam::{account}:user/alice"
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": arn}))["Role"]["Arn"]
    own = allow("kms:*", Principal=root(account))
    kms.put_key_policy(KeyId=key["KeyId"], Policy=document(own, allow("kms:Encrypt", Principal={"AWS": arn})))
    former = iam.get_user(UserName="alice")["User"]["UserId"]
    assert as_(node, "sts", alice).assume_role(RoleArn=role, RoleSessionName="session")
    assert as_(node, "kms", alice).encrypt(KeyId=key["KeyId"], Plaintext=b"a letter")

    iam.delete_access_key(UserName="alice", AccessKeyId=alice["AccessKeyId"])
    iam.delete_user(UserName="alice")
    assert shown_principals(iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]) == [former]
    policy = kms.get_key_policy(KeyId=key["KeyId"])["Policy"]
    assert shown_principals(json.loads(policy)) == [f"arn:aws:iam::{account}:root", former]

    iam.create_user(UserName="alice")
    namesake = iam.create_access_key(UserName="alice")["AccessKey"]
    with refused("AccessDenied"):
        as_(node, "sts", namesake).assume_role(RoleArn=role, RoleSessionName="session")
    with refused("AccessDeniedException"):
        as_(node, "kms", namesake).encrypt(KeyId=key["KeyId"], Plaintext=b"a letter")


def shown_principals(policy: dict) -> list[str]:
    return [statement["Principal"]["AWS"] for statement in policy["Statement"]]


def test_a_deputy_without_the_external_id_is_refused(node, iam, account, administrator):
    demand = {"StringEquals": {"sts:ExternalId": "customer-7"}}
    text = trust(root(account), Condition=demand)
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=text)["Role"]["Arn"]
    sts = as_(node, "sts", administrator)
    for given in ({}, {"ExternalId": "customer-8"}):
        with refused("AccessDenied") as refusal:
            sts.assume_role(RoleArn=role, RoleSessionName="session", **given)
        assert refusal.message.startswith(
            f"User: arn:aws:iam::{account}:user/administrator is not authorized to perform: sts:AssumeRole "
            f"on resource: {role}"
        )
    assert sts.assume_role(RoleArn=role, RoleSessionName="session", ExternalId="customer-7")


def test_forged_and_foreign_session_tokens_are_refused(node, iam, account, administrator):
    sts = as_(node, "sts", administrator)
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust(root(account)))["Role"]["Arn"]
    given = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    other = sts.assume_role(RoleArn=role, RoleSessionName="other")["Credentials"]
    token = given["SessionToken"]
    middle = len(token) // 2
    forged = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    assert as_(node, "sts", given).get_caller_identity()["Arn"].endswith("assumed-role/r/session")
    for wrong in (
        given | {"SessionToken": forged},
        given | {"SessionToken": token[:-4]},
        given | {"SessionToken": other["SessionToken"]},
        given | {"SessionToken": "x" * 400},
        given | {"SessionToken": None},
        # What is no session's takes no token.
        administrator | {"SessionToken": token},
    ):
        with refused("InvalidClientTokenId") as refusal:
            as_(node, "sts", wrong).get_caller_identity()
        assert refusal.status == 403
        assert refusal.message.startswith("The security token included in the request is invalid")
        with refused("UnrecognizedClientException"):
            as_(node, "kms", wrong).list_keys()
    with refused("SignatureDoesNotMatch"):
        as_(node, "sts", given | {"SecretAccessKey": other["SecretAccessKey"]}).get_caller_identity()


def test_a_session_ends_with_its_role(node, iam, account, administrator):
    make = {"RoleName": "r", "AssumeRolePolicyDocument": trust(root(account))}
    role = iam.create_role(**make)["Role"]["Arn"]
    sts = as_(node, "sts", administrator)
    given = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    iam.delete_role(RoleName="r")
    iam.create_role(**make)
    iam.attach_role_policy(RoleName="r", PolicyArn=managed("AdministratorAccess"))
    with refused():
        as_(node, "kms", given).list_keys()
