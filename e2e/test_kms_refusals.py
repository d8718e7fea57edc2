"""KMS on boto3: refusals, in AWS's codes and words."""

import uuid

import pytest

from rig import expected, sdk

ABSENT = "12345678-1234-1234-1234-123456789012"


@pytest.fixture
def frank_kms(node, account):
    """A client that sends what it is given, so that the server's validation is seen and not botocore's."""
    return sdk.client(node, "kms", access_key_id=account, parameter_validation=False)


def test_every_refusal_names_the_request(kms):
    with sdk.refused() as refusal:
        kms.describe_key(KeyId=ABSENT)
    assert uuid.UUID(refusal.request_id)


@pytest.mark.parametrize("name", [ABSENT, ABSENT.upper()])
def test_a_key_that_does_not_exist(kms, account, name):
    with sdk.refused("NotFoundException") as refusal:
        kms.encrypt(KeyId=name, Plaintext=b"x")
    assert refusal.status == 400
    assert refusal.message == f"Key 'arn:aws:kms:us-east-1:{account}:key/{name}' does not exist"


@pytest.mark.parametrize("name", ["foo", "mrk-1234", ABSENT.replace("-", "")])
def test_a_key_id_that_is_none(kms, name):
    with sdk.refused("NotFoundException") as refusal:
        kms.describe_key(KeyId=name)
    assert refusal.message == f"Invalid keyId '{name}'"


def test_an_alias_that_does_not_exist(kms, account):
    with sdk.refused("NotFoundException") as refusal:
        kms.encrypt(KeyId="alias/nobody", Plaintext=b"x")
    assert refusal.message == f"Alias arn:aws:kms:us-east-1:{account}:alias/nobody is not found."


def test_an_arn_of_another_region(kms, account):
    with sdk.refused("NotFoundException") as refusal:
        kms.describe_key(KeyId=f"arn:aws:kms:us-west-1:{account}:key/{ABSENT}")
    assert refusal.message == "Invalid arn us-west-1"


def test_an_alias_is_no_target_for_an_alias(kms, key):
    kms.create_alias(AliasName="alias/one", TargetKeyId=key["KeyId"])
    with sdk.refused("InvalidArnException") as refusal:
        kms.create_alias(AliasName="alias/two", TargetKeyId="alias/one")
    assert refusal.message == "Key Aliases are not supported for this operation."


def test_an_alias_that_exists(kms, key, account):
    kms.create_alias(AliasName="alias/taken", TargetKeyId=key["KeyId"])
    with sdk.refused("AlreadyExistsException") as refusal:
        kms.create_alias(AliasName="alias/taken", TargetKeyId=key["KeyId"])
    assert refusal.message == f"An alias with the name arn:aws:kms:us-east-1:{account}:alias/taken already exists"


def test_an_alias_without_its_prefix(kms, key):
    with sdk.refused("ValidationException") as refusal:
        kms.create_alias(AliasName="no-prefix", TargetKeyId=key["KeyId"])
    assert refusal.message.startswith('Alias must start with the prefix "alias/".')


def test_an_alias_of_aws_own(kms, key):
    with sdk.refused() as refusal:
        kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=key["KeyId"])
    assert refusal.code in ("NotAuthorizedException", "InvalidAliasNameException")


def test_a_data_key_of_no_length_or_two(kms, key):
    for arguments in [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}]:
        with sdk.refused("ValidationException") as refusal:
            kms.generate_data_key(KeyId=key["KeyId"], **arguments)
        assert refusal.message == "Please specify either number of bytes or key spec."


