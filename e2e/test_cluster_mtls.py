"""Clients that need a certificate of their own."""

from rig.cluster import Authority, Cluster, HsmCli, openssl
from rig.node import wait_until


def client_files(authority: Authority, folder) -> tuple:
    """A client's key, and its certificate of that authority."""
    key, request, certificate = (folder / f"client.{suffix}" for suffix in ("key", "csr", "crt"))
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=client", "-out", request)
    signing = ["-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial"]
    openssl("x509", "-req", "-days", "365", "-in", request, *signing, "-out", certificate)
    return key, certificate


def with_certificate(tool: HsmCli, key, certificate) -> HsmCli:
    done = tool.process("configure", "--client-cert-hsm-tls-file", certificate, "--client-key-hsm-tls-file", key)
    assert done.returncode == 0, done
    return tool


def test_a_cluster_that_asks_for_certificates_lets_nobody_else_in(fresh_node, own_aws, tmp_path):
    cluster = Cluster(own_aws, tmp_path / "cluster")
    plain = cluster.first_use("us-east-1a", "us-east-1b").as_admin()
    assert plain.run("cluster", "mtls", "get-enforcement").data == {"mtls-enforcement-level": "none"}
    clients, strangers = Authority(tmp_path / "clients"), Authority(tmp_path / "strangers")
    registered = plain.run("cluster", "mtls", "register-trust-anchor", "--path", clients.certificate).data
    assert registered["trust_anchor"]["cluster-coverage"] == "full"
    reference = registered["trust_anchor"]["certificate-reference"]

    def anchors() -> list:
        listed = plain.run("cluster", "mtls", "list-trust-anchors").data["trust_anchors"]
        return [(anchor["certificate-reference"], anchor["cluster-coverage"]) for anchor in listed]

    # The HSM that was not asked hears of it a moment later.
    wait_until(lambda: anchors() == [(reference, "full")], "the anchor that is registered, at both HSMs")

    # Only who has come in with a certificate may ask for them.
    enforce = ["cluster", "mtls", "set-enforcement", "--level", "cluster"]
    plain.refused(*enforce)
    (tmp_path / "ours").mkdir()
    ours = HsmCli(plain.program, tmp_path / "ours").configure(
        tuple(hsm["EniIp"] for hsm in cluster.hsms()), cluster.authority.certificate
    )
    with_certificate(ours, *client_files(clients, tmp_path / "ours"))
    ours.as_admin().run(*enforce)

    for hsm in cluster.hsms():
        alone = cluster.tool(hsm["EniIp"]).as_admin()
        wait_until(lambda tool=alone: tool.told("user", "list").error_code == 1, "an HSM that wants a certificate")
    plain.refused("user", "list")
    (tmp_path / "theirs").mkdir()
    theirs = HsmCli(plain.program, tmp_path / "theirs").configure(
        tuple(hsm["EniIp"] for hsm in cluster.hsms()), cluster.authority.certificate
    )
    with_certificate(theirs, *client_files(strangers, tmp_path / "theirs")).refused("user", "list")
    ours.run("user", "list")

    ours.as_admin().run("cluster", "mtls", "set-enforcement", "--level", "none")
    assert {user["username"] for user in plain.run("user", "list").data["users"]} >= {"admin", "alice"}
