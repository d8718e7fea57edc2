"""Signs standard input with `securesystemslib`'s signer for AWS KMS, and verifies with its keys; prints what it did."""

import json
import sys

from securesystemslib.signer import AWSSigner, Signature, Signer

key_id, scheme = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
payload = sys.stdin.buffer.read()
uri, public_key = AWSSigner.import_(key_id, scheme)
signature = Signer.from_priv_key_uri(uri, public_key).sign(payload)
public_key.verify_signature(signature, payload)
try:
    public_key.verify_signature(Signature(signature.keyid, signature.signature), payload + b".")
except Exception as error:
    refused = type(error).__name__
else:
    refused = None
print(json.dumps({"uri": uri, "scheme": public_key.scheme, "signature": signature.signature, "refused": refused}))
