"""Backups of a server in production: made while it serves, restored elsewhere, and everything is there."""

import base64
import itertools
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.cluster import PASSWORD, Cluster
from rig.node import wait_until
from rig.production import Production

LETTER = b"Meet me at the usual place."

TRIES = 20
"""How often something may be quicker than this process, which is to kill it halfway."""


def made(ended, program, folder: Path, *options: object) -> Production:
    folder.mkdir()
    server = Production(program, folder).init(*options)
    ended.append(server)
    return server


def elsewhere(ended, program, server: Production, folder: Path, store: str | None = None) -> Production:
    """Where a server is to come back: its configuration for another folder, and what opens its seal."""
    other = Production(program, folder)
    (folder / "etc").mkdir(parents=True)
    text = server.config.read_text().replace(str(server.data), str(other.data))
    if store:
        # The template has the setting as a comment, or there was another store.
        text = re.sub(r"(?m)^url = .*$", "", text)
        text = re.sub(r"(?m)^\[store\]$", f'[store]\nurl = "{store}"', text)
        assert store in text
    else:
        text = re.sub(r'(?m)^url = "postgres.*$', "", text)
    other.config.write_text(text)
    other.config.chmod(0o600)
    other.root = dict(server.root)
    key = server.data / "seal/slot-file.key"
    if key.exists():
        (other.data / "seal").mkdir(parents=True)
        for made in [other.data, other.data / "seal"]:
            made.chmod(0o700)
        shutil.copy(key, other.data / "seal/slot-file.key")
    ended.append(other)
    return other


def cut_off(
    empty: Callable[[], Production],
    is_there: Callable[[Production], bool],
    file: Path,
    *options: object,
    begun: Production | None = None,
) -> Production:
    """Restores, and kills that as soon as something of it is there; answers the place, `begun` or one that is empty.

    Where it was quicker than this process, nothing was cut off: it is begun again in another place that is empty.
    """
    for _ in range(TRIES):
        server, begun = begun or empty(), None
        command = [server.program, "restore", file, *options, "--config", server.config]
        with (server.folder / "restoring").open("wb") as output:
            restoring = subprocess.Popen(command, env=server.environment, stdout=output, stderr=output)
        while restoring.poll() is None and not is_there(server):
            time.sleep(0.001)
        restoring.kill()
        assert restoring.wait() in (0, -signal.SIGKILL), (server.folder / "restoring").read_text()
        if (server.data / "restore.unfinished").exists():
            return server
    raise AssertionError(f"it had ended before it was killed, {TRIES} times")


def decrypted(aws, blob: bytes, folder: Path) -> bytes:
    sealed = folder / "sealed"
    sealed.write_bytes(blob)
    return base64.b64decode(aws("kms", "decrypt", "--ciphertext-blob", f"fileb://{sealed}")["Plaintext"])


class Life:
    """What a server has when it is backed up, and what it has to have when it is back."""

    def __init__(self, server: Production, folder: Path):
        self.folder = folder
        aws = server.as_root()
        self.key = aws("kms", "create-key", "--description", "of before")["KeyMetadata"]["KeyId"]
        aws("kms", "create-alias", "--alias-name", "alias/letters", "--target-key-id", self.key)
        plain = folder / "plain"
        plain.write_bytes(LETTER)
        sealed = aws("kms", "encrypt", "--key-id", "alias/letters", "--plaintext", f"fileb://{plain}")
        self.sealed = base64.b64decode(sealed["CiphertextBlob"])
        aws("iam", "create-user", "--user-name", "ann")
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
        aws(
            "iam",
            "put-user-policy",
            "--user-name",
            "ann",
            "--policy-name",
            "keys",
            "--policy-document",
            json.dumps(allowed),
        )
        key = aws("iam", "create-access-key", "--user-name", "ann")["AccessKey"]
        self.ann = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
        aws("s3api", "create-bucket", "--bucket", "letters-of-before")
        put = ("s3api", "put-object", "--bucket", "letters-of-before", "--body", plain)
        aws(*put, "--key", "sealed")
        aws(*put, "--key", "under-kms", "--server-side-encryption", "aws:kms", "--ssekms-key-id", self.key)

    def goes_on(self, server: Production):
        """Keys decrypt, users sign and may what they might, new things can be made."""
        for aws in (server.as_root(), server.as_root({**self.ann, "account": server.root["account"]})):
            assert decrypted(aws, self.sealed, self.folder) == LETTER
        aws = server.as_root()
        for key in ("sealed", "under-kms"):
            back = self.folder / "back"
            aws("s3api", "get-object", "--bucket", "letters-of-before", "--key", key, back)
            assert back.read_bytes() == LETTER
        assert aws("kms", "describe-key", "--key-id", "alias/letters")["KeyMetadata"]["Description"] == "of before"
        aws("kms", "create-key")

    def is_remembered(self, server: Production):
        """The past is found, and the restore in it."""
        aws = server.as_root()

        def events(name):
            chosen = f"AttributeKey=EventName,AttributeValue={name}"
            return aws("cloudtrail", "lookup-events", "--lookup-attributes", chosen)["Events"]

        wait_until(lambda: any(self.key in event["CloudTrailEvent"] for event in events("CreateKey")), "the past")
        restored = wait_until(lambda: events("RestoreBackup"), "the record of the restore")
        details = json.loads(restored[0]["CloudTrailEvent"])["serviceEventDetails"]
        assert re.fullmatch("[0-9a-f]{32}", details["backupId"])
        verified = server.verify_audit()
        assert verified.returncode == 0, verified.stdout


