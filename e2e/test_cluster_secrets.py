"""Nothing outside the HSMs ever holds a key of theirs: not the server's memory, not the store, not the wire."""

import secrets
import socket
import threading
from pathlib import Path

from rig import disk
from rig.cluster import PASSWORD
from test_cluster_keys import take_in


class Tap:
    """A relay in front of an HSM that keeps every byte that passes."""

    def __init__(self, address: str):
        self.target = (address, 2223)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.passed = bytearray()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.relay, args=(source, sink), daemon=True).start()

    def relay(self, source: socket.socket, sink: socket.socket):
        try:
            while data := source.recv(65536):
                self.passed += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def memory(pid: int) -> bytes:
    """All that a process could read of its own memory."""
    found = bytearray()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            extent, permissions = line.split()[:2]
            if not permissions.startswith("r") or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            begin, end = (int(number, 16) for number in extent.split("-"))
            try:
                file.seek(begin)
                found += file.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
    return bytes(found)


def test_a_key_is_in_the_hsms_and_nowhere_else(cluster, alice, tmp_path):
    key = secrets.token_bytes(32)
    tap = Tap(cluster.hsms()[0]["EniIp"])
    tool = cluster.tool(f"127.0.0.1:{tap.port}").as_crypto_user("alice")
    take_in(tool, key, "known")
    assert len(tap.passed) > 1000
    assert not disk.shows(key, bytes(tap.passed))
    assert not disk.shows(PASSWORD.encode(), bytes(tap.passed))

    # The search finds what is there: the server knows the names of its HSMs.
    server = memory(cluster.aws.node.pid)
    assert disk.shows(cluster.hsms()[0]["HsmId"].encode(), server)
    assert not disk.shows(key, server)
    assert not disk.shows(PASSWORD.encode(), server)
    for path, content in disk.contents(cluster.aws.node.data):
        assert not disk.shows(key, content), path
        assert not disk.shows(PASSWORD.encode(), content), path
