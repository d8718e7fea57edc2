"""Owners of keys bring the material, wrapped by the `openssl` command line and by Python's `cryptography`."""

import contextlib
import datetime
import hmac
import itertools
import json
import os
import threading

import pytest
from botocore.exceptions import BotoCoreError
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rig import development, openssl, sdk
from rig.node import wait_until

MESSAGE = b"attack at dawn"
OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
KEY_WRAP = ("RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")
HASHES = {"SHA_1": hashes.SHA1(), "SHA_256": hashes.SHA256()}
KEY_WRAP_PAD_OID_IV = "A65959A6"
"""The alternative initial value of RFC 5649, which `openssl enc` takes as its IV."""


def hash_of(algorithm: str) -> str:
    return "SHA_1" if algorithm.endswith("SHA_1") else "SHA_256"


def by_openssl(folder, public_key: bytes, algorithm: str, material: bytes) -> bytes:
    """Wraps as AWS's page shows it (KMS Developer Guide, "Encrypt key material with OpenSSL")."""
    wrapping, clear = folder / "wrapping.der", folder / "material"
    wrapping.write_bytes(public_key)
    digest = hash_of(algorithm).replace("_", "").lower()

    def oaep(plaintext: bytes) -> bytes:
        clear.write_bytes(plaintext)
        options = ("rsa_padding_mode:oaep", f"rsa_oaep_md:{digest}", f"rsa_mgf1_md:{digest}")
        arguments = [part for option in options for part in ("-pkeyopt", option)]
        return openssl.run(
            "pkeyutl", "-encrypt", "-in", clear, "-inkey", wrapping, "-keyform", "DER", "-pubin", *arguments
        )

    if algorithm in OAEP:
        return oaep(material)
    aes_key = os.urandom(32)
    clear.write_bytes(material)
    wrapped = openssl.run("enc", "-id-aes256-wrap-pad", "-iv", KEY_WRAP_PAD_OID_IV, "-K", aes_key.hex(), "-in", clear)
    return oaep(aes_key) + wrapped


def by_cryptography(_folder, public_key: bytes, algorithm: str, material: bytes) -> bytes:
    digest = HASHES[hash_of(algorithm)]
    scheme = padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)
    public = load_der_public_key(public_key)
    if algorithm in OAEP:
        return public.encrypt(material, scheme)
    aes_key = os.urandom(32)
    return public.encrypt(aes_key, scheme) + keywrap.aes_key_wrap_with_padding(aes_key, material)


WRAPPERS = pytest.mark.parametrize("wrap", [by_openssl, by_cryptography])


