#![allow(unsafe_code, reason = "curves go through aws-lc-sys: see the head of the parent module")]

use std::fmt;

use aws_lc_sys::{
    EC_KEY, EC_KEY_check_key, EC_KEY_generate_key_fips, EC_KEY_get0_group, EC_KEY_get0_public_key,
    EC_KEY_marshal_private_key, EC_KEY_new_by_curve_name, EC_KEY_parse_private_key, ECDH_compute_key,
    ECDSA_SIG, ECDSA_do_sign, EVP_PKEY_EC, EVP_PKEY_assign_EC_KEY, EVP_PKEY_get0_EC_KEY, EVP_PKEY_new,
};
use strongroom_secret::SecretBytes;

use super::{Curve, PublicKey, signature};
use crate::CryptoError;
use crate::ffi::{Owned, Pkey, check, failed, parsed, written_secret};

/// The longest digest that is signed or verified, in bytes: PKCS#11 lets callers sign any string, and what a
/// curve cannot hold of it does not count.
pub(super) const MAX_DIGEST_LENGTH: usize = 1024;

/// A private key on one of the [curves](Curve).
pub struct PrivateKey {
    key: Pkey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a key, with the pair-wise consistency test of FIPS 140.
    pub fn generate(curve: Curve) -> Result<Self, CryptoError> {
        // SAFETY: the key is new and ours; generation writes into it, and checks it as `new` would.
        let key = unsafe {
            let key = Owned::take(EC_KEY_new_by_curve_name(curve.nid()))?;
            check(EC_KEY_generate_key_fips(key.as_ptr()))?;
            key
        };
        Self::sound(wrapped(key)?)
    }

    /// Parses a PKCS#8 key (RFC 5958, RFC 5915), with a named curve.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        let key = Self::new(Pkey::from_pkcs8(der, EVP_PKEY_EC)?)?;
        key.curve().is_named_in(der)?;
        Ok(key)
    }

    /// Parses an `ECPrivateKey` (SEC 1, RFC 5915). The curve may be left out of it, and may not contradict.
    pub fn from_sec1(curve: Curve, der: &[u8]) -> Result<Self, CryptoError> {
        let key = parsed(der, |cbs| {
            // SAFETY: the function reads from the CBS and gives a new key or null; the group is a constant.
            unsafe { Owned::take(EC_KEY_parse_private_key(cbs, curve.group())) }
        })?;
        Self::new(wrapped(key)?)
    }

    /// Takes the big-endian private scalar, exactly as long as a coordinate: PKCS#11's `CKA_VALUE`.
    pub fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<Self, CryptoError> {
        if scalar.len() != curve.coordinate_length() {
            return Err(CryptoError);
        }
        // ECPrivateKey ::= SEQUENCE { version 1, privateKey OCTET STRING }, always below 128 bytes.
        let length = scalar.len() as u8;
        let der = SecretBytes::new([&[0x30, length + 5, 0x02, 0x01, 0x01, 0x04, length], scalar].concat());
        Self::from_sec1(curve, der.expose())
    }

    fn new(key: Pkey) -> Result<Self, CryptoError> {
        // SAFETY: the key is valid and of kind EC. The check makes sure that the public point fits the scalar.
        check(unsafe { EC_KEY_check_key(EVP_PKEY_get0_EC_KEY(key.as_ptr())) })?;
        Self::sound(key)
    }

    /// A key that has been checked.
    fn sound(key: Pkey) -> Result<Self, CryptoError> {
        let public = PublicKey::from_spki(&key.to_spki()?)?;
        Ok(Self { key, public })
    }

    /// The key as PKCS#8 DER, with the public point.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        self.key.to_pkcs8()
    }

    /// The key as `ECPrivateKey` (SEC 1), with curve and public point.
    pub fn to_sec1(&self) -> Result<SecretBytes, CryptoError> {
        // SAFETY: the key is valid and the CBB is the one that `written_secret` opened.
        written_secret(|cbb| unsafe { EC_KEY_marshal_private_key(cbb, self.ec_key(), 0) })
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The curve.
    #[must_use]
    pub fn curve(&self) -> Curve {
        self.public.curve()
    }

    /// Signs a digest by ECDSA: gives `r || s`, each as long as a coordinate. Of a digest longer than the
    /// curve's order the leftmost bits count (FIPS 186-5, 6.4.1). Up to 1,024 bytes.
    pub fn sign_digest(&self, digest: &[u8]) -> Result<Vec<u8>, CryptoError> {
        signature::to_raw(self.curve(), &self.signed(digest)?)
    }

    /// Signs as [`sign_digest`](Self::sign_digest) does, and gives the DER `ECDSA-Sig-Value` (RFC 3279, 2.2.3).
    pub fn sign_digest_der(&self, digest: &[u8]) -> Result<Vec<u8>, CryptoError> {
        signature::to_der(&self.signed(digest)?)
    }

    fn signed(&self, digest: &[u8]) -> Result<Owned<ECDSA_SIG>, CryptoError> {
        if digest.is_empty() || digest.len() > MAX_DIGEST_LENGTH {
            return Err(CryptoError);
        }
        // SAFETY: the key is valid, the digest readable; the result is a new signature or null.
        unsafe { Owned::take(ECDSA_do_sign(digest.as_ptr(), digest.len(), self.ec_key())) }
    }

    /// Agrees on a secret with the owner of `peer`, on the same curve: the X coordinate (SEC 1, 3.3.1).
    pub fn agree(&self, peer: &PublicKey) -> Result<SecretBytes, CryptoError> {
        if peer.curve() != self.curve() {
            return Err(CryptoError);
        }
        let length = self.curve().coordinate_length();
        SecretBytes::filled(length, |secret| {
            // SAFETY: both keys are valid, the point is borrowed from the peer's, the secret is writable.
            let written = unsafe {
                ECDH_compute_key(
                    secret.as_mut_ptr().cast(),
                    length,
                    EC_KEY_get0_public_key(peer.ec_key()),
                    self.ec_key(),
                    None,
                )
            };
            if usize::try_from(written) == Ok(length) { Ok(()) } else { Err(failed()) }
        })
    }

    fn ec_key(&self) -> *mut EC_KEY {
        // SAFETY: the key is valid and of kind EC; the pointer is borrowed from it.
        unsafe { EVP_PKEY_get0_EC_KEY(self.key.as_ptr()) }
    }
}

/// A curve's key in the form that holds a key of any kind.
fn wrapped(ec_key: Owned<EC_KEY>) -> Result<Pkey, CryptoError> {
    // SAFETY: EVP_PKEY_assign_EC_KEY takes the key over only when it succeeds, after which it is released.
    let key = unsafe {
        let key = Owned::take(EVP_PKEY_new())?;
        check(EVP_PKEY_assign_EC_KEY(key.as_ptr(), ec_key.as_ptr()))?;
        let _taken_over = ec_key.release();
        key
    };
    Ok(Pkey::new(key))
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// The curve of a key.
///
/// # Safety
///
/// `key` is null or valid.
pub(super) unsafe fn curve_of(key: *const EC_KEY) -> Result<Curve, CryptoError> {
    if key.is_null() {
        return Err(CryptoError);
    }
    // SAFETY: the key is valid, and its group borrowed from it.
    unsafe { Curve::of_group(EC_KEY_get0_group(key)) }
}
