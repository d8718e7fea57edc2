"""kill -9 of a server in production while callers call, the seal is rotated, the journal is signed and compressed, and
backups are made: what was acknowledged is there, and every backup that was finished can be restored."""

import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rig import sdk
from rig.production import Production
from test_backup import elsewhere

MINUTES = float(os.environ.get("SOAK_MINUTES", "1"))
CLIENTS = 3


@dataclass
class Callers:
    """Clients that make keys and encrypt until the server is gone, and remember what was acknowledged."""

    server: Production
    acknowledged: list[tuple[bytes, bytes]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def kms(self, server: Production):
        credential = {name: self.server.root[name] for name in ("access_key_id", "secret_access_key")}
        return sdk.client(server, "kms", **credential)

    def work(self, seed: int):
        choose, kms = random.Random(seed), self.kms(self.server)
        while True:
            try:
                if not self.keys or choose.random() < 0.1:
                    self.keys.append(kms.create_key()["KeyMetadata"]["KeyId"])
                plaintext = choose.randbytes(32)
                blob = kms.encrypt(KeyId=choose.choice(self.keys), Plaintext=plaintext)["CiphertextBlob"]
                self.acknowledged.append((plaintext, blob))
            except Exception:  # whatever it is, the server is gone
                return

    def find(self, server: Production, among: list[tuple[bytes, bytes]]):
        kms = self.kms(server)
        for plaintext, blob in among:
            assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext


class Operator:
    """Whoever runs the machine: rotates, backs up and verifies, one after the other."""

    def __init__(self, callers: Callers, folder: Path, choose: random.Random):
        self.callers, self.folder, self.choose = callers, folder, choose
        self.backups: list[tuple[Path, int]] = []
        """Files, with how much was acknowledged before each was asked for."""
        self.rotations = 0

    def work(self):
        server = self.callers.server
        while server.runs():
            what = self.choose.choice(["rotate", "backup", "verify"])
            if what == "rotate":
                done = server.run("seal", "rotate", "--config", server.config)
                self.rotations += done.returncode == 0
            elif what == "backup":
                file = self.folder / f"{len(self.backups)}-{self.choose.randrange(1 << 32)}.strongroom"
                before = len(self.callers.acknowledged)
                done = server.run("backup", file, "--config", server.config)
                assert (done.returncode == 0) == file.exists(), done.stderr
                if file.exists():
                    self.backups.append((file, before))
            else:
                done = server.verify_audit()
                assert done.returncode == 0, done.stdout + done.stderr
            assert "panicked" not in done.stderr


def go_through(program, folder: Path, goes_on) -> None:
    place = folder / "one"
    place.mkdir()
    server = Production(program, place)
    # Much happens in a short time: a segment is full soon, and signed, compressed at once.
    server.environment |= {"STRONGROOM_JOURNAL_SEGMENT_MEBIBYTES": "1", "STRONGROOM_JOURNAL_CHECKPOINT_SECONDS": "1"}
    server.init()
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    choose, servers, round_ = random.Random(seed), [server], 0
    callers = Callers(server)
    operator = Operator(callers, folder, choose)
    try:
        while goes_on(round_):
            server.start()
            callers.find(server, callers.acknowledged[-50:])
            workers = [threading.Thread(target=callers.work, args=(choose.random(),)) for _ in range(CLIENTS)]
            operating = threading.Thread(target=operator.work)
            for thread in [*workers, operating]:
                thread.start()
            time.sleep(choose.uniform(0.5, 4))
            server.kill()
            for thread in [*workers, operating]:
                thread.join()
            verified = server.verify_audit()
            assert verified.returncode == 0, f"seed {seed}, round {round_}: {verified.stdout}{verified.stderr}"
            round_ += 1
        server.start()
        callers.find(server, callers.acknowledged)
        last = folder / "last.strongroom"
        before = len(callers.acknowledged)
        server.ran("backup", last, "--config", server.config)
        operator.backups.append((last, before))
        server.ensure_gone()
        for number, (file, before) in enumerate(operator.backups[-3:]):
            assert "can be restored" in server.ran("backup", "verify", file, "--config", server.config)
            other = elsewhere(servers, program, server, folder / f"restored-{number}")
            other.ran("restore", file, "--config", other.config)
            other.start()
            callers.find(other, callers.acknowledged[:before][-200:])
            verified = other.verify_audit()
            assert verified.returncode == 0, f"seed {seed}: {verified.stdout}{verified.stderr}"
            other.ensure_gone()
        print(
            f"{round_} rounds, {len(callers.acknowledged)} calls, {operator.rotations} rotations, "
            f"{len(operator.backups)} backups"
        )
    finally:
        for each in servers:
            each.ensure_gone()
            assert "panicked" not in each.said()


@pytest.mark.slow
def test_nothing_is_lost_in_a_few_rounds(program, tmp_path):
    go_through(program, tmp_path, lambda round_: round_ < 4)


@pytest.mark.soak
def test_nothing_is_lost_in_many_rounds(program, tmp_path):
    end = time.monotonic() + MINUTES * 60
    go_through(program, tmp_path, lambda _: time.monotonic() < end)
