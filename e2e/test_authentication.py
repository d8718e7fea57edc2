"""Nobody comes in without a signature that is right, recent and for here."""

from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest

from rig import expected, sdk, wire
from rig.cli import Cli
from rig.node import HTTP, PATIENCE

WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)
UNKNOWN_KEY = "The security token included in the request is invalid."

LIST_KEYS = wire.kms("ListKeys", b"{}")
WHO_AM_I = wire.sts(b"Action=GetCallerIdentity&Version=2011-06-15")


def fault(answer: wire.Answer) -> tuple[int, str]:
    return answer.status, answer.code


def test_signed_by_hand_is_let_in(node):
    """The other tests of this file are worth something only if this one passes."""
    assert wire.send(node, LIST_KEYS).status == 200
    answer = wire.send(node, WHO_AM_I)
    assert answer.status == 200
    assert b"<Account>000000000000</Account>" in answer.body


def test_a_wrong_secret(node):
    json = wire.send(node, LIST_KEYS.with_(secret_access_key="wrong"))
    assert fault(json) == (400, "InvalidSignatureException")
    assert json.message == WRONG_SIGNATURE
    xml = wire.send(node, WHO_AM_I.with_(secret_access_key="wrong"))
    assert fault(xml) == (403, "SignatureDoesNotMatch")
    assert xml.message == WRONG_SIGNATURE


def test_the_cli_says_what_aws_would(node):
    refusal = Cli(node, secret_access_key="wrong").refused("kms", "list-keys")
    assert (refusal.code, refusal.message) == ("InvalidSignatureException", WRONG_SIGNATURE)


def flip_signature(headers: dict[str, str]) -> dict[str, str]:
    flipped = wire.SIGNATURE.sub(lambda found: f"Signature={int(found[1], 16) ^ 1:064x}", headers["authorization"])
    return headers | {"authorization": flipped}


@pytest.mark.parametrize(
    "alter",
    [
        flip_signature,
        lambda headers: headers | {"x-amz-target": "TrentService.CreateKey"},
        lambda headers: headers | {"content-type": "application/x-amz-json-1.0"},
    ],
    ids=["signature", "target", "content type"],
)
def test_what_was_signed_cannot_be_changed(node, alter):
    assert fault(wire.send(node, LIST_KEYS, alter)) == (400, "InvalidSignatureException")


def test_a_signed_body_cannot_be_changed(node):
    headers = wire.kms("CreateKey", b'{"Description":"a"}').signed(f"127.0.0.1:{node.port}")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    data = f'POST / HTTP/1.1\r\n{head}content-length: 19\r\n\r\n{{"Description":"b"}}'
    assert fault(wire.exchange(node, data.encode())) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("access_key_id", ["AKIAIOSFODNN7EXAMPLE", "Test", "11112222333", "1111222233334"])
def test_an_unknown_access_key(node, access_key_id):
    json = wire.send(node, LIST_KEYS.with_(access_key_id=access_key_id))
    assert fault(json) == (400, "UnrecognizedClientException")
    assert json.message == UNKNOWN_KEY
    xml = wire.send(node, WHO_AM_I.with_(access_key_id=access_key_id))
    assert fault(xml) == (403, "InvalidClientTokenId")
    assert xml.message == UNKNOWN_KEY


def ago(**duration) -> datetime:
    return datetime.now(UTC) - timedelta(**duration)


@pytest.mark.parametrize("minutes", [expected.SKEW_MINUTES - 1, 1 - expected.SKEW_MINUTES])
def test_a_clock_that_is_a_little_wrong_will_do(node, minutes):
    assert wire.send(node, LIST_KEYS.with_(at=ago(minutes=minutes))).status == 200


def test_a_signature_that_is_too_old(node):
    json = wire.send(node, LIST_KEYS.with_(at=ago(minutes=expected.SKEW_MINUTES + 1)))
    assert fault(json) == (400, "InvalidSignatureException")
    assert json.message.startswith("Signature expired: ")
    assert f"- {expected.SKEW_MINUTES} min.)" in json.message
    xml = wire.send(node, WHO_AM_I.with_(at=ago(days=1)))
    assert fault(xml) == (403, "SignatureDoesNotMatch")
    assert xml.message.startswith("Signature expired: ")


def test_a_signature_from_the_future(node):
    answer = wire.send(node, LIST_KEYS.with_(at=ago(minutes=-expected.SKEW_MINUTES - 1)))
    assert fault(answer) == (400, "InvalidSignatureException")
    assert answer.message.startswith("Signature not yet current: ")


def test_boto3_on_a_machine_with_a_wrong_clock(node, monkeypatch):
    yesterday = ago(days=1).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: yesterday)
    with sdk.refused("InvalidSignatureException") as refusal:
        sdk.client(node, "kms").list_keys()
    assert refusal.message.startswith("Signature expired: ")


