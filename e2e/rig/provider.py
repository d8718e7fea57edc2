"""A small OpenID Connect provider on this machine: a document of where its keys are, the keys, and tokens."""

import base64
import datetime
import hashlib
import http.server
import ipaddress
import json
import ssl
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

AUDIENCE = "sts.amazonaws.com"

TAKEN: set[int] = set()
"""Ports that providers of this run have had. A server keeps a provider's keys for an hour, and would take another
provider on the same port for the same."""


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Provider:
    """Signs with one RSA key at a time, and answers on a port of its own."""

    def __init__(self, folder: Path, tls: bool = False):
        self.rotate("first")
        self.asked: list[str] = []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                answer = provider.documents().get(self.path)
                body = json.dumps(answer).encode()
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = listening(Handler)
        self.thumbprint = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            chain, key, self.thumbprint = certificates(folder)
            context.load_cert_chain(chain, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.issuer = f"{'https' if tls else 'http'}://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def rotate(self, key_id: str):
        """Another key in place of the one that it had."""
        self.key_id, self.key = key_id, rsa.generate_private_key(65537, 2048)

    def documents(self) -> dict:
        public = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id}
        return {
            "/.well-known/openid-configuration": {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"},
            "/keys": {"keys": [{**key, "n": number(public.n), "e": number(public.e)}]},
        }

    def token(self, **claims) -> str:
        """A token of an hour for `job:7`, with other claims in place of its own."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": AUDIENCE, "sub": "job:7", "iat": now, "exp": now + 3600}
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, {**usual, **claims}))
        return f"{signed}.{encoded(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def listening(handler: type[http.server.BaseHTTPRequestHandler]) -> http.server.HTTPServer:
    """A server on a port that no provider has had."""
    refused = []
    while (server := http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)).server_port in TAKEN:
        refused.append(server)  # held meanwhile, so that the next one is another
    for other in refused:
        other.server_close()
    TAKEN.add(server.server_port)
    return server


def certificates(folder: Path) -> tuple[Path, Path, str]:
    """A chain for this machine with its key, and the thumbprint of the authority that ends it."""
    now = datetime.datetime.now(datetime.UTC)
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def certificate(name: str, key) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("Authority of tests"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    def signed(builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    top = signed(
        certificate("Authority of tests", authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
    )
    leaf = signed(
        certificate("localhost", server)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(leaf + top)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(server.private_bytes(*form))
    der = x509.load_pem_x509_certificate(top).public_bytes(serialization.Encoding.DER)
    return chain, key, hashlib.sha1(der).hexdigest()
