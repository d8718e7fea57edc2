"""Clients by the thousand that do nothing, or nothing good: memory and disk are bounded, and others are served."""

import json
import time

import pytest

from rig import sdk
from rig.crowd import gathered
from rig.node import HTTP, PATIENCE, run, wait_until

MIB = 1 << 20


def metric(node, name: str, unless_there: float | None = None) -> float:
    """A value of the metrics; one that may not be there yet is what is said of it then."""
    with HTTP.open(node.endpoint + "/_strongroom/metrics", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    found = next((float(line.split()[1]) for line in lines if line.startswith(name + " ")), unless_there)
    assert found is not None, f"no {name} in {lines}"
    return found


def folder_bytes(folder) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def assert_served(node, seconds: float):
    """A caller of its own, with a connection of its own for each call, is served all the time."""
    end, calls, longest = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end:
        begun = time.monotonic()
        kms = sdk.client(node, "kms", connect_timeout=PATIENCE, read_timeout=PATIENCE)
        assert "Keys" in kms.list_keys()
        kms.close()
        calls, longest = calls + 1, max(longest, time.monotonic() - begun)
    print(f"{calls} calls, the longest {longest:.2f} s")
    return calls


@pytest.mark.slow
def test_ten_thousand_idle_connections(fresh_node):
    before = fresh_node.resident_bytes()
    with gathered(fresh_node, "idle", 10_000):
        assert_served(fresh_node, 5)
        # One of them has made room for the caller, and for whoever reads the metrics.
        assert metric(fresh_node, "strongroom_connections") >= 9_000
        grown = fresh_node.resident_bytes() - before
        assert grown < 300 * MIB, f"{grown / 10_000:.0f} bytes for each connection"
        print(f"{grown / 10_000:.0f} bytes for each of 10,000 connections")
    wait_until(lambda: metric(fresh_node, "strongroom_connections") < 10, "the end of the crowd")
    fresh_node.assert_sound()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["slow_head", "slow_body", "deaf"])
def test_slow_clients(fresh_node, kind):
    before = fresh_node.resident_bytes()
    with gathered(fresh_node, kind, 2_000):
        assert_served(fresh_node, 5)
        grown = fresh_node.resident_bytes() - before
        assert grown < 400 * MIB, f"{grown / MIB:.0f} MiB for 2,000 clients"
        print(f"{grown / MIB:.0f} MiB for 2,000 clients")
    fresh_node.assert_sound()


@pytest.mark.slow
def test_large_bodies_that_never_end(fresh_node):
    """They have all the memory that they can have, as long as they are waited for."""
    before = fresh_node.resident_bytes()
    with gathered(fresh_node, "stalled", 256):
        wait_until(lambda: metric(fresh_node, "strongroom_body_memory_bytes") > 180 * MIB, "bodies that stall")
        assert_served(fresh_node, 5)
        grown = fresh_node.resident_bytes() - before
        assert grown < 400 * MIB, f"{grown / MIB:.0f} MiB for 256 clients"
    fresh_node.assert_sound()


@pytest.mark.slow
def test_a_flood_of_bad_signatures(fresh_node, program):
    kms = sdk.client(fresh_node, "kms")
    kms.list_keys()
    before, disk_before = fresh_node.resident_bytes(), folder_bytes(fresh_node.data)
    with gathered(fresh_node, "forger", 100):
        assert_served(fresh_node, 25)
        forged = 'strongroom_unauthenticated_total{code="UnrecognizedClientException"}'
        wait_until(lambda: metric(fresh_node, forged, 0) > 1_000, "a thousand answers")
    answered = metric(fresh_node, forged)
    grown, written = fresh_node.resident_bytes() - before, folder_bytes(fresh_node.data) - disk_before
    print(f"{answered:.0f} forged requests, {grown / MIB:.1f} MiB of memory, {written / 1024:.0f} KiB on the disk")
    assert grown < 64 * MIB
    # The calls that were made are in the journal; of the forged ones a few lines in the security log.
    assert written < 4 * MIB

    fresh_node.stop()
    listed = run(program, "audit", "failures", "--json", "--data-dir", str(fresh_node.data))
    assert listed.returncode == 0, listed.stderr
    failures = json.loads(listed.stdout)
    assert sum(failure["count"] for failure in failures) >= answered, "each is counted"
    # Of one source, ten access key ids are told apart between two writes.
    assert {failure["code"] for failure in failures} == {"UnrecognizedClientException", None}
    assert {failure["source"] for failure in failures} == {"127.0.0.1"}
    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout
