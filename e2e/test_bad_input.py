"""Whatever arrives is answered as AWS answers it, and leaves the server as it was."""

import json
import socket

import pytest

from rig import expected, wire


def fault(answer: wire.Answer) -> tuple[int, str]:
    assert answer.request_id, "every refusal names the request"
    return answer.status, answer.code


DEEP = 200_000

MALFORMED = {
    "half an object": b"{",
    "a list": b"[]",
    "text": b'"text"',
    "a number": b"7",
    "not JSON": b"KeyId=x",
    "more after the end": b'{"KeyId":"x","Plaintext":"eA=="} {}',
    "invalid UTF-8": b'{"KeyId":"\xff\xfe","Plaintext":"eA=="}',
    "a lone surrogate": b'{"KeyId":"\\ud800","Plaintext":"eA=="}',
    "a control character": b'{"KeyId":"a\nb","Plaintext":"eA=="}',
    "a bad escape": b'{"KeyId":"\\x41","Plaintext":"eA=="}',
    "NaN": b'{"KeyId":NaN}',
    "a number for text": b'{"KeyId":5,"Plaintext":"eA=="}',
    "a list for text": b'{"KeyId":["x"],"Plaintext":"eA=="}',
    "an object for text": b'{"KeyId":{"x":"y"},"Plaintext":"eA=="}',
    "text for a map": b'{"KeyId":"x","Plaintext":"eA==","EncryptionContext":"a"}',
    "a number in a map of text": b'{"KeyId":"x","Plaintext":"eA==","EncryptionContext":{"a":1}}',
    "text for a list": b'{"KeyId":"x","Plaintext":"eA==","GrantTokens":"a"}',
    "text for a flag": b'{"KeyId":"x","Plaintext":"eA==","DryRun":"yes"}',
    "no base64": b'{"KeyId":"x","Plaintext":"***"}',
    "base64 cut short": b'{"KeyId":"x","Plaintext":"eA="}',
    "deep lists": b'{"Unknown":' + b"[" * DEEP,
    "deep lists, closed": b'{"Unknown":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"a":' * DEEP,
    "deep where a list belongs": b'{"KeyId":"x","Plaintext":"eA==","GrantTokens":' + b"[" * DEEP,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json(node, name):
    answer = wire.send(node, wire.kms("Encrypt", MALFORMED[name]))
    assert fault(answer) == expected.SERIALIZATION
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"


def test_unknown_members_are_ignored(node, key, account):
    body = json.dumps({"KeyId": key["KeyId"], "Plaintext": "eA==", "Unknown": {"a": [1, None, {"b": 2.5e3}]}})
    assert wire.send(node, wire.kms("Encrypt", body.encode(), access_key_id=account)).status == 200


def test_an_empty_body_has_no_members(node):
    answer = wire.send(node, wire.kms("Encrypt", b""))
    assert answer.status == 400
    assert answer.code in ("ValidationException", "SerializationException")


@pytest.mark.parametrize("digits", ["1e400", "99999999999999999999", "-1", "1.5"])
def test_numbers_that_are_no_number_of_bytes(node, digits):
    answer = wire.send(node, wire.kms("GenerateDataKey", f'{{"KeyId":"x","NumberOfBytes":{digits}}}'.encode()))
    assert answer.status == 400
    assert answer.code in ("SerializationException", "ValidationException")


@pytest.mark.parametrize(
    "target", ["TrentService.Nope", "TrentService.", "TrentService", "Nope.Encrypt", ".", "x" * 4000]
)
def test_an_unknown_operation(node, target):
    assert fault(wire.send(node, wire.target("kms", target, b"{}"))) == expected.UNKNOWN_OPERATION


def test_an_operation_of_another_service_than_the_signed_one(node):
    answer = wire.send(node, wire.target("cloudtrail", "TrentService.ListKeys", b"{}"))
    assert answer.status in (400, 403)


QUERIES = {
    "an unknown action": b"Action=Nope&Version=2011-06-15",
    "no action": b"Version=2011-06-15",
    "an unknown version": b"Action=GetCallerIdentity&Version=1999-01-01",
    "nothing": b"",
    "bad escapes": b"Action=GetCallerIdentity&Version=2011-06-15&%zz=%",
    "escapes that are no UTF-8": b"Action=GetCallerIdentity%ff&Version=2011-06-15",
    "two actions": b"Action=GetCallerIdentity&Action=GetSessionToken&Version=2011-06-15",
    "deep names": b"Action=AssumeRole&Version=2011-06-15&" + b"Tags.member.1." * 20_000 + b"Key=a",
    "wide lists": b"Action=AssumeRole&Version=2011-06-15&Tags.member.4294967295.Key=a",
    "huge numbers": b"Action=AssumeRole&Version=2011-06-15&Tags.member." + b"9" * 10_000 + b".Key=a",
    "many parameters": b"Action=AssumeRole&Version=2011-06-15" + b"&a=b" * 50_000,
}


@pytest.mark.parametrize("name", QUERIES)
def test_malformed_queries(node, name):
    answer = wire.send(node, wire.sts(QUERIES[name]))
    assert 400 <= answer.status <= 501, answer
    assert answer.status != 500, answer
    assert answer.code


def test_an_unknown_action(node):
    answer = wire.send(node, wire.sts(b"Action=Nope&Version=2011-06-15"))
    assert fault(answer) == expected.INVALID_ACTION
    assert answer.message == "Could not find operation Nope for version 2011-06-15"


def test_a_body_that_is_announced_too_large_is_not_waited_for(node):
    headers = wire.kms("Encrypt", b"").signed(f"127.0.0.1:{node.port}")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = wire.exchange(node, f"POST / HTTP/1.1\r\n{head}content-length: 10000000000\r\n\r\n".encode())
    assert answer.status == 413


def test_a_body_that_grows_too_large_is_cut_off(node):
    headers = wire.kms("Encrypt", b"").signed(f"127.0.0.1:{node.port}")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    data = f"POST / HTTP/1.1\r\n{head}transfer-encoding: chunked\r\n\r\n".encode() + chunk * 1024
    answer = wire.exchange(node, data)
    assert answer is None or answer.status == 413
    assert node.resident_bytes() < expected.MEMORY_LIMIT


def test_a_body_at_the_limit_is_read(node):
    filler = b'{"Unknown":"' + b"x" * (expected.BODY_LIMIT - 14) + b'"}'
    assert len(filler) == expected.BODY_LIMIT
    assert wire.send(node, wire.kms("ListKeys", filler)).status == 200


def test_a_truncated_body(node):
    headers = wire.kms("ListKeys", b"{}").signed(f"127.0.0.1:{node.port}")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    data = f"POST / HTTP/1.1\r\n{head}content-length: 100\r\n\r\n{{".encode()
    answer = wire.exchange(node, data, then_close=True)
    assert answer is None or answer.status == 400


GARBAGE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "no version": b"GET /\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "a null in a header": b"GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "a negative length": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nx: " + b"y" * 2_000_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100_000 + b"\r\n",
    "a huge target": b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\n\r\n",
    "an absurd chunk": b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(node, name):
    answer = wire.exchange(node, GARBAGE[name], then_close=True)
    assert answer is None or 400 <= answer.status < 500, answer
    assert node.resident_bytes() < expected.MEMORY_LIMIT


@pytest.mark.parametrize("path", ["/nothing/here", "/_strongroom/nothing", "/../../etc/passwd", "/%00"])
def test_paths_that_lead_nowhere(node, path):
    answer = wire.exchange(node, f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    assert 400 <= answer.status < 500


def test_many_idle_connections_do_not_keep_others_out(node):
    idle = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(200)]
    try:
        assert wire.send(node, wire.kms("ListKeys", b"{}")).status == 200
    finally:
        for connection in idle:
            connection.close()
