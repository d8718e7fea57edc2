"""Key policies decide, on the stock AWS CLI."""

import base64
import hashlib
import json

import pytest

from rig.cli import Cli


def policy(*statements: dict) -> str:
    whole = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def root(account: str) -> dict:
    return {"AWS": f"arn:aws:iam::{account}:root"}


@pytest.fixture
def put(aws, key):
    """Gives the key a policy."""

    def put(text: str, *options: str):
        return aws("kms", "put-key-policy", "--key-id", key["KeyId"], "--policy", text, *options)

    return put


@pytest.fixture
def letter(tmp_path) -> str:
    path = tmp_path / "letter"
    path.write_bytes(b"a letter")
    return f"fileb://{path}"


def sealed(answer: dict, path) -> str:
    path.write_bytes(base64.b64decode(answer["CiphertextBlob"]))
    return f"fileb://{path}"


def test_a_key_whose_policy_names_users_only_is_closed_to_the_root_user(aws, account, key, put, letter):
    alice = {"AWS": aws("iam", "create-user", "--user-name", "alice")["User"]["Arn"]}
    for_alice = policy({"Principal": alice, "Action": "kms:*"})
    refusal = aws.refused("kms", "put-key-policy", "--key-id", key["KeyId"], "--policy", for_alice)
    assert refusal.message == "The new key policy will not allow you to update the key policy in the future."

    put(for_alice, "--bypass-policy-lockout-safety-check")
    tail = "because no resource-based policy allows the kms:{0} action"
    for action, arguments in {
        "Encrypt": ["encrypt", "--plaintext", letter],
        "DescribeKey": ["describe-key"],
        "GetKeyPolicy": ["get-key-policy"],
        "PutKeyPolicy": ["put-key-policy", "--policy", policy({"Principal": "*", "Action": "kms:*"})],
        "ScheduleKeyDeletion": ["schedule-key-deletion"],
    }.items():
        refusal = aws.refused("kms", *arguments, "--key-id", key["KeyId"])
        assert refusal.code == "AccessDeniedException"
        assert refusal.message == (
            f"User: arn:aws:iam::{account}:root is not authorized to perform: kms:{action} on resource: {key['Arn']} "
            + tail.format(action)
        )
    assert [known["KeyId"] for known in aws("kms", "list-keys")["Keys"]] == [key["KeyId"]]


def test_an_encryption_context_decides(aws, account, key, put, letter, tmp_path):
    put(
        policy(
            {"Principal": root(account), "NotAction": ["kms:Decrypt"]},
            {
                "Principal": root(account),
                "Action": "kms:Decrypt",
                "Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "letters"}},
            },
        )
    )
    encrypt = ["kms", "encrypt", "--key-id", key["KeyId"], "--plaintext", letter, "--encryption-context"]
    letters = sealed(aws(*encrypt, "purpose=letters,number=1"), tmp_path / "letters")
    bills = sealed(aws(*encrypt, "purpose=bills"), tmp_path / "bills")
    decrypt = ["kms", "decrypt", "--key-id", key["KeyId"], "--ciphertext-blob"]
    opened = aws(*decrypt, letters, "--encryption-context", "purpose=letters,number=1")
    assert base64.b64decode(opened["Plaintext"]) == b"a letter"
    refusal = aws.refused(*decrypt, bills, "--encryption-context", "purpose=bills")
    assert refusal.code == "AccessDeniedException"
    # Whoever pretends another context is let in, and cannot open it.
    refusal = aws.refused(*decrypt, bills, "--encryption-context", "purpose=letters")
    assert refusal.code == "InvalidCiphertextException"


def test_a_deny_wins_and_says_so(aws, account, key, put, letter):
    put(
        policy(
            {"Principal": root(account), "Action": "kms:*"},
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "kms:Encrypt",
                "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
            },
        )
    )
    refusal = aws.refused("kms", "encrypt", "--key-id", key["KeyId"], "--plaintext", letter)
    assert refusal.message.endswith("with an explicit deny in a resource-based policy")


def test_another_account_uses_what_is_shared_with_it_and_no_more(node, aws, account, key, put, letter, tmp_path):
    other = Cli(node, access_key_id=account[::-1])
    put(
        policy(
            {"Principal": root(account), "Action": "kms:*"},
            {"Principal": root(account[::-1]), "Action": "kms:*"},
        )
    )
    blob = sealed(other("kms", "encrypt", "--key-id", key["Arn"], "--plaintext", letter), tmp_path / "blob")
    opened = aws("kms", "decrypt", "--ciphertext-blob", blob)
    assert base64.b64decode(opened["Plaintext"]) == b"a letter"
    assert other("kms", "describe-key", "--key-id", key["Arn"])["KeyMetadata"]["AWSAccountId"] == account
    for command in ["get-key-policy", "disable-key", "schedule-key-deletion", "list-resource-tags"]:
        assert other.refused("kms", command, "--key-id", key["Arn"]).code == "AccessDeniedException"
    put(policy({"Principal": root(account), "Action": "kms:*"}))
    refusal = other.refused("kms", "decrypt", "--key-id", key["Arn"], "--ciphertext-blob", blob)
    assert "because no resource-based policy allows the kms:Decrypt action" in refusal.message


def test_the_policy_of_a_key_in_a_store_decides_too(store, tmp_path):
    aws = store.cluster.aws
    made = aws(
        *("kms", "create-key", "--origin", "AWS_CLOUDHSM", "--custom-key-store-id", store.store_id),
        *("--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY"),
    )["KeyMetadata"]
    message = tmp_path / "message"
    message.write_bytes(b"attack at dawn")
    sign = ["kms", "sign", "--key-id", made["KeyId"], "--message", f"fileb://{message}"]
    sign += ["--signing-algorithm", "ECDSA_SHA_256"]
    only_in_hsms = {
        "StringEquals": {
            "kms:KeyOrigin": "AWS_CLOUDHSM",
            "kms:SigningAlgorithm": "ECDSA_SHA_256",
            "kms:MessageType": "RAW",
        }
    }
    owner = root(made["AWSAccountId"])
    conditional = policy(
        {"Principal": owner, "NotAction": "kms:Sign"},
        {"Principal": owner, "Action": "kms:Sign", "Condition": only_in_hsms},
    )
    aws("kms", "put-key-policy", "--key-id", made["KeyId"], "--policy", conditional)
    assert aws(*sign)["SigningAlgorithm"] == "ECDSA_SHA_256"
    (tmp_path / "digest").write_bytes(hashlib.sha256(message.read_bytes()).digest())
    digest = ["--message-type", "DIGEST", "--message", f"fileb://{tmp_path / 'digest'}"]
    refusal = aws.refused(*sign[:4], *digest, *sign[6:])
    assert refusal.code == "AccessDeniedException"
    assert refusal.message.endswith("because no resource-based policy allows the kms:Sign action")

    alice = aws("iam", "create-user", "--user-name", "whom-the-key-is-for")["User"]["Arn"]
    for_alice = policy({"Principal": {"AWS": alice}, "Action": "kms:*"})
    bypass = ["--bypass-policy-lockout-safety-check"]
    aws("kms", "put-key-policy", "--key-id", made["KeyId"], "--policy", for_alice, *bypass)
    for command in (sign, ["kms", "get-public-key", "--key-id", made["KeyId"]]):
        assert aws.refused(*command).code == "AccessDeniedException"
    # The store itself is the account's.
    assert store.state == "CONNECTED"
