"""Keys of every spec on the built-in backend: computed by KMS, checked by software that is not ours.

The judges are the `openssl` command line, Python's `cryptography` (which brings an OpenSSL of its own), PyCryptodome,
and implementations of ML-DSA and ML-KEM in pure Python.
"""

import hashlib
import hmac

import pytest
from Crypto.Hash import SHA512
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87
from kyber_py.ml_kem import ML_KEM_512, ML_KEM_768, ML_KEM_1024

from rig import openssl, sdk

MESSAGE = b"attack at dawn"
OTHER = b"attack at dusk"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {
    "ECC_NIST_P256": ("256", ec.SECP256R1()),
    "ECC_NIST_P384": ("384", ec.SECP384R1()),
    "ECC_NIST_P521": ("512", ec.SECP521R1()),
    "ECC_SECG_P256K1": ("256", ec.SECP256K1()),
}
RSA_SPECS = ("RSA_2048", "RSA_3072", "RSA_4096")
RSA_SIGNATURES = [f"RSASSA_{scheme}_SHA_{size}" for scheme in ("PKCS1_V1_5", "PSS") for size in HASHES]
ML_DSA = {"ML_DSA_44": ML_DSA_44, "ML_DSA_65": ML_DSA_65, "ML_DSA_87": ML_DSA_87}
ML_KEM = {"ML_KEM_512": ML_KEM_512, "ML_KEM_768": ML_KEM_768, "ML_KEM_1024": ML_KEM_1024}
SPKI_HEAD = 22
"""Bytes of a SubjectPublicKeyInfo of ML-DSA and ML-KEM before the raw key."""


@pytest.fixture
def made(kms):
    """Makes a key, and answers its id."""

    def make(spec: str, usage: str) -> str:
        key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
        assert (key["KeySpec"], key["KeyUsage"], key["Origin"]) == (spec, usage, "AWS_KMS")
        return key["KeyId"]

    return make


def public_der(kms, key: str) -> bytes:
    return kms.get_public_key(KeyId=key)["PublicKey"]


def signed(kms, key: str, algorithm: str, message: bytes = MESSAGE, form: str = "RAW") -> bytes:
    asked = {"KeyId": key, "SigningAlgorithm": algorithm, "MessageType": form}
    signature = kms.sign(**asked, Message=message)["Signature"]
    assert kms.verify(**asked, Message=message, Signature=signature)["SignatureValid"] is True
    spoilt = signature[:-1] + bytes([signature[-1] ^ 1])
    with sdk.refused("KMSInvalidSignatureException"):
        kms.verify(**asked, Message=message, Signature=spoilt)
    return signature


@pytest.mark.parametrize("spec", RSA_SPECS)
def test_rsa_signatures_are_right(kms, made, spec, tmp_path):
    key = made(spec, "SIGN_VERIFY")
    der = public_der(kms, key)
    public = load_der_public_key(der)
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == int(spec.removeprefix("RSA_"))
    for algorithm in RSA_SIGNATURES:
        size = algorithm[-3:]
        digest = HASHES[size]
        signature = signed(kms, key, algorithm)
        assert len(signature) == public.key_size // 8
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        scheme = pss if "PSS" in algorithm else padding.PKCS1v15()
        public.verify(signature, MESSAGE, scheme, digest)
        with pytest.raises(InvalidSignature):
            public.verify(signature, OTHER, scheme, digest)
        options = [f"-sha{size}"]
        if "PSS" in algorithm:
            # The salt is as long as the hash, no longer and no shorter.
            options += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{digest.digest_size}"]
        assert openssl.verifies(tmp_path, der, signature, MESSAGE, *options)
        assert not openssl.verifies(tmp_path, der, signature, OTHER, *options)
        # A digest does for the message, both ways.
        hashed = hashlib.new(f"sha{size}", MESSAGE).digest()
        by_digest = signed(kms, key, algorithm, hashed, "DIGEST")
        public.verify(by_digest, MESSAGE, scheme, digest)
        asked = {"KeyId": key, "SigningAlgorithm": algorithm, "Message": hashed, "MessageType": "DIGEST"}
        assert kms.verify(**asked, Signature=signature)["SignatureValid"] is True


