"""The first thing a person does with Strongroom, on the stock AWS CLI, from the first call to the audit."""

import base64
import json

from rig import expected
from rig.cli import Cli

CONTEXT = "purpose=payroll,department=finance"


def test_a_stranger_encrypts_loses_the_server_and_decrypts(fresh_node, tmp_path):
    aws = Cli(fresh_node)
    letter, sealed = tmp_path / "letter.txt", tmp_path / "letter.sealed"
    letter.write_bytes(b"Meet me at the usual place.\n")

    assert aws("sts", "get-caller-identity") == {
        "UserId": "000000000000",
        "Account": "000000000000",
        "Arn": "arn:aws:iam::000000000000:root",
    }

    created = aws("kms", "create-key", "--description", "letters")["KeyMetadata"]
    key_id, key_arn = created["KeyId"], created["Arn"]
    assert key_arn == f"arn:aws:kms:us-east-1:000000000000:key/{key_id}"
    assert created["KeyState"] == "Enabled"
    aws("kms", "create-alias", "--alias-name", "alias/letters", "--target-key-id", key_id)

    encrypted = aws(
        "kms", "encrypt", "--key-id", "alias/letters", "--plaintext", f"fileb://{letter}",
        "--encryption-context", CONTEXT,
    )  # fmt: skip
    assert encrypted["KeyId"] == key_arn
    assert encrypted["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    sealed.write_bytes(base64.b64decode(encrypted["CiphertextBlob"]))
    assert letter.read_bytes().strip() not in sealed.read_bytes()

    data_key = aws("kms", "generate-data-key", "--key-id", "alias/letters", "--key-spec", "AES_256")
    assert len(base64.b64decode(data_key["Plaintext"])) == 32
    wrapped = tmp_path / "data-key.sealed"
    wrapped.write_bytes(base64.b64decode(data_key["CiphertextBlob"]))

    fresh_node.kill().start()

    decrypted = aws(
        "kms", "decrypt", "--ciphertext-blob", f"fileb://{sealed}", "--encryption-context", CONTEXT
    )  # fmt: skip
    assert base64.b64decode(decrypted["Plaintext"]) == letter.read_bytes()
    assert decrypted["KeyId"] == key_arn
    assert aws("kms", "decrypt", "--ciphertext-blob", f"fileb://{wrapped}")["Plaintext"] == data_key["Plaintext"]

    refusal = aws.refused(
        "kms", "decrypt", "--ciphertext-blob", f"fileb://{sealed}",
        "--encryption-context", "purpose=payroll,department=sales",
    )  # fmt: skip
    assert (refusal.code, refusal.operation) == ("InvalidCiphertextException", "Decrypt")

    assert [key["KeyId"] for key in aws("kms", "list-keys")["Keys"]] == [key_id]
    aliases = expected.leading(aws("kms", "list-aliases")["Aliases"])
    assert [(alias["AliasName"], alias["TargetKeyId"]) for alias in aliases] == [("alias/letters", key_id)]
    described = aws("kms", "describe-key", "--key-id", "alias/letters")["KeyMetadata"]
    assert (described["KeyId"], described["Description"]) == (key_id, "letters")

    assert [event["context"] for event in history(aws, "Encrypt")] == [{"purpose": "payroll", "department": "finance"}]
    # Newest first: the refused call, the data key, the letter.
    assert [(event["errorCode"], event["context"]) for event in history(aws, "Decrypt")] == [
        ("InvalidCiphertextException", {"purpose": "payroll", "department": "sales"}),
        (None, None),
        (None, {"purpose": "payroll", "department": "finance"}),
    ]

    fresh_node.stop()
    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr


def history(aws: Cli, name: str) -> list[dict]:
    """The recorded calls of that name: error code and encryption context of each."""
    events = aws("cloudtrail", "lookup-events", "--lookup-attributes", f"AttributeKey=EventName,AttributeValue={name}")
    records = [json.loads(event["CloudTrailEvent"]) for event in events["Events"]]
    return [
        {
            "errorCode": record.get("errorCode"),
            "context": record["requestParameters"].get("encryptionContext"),
        }
        for record in records
    ]
