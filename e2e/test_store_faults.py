"""A key store whose HSMs die, whose user is locked, whose server is killed: what callers see, and how it comes back."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest
from botocore.exceptions import ClientError

from rig import sdk
from rig.cluster import PATIENCE, process_of, processes
from rig.node import wait_until
from rig.store import KMSUSER, Store

DEADLINE = 5.0
"""Seconds within which KMS answers when it cannot reach the HSMs, unless it is set otherwise."""

SLACK = 10.0
"""What a loaded machine may take beyond a deadline; without one, callers would wait longer than both."""

TOO_FEW_HSMS = ("CloudHsmClusterInvalidConfigurationException", "KMSInvalidStateException")
"""What CreateKey answers while the cluster has not two HSMs at work."""


@contextmanager
def killed(store: Store, *hsms: dict):
    """HSMs that are killed as the block begins; when it is left, other processes are at work in their places."""
    former = {hsm["HsmId"]: process_of(hsm["HsmId"]) for hsm in hsms}
    for process in former.values():
        os.kill(process, signal.SIGKILL)
    yield
    for hsm in hsms:
        wait_until(partial(is_back, store, hsm, former[hsm["HsmId"]]), f"{hsm['HsmId']} is back", PATIENCE)


def is_back(store: Store, hsm: dict, former: int) -> bool:
    if not any(hsm["HsmId"] in command for process, command in processes().items() if process != former):
        return False
    serves = store.cluster.tool(hsm["EniIp"]).told("cluster", "hsm-info").error_code == 0
    return serves and hsm["HsmId"] in {other["HsmId"] for other in store.cluster.hsms()}


@contextmanager
def load(store: Store, key_id: str, workers: int = 4):
    """Encrypts and decrypts all the time; yields what went wrong, each with when it began, and of each round trip that
    went well when it began."""
    errors, done, stop = [], [], threading.Event()

    def work(number: int):
        aws = store.cluster.aws
        kms = sdk.client(aws.node, "kms", aws.region, aws.access_key_id, aws.secret_access_key)
        while not stop.is_set():
            plaintext = f"{number}-{len(done)}".encode()
            begun = time.monotonic()
            try:
                blob = kms.encrypt(KeyId=key_id, Plaintext=plaintext)["CiphertextBlob"]
                assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext
            except (ClientError, AssertionError) as error:
                errors.append((begun, error))
            else:
                done.append(begun)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield errors, done
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_one_hsm_that_is_killed_under_load_is_not_noticed(own_store):
    key = own_store.create_key()["KeyId"]
    with load(own_store, key) as (errors, done):
        for victim in own_store.cluster.hsms():
            before = len(done)
            wait_until(lambda before=before: len(done) > before + 20, "round trips before the kill", PATIENCE)
            with killed(own_store, victim):
                before = len(done)
                wait_until(lambda before=before: len(done) > before + 100, "round trips after the kill", PATIENCE)
    assert errors == []
    assert own_store.state == "CONNECTED"


@pytest.mark.slow
def test_without_hsms_callers_are_told_within_the_deadline_and_it_recovers_by_itself(own_store):
    store, kms, cluster = own_store, own_store.kms, own_store.cluster
    key = store.create_key()["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"a letter")["CiphertextBlob"]
    for hsm in cluster.hsms():
        cluster.delete_hsm(hsm)
    for call in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    ):
        begun = time.monotonic()
        with sdk.refused("KMSInvalidStateException"):
            call()
        assert time.monotonic() - begun < DEADLINE + SLACK
    # The state tells of what was asked for, as at AWS, not of how the HSMs are.
    assert store.state == "CONNECTED"

    cluster.add_hsm("us-east-1a")
    wait_until(lambda: opens(kms, blob), "the store serves again", PATIENCE)
    with sdk.refused("CloudHsmClusterInvalidConfigurationException"):
        store.create_key()
    cluster.add_hsm("us-east-1b")
    wait_until(lambda: makes_a_key(store), "keys can be made again", PATIENCE)


@pytest.mark.slow
def test_both_hsms_killed_under_load_come_back_and_so_does_the_store(own_store):
    key = own_store.create_key()["KeyId"]
    with load(own_store, key) as (errors, done):
        wait_until(lambda: len(done) > 20, "round trips before the kill", PATIENCE)
        with killed(own_store, *own_store.cluster.hsms()):
            pass
        back = time.monotonic()
        wait_until(lambda: any(begun > back for begun in done), "a round trip after the kill", PATIENCE)
        recovered = time.monotonic()
        wait_until(lambda: sum(begun > recovered for begun in done) > 100, "a store at work", PATIENCE)
    assert [error for begun, error in errors if begun > recovered] == []
    told = {getattr(error, "response", {}).get("Error", {}).get("Code") for _, error in errors}
    assert told <= {"KMSInvalidStateException"}, errors


@pytest.mark.slow
def test_a_store_outlives_its_server_with_one_hsm_left(fresh_node, own_store):
    store, kms, cluster = own_store, own_store.kms, own_store.cluster
    key = store.create_key()["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"a letter")["CiphertextBlob"]
    fresh_node.kill().start()
    wait_until(lambda: opens(kms, blob), "the store after a kill of the server", PATIENCE)
    assert store.state == "CONNECTED"

    wait_until(lambda: len(cluster.hsms()) == 2, "both HSMs", PATIENCE)
    cluster.delete_hsm(cluster.hsms()[0])
    fresh_node.kill().start()
    wait_until(lambda: opens(kms, blob), "the store with one HSM, after a kill of the server", PATIENCE)


def test_a_locked_kmsuser_stops_the_next_connection_until_the_password_is_set(store):
    store.disconnect()
    for hsm in store.cluster.hsms():
        stranger = store.cluster.tool(hsm["EniIp"]).as_crypto_user(KMSUSER, "Wrong7password")
        for _ in range(7):
            stranger.refused("key", "list")
    assert store.fails_to_connect() == "USER_LOCKED_OUT"
    store.reset_kmsuser("Another7password")
    store.set_password("Another7password").connect()


def test_a_password_that_was_changed_behind_kms_is_found_out_and_mended(store):
    kms, key = store.kms, store.create_key()["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"a letter")["CiphertextBlob"]
    store.disconnect().reset_kmsuser("Behind7the7back")
    assert store.fails_to_connect() == "INVALID_CREDENTIALS"
    users = store.cluster.tool().run("user", "list").data["users"]
    assert {user["username"]: user["locked"] for user in users}[KMSUSER] == "false", "KMS does not lock itself out"
    store.set_password("Behind7the7back").connect()
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"a letter"


def test_nobody_changes_the_password_while_kms_is_logged_in(store):
    user = ["--username", KMSUSER, "--role", "crypto-user", "--password", "Behind7the7back"]
    assert store.cluster.tool().as_admin().refused("user", "change-password", *user)
    key = store.create_key()["KeyId"]
    store.kms.encrypt(KeyId=key, Plaintext=b"x")


def opens(kms, blob: bytes) -> bool:
    try:
        return kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"a letter"
    except ClientError as error:
        if error.response["Error"]["Code"] != "KMSInvalidStateException":
            raise
        return False


def makes_a_key(store: Store) -> bool:
    try:
        return store.create_key()["KeyState"] == "Enabled"
    except ClientError as error:
        if error.response["Error"]["Code"] not in TOO_FEW_HSMS:
            raise
        return False
