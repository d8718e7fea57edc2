"""A disk that is full: calls are refused, clearly, and served again by themselves once there is room."""

import subprocess
import urllib.error
from pathlib import Path

import pytest

from rig import sdk
from rig.node import Node, wait_until

SIZE = "24m"


@pytest.fixture
def small_disk(tmp_path):
    """A file system with little room, of the test's own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "strongroom-e2e", str(place)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system takes root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path):
    """Takes all the room that there is."""
    with path.open("wb", buffering=0) as file:
        piece = b"\0" * 65536
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[: len(piece) // 2]


def health(node: Node) -> int:
    try:
        return node.get("/_strongroom/health")[0]
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("durability", ["sync", "written"])
def test_a_full_disk_refuses_calls_until_there_is_room(program, tmp_path, small_disk, durability):
    node = Node(program, tmp_path, "--data-dir", str(small_disk / "data"), "--journal-durability", durability).start()
    node.data = small_disk / "data"
    try:
        kms = sdk.client(node, "kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        filler = small_disk / "filler"
        done = 0

        def encrypt():
            nonlocal done
            kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"purpose": "p" * 500})
            done += 1

        encrypt()
        fill(filler)
        # What the journal has reserved is there to the end.
        with sdk.refused("ServiceUnavailableException") as answer:
            for _ in range(20_000):
                encrypt()
        assert answer.status == 503
        assert answer.message == "The call could not be recorded in the audit journal. See the server's log."
        assert done > 100
        # Nothing is served unrecorded, and whoever watches is told.
        with sdk.refused("ServiceUnavailableException"):
            encrypt()
        assert health(node) == 503

        filler.unlink()
        wait_until(lambda: health(node) == 200, "a server that has noticed that there is room")
        encrypt()
        node.stop()
        verified = subprocess.run(
            [program, "audit", "verify", "--data-dir", str(small_disk / "data")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert "panicked" not in node.said()
        kept = int(verified.stdout.split(" records in ")[0].rsplit(" ", 1)[1].replace(",", ""))
        assert kept > done, verified.stdout
    finally:
        node.ensure_gone()