@pytest.mark.parametrize("spec", CURVES)
def test_ecdsa_signatures_are_right(kms, made, spec, tmp_path):
    size, curve = CURVES[spec]
    key, algorithm = made(spec, "SIGN_VERIFY"), f"ECDSA_SHA_{size}"
    der = public_der(kms, key)
    public = load_der_public_key(der)
    assert public.curve.name == curve.name
    signature = signed(kms, key, algorithm)
    public.verify(signature, MESSAGE, ec.ECDSA(HASHES[size]))
    assert openssl.verifies(tmp_path, der, signature, MESSAGE, f"-sha{size}")
    assert not openssl.verifies(tmp_path, der, signature, OTHER, f"-sha{size}")
    hashed = hashlib.new(f"sha{size}", MESSAGE).digest()
    by_digest = signed(kms, key, algorithm, hashed, "DIGEST")
    public.verify(by_digest, hashed, ec.ECDSA(utils.Prehashed(HASHES[size])))
    with sdk.refused("ValidationException") as refused:
        kms.sign(KeyId=key, SigningAlgorithm=algorithm, Message=hashed[:-1], MessageType="DIGEST")
    assert refused.message == f"Digest is invalid length for algorithm {algorithm}."


def test_ed25519_signatures_are_right(kms, made):
    key = made("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    der = public_der(kms, key)
    public = load_der_public_key(der)
    assert isinstance(public, ed25519.Ed25519PublicKey)
    signature = signed(kms, key, "ED25519_SHA_512")
    public.verify(signature, MESSAGE)
    assert signature == signed(kms, key, "ED25519_SHA_512"), "the algorithm has no randomness"
    with pytest.raises(InvalidSignature):
        public.verify(signature, OTHER)


def test_pre_hashed_ed25519_signatures_are_right(kms, made):
    """AWS takes the digest for the message: it is hashed once more, as Ed25519ph says."""
    key = made("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    digest = hashlib.sha512(MESSAGE).digest()
    signature = signed(kms, key, "ED25519_PH_SHA_512", digest, "DIGEST")
    verifier = eddsa.new(ECC.import_key(public_der(kms, key)), "rfc8032")
    verifier.verify(SHA512.new(digest), signature)
    with pytest.raises(ValueError, match="not authentic"):
        verifier.verify(SHA512.new(MESSAGE), signature)
    for form, algorithm in (("RAW", "ED25519_PH_SHA_512"), ("DIGEST", "ED25519_SHA_512")):
        with sdk.refused("ValidationException") as refused:
            kms.sign(KeyId=key, SigningAlgorithm=algorithm, Message=digest, MessageType=form)
        assert refused.message == f"Message type {form} is incompatible with algorithm {algorithm}."


@pytest.mark.parametrize("spec", ML_DSA)
def test_ml_dsa_signatures_are_right(kms, made, spec):
    key, algorithm = made(spec, "SIGN_VERIFY"), "ML_DSA_SHAKE_256"
    der = public_der(kms, key)
    raw, public = der[SPKI_HEAD:], load_der_public_key(der)
    assert len(der) == {"ML_DSA_44": 1334, "ML_DSA_65": 1974, "ML_DSA_87": 2614}[spec]
    signature = signed(kms, key, algorithm)
    public.verify(signature, MESSAGE)
    assert ML_DSA[spec].verify(raw, MESSAGE, signature)
    assert not ML_DSA[spec].verify(raw, OTHER, signature)
    assert signature != signed(kms, key, algorithm), "signatures are hedged"
    # The external mu of the message (FIPS 204, algorithm 7, line 6), without a context.
    mu = hashlib.shake_256(hashlib.shake_256(raw).digest(64) + b"\x00\x00" + MESSAGE).digest(64)
    by_mu = signed(kms, key, algorithm, mu, "EXTERNAL_MU")
    public.verify(by_mu, MESSAGE)
    asked = {"KeyId": key, "SigningAlgorithm": algorithm, "Message": mu, "MessageType": "EXTERNAL_MU"}
    assert kms.verify(**asked, Signature=signature)["SignatureValid"] is True
    with sdk.refused("ValidationException") as refused:
        kms.sign(KeyId=key, SigningAlgorithm=algorithm, Message=mu, MessageType="DIGEST")
    assert refused.message == f"Message type DIGEST is incompatible with key spec {spec}."


@pytest.mark.parametrize("spec", RSA_SPECS)
def test_what_is_encrypted_outside_is_decrypted_inside_and_the_other_way_round(kms, made, spec, tmp_path):
    key = made(spec, "ENCRYPT_DECRYPT")
    der = public_der(kms, key)
    (tmp_path / "key.der").write_bytes(der)
    public = load_der_public_key(der)
    for algorithm, digest in (("RSAES_OAEP_SHA_1", hashes.SHA1()), ("RSAES_OAEP_SHA_256", hashes.SHA256())):
        asked = {"KeyId": key, "EncryptionAlgorithm": algorithm}
        most = public.key_size // 8 - 2 * digest.digest_size - 2
        plaintext = MESSAGE.ljust(most, b".")
        scheme = padding.OAEP(padding.MGF1(digest), digest, None)
        name = algorithm.removeprefix("RSAES_OAEP_").replace("_", "").lower()
        options = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{name}", f"rsa_mgf1_md:{name}"]
        options = [part for option in options for part in ("-pkeyopt", option)]
        command = ["pkeyutl", "-encrypt", "-pubin", "-inkey", tmp_path / "key.der", "-keyform", "DER", *options]
        for blob in (
            public.encrypt(plaintext, scheme),
            openssl.run(*command, stdin=plaintext),
            kms.encrypt(**asked, Plaintext=plaintext)["CiphertextBlob"],
        ):
            assert len(blob) == public.key_size // 8
            assert kms.decrypt(**asked, CiphertextBlob=blob)["Plaintext"] == plaintext
            for at in (0, len(blob) // 2, len(blob) - 1):
                spoilt = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
                with sdk.refused("InvalidCiphertextException") as refused:
                    kms.decrypt(**asked, CiphertextBlob=spoilt)
                assert not refused.message
        with sdk.refused("ValidationException"):
            kms.encrypt(**asked, Plaintext=plaintext + b".")


@pytest.mark.parametrize("bits", ["224", "256", "384", "512"])
def test_macs_are_what_an_hmac_is(kms, made, bits):
    """The key does not come out: what is made twice is the same, and what is made of something else is not."""
    key, algorithm = made(f"HMAC_{bits}", "GENERATE_VERIFY_MAC"), f"HMAC_SHA_{bits}"
    asked = {"KeyId": key, "MacAlgorithm": algorithm}
    mac = kms.generate_mac(**asked, Message=MESSAGE)["Mac"]
    assert len(mac) == int(bits) // 8
    assert hmac.compare_digest(mac, kms.generate_mac(**asked, Message=MESSAGE)["Mac"])
    assert mac != kms.generate_mac(**asked, Message=OTHER)["Mac"]
    assert kms.verify_mac(**asked, Message=MESSAGE, Mac=mac)["MacValid"] is True
    for message, shown in ((OTHER, mac), (MESSAGE, mac[:-1]), (MESSAGE, bytes(len(mac)))):
        with sdk.refused("KMSInvalidMacException") as refused:
            kms.verify_mac(**asked, Message=message, Mac=shown)
        assert not refused.message


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_both_sides_agree_on_the_same_secret(kms, made, spec, tmp_path):
    key = made(spec, "KEY_AGREEMENT")
    mine = ec.generate_private_key(CURVES[spec][1])
    der, info = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    answer = kms.derive_shared_secret(
        KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=mine.public_key().public_bytes(der, info)
    )
    assert answer["KeyOrigin"] == "AWS_KMS"
    assert answer["SharedSecret"] == mine.exchange(ec.ECDH(), load_der_public_key(public_der(kms, key)))
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "mine.der").write_bytes(mine.private_bytes(der, form, serialization.NoEncryption()))
    (tmp_path / "peer.der").write_bytes(public_der(kms, key))
    own = ["-inkey", tmp_path / "mine.der", "-keyform", "DER"]
    peer = ["-peerkey", tmp_path / "peer.der", "-peerform", "DER"]
    assert openssl.run("pkeyutl", "-derive", *own, *peer) == answer["SharedSecret"]


@pytest.mark.parametrize("spec", ML_KEM)
def test_secrets_are_encapsulated_and_taken_out(kms, made, spec):
    key, algorithm = made(spec, "ENCAPSULATE_DECAPSULATE"), {"EncapsulationAlgorithm": "ML_KEM"}
    shown = kms.get_public_key(KeyId=key)
    assert shown["EncapsulationAlgorithms"] == ["ML_KEM"]
    raw = shown["PublicKey"][SPKI_HEAD:]
    encapsulated = kms.encapsulate(KeyId=key, **algorithm)
    secret, blob = encapsulated["SharedSecret"], encapsulated["SharedSecretCiphertextBlob"]
    assert len(secret) == 32
    assert kms.decapsulate(KeyId=key, SharedSecretCiphertextBlob=blob, **algorithm)["SharedSecret"] == secret
    # Somebody outside sends a secret, by the public key alone.
    secret, blob = ML_KEM[spec].encaps(raw)
    taken = kms.decapsulate(KeyId=key, SharedSecretCiphertextBlob=blob, **algorithm)
    assert taken["SharedSecret"] == secret
    assert taken["EncapsulationAlgorithm"] == "ML_KEM"
    if spec != "ML_KEM_512":
        secret, blob = load_der_public_key(shown["PublicKey"]).encapsulate()
        taken = kms.decapsulate(KeyId=key, SharedSecretCiphertextBlob=blob, **algorithm)
        assert taken["SharedSecret"] == secret
    # What was altered gives another secret, the same each time (FIPS 203, implicit rejection).
    spoilt = blob[:-1] + bytes([blob[-1] ^ 1])
    others = [kms.decapsulate(KeyId=key, SharedSecretCiphertextBlob=spoilt, **algorithm) for _ in range(2)]
    assert others[0]["SharedSecret"] == others[1]["SharedSecret"] != secret
    for wrong in (blob[:-1], blob + b"x"):
        with sdk.refused("InvalidCiphertextException"):
            kms.decapsulate(KeyId=key, SharedSecretCiphertextBlob=wrong, **algorithm)


@pytest.mark.parametrize(
    "spec", [*RSA_SPECS, *CURVES, "ECC_NIST_EDWARDS25519", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"]
)
def test_data_key_pairs_fit_together(kms, key, spec):
    context = {"purpose": "pairs"}
    pair = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec, EncryptionContext=context)
    opened = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]
    assert pair["KeyMaterialId"] == opened["KeyMaterialId"]
    if spec != "ML_KEM_512":  # which `cryptography` does not have
        der, info = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        private = load_der_private_key(pair["PrivateKeyPlaintext"], None)
        assert private.public_key().public_bytes(der, info) == pair["PublicKey"]
    without = kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in without
    assert load_der_private_key(kms.decrypt(CiphertextBlob=without["PrivateKeyCiphertextBlob"])["Plaintext"], None)


def test_the_judges_know_the_types_that_they_are_given(kms, made):
    """A key of another set would verify nothing: each is what its spec says."""
    assert isinstance(load_der_public_key(public_der(kms, made("ML_DSA_65", "SIGN_VERIFY"))), mldsa.MLDSA65PublicKey)
    kem = load_der_public_key(public_der(kms, made("ML_KEM_768", "ENCAPSULATE_DECAPSULATE")))
    assert isinstance(kem, mlkem.MLKEM768PublicKey)
