"""The stock AWS CLI, as a person uses it: a process with an environment."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from rig.node import Node

PROGRAM = Path(sys.executable).parent / "aws"

REFUSAL = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation[^:]*: ?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Refusal:
    """What the CLI says when the server refuses."""

    code: str
    operation: str
    message: str


@dataclass(frozen=True)
class Cli:
    """`aws` against one server, in one Region, with one credential."""

    node: Node
    region: str = "us-east-1"
    access_key_id: str = "test"
    secret_access_key: str = "test"
    session_token: str | None = None
    profile: tuple[str, Path] | None = None
    """A profile and the file that has it, in place of the credential."""

    def with_(self, **changes) -> "Cli":
        """The same with another Region or credential."""
        return replace(self, **changes)

    def as_(self, given: dict) -> "Cli":
        """The same with the access key that IAM or STS gave out."""
        return replace(
            self,
            access_key_id=given["AccessKeyId"],
            secret_access_key=given["SecretAccessKey"],
            session_token=given.get("SessionToken"),
        )

    def run(self, *arguments: object) -> subprocess.CompletedProcess:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_PAGER": "",
            "NO_PROXY": "*",
            "AWS_ENDPOINT_URL": self.node.endpoint,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        if self.node.ca_bundle:
            environment["AWS_CA_BUNDLE"] = self.node.ca_bundle
        if self.session_token:
            environment["AWS_SESSION_TOKEN"] = self.session_token
        if self.profile:
            del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
            environment["AWS_PROFILE"], environment["AWS_CONFIG_FILE"] = map(str, self.profile)
            # Here the CLI keeps what roles give it.
            environment["HOME"] = str(self.profile[1].parent)
        command = [sys.executable, PROGRAM, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)

    def __call__(self, *arguments: object) -> dict:
        """Runs a command that must succeed, and answers its JSON."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"aws {' '.join(map(str, arguments))}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def refused(self, *arguments: object) -> Refusal:
        """Runs a command that the server must refuse."""
        done = self.run(*arguments)
        found = REFUSAL.search(done.stderr)
        assert done.returncode != 0, f"not refused: {done.stdout}"
        assert found, f"refused, but not by the server: {done.stderr}"
        return Refusal(found.group(1), found.group(2), found.group(3).strip())
