"""`securesystemslib`, with which TUF and in-toto sign: its signer for AWS KMS on keys of ours."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rig import life

PROGRAM = Path(__file__).parent / "clients/sign_with_securesystemslib.py"


@pytest.mark.parametrize(
    ("spec", "scheme"),
    [
        ("ECC_NIST_P256", None),
        ("ECC_NIST_P384", None),
        ("RSA_2048", None),
        ("RSA_3072", "rsassa-pss-sha384"),
        ("RSA_4096", "rsa-pkcs1v15-sha512"),
    ],
)
def test_metadata_is_signed_with_keys_of_kms(node, account, kms, spec, scheme):
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{spec}", TargetKeyId=key)
    done = subprocess.run(
        [sys.executable, PROGRAM, f"alias/{spec}", *([scheme] if scheme else [])],
        input=b'{"_type": "root"}',
        env=life.environment(node, access_key_id=account),
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["uri"] == f"awskms:alias/{spec}"
    assert told["refused"] == "UnverifiedSignatureError"
    if scheme:
        assert told["scheme"] == scheme
