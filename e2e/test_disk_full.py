"""A disk that is full: calls are refused, clearly, and served again by themselves once there is room."""

import subprocess
import urllib.error
from datetime import timedelta
from pathlib import Path

import pytest

from rig import development, sdk
from rig.node import Node, wait_until
from test_trails import Evidence

SIZE = "24m"
OF_EVIDENCE = "64m"


@pytest.fixture(params=[SIZE])
def small_disk(tmp_path, request):
    """A file system with little room, of the test's own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "strongroom-e2e", str(place)]
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


@pytest.fixture
def evidence(program, tmp_path, small_disk):
    """A trail on a small disk, with its bucket."""
    node = Node(program, tmp_path, "--data-dir", str(small_disk / "data"))
    yield Evidence(node.start()).begin()
    node.ensure_gone()
    assert "panicked" not in node.said(), node.said()[-4000:]


@pytest.mark.parametrize("small_disk", [OF_EVIDENCE], indirect=True)
def test_what_is_derived_goes_on_where_the_disk_was_full(evidence, small_disk):
    cloudwatch, node, filler = sdk.client(evidence.node, "cloudwatch"), evidence.node, small_disk / "filler"
    done = 0

    def encrypt(times: int):
        nonlocal done
        for _ in range(times):
            evidence.kms.encrypt(KeyId=evidence.key, Plaintext=b"x", EncryptionContext={"purpose": "p" * 500})
            done += 1

    encrypt(10)
    began = evidence.now()
    fill(filler)
    with sdk.refused("ServiceUnavailableException"):
        encrypt(20_000)
    filler.unlink()
    wait_until(lambda: health(node) == 200, "a server that has noticed that there is room")
    encrypt(10)
    development.advance(node, hours=2)
    ids = [record["eventID"] for record in evidence.records() if record["eventName"] == "Encrypt"]
    assert len(ids) == len(set(ids))
    # What was refused for want of room may have been written before the server knew.
    assert done <= len(ids) <= done + 1
    status, said = evidence.validated()
    assert status == 0, said
    key_id = evidence.key.rpartition("/")[2]

    def counted() -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/KMS",
            MetricName="KeyUsageCount",
            Dimensions=[{"Name": "KeyId", "Value": key_id}, {"Name": "Operation", "Value": "Encrypt"}],
            StartTime=began - timedelta(hours=1),
            EndTime=evidence.now(),
            Period=86_400,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    # Whoever moves the clock waits for the counting for some seconds only.
    wait_until(lambda: counted() >= len(ids), "the uses to be counted")
    assert counted() == len(ids)


@pytest.mark.parametrize("small_disk", [OF_EVIDENCE], indirect=True)
def test_objects_find_no_room_and_then_do(evidence, small_disk):
    s3, filler = evidence.s3, small_disk / "filler"
    s3.create_bucket(Bucket="things")
    s3.put_object(Bucket="things", Key="before", Body=b"b" * 100_000)
    fill(filler)
    with sdk.refused("ServiceUnavailable") as answer:
        s3.put_object(Bucket="things", Key="large", Body=b"l" * (8 << 20))
    assert answer.status == 503
    assert answer.message == "There is no room for objects on the server's disk. Please try again later."
    filler.unlink()
    wait_until(lambda: health(evidence.node) == 200, "a server that has noticed that there is room")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="things")["Contents"]] == ["before"]
    s3.put_object(Bucket="things", Key="large", Body=b"l" * (8 << 20))
    assert s3.get_object(Bucket="things", Key="large")["Body"].read() == b"l" * (8 << 20)
    assert s3.get_object(Bucket="things", Key="before")["Body"].read() == b"b" * 100_000
