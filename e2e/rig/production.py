"""`strongroom init` and `strongroom serve`: a server in production on a port of its own, and PostgreSQL for it."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path

from rig.cli import Cli
from rig.networks import Network
from rig.node import PATIENCE, Node, wait_until

SERVING = re.compile(r"serving url=(https?)://\S+:(\d+)\s")
"""The line of the log that says where it is reached."""

SLOW_START = 90.0
"""Seconds within which a server is up, or another command has ended, on a machine that compiles meanwhile."""

WAITING = ("-w", "-t", "80")
"""PostgreSQL waits for itself not quite so long."""


class Production(Node):
    """One server, with its configuration and its data below `folder`."""

    hsms_outlive_it = True

    def __init__(self, program: Path, folder: Path, config: Path | None = None):
        super().__init__(program, folder)
        self.config = config or folder / "etc/strongroom.toml"
        self.network = Network()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "STRONGROOM_CLUSTERS_VPC_CIDR": self.network.cidr,
        }
        self.scheme = "https"
        self.root: dict = {}
        """What `init` has shown: the root user's credential, and where everything is."""

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    @property
    def ca_bundle(self) -> str | None:
        return self.root.get("ca_bundle")

    def take_network_of(self, gone: "Production"):
        """Has its HSMs where those of another server were, which does not start again."""
        self.network.give_back()
        self.network, gone.network = gone.network, None
        self.environment["STRONGROOM_CLUSTERS_VPC_CIDR"] = self.network.cidr

    def run(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        """Runs the program to its end."""
        command = [self.program, *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SLOW_START, env={**self.environment, **environment}
        )

    def ran(self, *arguments: object) -> str:
        """The same for a command that must succeed; answers what it printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: object, **environment: str) -> str:
        """The same for a command that must fail; answers the one line that says why."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 1, done
        assert done.stdout == ""
        assert "panicked" not in done.stderr
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("strongroom: "), done.stderr
        return last.removeprefix("strongroom: ")

    def init(self, *options: object) -> "Production":
        """Makes everything; what options say goes before what this rig would choose."""
        usual = ("--data-dir", self.data, "--listen", "127.0.0.1:0")
        said = self.ran("init", "--json", "--config", self.config, *usual, *options)
        self.root = json.loads(said)
        return self

    def start(self, *options: object) -> "Production":
        """Serves, on the port that it had before, and waits until it is healthy."""
        self.claim_addresses()
        environment = dict(self.environment)
        if self.port:
            environment["STRONGROOM_SERVER_LISTEN"] = f"127.0.0.1:{self.port}"
        command = [self.program, "serve", "--config", self.config, *map(str, options)]
        begun = self.log.stat().st_size if self.log.exists() else 0
        with self.output.open("wb") as output, self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=log, env=environment
            )

        def announcement():
            if not self.runs():
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.said()}")
            return SERVING.search(self.log.read_bytes()[begun:].decode(errors="replace"))

        found = wait_until(announcement, "the server's announcement", SLOW_START)
        self.scheme, self.port = found.group(1), int(found.group(2))
        wait_until(self.is_healthy, "a healthy server")
        return self

    def said(self) -> str:
        files = [path for path in (self.output, self.log) if path.exists()]
        return "".join(path.read_text(errors="replace") for path in files)

    def get(self, path: str) -> tuple[int, dict]:
        with self.open(path) as answer:
            return answer.status, json.load(answer)

    def open(self, path: str, **request):
        """Asks for a document, unsigned."""
        trust = ssl.create_default_context(cafile=self.ca_bundle) if self.scheme == "https" else None
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)]
        asked = urllib.request.Request(self.endpoint + path, **request)
        return urllib.request.build_opener(*handlers).open(asked, timeout=PATIENCE)

    def hang_up(self):
        """SIGHUP: have certificate and key read again."""
        self.process.send_signal(signal.SIGHUP)

    def account(self, *arguments: object) -> dict | list:
        """`strongroom account`, as JSON."""
        return json.loads(self.ran("account", *arguments, "--json", "--config", self.config))

    def reset_root(self, account: str) -> dict:
        return json.loads(self.ran("root", "reset", account, "--json", "--config", self.config))

    def verify_audit(self) -> subprocess.CompletedProcess:
        return self.run("audit", "verify", "--config", self.config)

    def as_root(self, given: dict | None = None) -> Cli:
        """The AWS CLI with the credential of a root user."""
        given = given or self.root
        return Cli(self, access_key_id=given["access_key_id"], secret_access_key=given["secret_access_key"])


class Postgres:
    """A PostgreSQL server of its own, on a port of this machine."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, 0
        self.data = folder / "pg"
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        self.programs = found[0] if found else Path(shutil.which("postgres") or "/nonexistent").parent
        # PostgreSQL refuses to run as root.
        self.user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []

    def _run(self, program: str, *arguments: object):
        command = [*self.user, self.programs / program, *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=SLOW_START)

    def start(self) -> "Postgres":
        if not self.data.exists():
            self.data.mkdir(parents=True)
            if self.user:
                for folder in [self.data, self.folder]:
                    os.chown(folder, 65534, 65534)
            self._run("initdb", "-D", self.data, "-U", "strongroom", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        # It takes no port 0, and one that is free now may be somebody else's when it comes to it.
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
            options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c fsync=off"
            with suppress(subprocess.CalledProcessError):
                self._run("pg_ctl", "-D", self.data, "-l", self.data / "log", *WAITING, "-o", options, "start")
                return self
        raise RuntimeError(f"PostgreSQL does not start:\n{(self.data / 'log').read_text()}")

    def stop(self):
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", *WAITING, "stop")

    def database(self, name: str) -> str:
        """Makes a database, and answers its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "strongroom", name)
        return f"postgres://strongroom@127.0.0.1:{self.port}/{name}"
