//! What is asked of keys of each spec.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Value, json};

use crate::http::Connection;
use crate::openssl::Speeds;
use crate::request::{request, text};

/// Thirty-two bytes in base64: a message, and a data key that is encrypted.
const MESSAGE: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// One operation, with all that it is asked for.
pub(crate) struct Work {
    pub(crate) spec: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) body: String,
}

/// An account may have as many RSA keys made at one time; who asks for more is told to slow down.
const RSA_KEYS_AT_ONCE: usize = 4;

impl Work {
    /// How many of so many connections ask for it.
    pub(crate) fn bounded(&self, connections: usize) -> usize {
        if self.operation.starts_with("GenerateDataKeyPair") && self.spec.starts_with("RSA") {
            connections.min(RSA_KEYS_AT_ONCE)
        } else {
            connections
        }
    }

    /// What `openssl speed` gets of the like a second.
    pub(crate) fn by_openssl(&self, speeds: &Speeds) -> Option<f64> {
        let algorithm = match (self.spec, self.operation) {
            ("RSA_2048", _) => "rsa2048",
            ("RSA_3072", _) => "rsa3072",
            ("RSA_4096", _) => "rsa4096",
            ("ECC_NIST_P256", "DeriveSharedSecret") => "ecdhp256",
            ("ECC_NIST_P384", "DeriveSharedSecret") => "ecdhp384",
            ("ECC_NIST_P521", "DeriveSharedSecret") => "ecdhp521",
            ("ECC_NIST_P256", _) => "ecdsap256",
            ("ECC_NIST_P384", _) => "ecdsap384",
            ("ECC_NIST_P521", _) => "ecdsap521",
            ("ECC_NIST_EDWARDS25519", _) => "ed25519",
            _ => return None,
        };
        let (private, public) = speeds.per_second(algorithm)?;
        match self.operation {
            "Sign" | "Decrypt" | "DeriveSharedSecret" => Some(private),
            "Verify" | "Encrypt" => Some(public),
            _ => None,
        }
    }
}

/// Specs of keys that sign, with the algorithm that each is measured with.
const SIGNING: [(&str, &str); 11] = [
    ("RSA_2048", "RSASSA_PSS_SHA_256"),
    ("RSA_3072", "RSASSA_PSS_SHA_256"),
    ("RSA_4096", "RSASSA_PSS_SHA_256"),
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_P384", "ECDSA_SHA_384"),
    ("ECC_NIST_P521", "ECDSA_SHA_512"),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
    ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ("ML_DSA_65", "ML_DSA_SHAKE_256"),
    ("ML_DSA_87", "ML_DSA_SHAKE_256"),
];
const MACS: [(&str, &str); 4] = [
    ("HMAC_224", "HMAC_SHA_224"),
    ("HMAC_256", "HMAC_SHA_256"),
    ("HMAC_384", "HMAC_SHA_384"),
    ("HMAC_512", "HMAC_SHA_512"),
];
const ENCRYPTING: [&str; 3] = ["RSA_2048", "RSA_3072", "RSA_4096"];
const AGREEING: [&str; 3] = ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"];
const ENCAPSULATING: [&str; 3] = ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"];
const PAIRS: [&str; 11] = [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
];

/// All of it, for the specs whose names begin so.
pub(crate) fn of_every_spec(address: SocketAddr, only: &str) -> Result<Vec<Work>> {
    let mut keys = Keys { address, connection: Connection::open(address)?, work: Vec::new() };
    let asked = |spec: &str| spec.starts_with(only);
    for (spec, algorithm) in SIGNING.into_iter().filter(|(spec, _)| asked(spec)) {
        keys.sign(spec, algorithm)?;
    }
    for (spec, algorithm) in MACS.into_iter().filter(|(spec, _)| asked(spec)) {
        keys.mac(spec, algorithm)?;
    }
    for spec in ENCRYPTING.into_iter().filter(|spec| asked(spec)) {
        keys.encrypt(spec)?;
    }
    for spec in AGREEING.into_iter().filter(|spec| asked(spec)) {
        keys.agree(spec)?;
    }
    for spec in ENCAPSULATING.into_iter().filter(|spec| asked(spec)) {
        keys.encapsulate(spec)?;
    }
    let symmetric = keys.create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")?;
    for spec in PAIRS.into_iter().filter(|spec| asked(spec)) {
        let body = json!({ "KeyId": symmetric, "KeyPairSpec": spec });
        keys.add(spec, "GenerateDataKeyPairWithoutPlaintext", &body);
    }
    Ok(keys.work)
}

