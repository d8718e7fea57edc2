"""The AWS Encryption SDK: files of any size under a key that never leaves the server."""

import os

import aws_encryption_sdk
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.errors import AwsCryptographicMaterialProvidersException
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_cryptographic_material_providers.mpl.references import IKeyring
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from cryptography.exceptions import InvalidSignature, InvalidTag

CONTEXT = {"tenant": "blue", "purpose": "backup"}
REFUSALS = (AWSEncryptionSDKClientError, AwsCryptographicMaterialProvidersException, InvalidSignature, InvalidTag)
"""What the SDK raises when something does not fit; the last two come from the library below it."""


@pytest.fixture
def ring(kms):
    """Makes the SDK's keyring for a key."""
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())

    def make(key: dict) -> IKeyring:
        return providers.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=key["Arn"], kms_client=kms))

    return make


@pytest.fixture
def backup(tmp_path):
    """A file of 1 MB."""
    path = tmp_path / "backup"
    path.write_bytes(os.urandom(1_000_000))
    return path


def encrypt(path, keyring):
    """Encrypts a file, and answers the path of the result."""
    sealed = path.with_suffix(".sealed")
    client = aws_encryption_sdk.EncryptionSDKClient()
    with path.open("rb") as source, sealed.open("wb") as target:
        arguments = {"mode": "e", "source": source, "keyring": keyring, "encryption_context": CONTEXT}
        with client.stream(**arguments) as stream:
            for chunk in stream:
                target.write(chunk)
    return sealed


def decrypt(path, keyring, context: dict[str, str] = CONTEXT) -> bytes:
    client = aws_encryption_sdk.EncryptionSDKClient()
    with path.open("rb") as source:
        arguments = {"mode": "d", "source": source, "keyring": keyring, "encryption_context": context}
        with client.stream(**arguments) as stream:
            return b"".join(stream)


def test_a_file_is_encrypted_and_decrypted(ring, key, backup):
    sealed = encrypt(backup, ring(key))
    assert sealed.stat().st_size > 1_000_000
    assert decrypt(sealed, ring(key)) == backup.read_bytes()


def test_the_context_of_a_file_is_the_context_of_its_key(ring, key, backup, cloudtrail):
    """The SDK adds its public key to the context; the rest is the caller's."""
    decrypt(encrypt(backup, ring(key)), ring(key))
    for name in ["GenerateDataKey", "Decrypt"]:
        attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
        (event,) = cloudtrail.lookup_events(LookupAttributes=attributes)["Events"]
        for pair in CONTEXT.items():
            assert '"{}":"{}"'.format(*pair) in event["CloudTrailEvent"].replace(" ", "")


@pytest.mark.parametrize("part", ["version", "data key", "body", "signature"])
def test_an_altered_file_is_refused(ring, key, backup, part):
    sealed = encrypt(backup, ring(key))
    content = bytearray(sealed.read_bytes())
    # The data key follows the ARN of the key that it is encrypted under.
    data_key = content.index(key["Arn"].encode()) + len(key["Arn"]) + 100
    at = {"version": 0, "data key": data_key, "body": len(content) // 2, "signature": len(content) - 1}[part]
    content[at] ^= 0x01
    sealed.write_bytes(content)
    with pytest.raises(REFUSALS):
        decrypt(sealed, ring(key))


def test_another_context_is_refused(ring, key, backup):
    sealed = encrypt(backup, ring(key))
    with pytest.raises(REFUSALS):
        decrypt(sealed, ring(key), CONTEXT | {"tenant": "red"})


def test_another_key_is_refused(ring, key, backup, kms):
    sealed = encrypt(backup, ring(key))
    other = kms.create_key()["KeyMetadata"]
    with pytest.raises(REFUSALS):
        decrypt(sealed, ring(other))
