"""A Nitro enclave as KMS sees one: documents that its hypervisor signs, under a root of the test's own."""

import datetime
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

PROTECTED = {1: -35}
"""ECDSA with SHA-384."""


def head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for code, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 256**length:
            return bytes([major << 5 | code]) + number.to_bytes(length, "big")
    raise ValueError(number)


def cbor(value) -> bytes:
    """A value in CBOR, as far as documents need it."""
    match value:
        case None:
            return b"\xf6"
        case int() if value >= 0:
            return head(0, value)
        case int():
            return head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value.encode())) + value.encode()
        case list():
            return head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return head(5, len(value)) + b"".join(cbor(name) + cbor(item) for name, item in value.items())
    raise TypeError(value)


class Maker:
    """Who makes enclaves: a root, under which each enclave has a certificate for some hours."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP384R1())
        self.certificate = certificate("maker of enclaves", self.key.public_key(), None, self.key, days=3650)

    def write(self, folder: Path) -> Path:
        """The root, where a server reads it."""
        file = folder / "enclaves.pem"
        file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return file


def certificate(name: str, key, issuer: x509.Certificate | None, signer, days: float) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return builder.sign(signer, hashes.SHA384())


class Enclave:
    """One enclave with an RSA key of its own, which opens what is encrypted to it."""

    def __init__(self, maker: Maker, image: bytes = b"\x11" * 48, key=None):
        self.maker = maker
        self.image = image
        self.key = key or rsa.generate_private_key(65537, 2048)
        self.signer = ec.generate_private_key(ec.SECP384R1())
        self.certificate = certificate("enclave", self.signer.public_key(), maker.certificate, maker.key, days=0.125)

    def document(self, **members) -> bytes:
        """A signed document; `members` take the place of what would stand in it."""

        def der(one):
            return one.public_bytes(serialization.Encoding.DER)

        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        payload = cbor(
            {
                "module_id": "i-1234567890abcdef0-enc0123456789abcdef",
                "digest": "SHA384",
                "timestamp": int(datetime.datetime.now(datetime.UTC).timestamp() * 1000),
                "pcrs": {0: self.image} | {number: bytes([number]) * 48 for number in range(1, 16)},
                "certificate": der(self.certificate),
                "cabundle": [der(self.maker.certificate)],
                "public_key": spki,
                "user_data": None,
                "nonce": None,
            }
            | members
        )
        protected = cbor(PROTECTED)
        signed = cbor(["Signature1", protected, b"", payload])
        r, s = decode_dss_signature(self.signer.sign(signed, ec.ECDSA(hashes.SHA384())))
        signature = r.to_bytes(48, "big") + s.to_bytes(48, "big")
        return cbor([protected, {}, payload, signature])

    def recipient(self, **members) -> dict:
        """The parameter `Recipient` of KMS."""
        return {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": self.document(**members)}

    def opened(self, ciphertext: bytes, folder: Path) -> bytes:
        """What `CiphertextForRecipient` holds, by OpenSSL.

        With a key that is not the recipient's OpenSSL goes on with a random one, and refuses only what has no padding
        then: one time in 256 it gives something that nobody wrote.
        """
        key, sealed, opened = folder / "enclave.key", folder / "sealed.der", folder / "opened"
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        sealed.write_bytes(ciphertext)
        command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", sealed, "-inkey", key]
        subprocess.run([*command, "-out", opened], check=True, capture_output=True)
        return opened.read_bytes()
