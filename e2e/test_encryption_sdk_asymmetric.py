"""The AWS Encryption SDK with pairs: RSA keys of KMS, RSA keys of one's own, and secrets agreed on with KMS."""

import aws_encryption_sdk
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.errors import AwsCryptographicMaterialProvidersException
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsEcdhKeyringInput,
    CreateAwsKmsRsaKeyringInput,
    KmsEcdhStaticConfigurationsKmsPrivateKeyToStaticPublicKey,
    KmsEcdhStaticConfigurationsKmsPublicKeyDiscovery,
    KmsPrivateKeyToStaticPublicKeyInput,
    KmsPublicKeyDiscoveryInput,
)
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import AlgorithmSuite
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

MESSAGE = b"to whom it may concern"
CONTEXT = {"tenant": "blue"}
REFUSALS = (AWSEncryptionSDKClientError, AwsCryptographicMaterialProvidersException)
UNSIGNED = AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
"""KMS's RSA keyring takes no suite that signs: the pair is not there for that."""

PROVIDERS = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def made(kms, spec: str, usage: str) -> tuple[str, bytes]:
    """A key's ARN and its public half, DER."""
    key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
    return key, kms.get_public_key(KeyId=key)["PublicKey"]


def pem(public_key: bytes) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return load_der_public_key(public_key).public_bytes(serialization.Encoding.PEM, form)


def encrypted(keyring, **options) -> bytes:
    client = aws_encryption_sdk.EncryptionSDKClient()
    blob, _ = client.encrypt(source=MESSAGE, keyring=keyring, encryption_context=CONTEXT, **options)
    return blob


def decrypted(blob: bytes, keyring) -> bytes:
    client = aws_encryption_sdk.EncryptionSDKClient()
    plaintext, _ = client.decrypt(source=blob, keyring=keyring, encryption_context=CONTEXT)
    return plaintext


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_whoever_has_the_public_key_encrypts_and_kms_decrypts(kms, cloudtrail, algorithm):
    key, public_key = made(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    other, _ = made(kms, "RSA_2048", "ENCRYPT_DECRYPT")

    def ring(key: str, **options):
        asked = CreateAwsKmsRsaKeyringInput(kms_key_id=key, encryption_algorithm=algorithm, **options)
        return PROVIDERS.create_aws_kms_rsa_keyring(asked)

    blob = encrypted(ring(key, public_key=pem(public_key)), algorithm=UNSIGNED)
    assert decrypted(blob, ring(key, kms_client=kms)) == MESSAGE
    with pytest.raises(REFUSALS):
        decrypted(blob, ring(other, kms_client=kms))
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "Decrypt"}]
    (event,) = cloudtrail.lookup_events(LookupAttributes=attributes)["Events"]
    assert f'"encryptionAlgorithm":"{algorithm}"' in event["CloudTrailEvent"].replace(" ", "")


def test_two_keys_of_kms_agree_on_what_encrypts_a_message(kms):
    sender, sender_public = made(kms, "ECC_NIST_P256", "KEY_AGREEMENT")
    recipient, recipient_public = made(kms, "ECC_NIST_P256", "KEY_AGREEMENT")

    def ring(scheme):
        asked = CreateAwsKmsEcdhKeyringInput(key_agreement_scheme=scheme, curve_spec="ECC_NIST_P256", kms_client=kms)
        return PROVIDERS.create_aws_kms_ecdh_keyring(asked)

    send = KmsEcdhStaticConfigurationsKmsPrivateKeyToStaticPublicKey(
        KmsPrivateKeyToStaticPublicKeyInput(
            sender_kms_identifier=sender, sender_public_key=sender_public, recipient_public_key=recipient_public
        )
    )

    def receive(key: str):
        found = KmsPublicKeyDiscoveryInput(recipient_kms_identifier=key)
        return ring(KmsEcdhStaticConfigurationsKmsPublicKeyDiscovery(found))

    blob = encrypted(ring(send))
    assert decrypted(blob, receive(recipient)) == MESSAGE
    stranger, _ = made(kms, "ECC_NIST_P256", "KEY_AGREEMENT")
    with pytest.raises(REFUSALS):
        decrypted(blob, receive(stranger))
    assert ec.SECP256R1().name == load_der_public_key(recipient_public).curve.name
