//! The keys of providers (RFC 7517, RFC 7518).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{CryptoError, ec, rsa};

/// The keys that are read of a set; AWS takes a hundred RSA keys and as many elliptic ones.
const MOST_KEYS: usize = 200;

/// The algorithms by which tokens may be signed: those that AWS takes. None is symmetric: a token is never verified
/// with a secret, and never without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "RS384")]
    Rs384,
    #[serde(rename = "RS512")]
    Rs512,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "ES512")]
    Es512,
}

impl Algorithm {
    fn hash(self) -> Hash {
        match self {
            Self::Rs256 | Self::Es256 => Hash::Sha256,
            Self::Rs384 | Self::Es384 => Hash::Sha384,
            Self::Rs512 | Self::Es512 => Hash::Sha512,
        }
    }

    /// The curve of its keys; `None` for RSA.
    fn curve(self) -> Option<ec::Curve> {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 => None,
            Self::Es256 => Some(ec::Curve::P256),
            Self::Es384 => Some(ec::Curve::P384),
            Self::Es512 => Some(ec::Curve::P521),
        }
    }
}

/// The keys that a provider has published, those that we can use.
pub(super) struct KeySet(Vec<Key>);

struct Key {
    id: String,
    /// The one algorithm that it is for, where the provider says so.
    algorithm: Option<Algorithm>,
    public: Public,
}

enum Public {
    Rsa(rsa::PublicKey),
    Elliptic(ec::PublicKey),
}

/// A document that is no set of keys.
#[derive(Debug, thiserror::Error)]
#[error("the document is no JSON Web Key Set")]
pub(super) struct NoKeySet;

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<Algorithm>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys of kinds and algorithms that we do not know are left out.
    pub(super) fn parse(document: &[u8]) -> Result<Self, NoKeySet> {
        let published: Published = serde_json::from_slice(document).map_err(|_| NoKeySet)?;
        let keys = published.keys.into_iter().take(MOST_KEYS);
        Ok(Self(keys.filter_map(|key| Key::read(serde_json::from_value(key).ok()?)).collect()))
    }

    /// Whether there is a key of that id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// Whether a key of that id, which is for that algorithm, has made the signature.
    pub(super) fn verifies(&self, id: &str, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let named = self.0.iter().filter(|key| key.id == id);
        let mut fitting = named.filter(|key| key.algorithm.is_none_or(|only| only == algorithm));
        fitting.any(|key| key.public.verify(algorithm, signed, signature).is_ok())
    }
}

impl Key {
    fn read(key: PublishedKey) -> Option<Self> {
        if key.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let decode = |part: Option<String>| URL_SAFE_NO_PAD.decode(part?).ok();
        let public = match (key.kty.as_str(), key.crv.as_deref()) {
            ("RSA", _) => {
                Public::Rsa(rsa::PublicKey::from_components(&decode(key.n)?, &decode(key.e)?).ok()?)
            }
            ("EC", Some(curve)) => {
                let curve = match curve {
                    "P-256" => ec::Curve::P256,
                    "P-384" => ec::Curve::P384,
                    "P-521" => ec::Curve::P521,
                    _ => return None,
                };
                let (x, y) = (decode(key.x)?, decode(key.y)?);
                let length = curve.coordinate_length();
                if (x.len(), y.len()) != (length, length) {
                    return None;
                }
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                Public::Elliptic(ec::PublicKey::from_point(curve, &point).ok()?)
            }
            _ => return None,
        };
        Some(Self { id: key.kid, algorithm: key.alg, public })
    }
}

impl Public {
    fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        match (self, algorithm.curve()) {
            (Self::Rsa(key), None) => key.verify_pkcs1_message(algorithm.hash(), signed, signature),
            (Self::Elliptic(key), Some(curve)) if key.curve() == curve => {
                key.verify_digest(&algorithm.hash().digest(signed), signature)
            }
            _ => Err(CryptoError),
        }
    }
}