@pytest.mark.parametrize("region", ["us-east-9", "US-EAST-1", "cn-north-1", "nowhere"])
def test_an_unknown_region(node, region):
    json = wire.send(node, LIST_KEYS.with_(region=region))
    assert fault(json) == (400, "InvalidSignatureException")
    assert expected.UNKNOWN_REGION.search(json.message), json.message
    assert fault(wire.send(node, WHO_AM_I.with_(region=region))) == (403, "SignatureDoesNotMatch")


def test_an_unknown_region_on_the_cli(node):
    refusal = Cli(node, region="us-east-9").refused("kms", "list-keys")
    assert refusal.code == "InvalidSignatureException"
    assert expected.UNKNOWN_REGION.search(refusal.message), refusal.message


def test_a_signature_for_another_service_or_another_protocol(node):
    assert wire.send(node, LIST_KEYS.with_(service="sts")).status in (400, 403)
    assert fault(wire.send(node, LIST_KEYS.with_(terminator="aws5_request"))) == (
        400,
        "InvalidSignatureException",
    )


def without(name: str):
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def with_authorization(value: str):
    return lambda headers: headers | {"authorization": value}


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (without("authorization"), "MissingAuthenticationTokenException"),
        (with_authorization("Basic dGVzdDp0ZXN0"), "IncompleteSignatureException"),
        (with_authorization("AWS4-HMAC-SHA256"), "IncompleteSignatureException"),
        (with_authorization("AWS4-HMAC-SHA256 Credential"), "IncompleteSignatureException"),
        (
            with_authorization("AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host"),
            "IncompleteSignatureException",
        ),
        (without("x-amz-date"), "IncompleteSignatureException"),
    ],
    ids=["none", "basic", "bare", "no value", "no signature", "no date"],
)
def test_a_malformed_authorization(node, alter, code):
    assert fault(wire.send(node, LIST_KEYS, alter)) == (400, code)


def presigned(node, **arguments) -> str:
    return sdk.client(node, "sts").generate_presigned_url("get_caller_identity", HttpMethod="GET", **arguments)


def get(url: str) -> tuple[int, bytes]:
    try:
        with HTTP.open(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except HTTPError as refusal:
        return refusal.code, refusal.read()


def test_a_presigned_url_is_let_in_until_it_expires(node, monkeypatch):
    url = presigned(node, ExpiresIn=60)
    assert dict(parse_qsl(urlsplit(url).query))["X-Amz-Expires"] == "60"
    status, body = get(url)
    assert status == 200, body
    assert b"<Account>000000000000</Account>" in body

    earlier = ago(minutes=2).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: earlier)
    assert get(presigned(node, ExpiresIn=600))[0] == 200
    status, body = get(presigned(node, ExpiresIn=60))
    assert status in (400, 403), body
    assert b"<Code>" in body


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("Action=GetCallerIdentity", "Action=GetSessionToken"),
        ("X-Amz-Expires=60", "X-Amz-Expires=600"),
        ("us-east-1", "us-east-2"),
    ],
)
def test_a_presigned_url_cannot_be_changed(node, part, other):
    url = presigned(node, ExpiresIn=60)
    assert part in url
    status, body = get(url.replace(part, other))
    assert status == 403, body
    assert b"<Code>SignatureDoesNotMatch</Code>" in body


STRANGE_KEYS = pytest.mark.parametrize(
    "access_key_id", ["%00", "%C3%A9", "test%00", "A" * 30_000], ids=["NUL", "not ASCII", "test and NUL", "30 KB"]
)


@STRANGE_KEYS
def test_a_presigned_url_with_a_strange_access_key(node, access_key_id):
    url = presigned(node, ExpiresIn=60)
    assert "X-Amz-Credential=test%2F" in url
    status, body = get(url.replace("X-Amz-Credential=test%2F", f"X-Amz-Credential={access_key_id}%2F"))
    assert status == 403, body
    assert b"<Code>InvalidClientTokenId</Code>" in body


@STRANGE_KEYS
def test_a_presigned_call_with_a_strange_access_key(node, access_key_id):
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    query = "&".join(
        [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            f"X-Amz-Credential={access_key_id}%2F{moment[:8]}%2Fus-east-1%2Fkms%2Faws4_request",
            f"X-Amz-Date={moment}",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-target",
            f"X-Amz-Signature={'0' * 64}",
        ]
    )
    headers = {"host": f"127.0.0.1:{node.port}", "content-length": "2"} | LIST_KEYS.headers
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = wire.exchange(node, f"POST /?{query} HTTP/1.1\r\n{head}\r\n{{}}".encode())
    assert fault(answer) == (400, "UnrecognizedClientException")
    assert answer.message == UNKNOWN_KEY


@pytest.mark.parametrize("seconds", ["0", "-1", "604801", "99999999999999999999", "soon", ""])
def test_a_presigned_url_lives_for_a_week_at_most(node, seconds):
    status, body = get(presigned(node, ExpiresIn=60).replace("X-Amz-Expires=60", f"X-Amz-Expires={seconds}"))
    assert status in (400, 403), body
    assert b"<Code>" in body
