"""What is wrong with a cluster's input is said, and nothing of it harms an HSM."""

import os
import socket
import ssl
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from rig.cluster import PASSWORD, PATIENCE, SUBJECT, Authority, Cluster, openssl
from rig.node import wait_until

INVALID = "CloudHsmInvalidRequestException"


def refusal(aws, *arguments: object) -> str:
    refused = aws.refused("cloudhsmv2", *arguments)
    assert refused.code == INVALID, refused
    return refused.message


def test_what_cannot_be_a_cluster_is_refused(own_aws):
    subnets = {
        subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in own_aws("ec2", "describe-subnets")["Subnets"]
    }
    one = subnets["us-east-1a"]
    create = ["create-cluster", "--subnet-ids", one]
    small = ["--hsm-type", "hsm2m.medium"]
    fips = ["--mode", "FIPS"]
    assert refusal(own_aws, *create, "--hsm-type", "hsm1.medium") == "Provided HsmType is not supported."
    for wrong in (
        [*create, *small],  # without a mode
        [*create, *small, *fips, "--network-type", "DUALSTACK"],
        [*create, *small, *fips, "--backup-retention-policy", "Type=DAYS,Value=6"],
        [*create, *small, *fips, "--backup-retention-policy", "Type=DAYS,Value=380"],
        [*create, one, *small, *fips],  # one zone twice
        ["create-cluster", "--subnet-ids", "subnet-0123456789abcdef0", *small, *fips],
    ):
        assert refusal(own_aws, *wrong)
    other = own_aws("ec2", "create-vpc", "--cidr-block", "127.90.0.0/16")["Vpc"]["VpcId"]
    zone = ["--availability-zone", "us-east-1b", "--cidr-block", "127.90.0.0/20"]
    elsewhere = own_aws("ec2", "create-subnet", "--vpc-id", other, *zone)["Subnet"]["SubnetId"]
    assert refusal(own_aws, *create, elsewhere, *small, *fips)
    assert own_aws("cloudhsmv2", "describe-clusters")["Clusters"] == []


def test_a_certificate_that_does_not_fit_is_refused(own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster").create("us-east-1a")
    initialize = ["initialize-cluster", "--cluster-id", cluster.cluster_id]
    right, stranger = Authority(tmp_path / "right"), Authority(tmp_path / "stranger")

    def given(signed, anchor) -> list[str]:
        return [*initialize, "--signed-cert", f"file://{signed}", "--trust-anchor", f"file://{anchor}"]

    # There is nothing to sign yet.
    assert refusal(own_aws, *given(right.certificate, right.certificate))
    cluster.add_hsm("us-east-1a")
    csr = wait_until(lambda: cluster.describe().get("Certificates", {}).get("ClusterCsr"), "the request")
    signed = right.sign(csr)

    another_key = tmp_path / "another.csr"
    openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", os.devnull, "-subj", "/CN=x", "-out", another_key
    )
    no_authority = tmp_path / "leaf.crt"
    extension = ["-addext", "basicConstraints=critical,CA:FALSE"]
    openssl("req", "-new", "-x509", "-key", right.key, "-subj", SUBJECT, *extension, "-out", no_authority)
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    said = {
        "another authority's": refusal(own_aws, *given(signed, stranger.certificate)),
        "another key's": refusal(own_aws, *given(right.sign(another_key.read_text(), "another"), right.certificate)),
        "expired": refusal(own_aws, *given(signed, expired(tmp_path / "expired.crt", right.key))),
        "no authority": refusal(own_aws, *given(signed, no_authority)),
        "no certificate": refusal(own_aws, *given(garbage, right.certificate)),
        "no anchor": refusal(own_aws, *given(signed, garbage)),
    }
    assert len(set(said.values())) == 6, said
    assert cluster.describe()["State"] == "UNINITIALIZED"

    own_aws("cloudhsmv2", *given(signed, right.certificate))
    cluster.wait_for("INITIALIZED")
    assert refusal(own_aws, *given(signed, right.certificate))  # twice
    assert refusal(own_aws, "delete-cluster", "--cluster-id", cluster.cluster_id)  # it has an HSM


def expired(path: Path, key: Path) -> Path:
    """The certificate of the authority with that key, of last year."""
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    name = x509.load_pem_x509_certificate(key.with_suffix(".crt").read_bytes()).subject
    begin = datetime.now(UTC) - timedelta(days=400)
    builder = x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=365))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path.write_bytes(builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def connect(address: str, anchor) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(anchor)
    # Python's own check, like a browser's, does not take certificates of version 1.
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection((address, 2223), timeout=PATIENCE))


def frames():
    """Frames that are none, by what is wrong with them."""
    header = struct.Struct(">IBQI")

    def frame(kind: int, payload: bytes, length: int | None = None) -> bytes:
        return header.pack(13 + len(payload) if length is None else length, kind, 1, 0) + payload

    yield "random bytes", os.urandom(512)
    yield "longer than allowed", frame(3, b"", 0xFFFFFFFF)
    yield "shorter than a header", struct.pack(">I", 3) + b"abc"
    yield "of no kind", frame(99, b"")
    yield "a call before the greeting", frame(3, b"\x08\x01")
    yield "a greeting that is no message", frame(1, b"\xff" * 64)
    yield "a greeting of another version", frame(1, b"\x08\x63")


@pytest.mark.parametrize(("what", "content"), list(frames()), ids=lambda value: value if isinstance(value, str) else "")
def test_an_hsm_survives_what_is_no_frame(cluster, alice, what, content):
    address = cluster.hsms()[0]["EniIp"]
    with connect(address, cluster.authority.certificate) as connection:
        connection.sendall(content)
        # It says what is wrong, or nothing, and closes, also before it has read everything.
        with suppress(ConnectionError, ssl.SSLError):
            while connection.recv(4096):
                pass
    alice.run("key", "list")


def test_an_hsm_survives_clients_that_say_nothing(cluster, alice):
    address = cluster.hsms()[0]["EniIp"]
    silent = [socket.create_connection((address, 2223), timeout=PATIENCE) for _ in range(100)]
    half = connect(address, cluster.authority.certificate)
    half.sendall(b"\x00\x00")
    alice.run("key", "list")
    for connection in [*silent, half]:
        connection.close()


def test_a_flood_of_wrong_log_ins_leaves_the_hsm_at_work(cluster, admin, alice):
    admin.run("user", "create", "--username", "flooded", "--role", "crypto-user", "--password", PASSWORD)
    tool = cluster.tool()
    for number in range(15):
        tool.as_crypto_user("flooded", f"Wrong-horse-{number}").refused("key", "list")
        tool.as_crypto_user(f"nobody{number}").refused("key", "list")
    alice.run("key", "list")
    admin.run("user", "delete", "--username", "flooded", "--role", "crypto-user")
