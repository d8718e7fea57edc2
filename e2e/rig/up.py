"""`strongroom up` and `strongroom down`, as a person runs them."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from rig.cluster import PATIENCE, HsmCli
from rig.node import check_hsms_gone, end_hsms, wait_until

READY = re.compile(r"Strongroom is up: (http://\S+), ready in ([0-9.]+) s")
"""What `up` prints when all is there."""

WHOLE = 3 * PATIENCE
"""Seconds within which all of it is there, or is gone: a cluster, its HSMs, and a key store."""

STEP = re.compile(r"^ *([0-9.]+) s  (\S.*?)  +(.*?)  \((\d+) ms\)$", re.MULTILINE)
"""A step: when it was done, its name, what came of it, how long it took."""


class Up:
    """One `strongroom up`, with a data folder of its own."""

    def __init__(self, program: Path, folder: Path, *arguments: object):
        self.program = program
        self.folder = folder
        self.data = folder / "data"
        self.arguments = [*map(str, arguments), "--data-dir", str(self.data)]
        self.output, self.log = folder / "output.txt", folder / "log.txt"
        self.process: subprocess.Popen | None = None

    @property
    def files(self) -> Path:
        """Where its own files are."""
        return self.data / "up"

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "NO_PROXY": "*"} | more

    def start(self, *more: object) -> "Up":
        """Starts it; it has yet to get everywhere."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output, self.log.open("wb") as log:
            command = [self.program, "up", *self.arguments, *map(str, more)]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=log, env=self.environment()
            )
        return self

    def steps(self) -> dict[str, str]:
        """The steps that are done, and what came of each."""
        said = self.output.read_text() + self.log.read_text()
        return {name: text for _, name, text, _ in STEP.findall(said)}

    def wait_for_step(self, name: str) -> str:
        """Waits until a step is done; `up` may have gone on to its end since."""

        def done() -> str | None:
            ended = self.process.poll() is not None  # first: by its end it has said everything
            found = self.steps().get(name)
            if ended and not found:
                self.check_runs()
            return found

        return wait_until(done, f"step {name}", WHOLE)

    def wait_until_ready(self) -> str:
        """Waits until all is there, and answers the endpoint."""
        found = wait_until(lambda: self.check_runs() and READY.search(self.output.read_text()), "ready", WHOLE)
        return found.group(1)

    def check_runs(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"`up` ended with {self.process.returncode}:\n{self.said()}")
        return True

    def said(self) -> str:
        return self.output.read_text() + self.log.read_text()

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def ensure_gone(self):
        if self.process and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process and self.process.returncode == 0:
            check_hsms_gone(self.data)
        else:
            end_hsms(self.data)

    def run(self, command: str, *more: object, **environment: str) -> subprocess.CompletedProcess:
        """Runs `up` or `down` to its end."""
        words = [self.program, command, *self.arguments, *map(str, more)]
        return subprocess.run(words, capture_output=True, text=True, timeout=WHOLE, env=self.environment(**environment))

    def done(self, command: str, *more: object) -> str:
        """Runs `up` or `down`, which must succeed, and answers what it printed on standard output."""
        ended = self.run(command, *more)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def json(self, *more: object) -> dict:
        """Runs `up --json`, which must succeed, and answers its one document."""
        return json.loads(self.done("up", "--json", *more))

    def refused(self, command: str, *more: object, **environment: str) -> str:
        """Runs `up` or `down`, which must fail, and answers why it did."""
        ended = self.run(command, *more, **environment)
        assert ended.returncode == 1, ended.stdout + ended.stderr
        return ended.stderr

    def tool(self, document: dict, user: str = "crypto_user") -> HsmCli:
        """cloudhsm-cli, as `up` has configured it, as one of the users that it made."""
        config = Path(document["cloudhsm_cli"]["config"])
        role = "admin" if user == "admin" else "crypto-user"
        pin = f"{document[user]['username']}:{document[user]['password']}"
        return HsmCli(Path(document["cloudhsm_cli"]["program"]), config.parent, role, pin)
