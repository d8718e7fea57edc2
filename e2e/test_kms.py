"""KMS on boto3: what each operation answers when all is well."""

from datetime import UTC, datetime, timedelta

import pytest

from rig import sdk
from rig.expected import PREDEFINED_ALIASES

CONTEXT = {"tenant": "blue", "purpose": "test", "ünïcode": "värde"}


def test_a_new_key_is_described_in_full(kms, account):
    before = datetime.now(UTC)
    created = kms.create_key(Description="a key")["KeyMetadata"]
    assert before - timedelta(minutes=1) < created["CreationDate"] < datetime.now(UTC) + timedelta(minutes=1)
    expected = {
        "AWSAccountId": account,
        "KeyId": created["KeyId"],
        "Arn": f"arn:aws:kms:us-east-1:{account}:key/{created['KeyId']}",
        "CreationDate": created["CreationDate"],
        "Enabled": True,
        "Description": "a key",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert {name: created.get(name) for name in expected} == expected
    described = kms.describe_key(KeyId=created["KeyId"])["KeyMetadata"]
    assert {name: described.get(name) for name in expected} == expected


def test_a_key_without_description_has_an_empty_one(kms):
    assert kms.create_key()["KeyMetadata"]["Description"] == ""


def names_of(key: dict, alias: str) -> list[str]:
    alias_arn = key["Arn"].rsplit(":", 1)[0] + f":{alias}"
    return [key["KeyId"], key["Arn"], alias, alias_arn]


def test_a_key_goes_by_its_id_its_arn_and_its_aliases(kms, key):
    kms.create_alias(AliasName="alias/four/names_of-it", TargetKeyId=key["Arn"])
    for name in names_of(key, "alias/four/names_of-it"):
        assert kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == key["Arn"]
        encrypted = kms.encrypt(KeyId=name, Plaintext=b"x")
        assert encrypted["KeyId"] == key["Arn"], "answers name the key by its ARN, whatever the request used"
        assert kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"], KeyId=name)["Plaintext"] == b"x"
        assert kms.generate_data_key(KeyId=name, KeySpec="AES_128")["KeyId"] == key["Arn"]


@pytest.mark.parametrize("size", [1, 16, 1000, 4096])
def test_what_is_encrypted_is_decrypted(kms, key, size):
    plaintext = bytes(index % 251 for index in range(size))
    encrypted = kms.encrypt(KeyId=key["KeyId"], Plaintext=plaintext, EncryptionContext=CONTEXT)
    assert size < len(encrypted["CiphertextBlob"]) <= 6144
    decrypted = kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert decrypted["Plaintext"] == plaintext
    assert decrypted["KeyId"] == key["Arn"]
    assert decrypted["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"


def test_the_same_plaintext_never_gives_the_same_ciphertext(kms, key):
    blobs = {kms.encrypt(KeyId=key["KeyId"], Plaintext=b"same")["CiphertextBlob"] for _ in range(20)}
    assert len(blobs) == 20


def test_the_order_of_the_context_does_not_matter(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    backwards = dict(reversed(CONTEXT.items()))
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=backwards)["Plaintext"] == b"x"


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"tenant": "blue"},
        {"tenant": "Blue", "purpose": "test", "ünïcode": "värde"},
        {"Tenant": "blue", "purpose": "test", "ünïcode": "värde"},
        {"tenant": "blue", "purpose": "test", "ünïcode": "värde", "more": ""},
        {"tenant": "blue", "purpose": "test", "u\u0308nïcode": "värde"},
        {"tenant": "bluepurpose", "": "test", "ünïcode": "värde"},
    ],
    ids=["none", "fewer", "value's case", "name's case", "more", "other normal form", "shifted"],
)
def test_another_context_is_refused(kms, key, context):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    with sdk.refused("InvalidCiphertextException") as refusal:
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert refusal.status == 400
    assert not refusal.message


def test_an_altered_ciphertext_is_refused(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"a secret")["CiphertextBlob"]
    altered = [blob[:at] + bytes([blob[at] ^ 0x80]) + blob[at + 1 :] for at in range(len(blob))]
    for candidate in [*altered, blob[:-1], blob + b"\0", blob[1:], b"\0", b"A" * 6144]:
        # A blob that no longer names a key of the caller's is refused as one that names a foreign key.
        with sdk.refused() as refusal:
            kms.decrypt(CiphertextBlob=candidate)
        assert refusal.code in ("InvalidCiphertextException", "AccessDeniedException"), refusal


@pytest.mark.parametrize(
    ("size", "arguments"),
    [
        (16, {"KeySpec": "AES_128"}),
        (32, {"KeySpec": "AES_256"}),
        (1, {"NumberOfBytes": 1}),
        (1024, {"NumberOfBytes": 1024}),
    ],
)
def test_a_data_key_comes_in_the_clear_and_sealed(kms, key, size, arguments):
    made = kms.generate_data_key(KeyId=key["KeyId"], EncryptionContext=CONTEXT, **arguments)
    assert len(made["Plaintext"]) == size
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["Plaintext"]
    again = kms.generate_data_key(KeyId=key["KeyId"], **arguments)
    assert size == 1 or again["Plaintext"] != made["Plaintext"]


def test_lists_come_in_pages(kms):
    made = sorted(kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5))
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Keys"]) for page in pages] == [2, 2, 1]
    assert [page["Truncated"] for page in pages] == [True, True, False]
    assert sorted(key["KeyId"] for page in pages for key in page["Keys"]) == made

    for name in ["alias/a", "alias/b", "alias/c"]:
        kms.create_alias(AliasName=name, TargetKeyId=made[0])
    pages = list(kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2}))
    assert all(len(page["Aliases"]) == 2 for page in pages[:-1])
    names = [alias["AliasName"] for page in pages for alias in page["Aliases"]]
    assert sorted(names) == ["alias/a", *sorted(PREDEFINED_ALIASES), "alias/b", "alias/c"]


def test_aliases_of_services_are_listed_before_they_lead_anywhere(kms, account):
    listed = kms.list_aliases()["Aliases"]
    assert {alias["AliasName"] for alias in listed} == PREDEFINED_ALIASES
    for alias in listed:
        assert alias.keys() == {"AliasName", "AliasArn"}
        assert alias["AliasArn"] == f"arn:aws:kms:us-east-1:{account}:{alias['AliasName']}"


def test_aliases_are_listed_by_key(kms, account):
    first, second = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.create_alias(AliasName="alias/first", TargetKeyId=first)
    kms.create_alias(AliasName="alias/second", TargetKeyId=second)
    (alias,) = kms.list_aliases(KeyId=second)["Aliases"]
    assert alias["AliasName"] == "alias/second"
    assert alias["AliasArn"] == f"arn:aws:kms:us-east-1:{account}:alias/second"
    assert alias["TargetKeyId"] == second
