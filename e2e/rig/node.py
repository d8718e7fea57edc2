"""A server under test: the built program, its data folder and what it prints."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from rig import expected
from rig.networks import Network

PATIENCE = 60.0
"""Seconds within which a server is healthy or gone, or whatever it is waited for has happened, on a slow machine."""

HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Plain HTTP, past any proxy of the environment."""


def wait_until(condition, what, patience=PATIENCE):
    """Polls until `condition()` is true, and answers it; fails with `what` after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {patience:.0f} s")
        time.sleep(0.01)
    return result


def is_free(port: int) -> bool:
    """Whether a server of this machine could listen at that port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def processes() -> dict[int, str]:
    """The command lines of all HSM processes."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if "strongroom-hsmd" in command:
                found[int(folder.name)] = command
    return found


def hsms_in(data: Path) -> list[int]:
    """The HSMs that run in a data folder."""
    return [pid for pid, command in processes().items() if f"{data}/" in command]


def end_hsms(data: Path):
    """Kills the HSMs that run in a data folder, and waits until they are gone."""
    for pid in hsms_in(data):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not hsms_in(data), "HSMs that are killed")


def check_hsms_gone(data: Path):
    """Fails if HSMs are left in the data folder of a server that was asked to end and did; they end with it."""
    try:
        wait_until(lambda: not hsms_in(data), "the end of a stopped server's HSMs")
    finally:
        end_hsms(data)


class Node:
    """One `strongroom dev` on a port of its own."""

    ca_bundle: str | None = None
    """Whom clients trust, where TLS is spoken."""

    network: Network | None = None
    """Where its HSMs are, if it has a network of its own."""

    hsms_outlive_it = False
    """Whether HSMs run on when their server has stopped."""

    def __init__(self, program: Path, folder: Path, *arguments: str):
        self.program = program
        self.folder = folder
        self.data = folder / "data"
        self.arguments = arguments or ("--data-dir", str(self.data))
        self.temporary = folder / "tmp"
        self.port = 0
        self.process: subprocess.Popen | None = None
        self.output = folder / "output.txt"
        self.log = folder / "log.txt"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> "Node":
        """Starts the server, on the port that it had before, and waits until it is healthy."""
        self.claim_addresses()
        self.temporary.mkdir(parents=True, exist_ok=True)
        command = [self.program, "dev", "--listen", f"127.0.0.1:{self.port}", *self.arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.temporary)}
        with self.output.open("wb") as output, self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=log, env=environment
            )
        ready = wait_until(self._announcement, "the server's announcement")
        self.port = int(ready.rstrip("/").rsplit(":", 1)[1])
        wait_until(self.is_healthy, "a healthy server")
        return self

    def claim_addresses(self):
        """Has its network for itself, also after it was given back, and the port that it had before."""
        if self.network:
            wait_until(self.network.claim, "the network that it had before")
        # While it was away the port may have gone to a client of somebody's, who has it for a moment.
        wait_until(lambda: is_free(self.port), "the port that it had before")

    def _announcement(self) -> str | None:
        if not self.runs():
            raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.said()}")
        found = expected.READY.search(self.output.read_text())
        return found and found.group(1)

    def is_healthy(self) -> bool:
        try:
            return self.get("/_strongroom/health")[0] == 200
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, dict]:
        """GETs a JSON document, unsigned."""
        with HTTP.open(self.endpoint + path, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)

    def said(self) -> str:
        """Everything that the server has printed since it was made."""
        return self.output.read_text(errors="replace") + self.log.read_text(errors="replace")

    def kill(self) -> "Node":
        """kill -9."""
        self.process.kill()
        self.process.wait()
        return self

    def stop(self) -> int:
        """Asks the server to stop, and answers its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def ensure_gone(self):
        """Stops the server, and with it its HSMs; kills what does not stop, and HSMs of a server that was killed."""
        if self.process and self.runs():
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        try:
            if self.process and self.process.returncode == 0 and not self.hsms_outlive_it:
                check_hsms_gone(self.data)
            else:
                end_hsms(self.data)
        finally:
            if self.network:
                self.network.give_back()

    def runs(self) -> bool:
        return self.process.poll() is None

    def assert_sound(self):
        """The server runs, and nothing in it has panicked."""
        assert self.runs(), f"the server ended:\n{self.said()[-4000:]}"
        assert "panicked" not in self.said(), self.said()[-4000:]
        assert self.is_healthy()

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def verify_audit(self) -> subprocess.CompletedProcess:
        """Runs `strongroom audit verify` on the node's data."""
        return run(self.program, "audit", "verify", "--data-dir", str(self.data))


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Runs the program to its end."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    command = [program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment)
