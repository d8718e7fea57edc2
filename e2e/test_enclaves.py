"""Nitro enclaves: answers that only they can read, and policies on what they are."""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from conftest import node_with_hsms
from rig import development, sdk
from rig.enclave import Enclave, Maker

CONTEXT = {"purpose": "letters"}


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


@contextmanager
def trusting(program, folder: Path, maker: Maker):
    """A server that believes the enclaves of a maker."""
    node = node_with_hsms(program, folder, "--enclave-root", str(maker.write(folder)))
    try:
        yield node.start()
    finally:
        node.ensure_gone()
    assert "panicked" not in node.said(), node.said()[-4000:]


@pytest.fixture(scope="module")
def enclave_node(program, tmp_path_factory, maker):
    with trusting(program, tmp_path_factory.mktemp("enclaves"), maker) as node:
        yield node


@pytest.fixture
def kms(enclave_node):
    return sdk.client(enclave_node, "kms")


@pytest.fixture
def enclave(maker) -> Enclave:
    return Enclave(maker)


@pytest.fixture
def key(kms) -> str:
    return kms.create_key()["KeyMetadata"]["KeyId"]


def test_each_operation_that_may_answers_to_the_enclave_alone(kms, enclave, key, tmp_path):
    def opened(answer: dict, plaintext: str) -> bytes:
        assert plaintext not in answer
        return enclave.opened(answer["CiphertextForRecipient"], tmp_path)

    blob = kms.encrypt(KeyId=key, Plaintext=b"a letter", EncryptionContext=CONTEXT)["CiphertextBlob"]
    answer = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, Recipient=enclave.recipient())
    assert opened(answer, "Plaintext") == b"a letter"

    answer = kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=enclave.recipient())
    data_key = opened(answer, "Plaintext")
    assert len(data_key) == 32
    assert kms.decrypt(CiphertextBlob=answer["CiphertextBlob"])["Plaintext"] == data_key

    answer = kms.generate_random(NumberOfBytes=77, Recipient=enclave.recipient())
    assert len(opened(answer, "Plaintext")) == 77

    answer = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256", Recipient=enclave.recipient())
    private = opened(answer, "PrivateKeyPlaintext")
    public = serialization.load_der_private_key(private, None).public_key()
    assert public == serialization.load_der_public_key(answer["PublicKey"])

    agreeing = kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["KeyId"]
    ours = ec.generate_private_key(ec.SECP384R1())
    spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    answer = kms.derive_shared_secret(
        KeyId=agreeing,
        KeyAgreementAlgorithm="ECDH",
        PublicKey=ours.public_key().public_bytes(*spki),
        Recipient=enclave.recipient(),
    )
    theirs = serialization.load_der_public_key(kms.get_public_key(KeyId=agreeing)["PublicKey"])
    assert opened(answer, "SharedSecret") == ours.exchange(ec.ECDH(), theirs)

    try:
        strangers = Enclave(enclave.maker).opened(answer["CiphertextForRecipient"], tmp_path)
    except subprocess.CalledProcessError:
        strangers = None
    assert strangers != ours.exchange(ec.ECDH(), theirs)


def test_a_policy_lets_in_the_enclave_with_that_image_alone(enclave_node, kms, maker, enclave):
    account = sdk.client(enclave_node, "sts").get_caller_identity()["Account"]
    everyone = {"AWS": f"arn:aws:iam::{account}:root"}
    image = {"kms:RecipientAttestation:ImageSha384": enclave.image.hex()}
    register = {"kms:RecipientAttestation:PCR8": ("08" * 48).upper()}

    def denied_unless(attested: dict) -> dict:
        actions = ["kms:Decrypt", "kms:GenerateDataKey"]
        condition = {"StringNotEqualsIgnoreCase": attested}
        return {"Effect": "Deny", "Principal": everyone, "Action": actions, "Resource": "*", "Condition": condition}

    administered = {"Effect": "Allow", "Principal": everyone, "Action": "kms:*", "Resource": "*"}
    statements = [administered, denied_unless(image), denied_unless(register)]
    policy = {"Version": "2012-10-17", "Statement": statements}
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"a letter")["CiphertextBlob"]
    assert "CiphertextForRecipient" in kms.decrypt(CiphertextBlob=blob, Recipient=enclave.recipient())
    with sdk.refused("AccessDeniedException"):
        kms.decrypt(CiphertextBlob=blob)
    with sdk.refused("AccessDeniedException"):
        kms.generate_data_key(KeyId=key, KeySpec="AES_128", Recipient=Enclave(maker, b"\x12" * 48).recipient())


def test_the_record_says_which_enclave_it_was(enclave_node, kms, enclave, key):
    answer = kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=enclave.recipient())
    request_id = answer["ResponseMetadata"]["RequestId"]
    cloudtrail = sdk.client(enclave_node, "cloudtrail")
    found = cloudtrail.lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]
    )
    records = [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]
    (record,) = [record for record in records if record["requestID"] == request_id]
    recipient = record["additionalEventData"]["recipient"]
    assert recipient["attestationDocumentModuleId"] == "i-1234567890abcdef0-enc0123456789abcdef"
    assert recipient["attestationDocumentEnclaveImageDigest"] == enclave.image.hex()
    assert recipient["attestationDocumentEnclavePCR15"] == "0f" * 48
    assert "attestationDocument" not in record["requestParameters"].get("recipient", {})


def test_documents_that_nobody_vouches_for_are_refused_and_nothing_is_answered(kms, maker, key):
    enclave = Enclave(maker)
    broken = bytearray(enclave.document())
    broken[-1] ^= 1
    other_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    documents = {
        "its signature is wrong": bytes(broken),
        "its certificates do not lead to a trusted root": Enclave(Maker()).document(),
        "it is malformed": b"no document",
        "has no RSA public key": enclave.document(public_key=None),
        "no RSA public key of 2048": Enclave(maker, key=rsa.generate_private_key(65537, 1024)).document(),
        "no RSA public key": enclave.document(public_key=other_key.public_bytes(*spki)),
    }
    for reason, document in documents.items():
        recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}
        with sdk.refused("ValidationException") as refusal:
            kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=recipient)
        assert reason in refusal.message
    with sdk.refused("ValidationException"):
        kms.generate_random(NumberOfBytes=8, Recipient={"AttestationDocument": enclave.document()})
    with sdk.refused("ValidationException"):
        kms.generate_random(NumberOfBytes=8, Recipient={"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"})
    # A dry run looks at all of it.
    with sdk.refused("DryRunOperationException"):
        kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=enclave.recipient(), DryRun=True)


def test_a_document_counts_as_long_as_its_certificates(program, tmp_path, maker):
    recipient = Enclave(maker).recipient()
    # Its clock is moved: no other test's.
    with trusting(program, tmp_path, maker) as node:
        kms = sdk.client(node, "kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=recipient)
        development.advance(node, hours=4)
        with sdk.refused("ValidationException") as refusal:
            kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=recipient)
        assert "expired" in refusal.message
