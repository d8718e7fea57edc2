"""Endpoints of SNS: an HTTP server and a mail server on this machine that keep what they get."""

import email
import json
import re
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rig.node import wait_until


@dataclass
class Got:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def message(self) -> dict:
        return json.loads(self.body)


@dataclass
class Endpoint:
    """An HTTP endpoint."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 200 beyond."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, number: int) -> list[Got]:
        wait_until(lambda: len(self.got) >= number, f"{number} requests")
        return self.got

    def latest(self, kind: str) -> Got:
        """The latest message of a type, once there is one."""

        def found():
            return next((got for got in reversed(self.got) if got.headers["x-amz-sns-message-type"] == kind), None)

        return wait_until(found, f"a {kind}")


@contextmanager
def listening():
    """An endpoint, for as long as the block lasts."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            status = endpoint.answers.pop(0) if endpoint.answers else 200
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.got.append(Got(self.path, headers, body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        # Whoever comes while this process stands still waits in a queue, and is not turned away.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    endpoint.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class MailServer:
    """A mail server."""

    port: int = 0
    got: list[Message] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def wait_for(self, number: int) -> Message:
        wait_until(lambda: len(self.got) >= number, f"{number} mails")
        return self.got[number - 1]


@contextmanager
def receiving_mail():
    """A mail server that takes everything, for as long as the block lasts."""
    mails = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                command = line.strip().upper()
                if command.startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    text = b""
                    for part in self.rfile:
                        if part == b".\r\n":
                            break
                        text += part
                    mails.got.append(email.message_from_bytes(text))
                elif command.startswith(b"QUIT"):
                    self.wfile.write(b"221 bye\r\n")
                    return
                self.wfile.write(b"250 yes\r\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    mails.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield mails
    finally:
        server.shutdown()
        server.server_close()


def text_of(mail: Message) -> str:
    return mail.get_payload(decode=True).decode()


def link_in(text: str) -> str:
    """The path of the link in a mail."""
    return re.search(r"https?://[^/\s]+(/\S+)", text)[1]