/// Keys as they are made, and what is asked of them.
struct Keys {
    address: SocketAddr,
    connection: Connection,
    work: Vec<Work>,
}

impl Keys {
    fn call(&mut self, operation: &str, body: &Value) -> Result<Value> {
        self.connection.exchange(&request(self.address, operation, &body.to_string())?)
    }

    fn create(&mut self, spec: &str, usage: &str) -> Result<String> {
        let made = self.call("CreateKey", &json!({ "KeySpec": spec, "KeyUsage": usage }))?;
        Ok(text(&made["KeyMetadata"], "KeyId")?.to_owned())
    }

    fn add(&mut self, spec: &'static str, operation: &'static str, body: &Value) {
        self.work.push(Work { spec, operation, body: body.to_string() });
    }

    fn sign(&mut self, spec: &'static str, algorithm: &str) -> Result<()> {
        let key = self.create(spec, "SIGN_VERIFY")?;
        let mut body = json!({ "KeyId": key, "Message": MESSAGE, "SigningAlgorithm": algorithm });
        let signature = text(&self.call("Sign", &body)?, "Signature")?.to_owned();
        self.add(spec, "Sign", &body);
        body["Signature"] = signature.into();
        self.add(spec, "Verify", &body);
        Ok(())
    }

    fn mac(&mut self, spec: &'static str, algorithm: &str) -> Result<()> {
        let key = self.create(spec, "GENERATE_VERIFY_MAC")?;
        let mut body = json!({ "KeyId": key, "Message": MESSAGE, "MacAlgorithm": algorithm });
        let mac = text(&self.call("GenerateMac", &body)?, "Mac")?.to_owned();
        self.add(spec, "GenerateMac", &body);
        body["Mac"] = mac.into();
        self.add(spec, "VerifyMac", &body);
        Ok(())
    }

    fn encrypt(&mut self, spec: &'static str) -> Result<()> {
        let key = self.create(spec, "ENCRYPT_DECRYPT")?;
        let algorithm = "RSAES_OAEP_SHA_256";
        let body = json!({ "KeyId": key, "Plaintext": MESSAGE, "EncryptionAlgorithm": algorithm });
        let blob = text(&self.call("Encrypt", &body)?, "CiphertextBlob")?.to_owned();
        self.add(spec, "Encrypt", &body);
        let body = json!({ "KeyId": key, "CiphertextBlob": blob, "EncryptionAlgorithm": algorithm });
        self.add(spec, "Decrypt", &body);
        Ok(())
    }

    fn agree(&mut self, spec: &'static str) -> Result<()> {
        let key = self.create(spec, "KEY_AGREEMENT")?;
        // A key's own public half does for another's.
        let public = text(&self.call("GetPublicKey", &json!({ "KeyId": key }))?, "PublicKey")?.to_owned();
        let body = json!({ "KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public });
        self.add(spec, "DeriveSharedSecret", &body);
        Ok(())
    }

    fn encapsulate(&mut self, spec: &'static str) -> Result<()> {
        let key = self.create(spec, "ENCAPSULATE_DECAPSULATE")?;
        let mut body = json!({ "KeyId": key, "EncapsulationAlgorithm": "ML_KEM" });
        let made = self.call("Encapsulate", &body)?;
        self.add(spec, "Encapsulate", &body);
        body["SharedSecretCiphertextBlob"] = text(&made, "SharedSecretCiphertextBlob")?.into();
        self.add(spec, "Decapsulate", &body);
        Ok(())
    }
}
