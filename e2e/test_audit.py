"""The journal's checkpoints: what an operator, an auditor and a stranger can tell from them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rig import development, sdk
from rig.cli import Cli
from rig.node import Node, run, wait_until
from rig.production import Production

INTACT, BROKEN, NOT_VERIFIED = 0, 1, 2
"""Exit statuses of `audit verify`."""


def verify(node: Node, *arguments: object) -> tuple[int, str]:
    done = run(node.program, "audit", "verify", *map(str, arguments))
    assert "panicked" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def verify_data(node: Node, *arguments: object) -> tuple[int, str]:
    return verify(node, "--data-dir", node.data, *arguments)


def printed(node: Node, what: str, file: Path) -> Path:
    """What `audit checkpoint` or `audit key` prints, in a file."""
    done = run(node.program, "audit", what, "--data-dir", str(node.data))
    assert done.returncode == 0, done.stderr
    file.write_text(done.stdout)
    return file


def number_of(checkpoint: Path) -> int:
    """The number of a checkpoint that was printed. A start signs one too, so a stop's is not the first."""
    return int(re.match(r"strongroom-checkpoint 1\nnumber (\d+)\n", checkpoint.read_text())[1])


def newest_segment(node: Node) -> Path:
    streams = sorted(path for path in (node.data / "journal").iterdir() if re.fullmatch("[0-9a-f]{32}", path.name))
    return sorted(streams[-1].glob("*.seg"))[-1]


@pytest.fixture
def stopped(fresh_node):
    """A server that has answered a few calls and stopped."""
    kms = sdk.client(fresh_node, "kms")
    for _ in range(3):
        kms.generate_random(NumberOfBytes=8)
    assert fresh_node.stop() == 0
    return fresh_node


def test_a_stop_signs_how_far_the_journal_was(stopped, tmp_path):
    kept = printed(stopped, "checkpoint", tmp_path / "kept.txt")
    text, number = kept.read_text(), number_of(kept)
    assert re.search(r"^head [0-9a-f]{32} \d+ 3 [0-9a-f]{64}$", text, re.M), text
    status, said = verify_data(stopped)
    assert status == INTACT
    assert f"{number} checkpoints" in said
    assert f"newest checkpoint is number {number}" in said


