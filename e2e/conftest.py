"""Fixtures: servers, clients, accounts."""

import itertools
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from rig import sdk
from rig.cli import Cli
from rig.cluster import PASSWORD, Cluster, HsmCli
from rig.networks import Network
from rig.node import Node
from rig.production import Postgres, Production
from rig.records import History
from rig.store import PATIENT, Store

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def program() -> Path:
    """The program under test."""
    path = Path(os.environ.get("STRONGROOM", ROOT / "target/debug/strongroom")).resolve()
    if not path.is_file():
        pytest.exit(f"{path} is not built: make build", returncode=2)
    return path


@pytest.fixture(scope="session")
def shared_node(program, tmp_path_factory):
    node = Node(program, tmp_path_factory.mktemp("shared"))
    yield node.start()
    node.ensure_gone()


@pytest.fixture
def node(shared_node):
    """A server that tests share. It must be as sound after the test as before."""
    if not shared_node.runs():
        shared_node.start()  # a test before this one brought it down, and has failed
    yield shared_node
    shared_node.assert_sound()


def node_with_hsms(program: Path, folder: Path, *options: str) -> Node:
    """A server whose HSMs have addresses that no other server's on this machine have."""
    network = Network()
    node = Node(program, folder, "--data-dir", str(folder / "data"), "--vpc-cidr", network.cidr, *options)
    node.network = network
    return node


@pytest.fixture
def server_options() -> tuple[str, ...]:
    """What servers of a test's own are started with, beside what all are; for a file of tests to say otherwise."""
    return ()


@pytest.fixture
def fresh_node(program, tmp_path, server_options):
    """A server of the test's own, to be killed, stopped and altered."""
    node = node_with_hsms(program, tmp_path, *server_options)
    yield node.start()
    node.ensure_gone()
    assert "panicked" not in node.said(), node.said()[-4000:]


@pytest.fixture
def ended():
    """Ends the servers that are put into it, whatever comes of the test."""
    servers: list[Node] = []
    yield servers
    for server in servers:
        server.ensure_gone()
        assert "panicked" not in server.said(), server.said()[-4000:]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A PostgreSQL server that the tests of a file share."""
    folder = tmp_path_factory.mktemp("postgres")
    # PostgreSQL runs as somebody else, who must come as far as its folder.
    for parent in [folder, *folder.parents]:
        if parent.is_relative_to("/tmp") and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o011)
    server = Postgres(folder).start()
    yield server
    server.stop()


@pytest.fixture
def made(program, tmp_path):
    """A server in production, of the test's own, made and not served yet."""
    folder = tmp_path / "production"
    folder.mkdir()
    server = Production(program, folder).init()
    yield server
    server.ensure_gone()
    assert "panicked" not in server.said()


@pytest.fixture(scope="session")
def shared_cluster(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    node = node_with_hsms(program, folder)
    cluster = Cluster(Cli(node.start()), folder / "cluster")
    tool = cluster.first_use("us-east-1a", "us-east-1b")
    bob = ["--username", "bob", "--role", "crypto-user", "--password", PASSWORD]
    tool.as_admin().run("user", "create", *bob)
    yield cluster
    node.ensure_gone()
    assert "panicked" not in node.said(), node.said()[-4000:]


@pytest.fixture
def cluster(shared_cluster) -> Cluster:
    """An active cluster of two HSMs that tests share, with crypto users `alice` and `bob`."""
    yield shared_cluster
    shared_cluster.aws.node.assert_sound()
    assert len(shared_cluster.hsms()) == 2, "an HSM did not survive the test"


@pytest.fixture
def admin(cluster) -> HsmCli:
    return cluster.tool().as_admin()


@pytest.fixture
def alice(cluster) -> HsmCli:
    return cluster.tool().as_crypto_user("alice")


@pytest.fixture
def bob(cluster) -> HsmCli:
    return cluster.tool().as_crypto_user("bob")


@pytest.fixture(scope="session")
def shared_store(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    node = node_with_hsms(program, folder, *PATIENT)
    yield Store(Cluster(Cli(node.start()), folder / "cluster")).first_use()
    node.ensure_gone()
    assert "panicked" not in node.said(), node.said()[-4000:]


@pytest.fixture
def store(shared_store) -> Store:
    """A connected key store on two HSMs that tests share. It must be connected after the test too."""
    yield shared_store
    shared_store.cluster.aws.node.assert_sound()
    assert shared_store.state == "CONNECTED"
    assert len(shared_store.cluster.hsms()) == 2, "an HSM did not survive the test"


@pytest.fixture
def own_store(own_aws, tmp_path) -> Store:
    """A connected key store on a server of the test's own, to be broken."""
    return Store(Cluster(own_aws, tmp_path / "cluster")).first_use()


@pytest.fixture
def strict_cluster(program, tmp_path):
    """An active cluster of two HSMs, at a server that does what AWS does and nothing beyond."""
    node = node_with_hsms(program, tmp_path, "--compat-strict", *PATIENT)
    cluster = Cluster(Cli(node.start()), tmp_path / "cluster")
    cluster.first_use("us-east-1a", "us-east-1b")
    yield cluster
    node.ensure_gone()
    assert "panicked" not in node.said(), node.said()[-4000:]


# Tests read an account backwards to get another one: none of these is the same both ways.
ACCOUNTS = itertools.count(900_000_000_010)


@pytest.fixture
def account() -> str:
    """An account that no other test uses; its id is also the access key id of its root user."""
    return str(next(ACCOUNTS))


@pytest.fixture
def aws(node, account) -> Cli:
    """The AWS CLI in the test's own account."""
    return Cli(node, access_key_id=account)


@pytest.fixture
def own_aws(fresh_node) -> Cli:
    """The AWS CLI as the root user of the test's own server."""
    return Cli(fresh_node)


@pytest.fixture
def kms(node, account):
    """boto3's KMS client in the test's own account."""
    return sdk.client(node, "kms", access_key_id=account)


@pytest.fixture
def sts(node, account):
    return sdk.client(node, "sts", access_key_id=account)


@pytest.fixture
def cloudtrail(node, account):
    return sdk.client(node, "cloudtrail", access_key_id=account)


@pytest.fixture
def s3(node):
    return sdk.client(node, "s3")


@pytest.fixture
def bucket(s3) -> str:
    """A bucket of the test's own."""
    name = f"e2e-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def history(node, account) -> History:
    return History(node, account)


@pytest.fixture
def key(kms) -> dict:
    """The metadata of a fresh symmetric key."""
    return kms.create_key()["KeyMetadata"]


JAVASCRIPT = Path(__file__).parent / "javascript"
OLDEST_NODE = 20
"""The oldest major version of Node.js that the SDK supports."""


@pytest.fixture(scope="session")
def javascript() -> Path:
    """Node.js, with the SDK as `package-lock.json` pins it."""
    interpreter = shutil.which("node")
    if interpreter is None:
        pytest.fail("no Node.js: make packages")
    version = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"the SDK needs Node.js {OLDEST_NODE} or newer; this is {version.strip()}")
    # npm's own note of what it installed, written when all of it is there.
    installed, pinned = JAVASCRIPT / "node_modules/.package-lock.json", JAVASCRIPT / "package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < pinned.stat().st_mtime:
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(install, cwd=JAVASCRIPT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    return Path(interpreter)
