//! The signing key.

use std::fmt;

use strongroom_crypto::hmac::HmacSha256;
use strongroom_secret::{Key256, SecretBytes, SecretString};

/// What closes every credential scope.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// A key that one secret gives for one day, Region and service
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>, step 4).
pub struct SigningKey(HmacSha256);

impl SigningKey {
    /// Derives the key from a secret access key; `date` is `YYYYMMDD`. What lies between is wiped.
    #[must_use]
    pub fn derive(secret: &SecretString, date: &str, region: &str, service: &str) -> Self {
        const PREFIX: &[u8] = b"AWS4";
        let secret = secret.expose().as_bytes();
        let Ok(seed) = SecretBytes::filled(PREFIX.len() + secret.len(), |bytes| {
            let (prefix, rest) = bytes.split_at_mut(PREFIX.len());
            prefix.copy_from_slice(PREFIX);
            rest.copy_from_slice(secret);
            Ok::<(), std::convert::Infallible>(())
        });
        let day = step(seed.expose(), date);
        let region = step(day.expose(), region);
        let service = step(region.expose(), service);
        Self(HmacSha256::new(step(service.expose(), TERMINATOR).expose()))
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.0.sign(parts)
    }
}

fn step(key: &[u8], message: &str) -> Key256 {
    Key256::new(HmacSha256::new(key).sign(&[message.as_bytes()]))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}