def test_the_wrong_key_for_a_ciphertext(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    with sdk.refused("IncorrectKeyException") as refusal:
        kms.decrypt(CiphertextBlob=blob, KeyId=other)
    assert refusal.message == "The key ID in the request does not identify a CMK that can perform this operation."


def test_validation_names_every_fault_at_once(frank_kms):
    with sdk.refused("ValidationException") as refusal:
        frank_kms.describe_key(KeyId="")
    assert refusal.message == (
        "2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member must have length "
        "greater than or equal to 1; Value '' at 'keyId' failed to satisfy constraint: Member must satisfy regular "
        "expression pattern: ^\\p{ASCII}+$"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"Plaintext": b"x"},
            "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"KeyId": "k"},
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"KeyId": "k", "Plaintext": b"x" * 4097},
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have "
            "length less than or equal to 4096",
        ),
        (
            {"KeyId": "k", "Plaintext": b""},
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1",
        ),
    ],
    ids=["no key", "no plaintext", "long plaintext", "empty plaintext"],
)
def test_encrypt_validates_before_it_looks_for_the_key(frank_kms, arguments, text):
    with sdk.refused("ValidationException") as refusal:
        frank_kms.encrypt(**arguments)
    assert refusal.message == text


def test_numbers_out_of_range(frank_kms):
    for number, rule in [(0, "greater than or equal to 1"), (1025, "less than or equal to 1024")]:
        with sdk.refused("ValidationException") as refusal:
            frank_kms.generate_data_key(KeyId="k", NumberOfBytes=number)
        assert refusal.message == (
            f"1 validation error detected: Value '{number}' at 'numberOfBytes' failed to satisfy constraint: "
            f"Member must have value {rule}"
        )


def test_a_value_outside_an_enum(frank_kms):
    with sdk.refused("ValidationException") as refusal:
        frank_kms.create_key(KeySpec="AES_512")
    assert refusal.message.startswith(
        "1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must "
        "satisfy enum value set: ["
    )


def test_a_data_keys_spec_is_refused_with_the_list_that_aws_prints(frank_kms):
    with sdk.refused("ValidationException") as refusal:
        frank_kms.generate_data_key(KeyId="k", KeySpec="AES_512")
    assert refusal.message == (
        "1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must "
        "satisfy enum value set: [RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, "
        "ECC_SECG_P256K1, ECC_NIST_EDWARDS25519, SYMMETRIC_DEFAULT, HMAC_224, HMAC_256, HMAC_384, HMAC_512, SM2, "
        "ML_DSA_44, ML_DSA_65, ML_DSA_87]"
    )


def test_what_that_list_names_is_not_what_is_valid(frank_kms):
    with sdk.refused("ValidationException"):
        frank_kms.generate_data_key(KeyId="k", KeySpec="RSA_2048")


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        (0, "greater than or equal to 1"),
        (101, "less than or equal to 100"),
        (1000, "less than or equal to 100"),
    ],
)
def test_aliases_come_in_pages_of_a_hundred_at_most(frank_kms, limit, rule):
    with sdk.refused("ValidationException") as refusal:
        frank_kms.list_aliases(Limit=limit)
    assert refusal.message == (
        f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have "
        f"value {rule}"
    )
    assert expected.leading(frank_kms.list_aliases(Limit=100)["Aliases"]) == []


def test_a_dry_run_does_everything_but_the_thing(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    for call in [
        lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", DryRun=True),
        lambda: kms.decrypt(CiphertextBlob=blob, DryRun=True),
        lambda: kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", DryRun=True),
    ]:
        with sdk.refused("DryRunOperationException") as refusal:
            call()
        assert refusal.message == "The request would have succeeded, but the DryRun option is set."
    with sdk.refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"}, DryRun=True)


def test_a_key_that_cannot_be_made_yet_is_not_made(kms):
    with sdk.refused() as refusal:
        kms.create_key(Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId="cks-0123456789abcdef0", XksKeyId="key")
    assert (refusal.status, refusal.code) == expected.NOT_IMPLEMENTED
    assert "external key stores" in refusal.message
    assert kms.list_keys()["Keys"] == []


def test_a_key_that_is_not_shared_has_no_policy_of_the_service_that_shares(kms, key):
    """KMS API Reference, GetKeyPolicy: the policy named AWS_RAM is there only while RAM keeps one."""
    with sdk.refused("NotFoundException"):
        kms.get_key_policy(KeyId=key["KeyId"], PolicyName="AWS_RAM")
