"""Minutes of load with the server killed again and again. `make soak`."""

import os
import random
import threading
import time

import pytest

from rig import sdk

MINUTES = float(os.environ.get("SOAK_MINUTES", "1"))
CLIENTS = 4


class Load:
    """Clients that create keys and encrypt until told to stop, and remember what was acknowledged."""

    def __init__(self, node):
        self.node = node
        self.acknowledged: list[tuple[str, bytes, bytes]] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._work, args=(seed,)) for seed in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _work(self, seed: int):
        choose = random.Random(seed)
        kms = sdk.client(self.node, "kms", connect_timeout=5, read_timeout=5)
        keys: list[str] = []
        while not self.over.is_set():
            try:
                if not keys or choose.random() < 0.05:
                    keys.append(kms.create_key()["KeyMetadata"]["KeyId"])
                plaintext, key_id = choose.randbytes(32), choose.choice(keys)
                blob = kms.encrypt(KeyId=key_id, Plaintext=plaintext)["CiphertextBlob"]
                self.acknowledged.append((key_id, plaintext, blob))
            except Exception:  # whatever it is, the server is being killed
                self.over.wait(0.02)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost(fresh_node):
    choose, end, rounds = random.Random(0), time.monotonic() + MINUTES * 60, 0
    kms = sdk.client(fresh_node, "kms")
    with Load(fresh_node) as load:
        while time.monotonic() < end:
            time.sleep(choose.uniform(0.05, 1.5))
            fresh_node.kill()
            verified = fresh_node.verify_audit()
            assert verified.returncode == 0, verified.stdout + verified.stderr
            fresh_node.start()
            rounds += 1
            sample = load.acknowledged[-20:] + choose.sample(load.acknowledged, min(20, len(load.acknowledged)))
            for _, plaintext, blob in sample:
                assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext
    known = {key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]}
    assert {key_id for key_id, _, _ in load.acknowledged} <= known
    print(f"killed {rounds} times, {len(load.acknowledged)} ciphertexts acknowledged, none lost")
