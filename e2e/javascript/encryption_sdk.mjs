// The AWS Encryption SDK for JavaScript, driven by one JSON document from standard input: which keyring, which way, what.
import { readFileSync } from "node:fs";
import { KmsKeyringNode, RawRsaKeyringNode, buildClient } from "@aws-crypto/client-node";

const asked = JSON.parse(readFileSync(0, "utf8"));
const { encrypt, decrypt } = buildClient();
const bytes = Buffer.from(asked.bytes, "base64");
const ring = keyring(asked.keyring);

if (asked.way === "encrypt") {
  const { result } = await encrypt(ring, bytes, { encryptionContext: asked.context });
  tell({ bytes: result.toString("base64") });
} else {
  const { plaintext, messageHeader } = await decrypt(ring, bytes);
  tell({ bytes: plaintext.toString("base64"), context: messageHeader.encryptionContext });
}

function keyring({ kms, rsa }) {
  // The SDK makes clients itself, which find the server in the environment.
  if (kms) return new KmsKeyringNode({ generatorKeyId: kms });
  const { name: keyName, namespace: keyNamespace, publicKey, privateKey } = rsa;
  return new RawRsaKeyringNode({ keyName, keyNamespace, rsaKey: { publicKey, privateKey }, oaepHash: "sha256" });
}

function tell(document) {
  console.log(JSON.stringify(document));
}
