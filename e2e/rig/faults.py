"""`strongroom fault`: what goes wrong because a test wants it to."""

import json
import subprocess
from dataclasses import dataclass

from rig import node as program
from rig.node import Node


@dataclass(frozen=True)
class Faults:
    """The faults of one server."""

    node: Node

    def process(self, *arguments: object) -> subprocess.CompletedProcess:
        """Runs a command, whatever comes of it."""
        return program.run(self.node.program, "fault", "--endpoint", self.node.endpoint, *map(str, arguments))

    def run(self, *arguments: object) -> list[str]:
        """Runs a command that must succeed, and answers the lines that it prints."""
        done = self.process(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout.splitlines()

    def refused(self, *arguments: object) -> str:
        """Runs a command that must fail, and answers why it did."""
        done = self.process(*arguments)
        assert done.returncode == 1, f"{arguments}: {done}"
        assert not done.stdout, done.stdout
        return done.stderr.removeprefix("strongroom: ").strip()

    def set(self, fault: str, *arguments: object) -> list[str]:
        return self.run("set", fault, *arguments)

    def listed(self) -> list[dict]:
        return json.loads("".join(self.run("list", "--json")))["faults"]

    def clear(self, *ids: str):
        """Clears those, or all."""
        self.run("clear", *(ids or ["--all"]))
