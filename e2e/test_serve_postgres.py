"""A server in production on PostgreSQL, and a second one beside it."""

import shutil
import socket

import pytest

from rig import expected
from rig.production import Production


@pytest.fixture
def place(program, tmp_path):
    servers = []

    def at(name: str) -> Production:
        folder = tmp_path / name
        folder.mkdir()
        servers.append(Production(program, folder))
        return servers[-1]

    yield at
    for server in servers:
        server.ensure_gone()
        assert "panicked" not in server.said()


def test_two_servers_serve_one_store(postgres, place):
    first = place("first").init("--store", postgres.database("two")).start()
    key = first.as_root()("kms", "create-key")["KeyMetadata"]["KeyId"]
    # The second has a data folder of its own, a copy of the configuration but for that, and of the seal; they share the
    # folder of objects.
    second = place("second")
    second.environment["STRONGROOM_OBJECTS_DIR"] = str(first.data / "objects")
    second.config.parent.mkdir()
    text = first.config.read_text().replace(str(first.data), str(second.data))
    second.config.write_text(text)
    second.config.chmod(0o600)
    second.data.mkdir(mode=0o700)
    shutil.copytree(first.data / expected.SEAL, second.data / expected.SEAL)
    second.root = first.root
    second.start()
    assert second.as_root()("kms", "describe-key", "--key-id", key)["KeyMetadata"]["Enabled"]
    made = second.account("create", "another")
    assert first.as_root(made)("sts", "get-caller-identity")["Account"] == made["account"]
    assert {account["name"] for account in first.account("list")} == {"main", "another"}
    assert first.stop() == 0
    assert second.stop() == 0
    for server in [first, second]:
        assert server.verify_audit().returncode == 0


def test_a_store_is_made_ready_once(postgres, place):
    url = postgres.database("once")
    first = place("first").init("--store", url)
    second = place("second")
    usual = ("--config", second.config, "--data-dir", second.data)
    said = second.refused("init", *usual, "--store", url)
    assert "the store has been made ready before, under a seal of its own" in said
    assert not (second.data / expected.SEAL).exists()
    # A seal of another store is refused, and this one's stays what it is.
    other = place("other").init()
    second.data.mkdir(mode=0o700, exist_ok=True)
    (second.data / "init.unfinished").unlink(missing_ok=True)
    shutil.copytree(other.data / expected.SEAL, second.data / expected.SEAL)
    assert "is not the seal that this store was made under" in second.refused("serve", "--config", second.config)
    first.start()
    first.as_root()("sts", "get-caller-identity")


def test_a_password_comes_out_of_its_file(postgres, place, tmp_path):
    password = tmp_path / "password"
    password.write_text("p@ss w/ord?&\n")
    password.chmod(0o600)
    server = place("server").init("--store", postgres.database("secret"), "--store-password-file", password)
    server.start()
    server.as_root()("sts", "get-caller-identity")
    assert "p@ss" not in server.said()
    assert "p@ss" not in server.config.read_text()


def test_a_store_that_is_away_is_told(place):
    server = place("server")
    usual = ("--config", server.config, "--data-dir", server.data)
    # A port that nobody else gets meanwhile, and at which nobody listens.
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        said = server.refused("init", *usual, "--store", f"postgres://me@127.0.0.1:{held.getsockname()[1]}/db")
    assert said.startswith("opening the store: ")
    # Nothing is left that stands in the way of the next.
    assert not (server.data / expected.SEAL).exists()
