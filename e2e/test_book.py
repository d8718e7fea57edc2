"""The book's pages, followed step by step: what they say is what happens."""

from pathlib import Path

import pytest

from rig.node import Node
from rig.pages import Terminal, UntrueError, steps

BOOK = Path(__file__).parent.parent / "docs/book"


@pytest.fixture
def terminal(fresh_node, tmp_path):
    """A reader's terminal, before a server that can be spared."""
    with Terminal(fresh_node, tmp_path / "desk") as terminal:
        yield terminal


@pytest.mark.slow
def test_a_cloudhsm_deployment_is_rehearsed_and_kms_put_on_it(terminal):
    terminal.follow(BOOK / "rehearse-a-cloudhsm-deployment.md")
    # It begins where the other ends, in the same terminal.
    terminal.follow(BOOK / "kms-on-your-own-hsms.md")


@pytest.mark.slow
def test_hsms_fail_and_a_key_store_comes_back(terminal):
    terminal.follow(BOOK / "when-an-hsm-fails.md")


def test_a_key_is_brought(terminal):
    terminal.follow(BOOK / "bring-your-own-key.md")


def test_keys_sign_agree_and_decrypt_for_strangers(terminal):
    terminal.follow(BOOK / "sign-and-agree.md")


def test_a_key_is_in_several_regions(terminal):
    terminal.follow(BOOK / "multi-region-keys.md")


def test_whoever_subscribes_is_told(terminal):
    terminal.follow(BOOK / "notifications.md")


def test_what_happened_is_proved(terminal):
    terminal.follow(BOOK / "prove-what-happened.md")


@pytest.mark.slow
def test_alarms_are_on_key_use(terminal):
    terminal.follow(BOOK / "alarms-on-key-use.md")


def test_alarms_are_on_log_events(terminal):
    terminal.follow(BOOK / "alarms-on-log-events.md")


def test_events_are_logged(terminal):
    terminal.follow(BOOK / "logs.md")


def test_files_are_kept_in_buckets(terminal):
    terminal.follow(BOOK / "buckets-and-objects.md")


def test_an_account_is_audited(terminal):
    terminal.follow(BOOK / "the-regular-audit.md")


A_PAGE = """# A page

Text, and a block:

    GREETING=hello
    echo "$GREETING," \\
        reader
    # => hello, ...

    cat > file <<END
      indented
    END
    echo '{"told": [1, {"more": true}]}'

```json
{"told": [1, {}]}
```

```sh
exit 1
```
"""


@pytest.fixture
def desk(program, tmp_path):
    """A terminal without a server."""
    with Terminal(Node(program, tmp_path), tmp_path / "desk") as terminal:
        yield terminal


def written(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


def test_a_page_is_read_as_it_is_written(desk, tmp_path):
    read = [(step.line, step.command.splitlines()[0], step.answer) for step in steps(A_PAGE)]
    assert read == [
        (5, "GREETING=hello", None),
        (6, 'echo "$GREETING," \\', "hello, ..."),
        (10, "cat > file <<END", None),
        (13, """echo '{"told": [1, {"more": true}]}'""", '{"told": [1, {}]}'),
    ]
    desk.follow(written(tmp_path, A_PAGE))
    assert (desk.folder / "file").read_text() == "  indented\n"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("    echo one\n    # => two\n", "line 1"),
        ("    true\n    false\n", "line 2"),
        ("    echo '{}'\n\n```json\n{\"a\": 1}\n```\n", "line 1"),
        ("    exit 3\n", "line 1"),
        ("Text\n\n    aws kms no-such-operation\n", "line 3"),
    ],
)
def test_a_page_that_says_what_does_not_happen_is_found_out(desk, tmp_path, wrong, place):
    with pytest.raises(UntrueError, match=place):
        desk.follow(written(tmp_path, wrong))


def test_a_refusal_is_explained(terminal):
    # The page's reader has the server's data where a server puts it by itself.
    own = terminal.folder / ".local/share"
    own.mkdir(parents=True)
    (own / "strongroom").symlink_to(terminal.node.data)
    terminal.follow(BOOK / "why-was-it-refused.md")
