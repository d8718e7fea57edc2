"""Pages of the book, followed as a reader follows them: one terminal, every command, and what the page says it answers.

How a page is written so that it can be followed:

- An indented block holds commands. All of them run, in order, in one shell, so that variables and files stay.
- `# => text` under a command is what it answers: the whole of it, or as much as `...` leaves. How lines are broken
  does not count.
- A fenced block of `json` or `text` right after an indented one is what its last command answers; of JSON as much as
  the page shows.
- A command without a shown answer must succeed. One with a shown answer may fail: its answer says so.
- A fenced block of `sh` is for another terminal, or for another day: it is not run.
"""

import json
import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rig.node import Node

PATIENCE = 180.0
"""Seconds within which a command of a page ends."""

INDENT = "    "

ANSWER = "# =>"


@dataclass
class Step:
    """One command of a page, and what the page says that it answers."""

    line: int
    command: str
    answer: str | None = None
    form: str = "text"


class UntrueError(AssertionError):
    """The page says something that does not happen."""


def steps(text: str) -> list[Step]:
    """The commands of a page, in order."""
    found: list[Step] = []
    block: list[tuple[int, str]] = []
    fence, shown, follows = None, [], False

    for number, line in enumerate([*text.splitlines(), ""], 1):
        if fence is not None:
            if line.startswith("```"):
                if fence in ("json", "text") and follows:
                    found[-1].answer, found[-1].form = "\n".join(shown), fence
                fence, shown, follows = None, [], False
            else:
                shown.append(line)
        elif line.startswith("```"):
            follows = bool(block) or follows
            found += commands(block)
            block, fence = [], line[3:].strip()
        elif line.startswith(INDENT) or (block and not line.strip()):
            block.append((number, line.removeprefix(INDENT)))
        elif block:
            found += commands(block)
            block, follows = [], False
    return found + commands(block)


def commands(block: list[tuple[int, str]]) -> list[Step]:
    """Splits a block into commands: the fewest lines that a shell finds whole."""
    found: list[Step] = []
    begun: list[str] = []
    begin = 0
    for number, line in block:
        if not begun and line.startswith(ANSWER):
            said = line.removeprefix(ANSWER).strip()
            found[-1].answer = said if found[-1].answer is None else f"{found[-1].answer}\n{said}"
            continue
        if not begun and (not line.strip() or line.startswith("#")):
            continue
        begin = begin if begun else number
        begun.append(line)
        command = "\n".join(begun)
        if is_whole(command):
            found.append(Step(begin, command))
            begun = []
    if begun:
        raise UntrueError(f"line {begin}: a command that does not end: {begun}")
    return found


def is_whole(command: str) -> bool:
    """Whether a shell would wait for more lines: it says nothing and ends well if not."""
    if command.endswith("\\"):
        return False
    checked = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False)
    return checked.returncode == 0 and not checked.stderr


@dataclass
class Terminal:
    """A shell in a folder of its own, with the programs and the credential that a reader has."""

    node: Node
    folder: Path
    told: list[str] = field(default_factory=list)

    def __enter__(self) -> "Terminal":
        self.folder.mkdir(parents=True, exist_ok=True)
        programs = [str(Path(sys.executable).parent), str(self.node.program.parent)]
        environment = {
            "PATH": ":".join([*programs, os.environ["PATH"]]),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "STRONGROOM_CLOUDHSM_CONFIG": str(self.folder / "cloudhsm-cli.cfg"),
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "NO_PROXY": "*",
            "AWS_ENDPOINT_URL": self.node.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self.done, child = os.pipe()
        self.shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-o", "pipefail"],
            stdin=subprocess.PIPE,
            pass_fds=[child],
            cwd=self.folder,
            env=environment,
        )
        os.close(child)
        self.descriptor = child
        return self

    def __exit__(self, *_):
        self.shell.stdin.close()
        try:
            self.shell.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.shell.kill()
        os.close(self.done)

    def run(self, command: str) -> tuple[int, str]:
        """Runs a command in the shell itself, and answers its exit code and what it printed."""
        script, output = self.folder / ".step", self.folder / ".answer"
        script.write_text(command + "\n")
        closed = f"{self.descriptor}>&-"
        line = f". '{script}' >'{output}' 2>&1 </dev/null {closed}; echo $? >&{self.descriptor}\n"
        self.shell.stdin.write(line.encode())
        self.shell.stdin.flush()
        return self._code(output), output.read_text(errors="replace")

    def _code(self, output: Path) -> int:
        read, deadline = b"", time.monotonic() + PATIENCE
        while not read.endswith(b"\n"):
            ready, _, _ = select.select([self.done], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self.shell.kill()
                raise UntrueError(f"not done within {PATIENCE:.0f} s:\n{output.read_text(errors='replace')}")
            more = os.read(self.done, 64)
            if not more:
                raise UntrueError(f"the shell ended:\n{output.read_text(errors='replace')}")
            read += more
        return int(read)

    def follow(self, page: Path):
        """Does what a page says, and fails where that is not so."""
        for step in steps(page.read_text()):
            place = f"{page.name}, line {step.line}\n$ {step.command}"
            try:
                code, output = self.run(step.command)
            except UntrueError as untrue:
                raise UntrueError(f"{place}\n{untrue}") from None
            if step.answer is None:
                said = None if code == 0 else f"fails with exit code {code}"
            else:
                said = (
                    None if is_told(step, output) else f"the page says that it answers\n{step.answer}\nand it answers"
                )
            if said:
                before = "".join(self.told[-3:])
                raise UntrueError(f"{place}\n{said}\n{output}\nBefore it:\n{before}")
            self.told.append(f"$ {step.command}\n{output}")


def is_told(step: Step, output: str) -> bool:
    """Whether an answer is the one that the page shows."""
    if step.form == "json":
        try:
            return holds(json.loads(step.answer), json.loads(output))
        except json.JSONDecodeError:
            return False
    return fits(step.answer, output)


def fits(shown: str, said: str) -> bool:
    """Whether a text is what the page shows; `...` stands for anything, and breaks of lines for spaces."""
    parts = [re.escape(part) for part in re.split(r"\.\.\.(?!\.)", " ".join(shown.split()))]
    return re.fullmatch(".*".join(parts), " ".join(said.split()), re.DOTALL) is not None


def holds(shown: object, said: object) -> bool:
    """Whether a document has all that the page shows of it."""
    if isinstance(shown, dict):
        return isinstance(said, dict) and all(key in said and holds(value, said[key]) for key, value in shown.items())
    if isinstance(shown, list):
        return (
            isinstance(said, list)
            and len(shown) == len(said)
            and all(holds(one, other) for one, other in zip(shown, said, strict=True))
        )
    if isinstance(shown, str):
        return isinstance(said, str) and fits(shown, said)
    return shown == said
