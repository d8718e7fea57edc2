"""Asymmetric and HMAC keys in a custom key store with the stock CLI, and `openssl` on the other side."""

import base64
import hashlib
import subprocess
from itertools import pairwise

import pytest

from rig.node import PATIENCE, wait_until

MESSAGE = b"attack at dawn"


@pytest.fixture
def aws(store):
    """The CLI as the owner of the key store."""
    return store.cluster.aws


@pytest.fixture
def message(tmp_path):
    (tmp_path / "message").write_bytes(MESSAGE)
    return tmp_path / "message"


def openssl(*arguments, **more) -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=PATIENCE, **more)
    assert done.returncode == 0, f"openssl {' '.join(map(str, arguments))}\n{done.stderr.decode()}"
    return done.stdout


def create(aws, store, spec: str, usage: str) -> str:
    made = aws(
        *("kms", "create-key", "--origin", "AWS_CLOUDHSM", "--custom-key-store-id", store.store_id),
        *("--key-spec", spec, "--key-usage", usage),
    )
    return made["KeyMetadata"]["KeyId"]


def public_key(aws, key: str, folder):
    """The public half in a file, as PEM; what the CLI answers is base64 of DER."""
    shown = aws("kms", "get-public-key", "--key-id", key)
    (folder / f"{key}.der").write_bytes(base64.b64decode(shown["PublicKey"]))
    openssl("pkey", "-pubin", "-inform", "DER", "-in", folder / f"{key}.der", "-out", folder / f"{key}.pem")
    return folder / f"{key}.pem"


def signed(aws, key: str, file, algorithm: str, *options) -> bytes:
    asked = ["--key-id", key, "--message", f"fileb://{file}", "--signing-algorithm", algorithm, *options]
    answer = aws("kms", "sign", *asked)
    assert answer["SigningAlgorithm"] == algorithm
    return base64.b64decode(answer["Signature"])


SIGNING = [
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", ["-sha512"]),
    ("RSA_2048", "RSASSA_PSS_SHA_384", ["-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:48"]),
    ("ECC_NIST_P521", "ECDSA_SHA_512", ["-sha512"]),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256", ["-sha256"]),
]


@pytest.mark.parametrize(("spec", "algorithm", "options"), SIGNING)
def test_openssl_verifies_what_the_hsms_sign(store, aws, message, tmp_path, spec, algorithm, options):
    key = create(aws, store, spec, "SIGN_VERIFY")
    pem = public_key(aws, key, tmp_path)
    (tmp_path / "signature").write_bytes(signed(aws, key, message, algorithm))
    openssl("dgst", *options, "-verify", pem, "-signature", tmp_path / "signature", message)
    name = options[0].removeprefix("-")
    (tmp_path / "digest").write_bytes(hashlib.new(name, MESSAGE).digest())
    (tmp_path / "signature").write_bytes(signed(aws, key, tmp_path / "digest", algorithm, "--message-type", "DIGEST"))
    openssl("dgst", *options, "-verify", pem, "-signature", tmp_path / "signature", message)
    asked = ["--key-id", key, "--signing-algorithm", algorithm, "--signature", f"fileb://{tmp_path / 'signature'}"]
    assert aws("kms", "verify", *asked, "--message", f"fileb://{message}")["SignatureValid"] is True
    refused = aws.refused("kms", "verify", *asked, "--message", f"fileb://{tmp_path / 'digest'}")
    assert refused.code == "KMSInvalidSignatureException"


