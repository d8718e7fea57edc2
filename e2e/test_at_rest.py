"""Nothing secret is on disk in the clear, and nothing on disk can be changed unnoticed."""

import datetime
import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rig import disk, expected, sdk, wire


def today() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%d")


def test_no_secret_is_on_disk_or_in_the_log(fresh_node):
    days = {today()}
    kms = sdk.client(fresh_node, "kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/at-rest", TargetKeyId=key_id)
    planted = {"a plaintext": secrets.token_bytes(64)}
    blob = kms.encrypt(KeyId="alias/at-rest", Plaintext=planted["a plaintext"])["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob)
    with sdk.refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"wrong": "context"})
    for spec in ["AES_128", "AES_256"]:
        planted[f"a data key {spec}"] = kms.generate_data_key(KeyId=key_id, KeySpec=spec)["Plaintext"]
    planted["the secret access key"] = b"AWS4test"
    # Two, if midnight was in between.
    for day in days | {today()}:
        for number, key in enumerate(wire.signing_keys("test", day, "us-east-1", "kms", "aws4_request")):
            planted[f"signing key {number} of {day}"] = key

    # While it runs, after it was killed, after it has stopped: write-ahead files come and go.
    for look in [lambda: None, fresh_node.kill, lambda: fresh_node.start().stop()]:
        look()
        found = dict(disk.contents(fresh_node.data))
        assert fresh_node.data / expected.DATABASE in found, "the server keeps its data where the test looks"
        # The root key is there in the clear.
        for file in disk.root_key_files(fresh_node):
            del found[file]
        found |= {file: file.read_bytes() for file in (fresh_node.log, fresh_node.output)}
        for file, content in found.items():
            shown = [name for name, secret in planted.items() if disk.shows(secret, content)]
            assert shown == [], f"{file.name} shows {shown}"


def test_the_root_key_is_readable_by_its_owner_only(fresh_node):
    slots = disk.root_key_files(fresh_node)
    assert slots, "the root key is where the test looks"
    assert {oct(slot.stat().st_mode & 0o777) for slot in slots} == {"0o600"}


def test_the_data_folder_is_for_its_owner_only(fresh_node):
    assert oct(fresh_node.data.stat().st_mode & 0o777) == "0o700"


def recorded_calls(node, calls: int = 30) -> list[bytes]:
    """Makes calls one by one, so that the journal has many frames."""
    kms = sdk.client(node, "kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    return [kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"] for _ in range(calls)]


def test_an_untouched_journal_verifies(fresh_node):
    recorded_calls(fresh_node)
    fresh_node.kill()
    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    fresh_node.start().stop()
    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_the_journal_of_a_running_server_verifies(fresh_node):
    recorded_calls(fresh_node, calls=5)
    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("alter", [disk.flip, disk.zero], ids=["flipped", "zero"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_one_altered_byte_in_the_journal_is_found_and_named(fresh_node, alter, share):
    recorded_calls(fresh_node)
    fresh_node.stop()
    file = disk.journal_files(fresh_node)[0]
    alter(file, int((disk.used(file) - 1) * share))
    verified = fresh_node.verify_audit()
    assert verified.returncode != 0, "an altered journal verifies"
    assert file.name in verified.stdout + verified.stderr, verified.stdout + verified.stderr


@pytest.fixture
def altered_node(fresh_node) -> Iterator:
    """A server with a key, an alias and a second key, and what they are called."""
    kms = sdk.client(fresh_node, "kms")
    key, other = (kms.create_key(Description="a key")["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.create_alias(AliasName="alias/of-key", TargetKeyId=key)
    kms.encrypt(KeyId="alias/of-key", Plaintext=b"x")
    fresh_node.stop()
    return fresh_node, key, other


def assert_refused_when_loaded(node, key_id: str, what: str):
    node.start()
    with sdk.refused() as refusal:
        sdk.client(node, "kms").encrypt(KeyId=key_id, Plaintext=b"x")
    assert (refusal.status, refusal.code) == expected.INTERNAL, f"{what}: {refusal}"
    node.assert_sound()
    node.stop()


def test_an_alias_cannot_be_bent_to_another_key(altered_node):
    node, key, other = altered_node
    bent = [cell for cell in disk.cells(node, "alias", "alias/of-key") if cell.value == key]
    assert bent, "the alias's row names its key"
    for cell in bent:
        disk.write(node, cell, other)
    assert_refused_when_loaded(node, "alias/of-key", "an alias that names another key")
    for cell in bent:
        disk.write(node, cell, key)
    node.start()
    assert sdk.client(node, "kms").encrypt(KeyId="alias/of-key", Plaintext=b"x")["KeyId"].endswith(key)


def test_a_row_means_nothing_under_another_name(altered_node):
    node, _, _ = altered_node
    cell = disk.cells(node, "alias", "alias/of-key")[0]
    (name,) = [column for column, value in cell.where if value == "alias/of-key"]
    disk.write(node, replace(cell, column=name), "alias/forged")
    assert_refused_when_loaded(node, "alias/forged", "an alias under another name")


@pytest.mark.parametrize(("table", "name"), [("aliases", "alias/of-key"), ("kms_keys", None), ("materials", None)])
def test_no_value_of_a_row_that_grants_authority_can_be_changed(altered_node, table, name):
    node, key, _ = altered_node
    cells = [cell for cell in disk.cells(node, table, name or key) if cell.altered() is not None]
    assert cells, f"no table named like {table} has a row for it"
    for cell in cells:
        disk.write(node, cell, cell.altered())
        assert_refused_when_loaded(node, name or key, f"{cell} altered")
        disk.write(node, cell, cell.value)
    node.start()
    sdk.client(node, "kms").encrypt(KeyId=name or key, Plaintext=b"x")


def test_no_value_of_an_access_key_can_be_changed(altered_node):
    node, key, _ = altered_node
    cells = [cell for cell in disk.cells(node, "access_keys", "test") if cell.altered() is not None]
    assert cells, "the access key `test` has a row"
    for cell in cells:
        disk.write(node, cell, cell.altered())
        # The root key is looked at when the server starts, and so is refused there.
        with pytest.raises(RuntimeError, match="the server ended with 1"):
            node.start()
        assert "access keys cannot be read from the store" in node.said(), f"{cell} altered"
        disk.write(node, cell, cell.value)
    node.start()
    sdk.client(node, "kms").encrypt(KeyId=key, Plaintext=b"x")
