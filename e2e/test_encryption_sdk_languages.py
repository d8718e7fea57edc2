"""The AWS Encryption SDK for Python and that for JavaScript read each other's messages."""

import json
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import aws_encryption_sdk
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsKeyringInput,
    CreateRawRsaKeyringInput,
    PaddingScheme,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_der_private_key

from rig import life

PROGRAM = Path(__file__).parent / "javascript/encryption_sdk.mjs"
MESSAGE = b"a letter for both" * 1_000
CONTEXT = {"tenant": "blue", "purpose": "letters"}
PROVIDERS = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
CLIENT = aws_encryption_sdk.EncryptionSDKClient()


@pytest.fixture
def in_javascript(node, account, javascript):
    """Encrypts or decrypts with the SDK for JavaScript."""

    def run(way: str, keyring: dict, content: bytes) -> bytes:
        asked = {"way": way, "keyring": keyring, "bytes": b64encode(content).decode(), "context": CONTEXT}
        done = subprocess.run(
            [javascript, PROGRAM],
            input=json.dumps(asked),
            env=life.environment(node, access_key_id=account),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        if way == "decrypt":
            assert CONTEXT.items() <= told["context"].items()
        return b64decode(told["bytes"])

    return run


def in_python(way: str, keyring, content: bytes) -> bytes:
    act = CLIENT.encrypt if way == "encrypt" else CLIENT.decrypt
    result, _ = act(source=content, keyring=keyring, encryption_context=CONTEXT)
    return result


def test_messages_under_a_key_of_kms(kms, key, in_javascript):
    ours = PROVIDERS.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=key["Arn"], kms_client=kms))
    theirs = {"kms": key["Arn"]}
    assert in_javascript("decrypt", theirs, in_python("encrypt", ours, MESSAGE)) == MESSAGE
    assert in_python("decrypt", ours, in_javascript("encrypt", theirs, MESSAGE)) == MESSAGE


def test_messages_under_a_pair_that_kms_made_for_its_users(kms, key, in_javascript):
    """A data key pair in the hands of both: whoever has the private half has it from KMS."""
    pair = kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec="RSA_3072")
    private = load_der_private_key(kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"], None)
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    halves = {
        "public_key": private.public_key().public_bytes(encoding, form),
        "private_key": private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    }
    name = {"key_namespace": "letters", "key_name": "pair-1"}
    ours = PROVIDERS.create_raw_rsa_keyring(
        CreateRawRsaKeyringInput(**name, padding_scheme=PaddingScheme.OAEP_SHA256_MGF1, **halves)
    )
    theirs = {
        "rsa": {
            "name": "pair-1",
            "namespace": "letters",
            "publicKey": halves["public_key"].decode(),
            "privateKey": halves["private_key"].decode(),
        }
    }
    assert in_javascript("decrypt", theirs, in_python("encrypt", ours, MESSAGE)) == MESSAGE
    assert in_python("decrypt", ours, in_javascript("encrypt", theirs, MESSAGE)) == MESSAGE
