"""Keys in a cluster, made and used with cloudhsm-cli, and held against openssl."""

import base64
import secrets

import pytest

from rig.cluster import openssl

WRONG = "Wrong-horse-7"


def generate_aes(tool, label: str, *attributes: str) -> dict:
    more = ["--attributes", *attributes] if attributes else []
    made = tool.run("key", "generate-symmetric", "aes", "--label", label, "--key-length-bytes", "32", *more)
    return made.data["key"]


def generate_rsa(tool, label: str, public: list[str], private: list[str]) -> tuple[dict, dict]:
    made = tool.run(
        "key",
        "generate-asymmetric-pair",
        "rsa",
        "--public-exponent",
        "65537",
        "--modulus-size-bits",
        "2048",
        "--public-label",
        f"{label}-public",
        "--private-label",
        label,
        "--public-attributes",
        *public,
        "--private-attributes",
        *private,
    ).data
    return made["public_key"], made["private_key"]


def labelled(label: str) -> list[str]:
    return ["--filter", f"attr.label={label}"]


def take_in(tool, key: bytes, label: str, *attributes: str) -> dict:
    """Brings a known AES key in: wrapped with openssl under an RSA key of the HSM's."""
    generate_rsa(tool, f"{label}-gate", ["wrap=true"], ["unwrap=true"])
    gate = tool.public_key(f"{label}-gate-public")
    oaep = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]
    options = [word for option in oaep for word in ("-pkeyopt", option)]
    wrapped = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", gate, *options, data=key)
    told = tool.run(
        "key",
        "unwrap",
        "rsa-oaep",
        "--filter",
        f"attr.label={label}-gate",
        "--key-type-class",
        "aes",
        "--label",
        label,
        "--hash-function",
        "sha256",
        "--mgf",
        "mgf1-sha256",
        "--data",
        base64.b64encode(wrapped).decode(),
        *(["--attributes", *attributes] if attributes else []),
    )
    return told.data["key"]


def test_a_key_comes_in_wrapped_and_goes_out_wrapped(alice):
    key = secrets.token_bytes(32)
    brought = take_in(alice, key, "brought")
    check_value = openssl("enc", "-aes-256-ecb", "-nopad", "-K", key.hex(), data=bytes(16))[:3]
    assert brought["attributes"]["check-value"] == f"0x{check_value.hex()}"
    assert brought["attributes"]["local"] is False
    assert brought["attributes"]["always-sensitive"] is False

    generate_aes(alice, "wrapper", "wrap=true", "unwrap=true")
    filters = ["--payload-filter", "attr.label=brought", "--wrapping-filter", "attr.label=wrapper"]
    for mechanism, more in [
        ("aes-no-pad", []),
        ("aes-pkcs5-pad", []),
        ("aes-zero-pad", []),
        ("cloudhsm-aes-gcm", ["--tag-length-bits", "128"]),
    ]:
        wrapped = alice.run("key", "wrap", mechanism, *filters, *more).data
        assert wrapped["payload_key_reference"] == brought["key-reference"]
        again = alice.run(
            "key",
            "unwrap",
            mechanism,
            *labelled("wrapper"),
            "--key-type-class",
            "aes",
            "--label",
            f"again-{mechanism}",
            "--data",
            wrapped["wrapped_key_data"],
            *more,
        ).data["key"]
        assert again["attributes"]["check-value"] == brought["attributes"]["check-value"], mechanism

    # RFC 3394, computed by openssl from the bytes that we know.
    generate = take_in(alice, wrapping := secrets.token_bytes(32), "known-wrapper", "wrap=true")
    assert generate["attributes"]["wrap"] is True
    filters = ["--payload-filter", "attr.label=brought", "--wrapping-filter", "attr.label=known-wrapper"]
    wrapped = base64.b64decode(alice.run("key", "wrap", "aes-no-pad", *filters).data["wrapped_key_data"])
    iv = "A6" * 8
    assert openssl("enc", "-id-aes256-wrap", "-K", wrapping.hex(), "-iv", iv, data=key) == wrapped


def test_what_may_not_leave_does_not(alice):
    generate_aes(alice, "stays", "extractable=false")
    generate_aes(alice, "wrapper-of-stays", "wrap=true")
    filters = ["--payload-filter", "attr.label=stays", "--wrapping-filter", "attr.label=wrapper-of-stays"]
    alice.refused("key", "wrap", "aes-zero-pad", *filters)
    alice.refused("key", "set-attribute", *labelled("stays"), "--name", "extractable", "--value", "true")

    # With wrap-with-trusted, only under a key that an administrator has marked.
    generate_aes(alice, "careful", "wrap-with-trusted=true")
    filters = ["--payload-filter", "attr.label=careful", "--wrapping-filter", "attr.label=wrapper-of-stays"]
    alice.refused("key", "wrap", "aes-zero-pad", *filters)


def test_a_trusted_key_wraps_what_is_careful(alice, admin):
    generate_aes(alice, "very-careful", "wrap-with-trusted=true")
    trusted = generate_aes(alice, "trusted", "wrap=true")
    mark = ["--filter", f"key-reference={trusted['key-reference']}", "--name", "trusted", "--value", "true"]
    alice.refused("key", "set-attribute", *mark)
    admin.run("key", "set-attribute", *mark)
    filters = ["--payload-filter", "attr.label=very-careful", "--wrapping-filter", "attr.label=trusted"]
    alice.run("key", "wrap", "aes-zero-pad", *filters)


