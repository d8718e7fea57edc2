"""HSMs that die under load, a server that dies, and both back again."""

import os
import signal
import threading
from pathlib import Path

import pytest

from rig.cluster import PATIENCE, Cluster, process_of, processes, verifies
from rig.node import wait_until

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@pytest.mark.slow
def test_an_hsm_that_is_killed_under_load_takes_nothing_with_it(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    tool = cluster.first_use(*ZONES)
    alice = tool.as_crypto_user()
    alice.generate_ec_pair("signer")
    public = alice.public_key("signer-public")
    failures, made, stop = [], [], threading.Event()

    def sign():
        count = 0
        while not stop.is_set():
            message = f"message {count}".encode()
            count += 1
            try:
                if not verifies_once(alice, public, message, f"{threading.get_ident()}"):
                    failures.append(f"wrong signature of {message}")
            except AssertionError as error:
                failures.append(str(error))

    def create(worker: int):
        count = 0
        while not stop.is_set():
            label = f"key-{worker}-{count}"
            count += 1
            told = alice.told("key", "generate-symmetric", "aes", "--label", label, "--key-length-bytes", "32")
            if told.error_code:
                failures.append(told.data)
            else:
                made.append(label)

    workers = [threading.Thread(target=sign), *(threading.Thread(target=create, args=(n,)) for n in range(2))]
    for worker in workers:
        worker.start()
    try:
        wait_until(lambda: len(made) > 3, "keys made before the kill", PATIENCE)
        victim, *others = cluster.hsms()
        running = {process_of(hsm["HsmId"]) for hsm in others}
        os.kill(process_of(victim["HsmId"]), signal.SIGKILL)
        before = len(made)
        wait_until(lambda: len(made) > before + 5 or failures, "keys made after the kill", PATIENCE)

        # The control plane dies too: signatures go on.
        fresh_node.kill()
        message = b"nobody manages us"
        assert verifies(public, message, alice.sign("signer", message))
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    fresh_node.start()
    wait_until(lambda: len(cluster.hsms()) == 3, "three HSMs again", PATIENCE)
    assert running <= set(processes()), "running HSMs were replaced and not adopted"

    # What failed while nobody could write it down was told so, and nothing else failed.
    listed = alice.run("key", "list", "--filter", "attr.key-type=aes", "--max-items", "10000").data
    labels = [key["attributes"]["label"] for key in listed["matched_keys"]]
    assert len(labels) == len(set(labels)), "a key was made twice"
    assert set(made) <= set(labels), "a key that was acknowledged is lost"


def verifies_once(alice, public: Path, message: bytes, worker: str) -> bool:
    own = public.with_name(f"{worker}-{public.name}")
    own.write_bytes(public.read_bytes())
    return verifies(own, message, alice.sign("signer", message))
