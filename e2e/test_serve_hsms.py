"""HSMs of a server in production: they go on while it is away, and it finds them again."""

import pytest

from rig.cluster import Cluster, process_of
from rig.node import processes, wait_until


@pytest.mark.slow
def test_hsms_outlive_the_server_and_are_found_again(made, tmp_path):
    made.start()
    cluster = Cluster(made.as_root(), tmp_path / "cluster").create("us-east-1a")
    hsm = cluster.add_hsm("us-east-1a")
    pid = process_of(hsm["HsmId"])
    assert made.stop() == 0
    assert pid in processes()
    made.start()
    wait_until(lambda: cluster.hsms(), "the HSM, found again")
    assert process_of(hsm["HsmId"]) == pid
    cluster.delete_hsm(hsm)
    wait_until(lambda: pid not in processes(), "the end of the HSM")
