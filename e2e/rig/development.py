"""What development mode has for rehearsals: a clock that can be moved, and a reset."""

import json
from datetime import timedelta

from rig import wire
from rig.node import Node, wait_until

CLOCK = "/_strongroom/clock"
RESET = "/_strongroom/reset"

HEADERS = {"x-strongroom-dev": "1", "content-type": "application/json"}
"""What a request to these paths must carry: a page in a browser cannot send it without being allowed to."""


def post(node: Node, path: str, document: dict | None = None, headers: dict[str, str] = HEADERS) -> wire.Answer:
    """POSTs to one of development mode's own paths; any header may be wrong on purpose."""
    body = b"" if document is None else json.dumps(document).encode()
    return wire.unsigned(node, "POST", path, headers, body)


def advance(node: Node, **duration: int) -> dict:
    """Moves the server's clock, as `advance(node, days=91)`: what comes due by then has happened on return.

    Without a duration it moves nothing, and the answer tells where the clock is.
    """
    moved = _moved(node, int(timedelta(**duration).total_seconds()))
    # On a slow machine the server answers before all of it has happened, and is asked again.
    return moved if moved["settled"] else wait_until(lambda: _settled(node), "what was due by then")


def _moved(node: Node, seconds: int) -> dict:
    answer = post(node, CLOCK, {"advance_seconds": seconds})
    assert answer.status == 200, answer
    return json.loads(answer.body)


def _settled(node: Node) -> dict | None:
    moved = _moved(node, 0)
    return moved if moved["settled"] else None


def reset(node: Node):
    """Empties the server and sets its clock right."""
    answer = post(node, RESET)
    assert answer.status == 200, answer