def test_what_a_serving_server_is_backed_up_as_comes_back_elsewhere(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    file = tmp_path / "backup.strongroom"
    told = json.loads(server.ran("backup", file, "--json", "--config", server.config))
    assert told["rows"] > 0
    assert told["files"] > 0
    assert file.stat().st_mode & 0o777 == 0o600
    later = server.as_root()("kms", "create-key", "--description", "of after")["KeyMetadata"]["KeyId"]
    content = file.read_bytes()
    for secret in [life.ann["secret_access_key"], life.ann["access_key_id"], "alias/letters", LETTER.decode()]:
        assert secret.encode() not in content
    verified = server.ran("backup", "verify", file, "--config", server.config)
    assert "can be restored" in verified
    assert told["backup_id"] in verified
    server.ensure_gone()

    other = elsewhere(ended, program, server, tmp_path / "two")
    said = other.ran("restore", file, "--config", other.config)
    assert told["backup_id"] in said
    assert not (other.data / "restore.unfinished").exists()
    for path in other.data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    other.start()
    life.goes_on(other)
    life.is_remembered(other)
    unknown = other.as_root().run("kms", "describe-key", "--key-id", later)
    assert "NotFoundException" in unknown.stderr


def test_a_backup_without_a_server_is_the_same(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    server.ensure_gone()
    file = tmp_path / "backup.strongroom"
    server.ran("backup", file, "--config", server.config)
    assert "is there already" in server.refused("backup", file, "--config", server.config)
    other = elsewhere(ended, program, server, tmp_path / "two")
    other.ran("restore", file, "--config", other.config)
    other.start()
    life.goes_on(other)
    life.is_remembered(other)
    # What was restored can be backed up, and so on.
    again = tmp_path / "again.strongroom"
    other.ran("backup", again, "--config", other.config)
    assert "can be restored" in other.ran("backup", "verify", again, "--config", other.config)


def test_a_store_moves_from_one_engine_to_the_other_and_back(program, tmp_path, ended, postgres):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    file = tmp_path / "sqlite.strongroom"
    server.ran("backup", file, "--config", server.config)
    server.ensure_gone()
    other = elsewhere(ended, program, server, tmp_path / "two", store=postgres.database("restored"))
    other.ran("restore", file, "--config", other.config)
    other.start()
    life.goes_on(other)
    back = tmp_path / "postgres.strongroom"
    other.ran("backup", back, "--config", other.config)
    other.ensure_gone()
    third = elsewhere(ended, program, other, tmp_path / "three")
    third.ran("restore", back, "--config", third.config)
    third.start()
    life.goes_on(third)
    life.is_remembered(third)
    # A database that has something in it is nobody's empty place.
    (other.data / "server-name").unlink()
    for folder in ("journal", "index", "objects"):
        shutil.rmtree(other.data / folder, ignore_errors=True)
    assert "only an empty store is filled" in other.refused("restore", file, "--config", other.config)


def test_nothing_is_made_of_what_does_not_open(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    Life(server, tmp_path)
    file = tmp_path / "backup.strongroom"
    server.ran("backup", file, "--config", server.config)
    server.ensure_gone()
    whole = file.read_bytes()
    middle = len(whole) // 2
    changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    other = elsewhere(ended, program, server, tmp_path / "two")
    before = sorted(path.name for path in other.data.rglob("*"))
    damaged = tmp_path / "damaged.strongroom"
    for content, why in [
        (whole[:middle], "cut off"),
        (whole[:-1], "cut off"),
        (changed, "damaged"),
        (whole + b"x", "cut off|follows the end|damaged"),
        (b"no backup at all" * 100, "is no backup"),
        (b"", "is no backup"),
    ]:
        damaged.write_bytes(content)
        for command in (["restore"], ["backup", "verify"]):
            said = other.refused(*command, damaged, "--config", other.config)
            assert re.search(why, said), said
    # Another seal's key file.
    stranger = made(ended, program, tmp_path / "stranger")
    shutil.copy(stranger.data / "seal/slot-file.key", other.data / "seal/slot-file.key")
    assert "does not open with" in other.refused("restore", file, "--config", other.config)
    (other.data / "seal/slot-file.key").unlink()
    assert "is not there" in other.refused("restore", file, "--config", other.config)
    left = sorted(path.name for path in other.data.rglob("*") if path.name != "lock")
    assert left == [name for name in before if name != "slot-file.key"]


def test_what_is_there_is_not_touched(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one")
    file = tmp_path / "backup.strongroom"
    server.ran("backup", file, "--config", server.config)
    before = {path: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}
    assert "nothing that is there is touched" in server.refused("restore", file, "--config", server.config)
    assert before == {path: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}
    server.start()
    assert "restored where nobody does" in server.refused("restore", file, "--config", server.config)
    server.stop()
    # Nor is any part of it, though all others were moved away.
    server.stop()
    (apart := tmp_path / "apart").mkdir()
    names = {"journal", "logs.db", "metrics.db", "objects", "strongroom.db"}
    parts = [path for path in server.data.iterdir() if path.name in {"index", *names}]
    assert names <= {path.name for path in parts}
    for path in parts:
        path.rename(apart / path.name)
    for path in parts:
        (apart / path.name).rename(path)
        assert f"{path} is there" in server.refused("restore", file, "--config", server.config)
        path.rename(apart / path.name)


def test_a_restore_that_is_killed_leaves_nothing_that_serves_and_is_run_again(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    file = tmp_path / "backup.strongroom"
    server.ran("backup", file, "--config", server.config)
    server.ensure_gone()
    numbers, other = itertools.count(2), None

    def empty() -> Production:
        return elsewhere(ended, program, server, tmp_path / f"place-{next(numbers)}")

    # Each is made later than the one before; behind the last, everything is opened as a test.
    for stage in ["restore.unfinished", "strongroom.db", "journal"]:
        other = cut_off(empty, lambda place, stage=stage: (place.data / stage).exists(), file, begun=other)
        assert "was cut off" in other.refused("serve", "--config", other.config)
        assert "was cut off" in other.refused("backup", tmp_path / "never", "--config", other.config)
    other.ran("restore", file, "--config", other.config)
    other.start()
    life.goes_on(other)
    life.is_remembered(other)


def test_a_restore_that_was_cut_off_goes_on_where_objects_are_to_be_by_then(program, tmp_path, ended):
    """What it had made of the folder of objects goes, though the settings name another one now; nothing else does."""
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    file = tmp_path / "backup.strongroom"
    server.ran("backup", file, "--config", server.config)
    server.ensure_gone()
    numbers = itertools.count(2)

    def objects_in(place: Production, folder: Path):
        """Changes `[objects] dir`."""
        text, count = re.subn(
            r"(?m)^\[objects\](\ndir = .*)?$", f'[objects]\ndir = "{folder}"', place.config.read_text()
        )
        assert count == 1
        place.config.write_text(text)

    def empty() -> Production:
        place = elsewhere(ended, program, server, tmp_path / f"place-{next(numbers)}")
        objects_in(place, place.folder / "first")
        return place

    # Objects are among the last that is written; then everything is opened as a test.
    other = cut_off(empty, lambda place: any((place.folder / "first").rglob("*")), file)
    first, second, taken = (other.folder / name for name in ("first", "second", "taken"))
    restore = ("restore", file, "--config", other.config)

    # A folder that is somebody's is not written to, and what the restore had made is gone by then.
    taken.mkdir()
    (taken / "letter").write_bytes(LETTER)
    objects_in(other, taken)
    assert f"{taken} is there, and nothing that is there is touched" in other.refused(*restore)
    assert (taken / "letter").read_bytes() == LETTER
    assert not first.exists()
    assert not (other.data / "strongroom.db").exists()

    objects_in(other, second)
    other.ran(*restore)
    assert not (other.data / "objects").exists()
    assert list(second.rglob("*"))
    other.start()
    life.goes_on(other)
    life.is_remembered(other)


def test_a_passphrase_opens_it(program, tmp_path, ended):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o600)
    server = made(ended, program, tmp_path / "one", "--passphrase-file", passphrase).start()
    life = Life(server, tmp_path)
    file = tmp_path / "backup.strongroom"
    server.ran("backup", file, "--config", server.config)
    server.ensure_gone()
    other = elsewhere(ended, program, server, tmp_path / "two")
    passphrase.write_text("something else\n")
    assert "passphrase" in other.refused("restore", file, "--config", other.config)
    passphrase.write_text("correct horse battery staple\n")
    other.ran("restore", file, "--config", other.config)
    other.start()
    life.goes_on(other)


def test_rotations_of_the_seal_concern_no_backup(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    old, new = tmp_path / "old.strongroom", tmp_path / "new.strongroom"
    server.ran("backup", old, "--config", server.config)
    # Where a server runs, a rotation waits for what is under way; where none does, for nothing.
    server.ensure_gone()
    server.ran("seal", "rotate", "--config", server.config)
    server.ran("backup", new, "--config", server.config)
    # With the key file of then, which is that of now.
    for number, file in enumerate([old, new]):
        other = elsewhere(ended, program, server, tmp_path / f"other-{number}")
        other.ran("restore", file, "--config", other.config)
        other.start()
        life.goes_on(other)
        life.is_remembered(other)
        other.ensure_gone()
    # A seal that is another by now is not written over.
    other = elsewhere(ended, program, server, tmp_path / "other-seal")
    shutil.copy(server.data / "seal/root.slots", other.data / "seal/root.slots")
    assert "is not as it was when the backup was made" in other.refused("restore", old, "--config", other.config)
    other.ran("restore", new, "--config", other.config)


def altered(database: Path):
    """One byte of one row's MAC, as whoever writes to the database may change it."""
    with sqlite3.connect(database) as store:
        (mac,) = store.execute("SELECT mac FROM iam_accounts").fetchone()
        store.execute("UPDATE iam_accounts SET mac = ?", (mac[:-1] + bytes([mac[-1] ^ 1]),))
    store.close()


def test_an_altered_row_is_told_and_does_not_make_backups_worthless(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    server.ensure_gone()
    altered(server.data / "strongroom.db")
    file = tmp_path / "backup.strongroom"
    done = server.run("backup", file, "--config", server.config)
    assert done.returncode == 3, done
    assert "rows of iam_accounts whose MAC does not fit: 1" in done.stderr
    verified = server.run("backup", "verify", file, "--config", server.config)
    assert verified.returncode == 1
    assert "with --accept-findings" in verified.stdout
    other = elsewhere(ended, program, server, tmp_path / "two")
    assert "--accept-findings" in other.refused("restore", file, "--config", other.config)
    assert not (other.data / "strongroom.db").exists()
    other.ran("restore", file, "--accept-findings", "--config", other.config)
    other.start()
    life.goes_on(other)
    restored = other.as_root()(
        "cloudtrail", "lookup-events", "--lookup-attributes", "AttributeKey=EventName,AttributeValue=RestoreBackup"
    )["Events"]
    details = json.loads(restored[0]["CloudTrailEvent"])["serviceEventDetails"]
    assert details["acceptedFindings"]["alteredRows"] == 1


def test_a_damaged_journal_is_told_and_does_not_make_backups_worthless(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    server.ensure_gone()
    # The file of the stream that tells of this life; it may be compressed by the next start.
    longest = max((server.data / "journal").rglob("000001.seg*"), key=lambda path: path.stat().st_size)
    # Another stream, so that this one is behind what a start looks at.
    server.start().ensure_gone()
    (segment,) = longest.parent.glob("000001.seg*")
    content = bytearray(segment.read_bytes())
    content[700] ^= 1
    segment.write_bytes(content)
    file = tmp_path / "backup.strongroom"
    server.ran("backup", file, "--config", server.config)
    verified = server.run("backup", "verify", file, "--config", server.config)
    assert verified.returncode == 1
    assert "strongroom: the journal: " in verified.stderr
    other = elsewhere(ended, program, server, tmp_path / "two")
    assert "--accept-findings" in other.refused("restore", file, "--config", other.config)
    assert "was cut off" in other.refused("serve", "--config", other.config)
    other.ran("restore", file, "--accept-findings", "--config", other.config)
    other.start()
    life.goes_on(other)


def test_a_restore_into_postgresql_that_does_not_end_serves_nobody_and_is_run_again(program, tmp_path, ended, postgres):
    server = made(ended, program, tmp_path / "one").start()
    life = Life(server, tmp_path)
    server.ensure_gone()
    altered(server.data / "strongroom.db")
    file = tmp_path / "backup.strongroom"
    assert server.run("backup", file, "--config", server.config).returncode == 3
    numbers = itertools.count(2)

    def empty() -> Production:
        number = next(numbers)
        url = postgres.database(f"cut_off_{number}")
        return elsewhere(ended, program, server, tmp_path / f"place-{number}", store=url)

    # The journal is written behind the commit of all rows.
    other = cut_off(empty, lambda place: (place.data / "journal").exists(), file, "--accept-findings")
    url = re.search(r'(?m)^url = "(postgres.*)"$', other.config.read_text())[1]
    third = elsewhere(ended, program, server, tmp_path / "third", store=url)
    shutil.copy(other.data / "seal/root.slots", third.data / "seal/root.slots")
    assert "did not come to its end" in third.refused("serve", "--config", third.config)
    other.ran("restore", file, "--accept-findings", "--config", other.config)
    other.start()
    life.goes_on(other)


@pytest.mark.slow
def test_clusters_come_back_with_what_the_hsm_host_has_for_itself(program, tmp_path, ended):
    server = made(ended, program, tmp_path / "one").start()
    cluster = Cluster(server.as_root(), tmp_path / "cluster")
    cluster.create("us-east-1a", "us-east-1b")
    # In production nobody is let in before somebody says so.
    server.as_root()(
        "ec2",
        "authorize-security-group-ingress",
        "--group-id",
        cluster.describe()["SecurityGroup"],
        "--protocol",
        "tcp",
        "--port",
        "2223-2225",
        "--cidr",
        "127.0.0.0/8",
    )
    cluster.add_hsm("us-east-1a")
    cluster.initialize()
    user = ["user", "create", "--username", "alice", "--role", "crypto-user", "--password", PASSWORD]
    cluster.activate().as_admin().run(*user)
    cluster.add_hsm("us-east-1b")
    cluster.tool().as_crypto_user().generate_ec_pair("letters")
    before = {hsm["HsmId"] for hsm in cluster.hsms()}
    file = tmp_path / "backup.strongroom"
    told = json.loads(server.ran("backup", file, "--json", "--config", server.config))
    assert any(str(server.data / "hsm-host") in missing for missing in told["missing"])
    # HSMs outlive their server in production; this machine is gone as a whole.
    server.ensure_gone()

    other = elsewhere(ended, program, server, tmp_path / "two")
    other.take_network_of(server)
    shutil.copytree(server.data / "hsm-host", other.data / "hsm-host")
    other.ran("restore", file, "--config", other.config)
    other.start()
    cluster.aws = other.as_root()
    # All have lost what they kept: the first begins with the cluster's last backup and the log, the other joins it.
    wait_until(lambda: len([hsm for hsm in cluster.hsms() if hsm["HsmId"] not in before]) == 2, "new HSMs", 180)
    tool = cluster.tool().as_crypto_user()
    signature = tool.sign("letters", LETTER)
    assert len(signature) == 64
    tool.generate_ec_pair("more")


def test_help_says_how(program):
    for command in ("backup", "restore"):
        said = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=True).stdout
        assert "Example" in said