def pkcs8(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def spki(key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def empty_key(kms, spec: str = "SYMMETRIC_DEFAULT", usage: str = "ENCRYPT_DECRYPT") -> str:
    key = kms.create_key(KeySpec=spec, KeyUsage=usage, Origin="EXTERNAL")["KeyMetadata"]
    assert (key["Origin"], key["KeyState"], key["Enabled"]) == ("EXTERNAL", "PendingImport", False)
    return key["KeyId"]


def parameters(kms, key: str, algorithm: str = "RSAES_OAEP_SHA_256", spec: str = "RSA_2048") -> dict:
    return kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)


def bring(kms, key: str, material: bytes, folder, wrap=by_cryptography, algorithm="RSAES_OAEP_SHA_256", **more) -> dict:
    given = parameters(kms, key, algorithm, more.pop("spec", "RSA_2048"))
    more.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    return kms.import_key_material(
        KeyId=key,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrap(folder, given["PublicKey"], algorithm, material),
        **more,
    )


@WRAPPERS
@pytest.mark.parametrize("algorithm", OAEP)
@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_4096"])
def test_a_symmetric_key(kms, tmp_path, wrap, algorithm, spec):
    key = empty_key(kms)
    material = os.urandom(32)
    answer = bring(kms, key, material, tmp_path, wrap, algorithm, spec=spec)
    shown = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert shown["KeyState"] == "Enabled"
    assert shown["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert shown["CurrentKeyMaterialId"] == answer["KeyMaterialId"]
    assert answer["KeyId"] == shown["Arn"]
    sealed = kms.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == MESSAGE


@WRAPPERS
@pytest.mark.parametrize(("spec", "digest", "length"), [("HMAC_224", "sha224", 28), ("HMAC_512", "sha512", 128)])
def test_a_secret_for_macs(kms, tmp_path, wrap, spec, digest, length):
    key = empty_key(kms, spec, "GENERATE_VERIFY_MAC")
    secret = os.urandom(length)
    assert "KeyMaterialId" not in bring(kms, key, secret, tmp_path, wrap)
    algorithm = spec.replace("HMAC_", "HMAC_SHA_")
    mac = kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm)["Mac"]
    assert mac == hmac.digest(secret, MESSAGE, digest)


@WRAPPERS
@pytest.mark.parametrize("algorithm", OAEP + KEY_WRAP)
@pytest.mark.parametrize(
    ("spec", "curve", "signing"),
    [
        ("ECC_NIST_P256", ec.SECP256R1(), "ECDSA_SHA_256"),
        ("ECC_NIST_P521", ec.SECP521R1(), "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", ec.SECP256K1(), "ECDSA_SHA_256"),
    ],
)
def test_a_pair_on_a_curve(kms, tmp_path, wrap, algorithm, spec, curve, signing):
    key = empty_key(kms, spec, "SIGN_VERIFY")
    pair = ec.generate_private_key(curve)
    bring(kms, key, pkcs8(pair), tmp_path, wrap, algorithm, spec="RSA_3072")
    assert kms.get_public_key(KeyId=key)["PublicKey"] == spki(pair)
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=signing)["Signature"]
    pair.public_key().verify(signature, MESSAGE, ec.ECDSA(getattr(hashes, signing.replace("ECDSA_SHA_", "SHA"))()))


