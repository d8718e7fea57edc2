"""HSM clusters, made and used as a person does it: the AWS CLI, openssl, cloudhsm-cli."""

import base64
import json
import os
import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from rig.cli import Cli
from rig.node import processes, wait_until

PASSWORD = "Correct-horse-7"
"""The administrator's password, and of whoever else a test does not name one for."""

SUBJECT = "/C=US/ST=WA/L=Seattle/O=Example/OU=Security/CN=Example CA"
"""Who the authority of one's own is."""

PATIENCE = 120.0
"""Seconds within which a cluster, an HSM or a backup reaches the state that it is waited for."""


def openssl(*arguments: object, data: bytes | None = None) -> bytes:
    """Runs openssl, which must succeed, and answers what it prints."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, f"openssl {' '.join(map(str, arguments))}\n{done.stderr.decode()}"
    return done.stdout


class Authority:
    """A certificate authority of one's own, made with openssl as CloudHSM's User Guide does it."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key, self.certificate = folder / "customerCA.key", folder / "customerCA.crt"
        openssl("genrsa", "-out", self.key, "2048")
        openssl("req", "-new", "-x509", "-days", "3652", "-key", self.key, "-subj", SUBJECT, "-out", self.certificate)

    def sign(self, csr: str, name: str = "cluster") -> Path:
        """Signs a request. Without an extension file openssl makes an X.509 v1 certificate."""
        request, signed = self.folder / f"{name}.csr", self.folder / f"{name}.crt"
        request.write_text(csr)
        authority = ["-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial"]
        openssl("x509", "-req", "-days", "3652", "-in", request, *authority, "-out", signed)
        return signed


@dataclass
class Cluster:
    """One HSM cluster, and the files of those who look after it."""

    aws: Cli
    folder: Path
    cluster_id: str = ""
    authority: Authority | None = None
    subnets: dict[str, str] = field(default_factory=dict)

    def create(self, *zones: str, mode: str = "FIPS") -> "Cluster":
        """Creates the cluster in these zones of the default VPC, and waits until it can be initialized."""
        found = self.aws("ec2", "describe-subnets", "--filters", "Name=default-for-az,Values=true")["Subnets"]
        by_zone = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in found}
        self.subnets = {zone: by_zone[zone] for zone in zones}
        retention = "Type=DAYS,Value=10"
        arguments = ["--hsm-type", "hsm2m.medium", "--mode", mode, "--backup-retention-policy", retention]
        made = self.aws("cloudhsmv2", "create-cluster", *arguments, "--subnet-ids", *self.subnets.values())
        self.cluster_id = made["Cluster"]["ClusterId"]
        assert made["Cluster"]["State"] == "CREATE_IN_PROGRESS"
        self.wait_for("UNINITIALIZED")
        return self

    def describe(self) -> dict:
        filters = f"clusterIds={self.cluster_id}"
        (cluster,) = self.aws("cloudhsmv2", "describe-clusters", "--filters", filters)["Clusters"]
        return cluster

    def wait_for(self, state: str) -> dict:
        """Waits until the cluster is in that state."""

        def reached():
            cluster = self.describe()
            return cluster if cluster["State"] == state else None

        return wait_until(reached, f"{self.cluster_id} in state {state}", PATIENCE)

    def hsms(self, state: str = "ACTIVE") -> list[dict]:
        return [hsm for hsm in self.describe()["Hsms"] if hsm["State"] == state]

    def add_hsm(self, zone: str) -> dict:
        """Adds an HSM in that zone, and waits until it serves."""
        made = self.aws("cloudhsmv2", "create-hsm", "--cluster-id", self.cluster_id, "--availability-zone", zone)
        hsm_id = made["Hsm"]["HsmId"]
        assert made["Hsm"]["State"] == "CREATE_IN_PROGRESS"

        def active():
            return next((hsm for hsm in self.hsms() if hsm["HsmId"] == hsm_id), None)

        return wait_until(active, f"{hsm_id} ACTIVE", PATIENCE)

    def delete_hsm(self, hsm: dict):
        """Deletes an HSM, and waits until it is gone."""
        arguments = ["--cluster-id", self.cluster_id, "--hsm-id", hsm["HsmId"]]
        self.aws("cloudhsmv2", "delete-hsm", *arguments)

        def gone():
            return all(other["HsmId"] != hsm["HsmId"] for other in self.describe()["Hsms"])

        wait_until(gone, f"{hsm['HsmId']} gone", PATIENCE)

    def initialize(self) -> dict:
        """Signs the cluster's request with an authority of one's own, and hands the certificate in."""

        def requested():
            return self.describe().get("Certificates", {}).get("ClusterCsr")

        csr = wait_until(requested, "the cluster's certificate signing request", PATIENCE)
        self.authority = Authority(self.folder / "ca")
        signed = self.authority.sign(csr)
        answer = self.aws(
            "cloudhsmv2",
            "initialize-cluster",
            "--cluster-id",
            self.cluster_id,
            "--signed-cert",
            f"file://{signed}",
            "--trust-anchor",
            f"file://{self.authority.certificate}",
        )
        assert answer["State"] == "INITIALIZE_IN_PROGRESS"
        return self.wait_for("INITIALIZED")

    def tool(self, *addresses: str) -> "HsmCli":
        """cloudhsm-cli, configured for the cluster: all its HSMs, or those named."""
        addresses = addresses or tuple(hsm["EniIp"] for hsm in self.hsms())
        tool = HsmCli(self.aws.node.program.parent / "cloudhsm-cli", self.folder / "client" / "-".join(addresses))
        return tool.configure(addresses, self.authority.certificate)

    def activate(self) -> "HsmCli":
        """Sets the administrator's password; the control plane sees that the cluster is active."""
        tool = self.tool()
        assert tool.run("cluster", "activate", "--password", PASSWORD).data == "Cluster activation successful"
        self.wait_for("ACTIVE")
        return tool

    def first_use(self, *zones: str, mode: str = "FIPS") -> "HsmCli":
        """All of it: an active cluster with an HSM in each zone, and crypto user `alice`."""
        self.create(*zones, mode=mode)
        self.add_hsm(zones[0])
        self.initialize()
        self.activate()
        for zone in zones[1:]:
            self.add_hsm(zone)
        tool = self.tool()
        tool.as_admin().run("user", "create", "--username", "alice", "--role", "crypto-user", "--password", PASSWORD)
        return tool


@dataclass(frozen=True)
class Told:
    """What cloudhsm-cli printed."""

    error_code: int
    data: object


@dataclass(frozen=True)
class HsmCli:
    """`cloudhsm-cli`, one command a process."""

    program: Path
    folder: Path
    role: str = ""
    pin: str = ""

    def configure(self, addresses: tuple[str, ...], anchor: Path) -> "HsmCli":
        self.folder.mkdir(parents=True, exist_ok=True)
        done = self.process("configure", "-a", *addresses, "--hsm-ca-cert", anchor)
        assert done.returncode == 0, done.stdout + done.stderr
        return self

    def as_user(self, role: str, username: str, password: str = PASSWORD) -> "HsmCli":
        return HsmCli(self.program, self.folder, role, f"{username}:{password}")

    def as_admin(self, password: str = PASSWORD) -> "HsmCli":
        return self.as_user("admin", "admin", password)

    def as_crypto_user(self, username: str = "alice", password: str = PASSWORD) -> "HsmCli":
        return self.as_user("crypto-user", username, password)

    def process(
        self, *arguments: object, stdin: str = "", more: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        """Runs a command, whatever comes of it; `more` adds to its environment."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "STRONGROOM_CLOUDHSM_CONFIG": str(self.folder / "cloudhsm-cli.cfg"),
        }
        if self.role:
            environment |= {"CLOUDHSM_ROLE": self.role, "CLOUDHSM_PIN": self.pin}
        environment |= more or {}
        command = [self.program, *map(str, arguments)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, env=environment)

    def told(self, *arguments: object, stdin: str = "", more: dict[str, str] | None = None) -> Told:
        """Runs a command, and answers the one document that it prints."""
        done = self.process(*arguments, stdin=stdin, more=more)
        try:
            document = json.loads(done.stdout)
        except json.JSONDecodeError as error:
            raise AssertionError(f"{arguments}: {done.stdout!r} {done.stderr!r}") from error
        assert (done.returncode == 0) == (document["error_code"] == 0), done
        return Told(document["error_code"], document["data"])

    def run(self, *arguments: object, stdin: str = "", more: dict[str, str] | None = None) -> Told:
        """Runs a command that must succeed."""
        told = self.told(*arguments, stdin=stdin, more=more)
        assert told.error_code == 0, f"{arguments}: {told.data}"
        return told

    def refused(self, *arguments: object, stdin: str = "") -> str:
        """Runs a command that must fail, and answers why it did."""
        told = self.told(*arguments, stdin=stdin)
        assert told.error_code == 1, f"{arguments}: not refused: {told.data}"
        return told.data

    def generate_ec_pair(self, label: str, *more: object) -> tuple[dict, dict]:
        """A pair on P-256 that signs, `label` and `label-public`."""
        made = self.run(
            "key",
            "generate-asymmetric-pair",
            "ec",
            "--curve",
            "secp256r1",
            "--public-label",
            f"{label}-public",
            "--private-label",
            label,
            "--public-attributes",
            "verify=true",
            "--private-attributes",
            "sign=true",
            *more,
        ).data
        return made["public_key"], made["private_key"]

    def sign(self, label: str, message: bytes, *more: object) -> bytes:
        """An ECDSA signature with SHA-256, r and s."""
        data = base64.b64encode(message).decode()
        key = ["--key-filter", f"attr.label={label}", "--hash-function", "sha256"]
        told = self.run("crypto", "sign", "ecdsa", *key, "--data", data, *more)
        return base64.b64decode(told.data["signature"])

    def public_key(self, label: str) -> Path:
        """The public key of that label, as PEM in a file."""
        path = self.folder / f"{label}.pem"
        told = self.run("key", "generate-file", "--encoding", "pem", "--path", path, "--filter", f"attr.label={label}")
        assert told.data["message"] == "Successfully generated key file"
        return path


def process_of(hsm_id: str) -> int:
    """The process of an HSM, once there is one."""

    def found():
        return next((pid for pid, command in processes().items() if hsm_id in command), None)

    return wait_until(found, f"the process of {hsm_id}")


def reaches(address: str, source: str = "127.0.0.1") -> bool:
    """Whether an HSM speaks to who comes from that address of this machine: it hangs up on others at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, 2223), timeout=PATIENCE, source_address=(source, 0)) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except TimeoutError:
        raise
    except OSError:
        return False


def verifies(public_key: Path, message: bytes, signature: bytes) -> bool:
    """Whether openssl finds an ECDSA signature (r and s of one length) right."""
    half = len(signature) // 2
    numbers = [int.from_bytes(part, "big") for part in (signature[:half], signature[half:])]
    encoded = b"".join(der_integer(number) for number in numbers)
    file = public_key.with_suffix(".sig")
    file.write_bytes(b"\x30" + bytes([len(encoded)]) + encoded)
    command = ["openssl", "dgst", "-sha256", "-verify", public_key, "-signature", file]
    return subprocess.run(command, input=message, capture_output=True).returncode == 0


def der_integer(number: int) -> bytes:
    content = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(content)]) + content
