"""Grants, with the AWS CLI: what they let whom do, how they end, and what their records say."""

import base64
import json
from pathlib import Path

import pytest

from rig import sdk
from rig.cli import Cli
from rig.node import run
from rig.pages import Terminal
from rig.policy import allow, document, root, trust

LETTER = "a letter"
LETTERS = {"purpose": "letters", "case": "7"}


@pytest.fixture
def iam(node, account):
    return sdk.client(node, "iam", access_key_id=account)


@pytest.fixture
def user(aws, iam):
    """The CLI as a new user whom no policy lets do anything, and the user's ARN."""

    def user(name: str) -> tuple[Cli, str]:
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        return aws.as_(iam.create_access_key(UserName=name)["AccessKey"]), arn

    return user


def grant(cli: Cli, key: dict, grantee: str, *operations: str, more: tuple = ()) -> dict:
    named = ["--key-id", key["KeyId"], "--grantee-principal", grantee, "--operations", *operations]
    return cli("kms", "create-grant", *named, *more)


@pytest.fixture
def encrypt(aws, key, tmp_path):
    """Encrypts the letter, and answers the file that the ciphertext is in."""

    def encrypt(context: dict) -> Path:
        arguments = ["--key-id", key["Arn"], "--plaintext", LETTER, "--encryption-context", json.dumps(context)]
        blob = base64.b64decode(aws("kms", "encrypt", *arguments)["CiphertextBlob"])
        file = tmp_path / f"letter-{len(context)}"
        file.write_bytes(blob)
        return file

    return encrypt


def decrypting(key: dict, file: Path, context: dict, *more: str) -> list[str]:
    named = ["kms", "decrypt", "--key-id", key["Arn"], "--ciphertext-blob", f"fileb://{file}"]
    return [*named, "--encryption-context", json.dumps(context), *more]


def reads(cli: Cli, *arguments) -> bool:
    return base64.b64decode(cli(*decrypting(*arguments))["Plaintext"]) == LETTER.encode()


def test_a_grant_with_a_constraint_lets_exactly_that_context_decrypt_until_it_is_revoked(
    aws, account, key, user, encrypt
):
    alice, arn = user("alice")
    blob, other = encrypt(LETTERS), encrypt({"purpose": "letters"})
    refusal = alice.refused(*decrypting(key, blob, LETTERS))
    assert refusal.code == "AccessDeniedException"
    constraint = ("--constraints", json.dumps({"EncryptionContextEquals": LETTERS}))
    made = grant(aws, key, arn, "Decrypt", more=constraint)
    # At once, with its token and without.
    token = ["--grant-tokens", made["GrantToken"]]
    assert reads(alice, key, blob, LETTERS, *token)
    assert reads(alice, key, blob, LETTERS)
    assert alice.refused(*decrypting(key, other, {"purpose": "letters"}, *token)).code == "AccessDeniedException"
    refusal = alice.refused("kms", "encrypt", "--key-id", key["Arn"], "--plaintext", LETTER)
    assert refusal.message == (
        f"User: arn:aws:iam::{account}:user/alice is not authorized to perform: kms:Encrypt on resource: {key['Arn']} "
        "because no identity-based policy allows the kms:Encrypt action"
    )
    refusal = alice.refused(*decrypting(key, blob, LETTERS, "--grant-tokens", made["GrantToken"][:-8]))
    assert (refusal.code, refusal.message) == ("InvalidGrantTokenException", "Invalid grant token.")
    # The measure is one second; here it is the next call.
    aws("kms", "revoke-grant", "--key-id", key["KeyId"], "--grant-id", made["GrantId"])
    for more in ([], token):
        assert alice.refused(*decrypting(key, blob, LETTERS, *more)).code == "AccessDeniedException"


