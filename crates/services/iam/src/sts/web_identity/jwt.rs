//! Tokens of the compact form (RFC 7515, RFC 7519): read first, believed only when a key of the issuer says so.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::invalid;
use super::jwk::{Algorithm, KeySet};
use crate::error::Refusal;

/// The longest key id that is looked for, in bytes.
const LONGEST_KEY_ID: usize = 1024;

/// A token whose signature is not verified yet.
pub(super) struct Jwt {
    header: Header,
    claims: Map<String, Value>,
    /// What was signed.
    signed: String,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: String,
    /// Extensions without which the token means something else (RFC 7515, 4.1.11). There are none that we know.
    #[serde(default)]
    crit: Option<Value>,
}

impl Jwt {
    /// Reads a token. Its length is bounded by the API's model.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        // Text: answers of AWS quoted in public issue threads.
        Self::read(text).ok_or_else(|| {
            invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let claims = serde_json::from_slice(&decode(claims)?).ok()?;
        let is_plain = header.crit.is_none() && header.kid.len() <= LONGEST_KEY_ID;
        is_plain.then_some(Self { header, claims, signed: signed.to_owned(), signature: decode(signature)? })
    }

    /// The id of the key that it says it is signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.header.kid
    }

    /// Who it says has issued it.
    pub(super) fn issuer(&self) -> Result<&str, Refusal> {
        self.claims.get("iss").and_then(Value::as_str).ok_or_else(|| missing("iss"))
    }

    /// Whether a key of the set has signed it, by the algorithm that the token names and that the key is for.
    pub(super) fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.verifies(&self.header.kid, self.header.alg, self.signed.as_bytes(), &self.signature)
    }

    /// What it says, for whoever has verified it.
    pub(super) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// A claim that every token has to have (text: answers of AWS quoted in public issue threads).
pub(super) fn missing(claim: &str) -> Refusal {
    invalid(format!("Missing a required claim: {claim}"))
}
