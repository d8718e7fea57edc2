"""The program itself: what it says, how it starts and how it ends."""

from pathlib import Path

import pytest

from rig import expected, sdk
from rig.node import Node, run


def test_version(program):
    done = run(program, "version")
    assert done.returncode == 0, done.stderr
    assert "strongroom 0." in done.stdout.lower()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("dev", "--help"), ("audit", "--help"), ("audit", "verify", "--help")]
)
def test_help_teaches(program, arguments):
    done = run(program, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_the_announcement_is_enough_to_begin(node):
    said = node.output.read_text()
    for line in [f"AWS_ENDPOINT_URL={node.endpoint}", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"]:
        assert line in said, said


def test_health_is_told_to_anyone(node):
    status, document = node.get("/_strongroom/health")
    assert (status, type(document)) == (200, dict)
    status, document = node.get("/_localstack/health")
    assert status == 200
    assert {"kms", "iam", "sts", "cloudtrail"} <= document["services"].keys()


def test_asked_to_stop_it_stops(fresh_node):
    assert fresh_node.stop() == 0


def test_an_ephemeral_server_leaves_nothing(program, tmp_path):
    node = Node(program, tmp_path, "--ephemeral")
    try:
        node.start()
        sdk.client(node, "kms").create_key()
        assert node.stop() == 0
    finally:
        node.ensure_gone()
    assert list(node.temporary.iterdir()) == []
    left = {path.name for path in tmp_path.iterdir()} - {node.output.name, node.log.name, node.temporary.name}
    assert left == set()


def test_data_is_kept_in_the_users_data_folder(program, tmp_path):
    node = Node(program, tmp_path, "--account-id", "000000000000")
    try:
        node.start()
        assert node.stop() == 0
    finally:
        node.ensure_gone()
    assert (tmp_path / ".local/share/strongroom" / expected.DATABASE).is_file()


def test_another_account_of_the_operators_choice(program, tmp_path):
    node = Node(program, tmp_path, "--ephemeral", "--account-id", "123456789012")
    try:
        node.start()
        assert sdk.client(node, "sts").get_caller_identity()["Account"] == "123456789012"
    finally:
        node.ensure_gone()


def test_the_account_of_data_that_is_there_cannot_be_changed(fresh_node, program, tmp_path):
    fresh_node.stop()
    other = Node(program, tmp_path / "other", "--data-dir", str(fresh_node.data), "--account-id", "123456789012")
    other.folder.mkdir()
    with pytest.raises(RuntimeError, match=r"account 000000000000, not 123456789012"):
        other.start()
    fresh_node.start()
    assert sdk.client(fresh_node, "sts").get_caller_identity()["Account"] == "000000000000"


def test_two_servers_do_not_share_one_folder(fresh_node, program, tmp_path):
    second = Node(program, tmp_path / "second", "--data-dir", str(fresh_node.data))
    second.folder.mkdir()
    with pytest.raises(RuntimeError, match=r"(?i)in use|another|lock"):
        second.start()
    fresh_node.assert_sound()


@pytest.mark.parametrize(
    "arguments",
    [
        ("dev", "--listen", "0.0.0.0:0"),
        ("dev", "--listen", "nonsense"),
        ("dev", "--account-id", "12"),
        ("dev", "--ephemeral", "--data-dir", "x"),
        ("audit", "verify", "--data-dir", "/nonexistent/strongroom"),
        ("nonsense",),
    ],
    ids=["beyond loopback", "no address", "no account", "both kinds of data", "no data", "no command"],
)
def test_what_makes_no_sense_is_refused_in_words(program, tmp_path, arguments):
    done = run(program, *arguments)
    assert done.returncode != 0
    assert done.stderr.strip()
    assert "panicked" not in done.stderr
    assert not Path("x").exists()
