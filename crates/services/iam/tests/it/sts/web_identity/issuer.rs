//! An identity provider that signs tokens and publishes its keys, without a network.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{ec, rsa};
use strongroom_iam::{ProviderDocuments, Unread};

use crate::fixture::NOW;

pub(super) const ISSUER: &str = "https://idp.example.com/tenant";
pub(super) const AUDIENCE: &str = "sts.amazonaws.com";
/// The time of tokens, seconds.
pub(super) const SECONDS: i64 = NOW / 1000;

static RSA: LazyLock<rsa::PrivateKey> = LazyLock::new(|| rsa::PrivateKey::generate(2048, 65_537).unwrap());

/// A key that signs.
pub(super) enum Key {
    Rsa(&'static rsa::PrivateKey),
    Elliptic(ec::PrivateKey),
}

impl Key {
    pub(super) fn rsa() -> Self {
        Self::Rsa(&RSA)
    }

    pub(super) fn elliptic(curve: ec::Curve) -> Self {
        Self::Elliptic(ec::PrivateKey::generate(curve).unwrap())
    }

    /// As it is published.
    pub(super) fn published(&self, id: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let key = key.public_key();
                json!({"kty": "RSA", "kid": id, "use": "sig", "n": encoded(&key.modulus().unwrap()),
                    "e": encoded(&key.exponent().unwrap())})
            }
            Self::Elliptic(key) => {
                let curve = key.public_key().curve();
                let point = key.public_key().to_point().unwrap();
                let (x, y) = point[1..].split_at(curve.coordinate_length());
                let name = match curve {
                    ec::Curve::P256 => "P-256",
                    ec::Curve::P384 => "P-384",
                    ec::Curve::P521 => "P-521",
                    other => panic!("{other:?} is no curve of tokens"),
                };
                json!({"kty": "EC", "kid": id, "crv": name, "x": encoded(x), "y": encoded(y)})
            }
        }
    }

    fn sign(&self, hash: Hash, signed: &str) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.sign_pkcs1_message(hash, signed.as_bytes()).unwrap(),
            Self::Elliptic(key) => key.sign_digest(&hash.digest(signed.as_bytes())).unwrap(),
        }
    }
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Claims of an hour, with others in place of theirs, or none where one is null.
pub(super) fn claims(others: &Value) -> Value {
    let mut claims =
        json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "job:7", "iat": SECONDS, "exp": SECONDS + 3600});
    for (claim, value) in others.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value.clone(),
        }
    }
    claims
}

/// A token, its signature made with the hash that its algorithm names.
pub(super) fn token(key: &Key, header: &Value, claims: &Value) -> String {
    let signed =
        format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()));
    let hash = match header["alg"].as_str().unwrap() {
        "RS384" | "ES384" => Hash::Sha384,
        "RS512" | "ES512" => Hash::Sha512,
        _ => Hash::Sha256,
    };
    format!("{signed}.{}", encoded(&key.sign(hash, &signed)))
}

/// What a provider publishes, and how often it is read.
#[derive(Default)]
pub(super) struct Documents {
    published: Mutex<HashMap<String, String>>,
    read: Mutex<Vec<String>>,
    /// Whoever reads waits for this lock.
    pub(super) slow: tokio::sync::Mutex<()>,
}

impl Documents {
    /// A provider with these keys.
    pub(super) fn of(keys: &[Value]) -> Arc<Self> {
        let documents = Arc::new(Self::default());
        documents.publish(keys);
        documents
    }

    pub(super) fn publish(&self, keys: &[Value]) {
        let keys_url = format!("{ISSUER}/keys");
        self.put(
            &format!("{ISSUER}/.well-known/openid-configuration"),
            &json!({"issuer": ISSUER, "jwks_uri": keys_url}),
        );
        self.put(&keys_url, &json!({"keys": keys}));
    }

    pub(super) fn put(&self, url: &str, document: &Value) {
        self.published.lock().unwrap().insert(url.to_owned(), document.to_string());
    }

    pub(super) fn fall_silent(&self) {
        self.published.lock().unwrap().clear();
    }

    /// How many documents have been read.
    pub(super) fn reads(&self) -> usize {
        self.read.lock().unwrap().len()
    }
}

#[async_trait]
impl ProviderDocuments for Documents {
    async fn read(&self, url: &str, _: &[String]) -> Result<Vec<u8>, Unread> {
        self.read.lock().unwrap().push(url.to_owned());
        let _turn = self.slow.lock().await;
        let published = self.published.lock().unwrap();
        let document = published.get(url).ok_or_else(|| Unread("nobody answers".to_owned()))?;
        Ok(document.clone().into_bytes())
    }
}
