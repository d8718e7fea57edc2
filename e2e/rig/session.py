"""`cloudhsm-cli interactive`: one log-in over many commands, and files that are signed in between."""

import base64
import codecs
import json
import os
import select
import subprocess
import time
from pathlib import Path

from rig.cluster import HsmCli, Told, openssl

PATIENCE = 60.0


class Session:
    """An interactive session. Commands are lines, answers are JSON documents."""

    def __init__(self, tool: HsmCli):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tool.folder),
            "STRONGROOM_CLOUDHSM_CONFIG": str(tool.folder / "cloudhsm-cli.cfg"),
        }
        self.folder = tool.folder
        self.process = subprocess.Popen(
            [tool.program, "interactive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.read = ""
        # What is read at once may end within a letter.
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def told(self, *words: object, answers: tuple[object, ...] = ()) -> Told:
        """Gives a command, and what it prompts for, and answers its document."""
        lines = [" ".join(f'"{word}"' if " " in str(word) else str(word) for word in words), *map(str, answers)]
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()
        document = self.next_document()
        return Told(document["error_code"], document["data"])

    def next_document(self) -> dict:
        deadline = time.monotonic() + PATIENCE
        while True:
            begin = self.read.find("{")
            if begin >= 0:
                try:
                    document, end = json.JSONDecoder().raw_decode(self.read, begin)
                except json.JSONDecodeError:
                    pass
                else:
                    self.read = self.read[end:]
                    return document
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"no answer within {PATIENCE} s: {self.read!r}"
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, f"the session ended: {self.read!r}"
            self.read += self.decoder.decode(more)

    def run(self, *words: object, answers: tuple[object, ...] = ()) -> Told:
        told = self.told(*words, answers=answers)
        assert told.error_code == 0, f"{words}: {told.data}"
        return told

    def refused(self, *words: object, answers: tuple[object, ...] = ()) -> str:
        told = self.told(*words, answers=answers)
        assert told.error_code == 1, f"{words}: not refused: {told.data}"
        return told.data

    def login(self, role: str, username: str, password: str) -> "Session":
        self.run("login", "--username", username, "--role", role, "--password", password)
        return self


class Approver:
    """An RSA-2048 key that signs approvals and challenges, with openssl."""

    def __init__(self, folder: Path, username: str):
        self.username = username
        self.key, self.public_key = folder / f"{username}.key", folder / f"{username}.pub"
        openssl("genrsa", "-out", self.key, "2048")
        openssl("rsa", "-in", self.key, "-pubout", "-out", self.public_key)

    def sign(self, digest: str) -> str:
        """Signs the digest, base64 both ways."""
        data = base64.b64decode(digest)
        signature = openssl("pkeyutl", "-sign", "-inkey", self.key, "-pkeyopt", "digest:sha256", data=data)
        return base64.b64encode(signature).decode()

    def sign_challenges(self, file: Path):
        """Signs every challenge of a registration or a log-in, where it stands."""
        document = json.loads(file.read_text())
        for token in document["tokens"]:
            token["signed"] = self.sign(token["unsigned"])
        file.write_text(json.dumps(document))

    def approve(self, file: Path, role: str | None = None):
        """Adds this approver's signature to a quorum token."""
        document = json.loads(file.read_text())
        signature = {"username": self.username, "signature": self.sign(document["token"])}
        if role:
            signature["role"] = role
        document.setdefault("signatures", []).append(signature)
        file.write_text(json.dumps(document))

    def register(self, session: Session):
        """Registers the public key for approvals, in the approver's own session."""
        file = session.folder / f"{self.username}-registration.json"
        session.run("quorum", "token-sign", "generate", "--service", "registration", "--token", file)
        self.sign_challenges(file)
        session.run(
            "user",
            "change-quorum",
            "token-sign",
            "register",
            "--public-key",
            self.public_key,
            "--signed-token",
            file,
        )
