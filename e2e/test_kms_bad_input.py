"""What pairs and HMAC keys refuse: with AWS's error each time, and nothing that tells an attacker more."""

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rig import sdk

DER, SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo


@pytest.fixture
def made(kms):
    def make(spec: str, usage: str) -> str:
        return kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]

    return make


@pytest.mark.parametrize("size", [0, 4097])
def test_messages_of_no_or_too_many_bytes(kms, made, size):
    signing, mac = made("ECC_NIST_P256", "SIGN_VERIFY"), made("HMAC_256", "GENERATE_VERIFY_MAC")
    rule = "greater than or equal to 1" if size == 0 else "less than or equal to 4096"
    expected = (
        f"1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length {rule}"
    )
    with sdk.refused("ValidationException") as refused:
        kms.sign(KeyId=signing, Message=bytes(size), SigningAlgorithm="ECDSA_SHA_256")
    assert refused.message == expected
    with sdk.refused("ValidationException") as refused:
        kms.generate_mac(KeyId=mac, Message=bytes(size), MacAlgorithm="HMAC_SHA_256")
    assert refused.message == expected
    kms.sign(KeyId=signing, Message=bytes(4096), SigningAlgorithm="ECDSA_SHA_256")


def test_a_spoilt_rsa_ciphertext_is_refused_alike_wherever_it_is_spoilt(kms, made):
    key = made("RSA_2048", "ENCRYPT_DECRYPT")
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    asked = {"KeyId": key, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    blob = kms.encrypt(**asked, Plaintext=b"a letter")["CiphertextBlob"]
    of_other_padding = public.encrypt(b"a letter", padding.PKCS1v15())
    labelled = public.encrypt(b"a letter", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"label"))
    of_other_hash = public.encrypt(b"a letter", padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    of_other_key = rsa.generate_private_key(65537, 2048).public_key()
    foreign = of_other_key.encrypt(b"a letter", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    spoilt = [blob[:at] + bytes([blob[at] ^ 0x80]) + blob[at + 1 :] for at in range(len(blob))]
    cut = [blob[:-1], blob + b"x", b"x", bytes(256), b"\xff" * 256]
    for wrong in [of_other_padding, labelled, of_other_hash, foreign, *spoilt, *cut]:
        with sdk.refused("InvalidCiphertextException") as refused:
            kms.decrypt(**asked, CiphertextBlob=wrong)
        assert (refused.status, refused.message or "") == (400, "")
    assert kms.decrypt(**asked, CiphertextBlob=blob)["Plaintext"] == b"a letter"


def test_a_symmetric_ciphertext_is_none_of_a_pair_s(kms, made, key):
    box = made("RSA_2048", "ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"a letter")["CiphertextBlob"]
    with sdk.refused("IncorrectKeyException"):
        kms.decrypt(KeyId=box, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    sealed = kms.encrypt(KeyId=box, Plaintext=b"a letter", EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    # A raw ciphertext names no key: without one, or with the default algorithm, it is none.
    for asked in ({}, {"KeyId": box}, {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}):
        with sdk.refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=sealed, **asked)
    with sdk.refused("ValidationException") as refused:
        kms.encrypt(
            KeyId=box, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256", EncryptionContext={"team": "blue"}
        )
    assert "EncryptionContext" in refused.message


def test_public_keys_that_are_none_of_the_curve(kms, made):
    key = made("ECC_NIST_P256", "KEY_AGREEMENT")
    right = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(DER, SPKI)
    wrong = {
        "nothing": b"x",
        "cut": right[:-1],
        "longer": right + b"x",
        "off the curve": right[:-1] + bytes([right[-1] ^ 1]),
        "another curve": ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(DER, SPKI),
        "Koblitz's": ec.generate_private_key(ec.SECP256K1()).public_key().public_bytes(DER, SPKI),
        "Montgomery's": x25519.X25519PrivateKey.generate().public_key().public_bytes(DER, SPKI),
        "an RSA key": rsa.generate_private_key(65537, 2048).public_key().public_bytes(DER, SPKI),
        "a text": ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(serialization.Encoding.PEM, SPKI),
    }
    told = set()
    for what, public_key in wrong.items():
        with sdk.refused("ValidationException") as refused:
            kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public_key)
        assert refused.status == 400, what
        told.add(refused.message)
    assert len(told) == 1, told
    kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=right)


def test_a_signature_that_is_none_is_refused_alike(kms, made):
    for spec, algorithm in (
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ):
        asked = {"KeyId": made(spec, "SIGN_VERIFY"), "SigningAlgorithm": algorithm, "Message": b"a note"}
        right = kms.sign(**asked)["Signature"]
        wrongs = {b"x", right[:-1], right + b"x", bytes(len(right)), right[::-1], b"\x30\x80" + right[2:]}
        # What is no DER may begin like the last of these by itself, once in 65,536 times.
        for wrong in wrongs - {right}:
            with sdk.refused("KMSInvalidSignatureException") as refused:
                kms.verify(**asked, Signature=wrong)
            assert (refused.status, refused.message or "") == (400, "")
        assert kms.verify(**asked, Signature=right)["SignatureValid"] is True