def test_a_revoked_grant_ends_for_callers_with_warm_connections(node, aws, kms, key, iam):
    arn = iam.create_user(UserName="alice")["User"]["Arn"]
    given = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = sdk.client(node, "kms", access_key_id=given["AccessKeyId"], secret_access_key=given["SecretAccessKey"])
    made = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["GenerateDataKey"])
    for _ in range(20):
        alice.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
    with pytest.raises(alice.exceptions.ClientError) as refusal:
        alice.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_role_retires_what_it_was_granted_and_makes_grants_that_go_no_further(aws, account, key, user, iam, encrypt):
    bob, bobs_arn = user("bob")
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust(root(account)))["Role"]["Arn"]
    assuming = document(allow("sts:AssumeRole", role))
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=assuming)
    given = bob("sts", "assume-role", "--role-arn", role, "--role-session-name", "at-work")
    worker = bob.as_(given["Credentials"])
    constraint = ("--constraints", json.dumps({"EncryptionContextSubset": {"purpose": "letters"}}))
    made = grant(aws, key, role, "Decrypt", "CreateGrant", "RetireGrant", more=constraint)
    blob = encrypt(LETTERS)
    assert reads(worker, key, blob, LETTERS)
    wide = ["kms", "create-grant", "--key-id", key["Arn"], "--grantee-principal", bobs_arn, "--operations"]
    assert worker.refused(*wide, "Decrypt").code == "AccessDeniedException"
    assert worker.refused(*wide, "Decrypt", "Encrypt", *constraint).code == "AccessDeniedException"
    worker(*wide, "Decrypt", *constraint)
    assert reads(bob, key, blob, LETTERS)
    assert bob.refused("kms", "retire-grant", "--grant-token", made["GrantToken"]).code == "AccessDeniedException"
    worker("kms", "retire-grant", "--key-id", key["Arn"], "--grant-id", made["GrantId"])
    assert worker.refused(*decrypting(key, blob, LETTERS)).code == "AccessDeniedException"
    assert reads(bob, key, blob, LETTERS)


def test_another_accounts_user_needs_no_more_than_a_grant(node, aws, account, key, encrypt):
    there = Cli(node, access_key_id=account[::-1])
    iam = sdk.client(node, "iam", access_key_id=account[::-1])
    arn = iam.create_user(UserName="eve")["User"]["Arn"]
    eve = there.as_(iam.create_access_key(UserName="eve")["AccessKey"])
    blob = encrypt(LETTERS)
    assert eve.refused(*decrypting(key, blob, LETTERS)).code == "AccessDeniedException"
    made = grant(aws, key, arn, "Decrypt", more=("--retiring-principal", account[::-1]))
    assert reads(eve, key, blob, LETTERS)
    retirable = there("kms", "list-retirable-grants", "--retiring-principal", f"arn:aws:iam::{account[::-1]}:root")
    assert [listed["KeyId"] for listed in retirable["Grants"]] == [key["Arn"]]
    there("kms", "retire-grant", "--key-id", key["Arn"], "--grant-id", made["GrantId"])
    assert eve.refused(*decrypting(key, blob, LETTERS)).code == "AccessDeniedException"


def test_whoever_is_made_anew_under_an_old_name_gets_nothing(aws, key, user, iam):
    alice, arn = user("alice")
    unique_id = iam.get_user(UserName="alice")["User"]["UserId"]
    grant(aws, key, arn, "DescribeKey")
    alice("kms", "describe-key", "--key-id", key["KeyId"])
    iam.delete_access_key(UserName="alice", AccessKeyId=alice.access_key_id)
    iam.delete_user(UserName="alice")
    (listed,) = aws("kms", "list-grants", "--key-id", key["KeyId"])["Grants"]
    assert listed["GranteePrincipal"] == unique_id
    namesake, same_arn = user("alice")
    assert same_arn == arn
    refusal = namesake.refused("kms", "describe-key", "--key-id", key["KeyId"])
    assert refusal.code == "AccessDeniedException"


def test_who_does_not_exist_gets_no_grant(aws, account, key):
    arn = f"arn:aws:iam::{account}:role/nobody"
    named = ["--key-id", key["KeyId"], "--grantee-principal", arn, "--operations", "Decrypt"]
    refusal = aws.refused("kms", "create-grant", *named)
    assert refusal.code == "InvalidArnException"
    assert refusal.message == f"ARN does not refer to a valid principal: {arn}"


def test_the_explanation_names_the_constraint_that_was_not_kept(node, kms, key, iam):
    arn = iam.create_user(UserName="alice")["User"]["Arn"]
    given = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = sdk.client(node, "kms", access_key_id=given["AccessKeyId"], secret_access_key=given["SecretAccessKey"])
    constraint = {"EncryptionContextEquals": LETTERS}
    made = kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["Encrypt", "CreateGrant"], Constraints=constraint
    )
    for call, constraint in (
        (lambda: alice.encrypt(KeyId=key["KeyId"], Plaintext=b"x"), "EncryptionContextEquals"),
        (
            lambda: alice.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["Encrypt"]),
            "on the constraints of further grants",
        ),
    ):
        with sdk.refused("AccessDeniedException") as refused:
            call()
        explain = run(node.program, "explain", "--data-dir", str(node.data), "--request-id", refused.request_id)
        assert f"its constraint {constraint} is not met" in explain.stdout
        assert made["GrantId"] in explain.stdout