@WRAPPERS
def test_an_ed25519_pair(kms, tmp_path, wrap):
    key = empty_key(kms, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    pair = ed25519.Ed25519PrivateKey.generate()
    bring(kms, key, pkcs8(pair), tmp_path, wrap)
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")["Signature"]
    pair.public_key().verify(signature, MESSAGE)


@WRAPPERS
@pytest.mark.parametrize("algorithm", KEY_WRAP)
@pytest.mark.parametrize("bits", [2048, 4096])
def test_an_rsa_pair(kms, tmp_path, wrap, algorithm, bits):
    key = empty_key(kms, f"RSA_{bits}", "ENCRYPT_DECRYPT")
    pair = rsa.generate_private_key(65537, bits)
    bring(kms, key, pkcs8(pair), tmp_path, wrap, algorithm)
    sealed = kms.encrypt(KeyId=key, Plaintext=MESSAGE, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    scheme = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    assert pair.decrypt(sealed, scheme) == MESSAGE


def test_a_pair_that_openssl_made(kms, tmp_path):
    for spec, usage, options in [
        ("ECC_NIST_P384", "SIGN_VERIFY", ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")),
        ("RSA_3072", "SIGN_VERIFY", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072")),
    ]:
        key = empty_key(kms, spec, usage)
        pair = tmp_path / "pair.der"
        openssl.run("genpkey", *options, "-outform", "DER", "-out", pair)
        material = openssl.run("pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER", "-in", pair)
        bring(kms, key, material, tmp_path, by_openssl, "RSA_AES_KEY_WRAP_SHA_256")
        public = openssl.run("pkey", "-inform", "DER", "-in", pair, "-pubout", "-outform", "DER")
        assert kms.get_public_key(KeyId=key)["PublicKey"] == public
        algorithm, options = (
            ("ECDSA_SHA_384", ("-sha384",))
            if spec.startswith("ECC")
            else (
                "RSASSA_PKCS1_V1_5_SHA_256",
                ("-sha256",),
            )
        )
        signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
        assert openssl.verifies(tmp_path, public, signature, MESSAGE, *options)


def test_material_expires_and_comes_back(fresh_node, tmp_path):
    kms = sdk.client(fresh_node, "kms")
    key, material = empty_key(kms), os.urandom(32)
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    bring(kms, key, material, tmp_path, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=ends)
    sealed = kms.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
    shown = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert shown["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert abs(shown["ValidTo"] - ends) < datetime.timedelta(seconds=1)
    late = parameters(kms, key)
    development.advance(fresh_node, days=3)
    gone = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert gone["KeyState"] == "PendingImport"
    assert "ValidTo" not in gone
    assert "ExpirationModel" not in gone
    with sdk.refused("KMSInvalidStateException") as refused:
        kms.decrypt(CiphertextBlob=sealed)
    assert refused.message == f"{gone['Arn']} is pending import."
    with sdk.refused("ExpiredImportTokenException"):
        kms.import_key_material(
            KeyId=key,
            ImportToken=late["ImportToken"],
            EncryptedKeyMaterial=by_cryptography(tmp_path, late["PublicKey"], "RSAES_OAEP_SHA_256", material),
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )
    bring(kms, key, material, tmp_path)
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == MESSAGE


def test_a_key_rotates_to_what_was_brought(kms, tmp_path):
    key, first, second = empty_key(kms), os.urandom(32), os.urandom(32)
    bring(kms, key, first, tmp_path, KeyMaterialDescription="of the first ceremony")
    old = kms.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    with sdk.refused("KMSInvalidStateException") as refused:
        kms.rotate_key_on_demand(KeyId=key)
    assert refused.message == f"No available key material pending rotation for the key: {arn}."
    new = bring(kms, key, second, tmp_path, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == new
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == MESSAGE
    pages = kms.get_paginator("list_key_rotations").paginate(
        KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL", PaginationConfig={"PageSize": 1}
    )
    shown = [(entry["KeyMaterialState"], entry["ImportState"]) for entry in pages.search("Rotations[]")]
    assert shown == [("NON_CURRENT", "IMPORTED"), ("CURRENT", "IMPORTED")]
    for operation in (kms.enable_key_rotation, kms.disable_key_rotation, kms.get_key_rotation_status):
        with sdk.refused("UnsupportedOperationException") as refused:
            operation(KeyId=key)
        assert refused.message == f"{arn} origin is EXTERNAL which is not valid for this operation."


def test_truncated_and_foreign_material_is_one_refusal(kms, tmp_path):
    key = empty_key(kms)
    given, other = parameters(kms, key), parameters(kms, key)
    wrapped = by_openssl(tmp_path, given["PublicKey"], "RSAES_OAEP_SHA_256", os.urandom(32))
    foreign = by_openssl(tmp_path, other["PublicKey"], "RSAES_OAEP_SHA_256", os.urandom(32))
    otherwise = by_openssl(tmp_path, given["PublicKey"], "RSAES_OAEP_SHA_1", os.urandom(32))
    for bad in (wrapped[:-1], wrapped[1:], b"x", foreign, otherwise, wrapped[:-1] + bytes([wrapped[-1] ^ 1])):
        with sdk.refused("InvalidCiphertextException") as refused:
            kms.import_key_material(
                KeyId=key,
                ImportToken=given["ImportToken"],
                EncryptedKeyMaterial=bad,
                ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
            )
        assert not refused.message
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"


def test_records_show_neither_token_nor_material(node, account, kms, cloudtrail, tmp_path):
    """KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail": GetParametersForImport, ImportKeyMaterial,
    DeleteImportedKeyMaterial."""
    key = empty_key(kms)
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    given = bring(kms, key, os.urandom(32), tmp_path, KeyMaterialDescription="of a ceremony")
    kms.delete_imported_key_material(KeyId=key)

    def last(name: str) -> dict:
        found = cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
        return json.loads(found["Events"][0]["CloudTrailEvent"])

    asked = last("GetParametersForImport")
    assert asked["requestParameters"] == {
        "keyId": key,
        "wrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "wrappingKeySpec": "RSA_2048",
    }
    assert asked["responseElements"] is None
    assert asked["readOnly"] is True
    brought = last("ImportKeyMaterial")
    assert brought["requestParameters"] == {
        "keyId": key,
        "expirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        "keyMaterialDescription": "of a ceremony",
    }
    assert brought["responseElements"] == {"keyId": arn, "keyMaterialId": given["KeyMaterialId"]}
    assert brought["readOnly"] is False
    gone = last("DeleteImportedKeyMaterial")
    assert gone["requestParameters"] == {"keyId": key}
    assert gone["responseElements"] == {"keyId": arn, "keyMaterialId": given["KeyMaterialId"]}
    for record in (asked, brought, gone):
        assert [resource["ARN"] for resource in record["resources"]] == [arn]


def test_what_is_left_of_material_is_a_metric(fresh_node, tmp_path):
    """KMS Developer Guide, "Monitor KMS keys with Amazon CloudWatch": SecondsUntilKeyMaterialExpiration."""
    kms, cloudwatch = sdk.client(fresh_node, "kms"), sdk.client(fresh_node, "cloudwatch")
    key, lasting = empty_key(kms), empty_key(kms)
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
    bring(kms, key, os.urandom(32), tmp_path, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=ends)
    bring(kms, lasting, os.urandom(32), tmp_path)
    name = {"Namespace": "AWS/KMS", "MetricName": "SecondsUntilKeyMaterialExpiration"}

    def of(which: str) -> list[dict]:
        return cloudwatch.get_metric_statistics(
            **name,
            Dimensions=[{"Name": "KeyId", "Value": which}],
            StartTime=ends - datetime.timedelta(hours=3),
            EndTime=ends,
            Period=60,
            Statistics=["Minimum"],
        )["Datapoints"]

    development.advance(fresh_node, minutes=60)
    points = wait_until(lambda: of(key), "the metric")
    assert all(point["Unit"] == "Seconds" for point in points)
    # Measured at the end of each minute, and told for it; the end is known to the second.
    left = [ends - point["Timestamp"] - datetime.timedelta(minutes=1) for point in points]
    assert [point["Minimum"] for point in points] == [pytest.approx(each.total_seconds(), abs=1) for each in left]
    listed = cloudwatch.list_metrics(**name)["Metrics"]
    assert [metric["Dimensions"] for metric in listed] == [[{"Name": "KeyId", "Value": key}]]


def test_nothing_is_half_imported_through_a_crash(fresh_node, tmp_path):
    """Whatever call a kill -9 cuts off, a key is as the last call that was answered left it, or as the next one leaves
    it. Each leaves something else: every third takes the material away, the others bring it with their own number."""
    keys, sealed, answered = {}, {}, {}

    def take(kms, key: str, step: int):
        if step % 3 == 0:
            kms.delete_imported_key_material(KeyId=key)
        else:
            kms.import_key_material(KeyId=key, KeyMaterialDescription=str(step), **keys[key])
        answered[key] = step

    def left_by(step: int) -> tuple[str, str, str]:
        if step % 3 == 0:
            return ("PendingImport", "PENDING_IMPORT", str(step - 1))
        return ("Enabled", "IMPORTED", str(step))

    def goes_on(key: str):
        kms = sdk.client(fresh_node, "kms")
        with contextlib.suppress(BotoCoreError):  # the server is gone
            for step in itertools.count(answered[key] + 1):
                take(kms, key, step)

    kms = sdk.client(fresh_node, "kms")
    for _ in range(3):
        key = empty_key(kms)
        given = parameters(kms, key)
        keys[key] = {
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": by_cryptography(tmp_path, given["PublicKey"], "RSAES_OAEP_SHA_256", os.urandom(32)),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }
        take(kms, key, 1)
        sealed[key] = kms.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
    for _ in range(4):
        begun = dict(answered)
        workers = [threading.Thread(target=goes_on, args=(key,)) for key in keys]
        for worker in workers:
            worker.start()
        wait_until(lambda begun=begun: all(answered[key] >= begun[key] + 4 for key in keys), "imports")
        fresh_node.kill()
        for worker in workers:
            worker.join()
        fresh_node.start()
        kms = sdk.client(fresh_node, "kms")
        for key in keys:
            shown = kms.describe_key(KeyId=key)["KeyMetadata"]
            [entry] = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
            assert entry["KeyMaterialState"] == "CURRENT"
            left = (shown["KeyState"], entry["ImportState"], entry["KeyMaterialDescription"])
            last = answered[key]
            assert left in (left_by(last), left_by(last + 1)), f"{last} calls were answered"
            answered[key] = last if left == left_by(last) else last + 1
            if shown["KeyState"] == "PendingImport":
                take(kms, key, answered[key] + 1)
            assert kms.decrypt(CiphertextBlob=sealed[key])["Plaintext"] == MESSAGE
    fresh_node.stop()
    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr
