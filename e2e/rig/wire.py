"""Requests that no stock client would send: signed by hand, over a plain socket."""

import hashlib
import hmac
import http.client
import json
import re
import socket
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from rig.node import PATIENCE, Node

KMS = "TrentService"
CLOUDTRAIL = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"
SIGNATURE = re.compile(r"Signature=([0-9a-f]{64})")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, with the AWS error in it."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> str:
        """The error's code: without its namespace in JSON, as it is in XML; the status of an answer to HEAD."""
        if not self.body:
            return str(self.status)
        if self.body.lstrip().startswith(b"<"):
            return self._element("Code")
        return json.loads(self.body)["__type"].rsplit("#", 1)[-1]

    @property
    def message(self) -> str | None:
        if self.body.lstrip().startswith(b"<"):
            return self._element("Message")
        if not self.body:
            return None
        document = json.loads(self.body)
        return document.get("message", document.get("Message"))

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-amzn-RequestId")

    def _element(self, name: str) -> str:
        found = re.search(rf"<{name}>(.*?)</{name}>", self.body.decode(), re.DOTALL)
        assert found, f"no {name} in {self.body!r}"
        return found.group(1)


@dataclass(frozen=True)
class Request:
    """A request to be signed; every part of it may be wrong on purpose."""

    service: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/"
    query: str = ""
    """As it is signed: sorted, percent-encoded."""
    region: str = "us-east-1"
    access_key_id: str = "test"
    secret_access_key: str = "test"
    at: datetime | None = None
    terminator: str = "aws4_request"

    @property
    def target(self) -> str:
        """Path and query, as the request line has them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def with_(self, **changes) -> "Request":
        return replace(self, **changes)

    def signed(self, host: str) -> dict[str, str]:
        """The headers, signature included (SigV4, "Create a signed AWS API request")."""
        moment = (self.at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": host, "x-amz-date": moment} | {k.lower(): v for k, v in self.headers.items()}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
        digest = hashlib.sha256(self.body).hexdigest()
        canonical = f"{self.method}\n{self.path}\n{self.query}\n{lines}\n{names}\n{digest}"
        scope = f"{moment[:8]}/{self.region}/{self.service}/{self.terminator}"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = signing_keys(self.secret_access_key, *scope.split("/"))[-1]
        signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self.access_key_id}/{scope}"
        authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        return headers | {"authorization": authorization}


def signing_keys(secret: str, *scope: str) -> list[bytes]:
    """The chain of keys that leads from a secret to a signature, the secret itself left out."""
    keys = [b"AWS4" + secret.encode()]
    for part in scope:
        keys.append(hmac.new(keys[-1], part.encode(), hashlib.sha256).digest())
    return keys[1:]


def kms(operation: str, body: bytes, **changes) -> Request:
    """A KMS request with a body of any bytes."""
    return target("kms", f"{KMS}.{operation}", body, **changes)


def target(service: str, name: str, body: bytes, **changes) -> Request:
    """A JSON 1.1 request for that target."""
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": name}
    return Request(service=service, body=body, headers=headers, **changes)


def sts(form: bytes, **changes) -> Request:
    """An STS request with that form as its body."""
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Request(service="sts", body=form, headers=headers, **changes)


def send(node: Node, request: Request, alter=lambda headers: headers) -> Answer:
    """Sends a request; `alter` may change its headers after they were signed."""
    headers = alter(request.signed(f"127.0.0.1:{node.port}"))
    headers.setdefault("content-length", str(len(request.body)))
    head = f"{request.method} {request.target} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return exchange(node, head.encode() + b"\r\n" + request.body)


def unsigned(node: Node, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    """Sends a request as it is; a `host` among the headers takes the place of the true one."""
    with closing(http.client.HTTPConnection("127.0.0.1", node.port, timeout=PATIENCE)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


def in_a_row(node: Node, *requests: Request) -> list[Answer]:
    """Sends requests over one connection without waiting: each is taken up as soon as the one before is answered."""
    host = f"127.0.0.1:{node.port}"
    data = b""
    for request in requests:
        headers = request.signed(host) | {"content-length": str(len(request.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        data += f"{request.method} {request.target} HTTP/1.1\r\n{lines}\r\n".encode() + request.body
    answers = []
    with (
        socket.create_connection(("127.0.0.1", node.port), timeout=PATIENCE) as connection,
        connection.makefile("rb") as received,
    ):
        connection.sendall(data)
        for _ in requests:
            status = int(received.readline().split()[1])
            headers = http.client.parse_headers(received)
            answers.append(Answer(status, headers, received.read(int(headers["content-length"]))))
    return answers


def exchange(node: Node, data: bytes, *, then_close: bool = False) -> Answer | None:
    """Sends bytes and reads one answer; `None` if the server closes the connection without one.

    `then_close` ends our half of the connection after the bytes, as a client does that dies.
    """
    with socket.create_connection(("127.0.0.1", node.port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(data)
            if then_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            # The server need not read what it refuses; its answer may be there all the same.
            pass
        try:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Answer(answer.status, answer.headers, answer.read())
        except (http.client.BadStatusLine, ConnectionResetError):
            return None