@pytest.mark.parametrize("mechanism", ["rsa-pkcs", "rsa-pkcs-pss"])
def test_openssl_verifies_rsa_signatures(alice, mechanism, tmp_path):
    label = f"signer-{mechanism}"
    generate_rsa(alice, label, ["verify=true"], ["sign=true"])
    message = b"signed in the HSM"
    pss = ["--mgf", "mgf1-sha256", "--salt-length", "32"] if mechanism == "rsa-pkcs-pss" else []
    arguments = ["--hash-function", "sha256", "--data", base64.b64encode(message).decode(), *pss]
    signed = alice.run("crypto", "sign", mechanism, "--key-filter", f"attr.label={label}", *arguments)
    signature = tmp_path / "signature"
    signature.write_bytes(base64.b64decode(signed.data["signature"]))
    padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if pss else []
    public = alice.public_key(f"{label}-public")
    said = openssl("dgst", "-sha256", *padding, "-verify", public, "-signature", signature, data=message)
    assert said.strip() == b"Verified OK"

    verify = ["crypto", "verify", mechanism, "--key-filter", f"attr.label={label}-public", *arguments]
    told = alice.run(*verify, "--signature", signed.data["signature"])
    assert told.data == {"message": "Signature verified successfully"}
    altered = bytearray(base64.b64decode(signed.data["signature"]))
    altered[7] ^= 1
    refused = alice.refused(*verify, "--signature", base64.b64encode(altered).decode())
    assert refused == "Signature verification failed"


def test_keys_are_listed_in_pages_by_their_attributes(alice):
    for number in range(5):
        generate_aes(alice, "paged", f"id=0x{number:02x}")
    seen, token = [], None
    while True:
        more = ["--starting-token", token] if token else []
        page = alice.run("key", "list", *labelled("paged"), "--max-items", "2", *more).data
        assert page["total_key_count"] == 5
        assert page["returned_key_count"] == len(page["matched_keys"]) <= 2
        seen += [key["key-reference"] for key in page["matched_keys"]]
        token = page.get("next_token")
        if not token:
            break
    assert len(set(seen)) == 5
    refused = alice.refused("key", "delete", *labelled("paged"))
    assert refused == "Key selection criteria matched 5 keys. Refine selection criteria to select a single key."
    verbose = alice.run("key", "list", "--filter", "attr.label=paged", "attr.id=0x03", "--verbose").data
    (key,) = verbose["matched_keys"]
    assert key["attributes"]["id"] == "0x03"
    assert key["key-info"]["key-owners"] == [{"username": "alice", "key-coverage": "full"}]
    assert key["key-info"]["cluster-coverage"] == "full"
    deleted = alice.run("key", "delete", "--filter", f"key-reference={key['key-reference']}").data
    assert deleted == {"message": "Key deleted successfully"}
    assert alice.run("key", "list", *labelled("paged")).data["total_key_count"] == 4


def test_a_shared_key_is_used_and_nothing_else(alice, bob):
    alice.generate_ec_pair("shared")
    bob.refused(
        "crypto", "sign", "ecdsa", "--key-filter", "attr.label=shared", "--hash-function", "sha256", "--data", "AA=="
    )
    share = [*labelled("shared"), "attr.class=private-key", "--username", "bob", "--role", "crypto-user"]
    assert alice.run("key", "share", *share).data == {"message": "Key shared successfully"}
    assert len(bob.sign("shared", b"by bob")) == 64
    bob.refused("key", "delete", *labelled("shared"), "attr.class=private-key")
    bob.refused(
        "key", "set-attribute", *labelled("shared"), "attr.class=private-key", "--name", "label", "--value", "mine"
    )
    assert alice.run("key", "unshare", *share).data == {"message": "Key unshared successfully"}
    bob.refused(
        "crypto", "sign", "ecdsa", "--key-filter", "attr.label=shared", "--hash-function", "sha256", "--data", "AA=="
    )


def test_too_many_wrong_passwords_lock_a_user_until_it_gets_a_new_one(cluster, admin):
    user = ["--username", "forgetful", "--role", "crypto-user"]
    admin.run("user", "create", *user, "--password", WRONG + "-not")
    tool = cluster.tool()

    def locked() -> str:
        users = admin.run("user", "list").data["users"]
        return next(user["locked"] for user in users if user["username"] == "forgetful")

    guesses = 0
    while "locked" not in tool.as_crypto_user("forgetful", WRONG).refused("key", "list"):
        guesses += 1
        assert guesses < 12, "each HSM takes five wrong passwords, and locks the user at the sixth"
    assert guesses >= 6
    assert locked() == "true"
    tool.as_crypto_user("forgetful", WRONG + "-not").refused("key", "list")
    admin.run("user", "change-password", *user, "--password", "Another-horse-8")
    assert locked() == "false"
    tool.as_crypto_user("forgetful", "Another-horse-8").run("key", "list")
    assert admin.run("user", "delete", *user).data == {"username": "forgetful", "role": "crypto-user"}
