"""The seal: what opens it, and a root key that is rotated while everything goes on."""

import base64
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from rig.node import wait_until
from rig.production import Postgres, Production

PASSPHRASE = "correct horse battery staple"

FIRST_EPOCH = bytes([1, 0, 0, 0, 1])
"""What everything begins with that was sealed before the first rotation."""


def rotate(server) -> dict:
    """Rotates; a server that runs gives changes under way half a minute to end."""
    command = [server.program, "seal", "rotate", "--json", "--config", server.config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=server.environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def slots(server) -> dict:
    return json.loads(server.ran("seal", "slots", "list", "--json", "--config", server.config))


class Belongings:
    """Something of everything that is sealed, and whether it still opens."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        root = server.as_root()
        self.keys = [root("kms", "create-key")["KeyMetadata"]["KeyId"] for _ in range(3)]
        plain = folder / "plain"
        plain.write_bytes(b"kept")
        self.sealed = {}
        for key in self.keys:
            blob = root("kms", "encrypt", "--key-id", key, "--plaintext", f"fileb://{plain}")["CiphertextBlob"]
            self.sealed[key] = folder / f"{key}.blob"
            self.sealed[key].write_bytes(base64.b64decode(blob))
        root("kms", "create-alias", "--alias-name", "alias/kept", "--target-key-id", self.keys[0])
        root("s3api", "create-bucket", "--bucket", "kept")
        root("s3api", "put-object", "--bucket", "kept", "--key", "kept", "--body", plain)
        root("sns", "create-topic", "--name", "kept")
        root("iam", "create-user", "--user-name", "alice")
        root("iam", "create-login-profile", "--user-name", "alice", "--password", "Passw0rd-of-alice")
        admin = "arn:aws:iam::aws:policy/AdministratorAccess"
        root("iam", "attach-user-policy", "--user-name", "alice", "--policy-arn", admin)
        self.key = root("iam", "create-access-key", "--user-name", "alice")["AccessKey"]
        device = ("--virtual-mfa-device-name", "alice", "--bootstrap-method", "Base32StringSeed")
        root("iam", "create-virtual-mfa-device", *device, "--outfile", folder / "seed")
        self.session = root.with_(access_key_id=self.key["AccessKeyId"], secret_access_key=self.key["SecretAccessKey"])(
            "sts", "get-session-token"
        )["Credentials"]

    def check(self, server=None):
        server = server or self.server
        alice = server.as_root(
            {
                "access_key_id": self.key["AccessKeyId"],
                "secret_access_key": self.key["SecretAccessKey"],
            }
        )
        assert alice("sts", "get-caller-identity")["Arn"].endswith(":user/alice")
        for blob in self.sealed.values():
            opened = alice("kms", "decrypt", "--ciphertext-blob", f"fileb://{blob}")["Plaintext"]
            assert base64.b64decode(opened) == b"kept"
        assert alice("kms", "describe-key", "--key-id", "alias/kept")["KeyMetadata"]["KeyId"] == self.keys[0]
        object_ = self.folder / f"object-{threading.get_ident()}"
        alice("s3api", "get-object", "--bucket", "kept", "--key", "kept", object_)
        assert object_.read_bytes() == b"kept"

    def change_password(self, old: str, new: str):
        alice = self.server.as_root(
            {
                "access_key_id": self.key["AccessKeyId"],
                "secret_access_key": self.key["SecretAccessKey"],
            }
        )
        alice("iam", "change-password", "--old-password", old, "--new-password", new)


def sealed_in_the_first_epoch(server) -> list[str]:
    """Columns of the store that hold anything with the head of a value that the first root key sealed, or its MAC."""
    found = []
    with sqlite3.connect(f"file:{server.data / 'strongroom.db'}?mode=ro", uri=True) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for _, column, kind, *_ in list(store.execute(f"PRAGMA table_info({table})")):
                if kind.upper() != "BYTEA":
                    continue
                for (value,) in store.execute(f'SELECT "{column}" FROM {table} WHERE "{column}" IS NOT NULL'):
                    if value.startswith(FIRST_EPOCH) or (column == "mac" and len(value) == 33):
                        found.append(f"{table}.{column}")
    return found


@pytest.mark.slow
def test_a_rotation_beside_running_calls(made, tmp_path):
    server = made.start()
    things = Belongings(server, tmp_path)
    stop, failures = threading.Event(), []

    def call():
        while not stop.is_set():
            try:
                things.check()
            except Exception as error:
                failures.append(error)
                return

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        done = rotate(server)
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert not failures, failures
    # The older root key goes once every server has sealed under the new one for ten minutes.
    assert (done["epoch"], done["refused"], done["finished"]) == (2, 0, False)
    assert done["resealed"] > 10
    assert slots(server)["epoch"] == 2
    things.change_password("Passw0rd-of-alice", "Passw0rd-of-alice-2")
    things.check()
    server.stop()
    assert sealed_in_the_first_epoch(server) == []
    assert "past" in (server.data / "seal/root.slots").read_text()
    server.start()
    things.check()
    things.change_password("Passw0rd-of-alice-2", "Passw0rd-of-alice-3")
    verified = server.verify_audit()
    assert verified.returncode == 0, verified.stdout


def test_a_rotation_where_no_server_runs(made, tmp_path):
    server = made.start()
    things = Belongings(server, tmp_path)
    server.stop()
    for epoch in range(2, 5):
        done = rotate(server)
        assert (done["epoch"], done["refused"], done["finished"]) == (epoch, 0, True)
        assert sealed_in_the_first_epoch(server) == []
    said = server.ran("seal", "rotate", "--config", server.config)
    assert "The root key of epoch 5 is in use" in said
    assert "The older root keys are gone." in said
    server.start()
    things.check()
    # A session of before is nobody's loss.
    session = server.as_root(
        {
            "access_key_id": things.session["AccessKeyId"],
            "secret_access_key": things.session["SecretAccessKey"],
        }
    ).with_(session_token=things.session["SessionToken"])
    assert session("sts", "get-caller-identity")["Arn"].endswith(":user/alice")
    assert server.verify_audit().returncode == 0


@pytest.mark.soak
def test_killed_anywhere_in_a_rotation(made, tmp_path):
    server = made.start()
    things = Belongings(server, tmp_path)
    seed = int(os.environ.get("STRONGROOM_SEED", time.time()))
    print(f"STRONGROOM_SEED={seed}")
    chance = random.Random(seed)
    for _ in range(int(os.environ.get("STRONGROOM_ROUNDS", "20"))):
        command = [server.program, "seal", "rotate", "--config", server.config]
        rotation = subprocess.Popen(command, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(chance.random() * 0.4)
        server.kill()
        rotation.communicate(timeout=120)
        server.start()
        things.check()
    server.stop()
    assert rotate(server)["finished"]
    assert len([line for line in (server.data / "seal/root.slots").read_text().splitlines() if "past" in line]) == 0
    server.start()
    things.check()
    assert server.verify_audit().returncode == 0


def test_a_seal_under_a_passphrase(program, tmp_path):
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    secret.chmod(0o600)
    server = Production(program, tmp_path / "production")
    (tmp_path / "production").mkdir()
    server.init("--passphrase-file", secret)
    try:
        server.start()
        assert [slot["kind"] for slot in slots(server)["slots"]] == ["passphrase"]
        assert not (server.data / "seal/slot-file.key").exists()
        server.as_root()("kms", "create-key")
        server.stop()

        secret.write_text("another horse battery staple\n")
        assert "the passphrase opens no slot of" in server.refused("serve", "--config", server.config)
        secret.write_text(PASSPHRASE + "\n")

        # Another way in, and the first one closed.
        other = tmp_path / "other"
        other.write_text("the passphrase of somebody else\n")
        other.chmod(0o600)
        add = ("seal", "slots", "add", "--kind", "passphrase", "--new-passphrase-file", other)
        server.ran(*add, "--config", server.config)
        assert rotate(server)["finished"]
        first = slots(server)["slots"][0]["id"]
        # At the next start nothing would open.
        refused = server.refused("seal", "slots", "remove", first, "--config", server.config)
        assert f"slot {first} is the one that the configuration opens" in refused
        assert len(slots(server)["slots"]) == 2
        secret.write_text("the passphrase of somebody else\n")
        server.ran("seal", "slots", "remove", first, "--config", server.config)
        last = slots(server)["slots"][0]["id"]
        refused = server.refused("seal", "slots", "remove", last, "--config", server.config)
        assert "this is the seal's only slot" in refused
        server.start()
        assert len(server.as_root()("kms", "list-keys")["Keys"]) == 1
        secret.write_text(PASSPHRASE + "\n")
        assert "the passphrase opens no slot of" in server.refused(
            "seal", "slots", "add", "--kind", "file", "--config", server.config
        )
    finally:
        server.ensure_gone()
    for file in [*server.data.rglob("*"), server.log]:
        if file.is_file():
            assert PASSPHRASE.encode() not in file.read_bytes(), file


def test_who_could_open_a_removed_slot_is_locked_out(made, tmp_path):
    server, bob = made, tmp_path / "bob"
    server.start()
    server.as_root()("kms", "create-key")
    server.stop()
    bob.write_text(PASSPHRASE + "\n")
    bob.chmod(0o600)
    add = ("seal", "slots", "add", "--kind", "passphrase", "--new-passphrase-file", bob)
    server.ran(*add, "--config", server.config)
    of_alice = next(slot["id"] for slot in slots(server)["slots"] if slot["kind"] == "file")
    # What alice takes with her: the folder, and with it what opens her slot.
    seal, taken = server.data / "seal", tmp_path / "taken"
    shutil.copytree(seal, taken)

    usual = server.config.read_text()
    server.config.write_text(usual.replace("[seal]\n", f'[seal]\nslot = "passphrase"\npassphrase_file = "{bob}"\n'))
    said = server.ran("seal", "slots", "remove", of_alice, "--config", server.config)
    assert "strongroom seal rotate" in said
    (seal / "slot-file.key").unlink()
    said = server.ran("seal", "rotate", "--config", server.config)
    assert "What opens it" in said
    assert of_alice not in said
    server.start()
    assert len(server.as_root()("kms", "list-keys")["Keys"]) == 1
    backup = tmp_path / "later.backup"
    server.ran("backup", "--config", server.config, backup)
    server.stop()

    # Alice: with her folder, and with what stands in every backup.
    server.config.write_text(usual)
    kept = tmp_path / "kept"
    seal.rename(kept)
    shutil.copytree(taken, seal)
    assert "the store is at epoch 2" in server.refused("serve", "--config", server.config)
    assert "does not open" in server.refused("backup", "verify", "--config", server.config, backup)
    # Her key and the slots of now.
    (seal / "root.slots").write_bytes((kept / "root.slots").read_bytes())
    assert "has no slot of the kind file" in server.refused("serve", "--config", server.config)


def test_what_was_altered_in_the_outbox_is_named(made, tmp_path):
    made.start()
    made.as_root()("kms", "create-key")
    made.stop()
    with sqlite3.connect(made.data / "strongroom.db") as store:
        message = bytes([1]) + bytes(100)
        store.execute("INSERT INTO outbox (id, message) VALUES (?, ?)", (bytes(16), message))
    done = rotate(made)
    assert (done["finished"], done["refused"], done["names"]) == (False, 1, [f"outbox {'00' * 16}"])
    with sqlite3.connect(made.data / "strongroom.db") as store:
        store.execute("DELETE FROM outbox")
    assert rotate(made)["finished"]


def epochs_of_journal_keys(server) -> set[int]:
    """Of root keys that are gone, those whose key for the journal is left."""
    lines = [line.split() for line in (server.data / "seal/root.slots").read_text().splitlines()]
    return {int(line[1]) for line in lines if line[0] == "kept" and line[2] == "strongroom/journal-mac"}


def test_keys_of_the_journal_go_with_its_streams(made):
    """Each rotation where no server runs has a stream of its own; what is kept is verified as ever."""
    made.start()
    made.as_root()("kms", "create-key")
    made.stop()
    for _ in range(3):
        rotate(made)
    assert epochs_of_journal_keys(made) == {1, 2, 3}
    assert made.verify_audit().returncode == 0
    # Of the oldest streams nothing is left.
    streams = sorted(path for path in (made.data / "journal").iterdir() if len(path.name) == 32)
    for stream in streams[:-1]:
        shutil.rmtree(stream)
    rotate(made)
    assert epochs_of_journal_keys(made) == {3, 4}


def test_a_weak_passphrase_is_refused_before_anything_is_made(program, tmp_path):
    secret = tmp_path / "passphrase"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    server = Production(program, tmp_path / "production")
    usual = ("--data-dir", server.data, "--listen", "127.0.0.1:0", "--config", server.config)
    refused = server.refused("init", *usual, "--passphrase-file", secret)
    assert "a passphrase has at least 12 characters" in refused
    assert "hunter2" not in refused


@pytest.mark.slow
def test_a_rotation_with_two_servers_on_one_postgresql(program, tmp_path):
    # PostgreSQL runs as somebody else, who must come as far as its folder.
    database = tmp_path / "database"
    database.mkdir()
    for parent in [database, *database.parents]:
        if parent.is_relative_to("/tmp") and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o011)
    postgres = Postgres(database).start()
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    one = Production(program, tmp_path / "one").init("--store", postgres.database("strongroom"))
    other = Production(program, tmp_path / "other")
    try:
        one.start()
        things = Belongings(one, tmp_path)
        # The other server has the seal in a folder of its own, and what the one made of certificates.
        copied = other.data / "seal"
        copied.mkdir(parents=True, mode=0o700)
        other.data.chmod(0o700)
        for name in ["root.slots", "slot-file.key"]:
            (copied / name).write_bytes((one.data / "seal" / name).read_bytes())
            (copied / name).chmod(0o600)
        other.config.parent.mkdir(parents=True, exist_ok=True)
        text = one.config.read_text().replace(f'dir = "{one.data}"', f'dir = "{other.data}"')
        # Servers on one store have one folder of objects.
        text = text.replace("[objects]\n", f'[objects]\ndir = "{one.data / "objects"}"\n')
        other.config.write_text(text)
        other.root = one.root
        other.start()
        things.check(other)
        done = rotate(one)
        assert (done["epoch"], done["finished"]) == (2, False)
        things.check(one)
        things.check(other)
        wait_until(lambda: slots(other)["epoch"] == 2, "the other server takes it over")
        other.stop()
        other.start()
        things.check(other)
    finally:
        one.ensure_gone()
        other.ensure_gone()
        postgres.stop()