def test_grants_are_listed_in_pages(kms, key, user):
    _, arn = user("alice")
    ids = [
        kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["Decrypt"])["GrantId"] for _ in range(7)
    ]
    pages = kms.get_paginator("list_grants").paginate(KeyId=key["KeyId"], PaginationConfig={"PageSize": 3})
    listed = [page["Grants"] for page in pages]
    assert [len(page) for page in listed] == [3, 3, 1]
    assert sorted(ids) == [entry["GrantId"] for page in listed for entry in page]
    entry = listed[0][0]
    assert (entry["KeyId"], entry["Name"], entry["Operations"]) == (key["Arn"], "", ["Decrypt"])


def test_records_tell_of_grants_and_never_show_tokens(aws, account, key, cloudtrail, user):
    _, arn = user("alice")
    constraint = ("--constraints", json.dumps({"EncryptionContextSubset": {"purpose": "letters"}}))
    made = grant(aws, key, arn, "Decrypt", "RetireGrant", more=constraint)
    aws("kms", "describe-key", "--key-id", key["KeyId"], "--grant-tokens", made["GrantToken"])
    aws("kms", "retire-grant", "--grant-token", made["GrantToken"])
    again = grant(aws, key, arn, "Decrypt")
    aws("kms", "revoke-grant", "--key-id", key["KeyId"], "--grant-id", again["GrantId"])
    resources = [{"accountId": account, "type": "AWS::KMS::Key", "ARN": key["Arn"]}]
    events = {}
    for name in ("CreateGrant", "RetireGrant", "RevokeGrant", "DescribeKey"):
        attribute = {"AttributeKey": "EventName", "AttributeValue": name}
        found = cloudtrail.lookup_events(LookupAttributes=[attribute])["Events"]
        events[name] = [json.loads(event["CloudTrailEvent"]) for event in found]
        for event in events[name]:
            assert (event["resources"], event["readOnly"]) == (resources, name == "DescribeKey")
            assert made["GrantToken"] not in json.dumps(event)
    *_, first = sorted(events["CreateGrant"], key=lambda event: "constraints" in event["requestParameters"])
    assert first["requestParameters"] == {
        "keyId": key["KeyId"],
        "granteePrincipal": arn,
        "operations": ["Decrypt", "RetireGrant"],
        "constraints": {"encryptionContextSubset": {"purpose": "letters"}},
    }
    assert first["responseElements"] == {"grantId": made["GrantId"], "keyId": key["Arn"]}
    (described,) = events["DescribeKey"]
    assert described["requestParameters"] == {"keyId": key["KeyId"]}
    (retired,) = events["RetireGrant"]
    assert retired["requestParameters"] is None
    assert retired["responseElements"] is None
    assert retired["additionalEventData"] == {"grantId": made["GrantId"]}
    (revoked,) = events["RevokeGrant"]
    assert revoked["requestParameters"] == {"keyId": key["KeyId"], "grantId": again["GrantId"]}


def test_grants_outlive_a_crash(own_aws, tmp_path):
    node = own_aws.node
    iam, kms = (sdk.client(node, service) for service in ("iam", "kms"))
    arn = iam.create_user(UserName="alice")["User"]["Arn"]
    alice = own_aws.as_(iam.create_access_key(UserName="alice")["AccessKey"])
    key = kms.create_key()["KeyMetadata"]
    kept = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["DescribeKey"])
    ended = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["Encrypt"])
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=ended["GrantId"])
    node.kill()
    node.start()
    alice("kms", "describe-key", "--key-id", key["KeyId"], "--grant-tokens", kept["GrantToken"])
    refusal = alice.refused("kms", "encrypt", "--key-id", key["KeyId"], "--plaintext", LETTER)
    assert refusal.code == "AccessDeniedException"


def test_the_books_page_is_true(fresh_node, tmp_path):
    with Terminal(fresh_node, tmp_path / "desk") as terminal:
        terminal.follow(Path(__file__).parent.parent / "docs/book/grants.md")