def test_anybody_verifies_a_checkpoint_with_openssl(stopped, tmp_path):
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl")
    key = printed(stopped, "key", tmp_path / "key.pem")
    text = printed(stopped, "checkpoint", tmp_path / "kept.txt").read_text()
    lines, signature = re.fullmatch(r"(.*\n)signature ([0-9a-f]{128})\n", text, re.S).groups()
    (tmp_path / "lines").write_text(lines)
    (tmp_path / "signature").write_bytes(bytes.fromhex(signature))
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin"]
    command += ["-in", tmp_path / "lines", "-sigfile", tmp_path / "signature"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_records_cut_from_the_very_end_are_missed(stopped):
    segment = newest_segment(stopped)
    whole = segment.read_bytes()
    # As if the server had been killed after its second call.
    frames = [found.start() for found in re.finditer(b"SRJF", whole)]
    segment.write_bytes(whole[: frames[-2]])
    status, said = verify_data(stopped)
    assert status == BROKEN
    assert re.search(r"the end of the stream is missing: checkpoint \d+ saw 4 frames and 3 records", said), said
    stopped.start()
    wait_until(lambda: "THE JOURNAL'S END IS MISSING" in stopped.said(), "a word in the log")


def test_a_stranger_verifies_a_copy_with_two_texts(stopped, tmp_path):
    key = printed(stopped, "key", tmp_path / "key.pem")
    kept = printed(stopped, "checkpoint", tmp_path / "kept.txt")
    copy = shutil.copytree(stopped.data / "journal", tmp_path / "copy")
    stranger = ["--journal", copy, "--public-key", key, "--checkpoint", kept]
    status, said = verify(stopped, *stranger)
    assert status == INTACT, said
    assert "compared with 1 checkpoints" in said
    assert "MACs can only be checked with the seal" in said
    # Somebody changes the newest checkpoint's number of records, and cannot sign.
    checkpoints = copy / "checkpoints/000001.checkpoints"
    text = checkpoints.read_text()
    checkpoints.write_text(re.sub(r"^(head \w+ \d+) 3 ", r"\1 2 ", text, flags=re.M))
    status, said = verify(stopped, *stranger)
    assert status == BROKEN
    assert f"checkpoint {number_of(kept)} is not signed by the key that it names" in said, said
    # Another's key.
    other = tmp_path / "other.pem"
    begin, line, end = key.read_text().splitlines()
    other.write_text("\n".join([begin, line[:20] + ("B" if line[20] == "A" else "A") + line[21:], end]))
    checkpoints.write_text(text)
    status, said = verify(stopped, "--journal", copy, "--public-key", other)
    assert status == BROKEN
    assert "another key than the journal's" in said, said


def test_a_journal_that_was_rolled_back_is_shown_by_a_kept_checkpoint(stopped, tmp_path):
    before = shutil.copytree(stopped.data / "journal", tmp_path / "before")
    there = number_of(printed(stopped, "checkpoint", tmp_path / "before.txt"))
    stopped.start()
    sdk.client(stopped, "kms").generate_random(NumberOfBytes=8)
    assert stopped.stop() == 0
    kept = printed(stopped, "checkpoint", tmp_path / "kept.txt")
    assert verify_data(stopped, "--checkpoint", kept)[0] == INTACT
    shutil.rmtree(stopped.data / "journal")
    shutil.copytree(before, stopped.data / "journal")
    assert verify_data(stopped)[0] == INTACT, "of itself it shows nothing"
    status, said = verify_data(stopped, "--checkpoint", kept)
    assert status == BROKEN
    made = f"it is at checkpoint {there}, and checkpoint {number_of(kept)} was made of it"
    assert f"the journal was rolled back: {made}" in said, said


def test_what_is_not_found_may_be_where_nothing_could_be_read(stopped):
    segment = newest_segment(stopped)
    altered = bytearray(segment.read_bytes())
    second = [found.start() for found in re.finditer(b"SRJF", altered)][1]
    altered[second + 100] ^= 1
    segment.write_bytes(altered)
    assert verify_data(stopped)[0] == BROKEN
    done = run(stopped.program, "explain", "--data-dir", str(stopped.data), "--request-id", "no-such-request")
    assert done.returncode == 1
    assert "places could not be read; `strongroom audit verify` names them" in done.stderr, done.stderr
    assert "no call with request id no-such-request" in done.stderr, done.stderr


def test_a_log_of_failures_is_of_a_server(stopped, tmp_path):
    """A folder that is not there is no server at which every request was authenticated."""
    done = run(stopped.program, "audit", "failures", "--data-dir", str(stopped.data))
    assert (done.returncode, done.stdout) == (0, "Every request was authenticated.\n")
    done = run(stopped.program, "audit", "failures", "--data-dir", str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "nowhere; name the server's with --data-dir" in done.stderr, done.stderr


def test_what_cannot_be_told_has_a_status_of_its_own(stopped, tmp_path):
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nothing")
    for arguments in [
        ["--data-dir", tmp_path / "nowhere"],
        ["--data-dir", stopped.data, "--checkpoint", nonsense],
        ["--data-dir", stopped.data, "--public-key", nonsense],
    ]:
        status, said = verify(stopped, *arguments)
        assert status == NOT_VERIFIED, said
        assert "strongroom: the journal was not verified: " in said
    shutil.rmtree(stopped.data / "seal")
    status, said = verify_data(stopped)
    assert status == NOT_VERIFIED
    assert "--public-key" in said, said


@pytest.fixture
def production(program, tmp_path):
    """A server that signs every second and has small segments, with a folder for copies."""
    server = Production(program, tmp_path).init()
    (tmp_path / "copies").mkdir()
    server.environment |= {
        "STRONGROOM_JOURNAL_CHECKPOINT_SECONDS": "1",
        "STRONGROOM_JOURNAL_SEGMENT_MEBIBYTES": "1",
        "STRONGROOM_JOURNAL_CHECKPOINT_COPIES": f'["{tmp_path}/copies"]',
    }
    yield server.start()
    server.ensure_gone()
    assert "panicked" not in server.said()


def test_checkpoints_are_copied_as_they_are_made(production, tmp_path):
    copy = tmp_path / "copies/000001.checkpoints"
    aws = production.as_root()
    aws("kms", "create-key")
    wait_until(lambda: copy.exists() and "head" in copy.read_text(), "a copy")
    assert production.stop() == 0
    assert copy.read_text() == (production.data / "journal/checkpoints/000001.checkpoints").read_text()
    done = production.verify_audit()
    assert done.returncode == INTACT, done.stdout
    assert "that were kept elsewhere" in done.stdout
    # A copy that is away may know more than the journal has.
    (tmp_path / "copies").rename(tmp_path / "away")
    done = production.verify_audit()
    assert done.returncode == NOT_VERIFIED, done.stdout
    assert "WAS NOT COMPARED" in done.stdout
    assert "WHETHER ITS END IS MISSING CANNOT BE TOLD: 1 of the copies" in done.stdout
    (tmp_path / "away").rename(tmp_path / "copies")
    # The copy does not follow a journal that was put back.
    shutil.rmtree(production.data / "journal/checkpoints")
    kept = copy.read_text()
    production.start()
    wait_until(lambda: "checkpoints are not copied" in production.said(), "a word in the log")
    assert copy.read_text() == kept
    done = production.verify_audit()
    assert done.returncode == BROKEN, done.stdout


def test_closed_segments_are_compressed_and_nothing_is_lost(production):
    kms = sdk.client(
        production,
        "kms",
        access_key_id=production.root["access_key_id"],
        secret_access_key=production.root["secret_access_key"],
    )
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    calls = 400
    for number in range(calls):
        # Large records: a context that is shown as it is.
        context = {f"{part}-{number}": str(number * part) * 120 for part in range(1, 9)}
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)
    packed = lambda: list((production.data / "journal").glob("*/000001.seg.zst"))  # noqa: E731
    wait_until(packed, "a compressed segment")
    cloudtrail = sdk.client(
        production,
        "cloudtrail",
        access_key_id=production.root["access_key_id"],
        secret_access_key=production.root["secret_access_key"],
    )
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "Encrypt"}]
    pages = cloudtrail.get_paginator("lookup_events").paginate(LookupAttributes=attributes)
    assert sum(len(page["Events"]) for page in pages) == calls
    done = production.verify_audit()
    assert done.returncode == INTACT, done.stdout
    assert production.stop() == 0
    done = production.verify_audit()
    assert done.returncode == INTACT, done.stdout
    # A letter of a compressed file.
    file = packed()[0]
    altered = bytearray(file.read_bytes())
    altered[len(altered) // 2] ^= 1
    file.write_bytes(altered)
    done = production.verify_audit()
    assert done.returncode == BROKEN
    assert re.search(r"segment 000001.seg, byte \d+, frame \d+, record \d+", done.stdout), done.stdout


@pytest.mark.slow
def test_records_go_when_their_time_is_up(fresh_node):
    """In development the clock moves; the journal is kept once a minute."""
    aws = Cli(fresh_node)
    aws("kms", "create-key")
    assert fresh_node.stop() == 0
    fresh_node.start()
    aws = Cli(fresh_node)
    aws("kms", "list-keys")
    development.advance(fresh_node, days=100)
    wait_until(lambda: "old records were removed" in fresh_node.said(), "retention", 150)
    status, said = verify_data(fresh_node)
    assert status == INTACT, said
    assert "removed when its time was up" in said
