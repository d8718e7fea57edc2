"""Asymmetric and HMAC keys in a custom key store: computed in the HSMs, checked with a library of somebody else's."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rig import sdk

MESSAGE = b"attack at dawn"


@pytest.fixture
def kms(store):
    return store.kms


def public_key(kms, key_id: str):
    return load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])


def made(store, spec: str, usage: str) -> str:
    key = store.create_key(KeySpec=spec, KeyUsage=usage)
    assert (key["KeySpec"], key["KeyUsage"], key["Origin"]) == (spec, usage, "AWS_CLOUDHSM")
    assert key["CustomKeyStoreId"] == store.store_id
    return key["KeyId"]


@pytest.mark.parametrize("algorithm", ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"])
def test_rsa_signatures_are_right(store, kms, algorithm):
    key = made(store, "RSA_2048", "SIGN_VERIFY")
    signed = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    digest = hashlib.sha256(MESSAGE).digest()
    asked = {"KeyId": key, "SigningAlgorithm": algorithm}
    assert kms.verify(**asked, Message=digest, MessageType="DIGEST", Signature=signed)["SignatureValid"] is True
    with sdk.refused("KMSInvalidSignatureException"):
        kms.verify(**asked, Message=b"attack at dusk", Signature=signed)
    scheme = padding.PKCS1v15() if "PKCS1" in algorithm else padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    public = public_key(kms, key)
    public.verify(signed, MESSAGE, scheme, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signed, b"attack at dusk", scheme, hashes.SHA256())


@pytest.mark.parametrize(
    ("spec", "algorithm", "digest"),
    [("ECC_NIST_P256", "ECDSA_SHA_256", hashes.SHA256()), ("ECC_NIST_P384", "ECDSA_SHA_384", hashes.SHA384())],
)
def test_ecdsa_signatures_are_right(store, kms, spec, algorithm, digest):
    key = made(store, spec, "SIGN_VERIFY")
    signed = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    public_key(kms, key).verify(signed, MESSAGE, ec.ECDSA(digest))
    asked = {"KeyId": key, "SigningAlgorithm": algorithm, "Signature": signed}
    assert kms.verify(**asked, Message=MESSAGE)["SignatureValid"] is True
    hashed = hashes.Hash(digest)
    hashed.update(MESSAGE)
    public_key(kms, key).verify(signed, hashed.finalize(), ec.ECDSA(utils.Prehashed(digest)))


def test_what_is_encrypted_outside_is_decrypted_in_the_hsms(store, kms):
    key = made(store, "RSA_2048", "ENCRYPT_DECRYPT")
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    blob = public_key(kms, key).encrypt(MESSAGE, scheme)
    opened = kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert opened["Plaintext"] == MESSAGE
    blob = kms.encrypt(KeyId=key, Plaintext=MESSAGE, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    opened = kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert opened["Plaintext"] == MESSAGE


def test_macs_are_made_and_checked_in_the_hsms(store, kms):
    key = made(store, "HMAC_256", "GENERATE_VERIFY_MAC")
    asked = {"KeyId": key, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}
    mac = kms.generate_mac(**asked)["Mac"]
    assert len(mac) == 32
    assert kms.verify_mac(**asked, Mac=mac)["MacValid"] is True
    with sdk.refused("KMSInvalidMacException"):
        kms.verify_mac(**asked, Mac=bytes(32))
    (found,) = store.keys_in_hsms(kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"])
    assert found["attributes"]["extractable"] is False


def test_a_secret_is_agreed_on_with_somebody_outside(store, kms):
    key = made(store, "ECC_NIST_P256", "KEY_AGREEMENT")
    mine = ec.generate_private_key(ec.SECP256R1())
    theirs = mine.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=theirs)["SharedSecret"]
    assert secret == mine.exchange(ec.ECDH(), public_key(kms, key))


def test_a_pair_of_data_keys_comes_sealed_under_the_store_s_key(store, kms):
    key = store.create_key()["KeyId"]
    pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048")
    private = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
    assert isinstance(private, rsa.RSAPrivateKey)
    shown = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert shown == pair["PublicKey"]
    opened = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"]
    assert opened == pair["PrivateKeyPlaintext"]
    without = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in without
    assert kms.decrypt(CiphertextBlob=without["PrivateKeyCiphertextBlob"])["Plaintext"]


def test_a_key_does_not_do_what_it_is_not_for(store, kms):
    signer, sealer = made(store, "ECC_NIST_P256", "SIGN_VERIFY"), store.create_key()["KeyId"]
    with sdk.refused("InvalidKeyUsageException"):
        kms.encrypt(KeyId=signer, Plaintext=b"x")
    with sdk.refused("InvalidKeyUsageException"):
        kms.sign(KeyId=sealer, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
    with sdk.refused("InvalidKeyUsageException"):
        kms.sign(KeyId=signer, Message=MESSAGE, SigningAlgorithm="RSASSA_PSS_SHA_256")
    with sdk.refused("UnsupportedOperationException"):
        kms.enable_key_rotation(KeyId=signer, RotationPeriodInDays=90)
    with sdk.refused("ValidationException"):
        store.create_key(KeySpec="ECC_NIST_P256", KeyUsage="ENCRYPT_DECRYPT")