def test_openssl_verifies_pure_ed25519(store, aws, message, tmp_path):
    refused = aws.run(
        *("kms", "create-key", "--origin", "AWS_CLOUDHSM", "--custom-key-store-id", store.store_id),
        *("--key-spec", "ECC_NIST_EDWARDS25519", "--key-usage", "SIGN_VERIFY"),
    )
    if refused.returncode != 0:
        # The cluster's mode is FIPS, which says so.
        assert "UnsupportedOperationException" in refused.stderr
        assert "Ed25519 is not available in FIPS mode" in refused.stderr
        return
    key = create(aws, store, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    pem = public_key(aws, key, tmp_path)
    (tmp_path / "signature").write_bytes(signed(aws, key, message, "ED25519_SHA_512"))
    file = ["-in", message, "-sigfile", tmp_path / "signature"]
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", *file)


def test_post_quantum_signatures(store, aws, message, tmp_path):
    key = create(aws, store, "ML_DSA_65", "SIGN_VERIFY")
    shown = aws("kms", "get-public-key", "--key-id", key)
    assert shown["SigningAlgorithms"] == ["ML_DSA_SHAKE_256"]
    assert len(base64.b64decode(shown["PublicKey"])) == 1974
    signature = signed(aws, key, message, "ML_DSA_SHAKE_256")
    assert len(signature) == 3309
    (tmp_path / "signature").write_bytes(signature)
    asked = ["--key-id", key, "--signing-algorithm", "ML_DSA_SHAKE_256", "--message", f"fileb://{message}"]
    verified = aws("kms", "verify", *asked, "--signature", f"fileb://{tmp_path / 'signature'}")
    assert verified["SignatureValid"] is True


@pytest.mark.parametrize(("algorithm", "name"), [("RSAES_OAEP_SHA_1", "sha1"), ("RSAES_OAEP_SHA_256", "sha256")])
def test_the_hsms_decrypt_what_openssl_encrypts(store, aws, message, tmp_path, algorithm, name):
    key = create(aws, store, "RSA_2048", "ENCRYPT_DECRYPT")
    pem = public_key(aws, key, tmp_path)
    scheme = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{name}", f"rsa_mgf1_md:{name}"]
    options = [text for option in scheme for text in ("-pkeyopt", option)]
    openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", pem, *options, "-in", message, "-out", tmp_path / "blob")
    asked = ["--key-id", key, "--encryption-algorithm", algorithm]
    counts = [sum(store.operations().values())]
    for _ in range(3):
        opened = aws("kms", "decrypt", *asked, "--ciphertext-blob", f"fileb://{tmp_path / 'blob'}")
        assert base64.b64decode(opened["Plaintext"]) == MESSAGE
        assert "KeyMaterialId" not in opened
        counts.append(sum(store.operations().values()))
    # One that stands still for a second is not waited for: another one is asked too.
    assert min(after - before for before, after in pairwise(counts)) == 1, "an HSM did it, in one operation"
    # Nobody sees whose it is: the key must be named.
    refused = aws.refused(
        *("kms", "decrypt", "--encryption-algorithm", algorithm, "--ciphertext-blob", f"fileb://{tmp_path / 'blob'}")
    )
    assert refused.code == "InvalidCiphertextException"


def test_a_secret_agreed_on_with_openssl(store, aws, tmp_path):
    key = create(aws, store, "ECC_NIST_P384", "KEY_AGREEMENT")
    theirs = public_key(aws, key, tmp_path)
    mine = tmp_path / "mine.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", mine)
    openssl("pkey", "-in", mine, "-pubout", "-outform", "DER", "-out", tmp_path / "mine.der")
    asked = ["--key-id", key, "--key-agreement-algorithm", "ECDH", "--public-key", f"fileb://{tmp_path / 'mine.der'}"]
    agreed = aws("kms", "derive-shared-secret", *asked)
    assert agreed["KeyOrigin"] == "AWS_CLOUDHSM"
    secret = openssl("pkeyutl", "-derive", "-inkey", mine, "-peerkey", theirs)
    assert base64.b64decode(agreed["SharedSecret"]) == secret


def test_macs_of_every_length(store, aws, message):
    for bits in (224, 256, 384, 512):
        key = create(aws, store, f"HMAC_{bits}", "GENERATE_VERIFY_MAC")
        asked = ["--key-id", key, "--mac-algorithm", f"HMAC_SHA_{bits}", "--message", f"fileb://{message}"]
        made = aws("kms", "generate-mac", *asked)
        assert len(base64.b64decode(made["Mac"])) * 8 == bits
        (message.parent / "mac").write_bytes(base64.b64decode(made["Mac"]))
        verified = aws("kms", "verify-mac", *asked, "--mac", f"fileb://{message.parent / 'mac'}")
        assert verified["MacValid"] is True


def test_a_data_key_pair_of_each_kind_is_openssl_s(store, aws, tmp_path):
    key = create(aws, store, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    for spec in ("RSA_3072", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"):
        made = aws("kms", "generate-data-key-pair", "--key-id", key, "--key-pair-spec", spec)
        private = tmp_path / "private.der"
        private.write_bytes(base64.b64decode(made["PrivateKeyPlaintext"]))
        public = openssl("pkey", "-inform", "DER", "-in", private, "-pubout", "-outform", "DER")
        assert public == base64.b64decode(made["PublicKey"])


def test_records_say_how_and_where(store, aws, message):
    """CloudTrail shows the algorithm and the key store, and neither message nor signature."""
    key = create(aws, store, "ECC_NIST_P256", "SIGN_VERIFY")
    signed(aws, key, message, "ECDSA_SHA_256")

    def recorded():
        found = aws(
            *("cloudtrail", "lookup-events", "--lookup-attributes"),
            "AttributeKey=EventName,AttributeValue=Sign",
        )
        for event in found["Events"]:
            if key in event["CloudTrailEvent"]:
                return event["CloudTrailEvent"]
        return None

    record = wait_until(recorded, "the record of Sign")
    for text in (
        '"messageType":"RAW"',
        '"signingAlgorithm":"ECDSA_SHA_256"',
        f'"customKeyStoreId":"{store.store_id}"',
        '"readOnly":true',
    ):
        assert text in record, record
    assert base64.b64encode(MESSAGE).decode() not in record
    assert '"signature"' not in record
    assert '"message"' not in record


REFUSED = [
    ("ECC_NIST_P256", "SIGN_VERIFY", "SM2DSA", "RAW", "InvalidKeyUsageException"),
    ("ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_384", "RAW", "InvalidKeyUsageException"),
    ("ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_256", "DIGEST", "ValidationException"),
    ("ECC_NIST_P256", "KEY_AGREEMENT", "ECDSA_SHA_256", "RAW", "InvalidKeyUsageException"),
]


@pytest.mark.parametrize(("spec", "usage", "algorithm", "form", "code"), REFUSED)
def test_what_does_not_fit_is_refused(store, aws, message, spec, usage, algorithm, form, code):
    key = create(aws, store, spec, usage)
    asked = ["--key-id", key, "--message", f"fileb://{message}", "--signing-algorithm", algorithm]
    assert aws.refused("kms", "sign", *asked, "--message-type", form).code == code
