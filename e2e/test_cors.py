"""Pages in browsers: those of this machine may call from another origin, others may not read an answer.

Python's HTTP client stands in for the browser and sends what one sends (Fetch standard, "CORS protocol").
"""

import pytest

from rig import wire
from rig.development import CLOCK

OURS = ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:3000", "https://console.localhost"]
FOREIGN = [
    "https://strongroom.example",
    "http://localhost.strongroom.example:3000",
    "http://127.0.0.1.strongroom.example",
    "http://localhost:3000.strongroom.example",
    "chrome-extension://localhost",
    "null",
]

SENT = [
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "content-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-target",
    "x-amz-user-agent",
]
"""The headers that the AWS SDK for JavaScript sends from a browser, and asks to be allowed first."""

ALLOW_ORIGIN = "access-control-allow-origin"


def preflight(node, origin: str, path: str = "/", names: list[str] = SENT) -> wire.Answer:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": ",".join(names),
    }
    return wire.unsigned(node, "OPTIONS", path, headers)


def call(node, request: wire.Request, origin: str) -> wire.Answer:
    """A signed call, with the header that the browser adds."""
    return wire.send(node, request, lambda headers: headers | {"origin": origin})


def listed(answer: wire.Answer, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get(header, "").split(",")}


@pytest.mark.parametrize("origin", OURS)
def test_a_page_of_this_machine_may_call(node, account, origin):
    allowed = preflight(node, origin)
    assert allowed.status in (200, 204), allowed
    assert allowed.headers[ALLOW_ORIGIN] == origin
    assert "post" in listed(allowed, "access-control-allow-methods")
    assert set(SENT) <= listed(allowed, "access-control-allow-headers")
    assert int(allowed.headers["access-control-max-age"]) > 0

    answer = call(node, wire.kms("ListKeys", b"{}", access_key_id=account), origin)
    assert (answer.status, answer.headers[ALLOW_ORIGIN]) == (200, origin)
    assert "x-amzn-requestid" in listed(answer, "access-control-expose-headers")
    for shared in [allowed, answer]:
        assert "origin" in listed(shared, "vary"), "a cache must not give one page's answer to another"
        assert "access-control-allow-credentials" not in shared.headers, "no cookie is ever involved"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (wire.kms("DescribeKey", b"{}"), "ValidationException"),
        (wire.kms("ListKeys", b"{}", secret_access_key="wrong"), "InvalidSignatureException"),
        (wire.kms("NoSuchOperation", b"{}"), "UnknownOperationException"),
    ],
    ids=["invalid", "wrong signature", "no operation"],
)
def test_a_page_of_this_machine_reads_refusals_too(node, request_, code):
    answer = call(node, request_, OURS[0])
    assert (answer.code, answer.headers[ALLOW_ORIGIN]) == (code, OURS[0])


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_is_told_nothing(node, account, origin):
    request = wire.kms("ListKeys", b"{}", access_key_id=account)
    for answer in [preflight(node, origin), call(node, request, origin), preflight(node, origin, CLOCK)]:
        assert ALLOW_ORIGIN not in answer.headers, answer


def test_a_page_may_move_the_clock_if_it_is_of_this_machine(node):
    allowed = preflight(node, OURS[0], CLOCK, ["content-type", "x-strongroom-dev"])
    assert allowed.headers[ALLOW_ORIGIN] == OURS[0]
    assert {"content-type", "x-strongroom-dev"} <= listed(allowed, "access-control-allow-headers")


def test_who_is_no_browser_is_told_nothing_of_origins(node, account):
    answer = wire.send(node, wire.kms("ListKeys", b"{}", access_key_id=account))
    assert answer.status == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
