"""HSMs of a server in production: they go on while it is away, and it finds them again."""

import os

import pytest

from rig.cluster import Cluster, process_of
from rig.node import wait_until
from rig.production import Production


@pytest.mark.slow
def test_hsms_outlive_the_server_and_are_found_again(program, tmp_path):
    server = Production(program, tmp_path / "production")
    server.folder.mkdir()
    server.init().start()
    cluster = Cluster(server.as_root(), tmp_path / "cluster").create("us-east-1a")
    hsm = cluster.add_hsm("us-east-1a")
    pid = process_of(hsm["HsmId"])
    try:
        assert server.stop() == 0
        os.kill(pid, 0)
        server.start()
        wait_until(lambda: cluster.hsms(), "the HSM, found again")
        assert process_of(hsm["HsmId"]) == pid
        cluster.delete_hsm(hsm)
        wait_until(lambda: not is_there(pid), "the end of the HSM")
    finally:
        server.ensure_gone()
    assert "panicked" not in server.said()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
