"""A host that is not let in does not reach an HSM: hosts in network namespaces of their own.

It needs root, and iproute2.
"""

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.cli import Cli
from rig.cluster import PATIENCE, Cluster
from rig.node import Node, wait_until

VPC = "10.77.0.0/16"
"""Where the HSMs are; the clients' network is 10.78.0.0/24."""

INSIDER, OUTSIDER = "10.78.0.2", "10.78.0.3"

CONNECT = """
import sys
from rig.cluster import reaches
print(reaches(sys.argv[2], sys.argv[1]))
"""
"""Prints whether the HSM speaks to who comes from an address."""


def ip(*arguments: str):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def inside(namespace: str):
    """Lets this thread, and the processes that it starts, be on another host."""
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newnet = 0x40000000
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert libc.setns(there, clone_newnet) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        assert libc.setns(here, clone_newnet) == 0, os.strerror(ctypes.get_errno())
        os.close(here)
        os.close(there)


@pytest.fixture
def hosts():
    """Two hosts that are joined: of the HSMs, and of clients with two addresses."""
    names = hsms, clients = f"hsms-{os.getpid()}", f"clients-{os.getpid()}"
    for name in names:
        ip("netns", "add", name)
    try:
        ip("link", "add", "uplink", "netns", hsms, "type", "veth", "peer", "name", "uplink", "netns", clients)
        ip("-n", hsms, "addr", "add", "10.78.0.1/24", "dev", "uplink")
        for address in (INSIDER, OUTSIDER):
            ip("-n", clients, "addr", "add", f"{address}/24", "dev", "uplink")
        for name in names:
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "uplink", "up")
        # Every address of the VPC is the first host's, and the second knows the way.
        ip("-n", hsms, "route", "add", "local", VPC, "dev", "lo")
        ip("-n", clients, "route", "add", VPC, "via", "10.78.0.1")
        yield names
    finally:
        for name in names:
            ip("netns", "del", name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces")
def test_a_host_is_let_in_and_its_neighbour_is_not(hosts, program, tmp_path):
    hsms, clients = hosts
    node = Node(program, tmp_path, "--data-dir", str(tmp_path / "data"), "--vpc-cidr", VPC)

    def reaches(source: str, address: str) -> bool:
        command = ["ip", "netns", "exec", clients, sys.executable, "-c", CONNECT, source, address]
        here = Path(__file__).parent
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=2 * PATIENCE)
        assert done.returncode == 0, done.stderr
        return {"True\n": True, "False\n": False}[done.stdout]

    with inside(hsms):
        try:
            aws = Cli(node.start())
            cluster = Cluster(aws, tmp_path / "cluster").create("us-east-1a")
            change = ["--group-id", cluster.describe()["SecurityGroup"], "--protocol", "tcp", "--port", "2223"]
            aws("ec2", "authorize-security-group-ingress", *change, "--cidr", VPC)
            hsm = cluster.add_hsm("us-east-1a")
            cluster.initialize()
            cluster.activate()
            assert hsm["EniIp"].startswith("10.77.")
            assert not reaches(INSIDER, hsm["EniIp"])

            aws("ec2", "authorize-security-group-ingress", *change, "--cidr", f"{INSIDER}/32")
            wait_until(lambda: reaches(INSIDER, hsm["EniIp"]), "the host that is let in", PATIENCE)
            assert not reaches(OUTSIDER, hsm["EniIp"])

            aws("ec2", "revoke-security-group-ingress", *change, "--cidr", f"{INSIDER}/32")
            wait_until(lambda: not reaches(INSIDER, hsm["EniIp"]), "the host that is shut out", PATIENCE)
            node.assert_sound()
        finally:
            node.ensure_gone()
