#![allow(unsafe_code, reason = "curves go through aws-lc-sys: see the head of the parent module")]

use std::fmt;
use std::ptr;

use aws_lc_sys::{
    EC_KEY, EC_KEY_check_key, EC_KEY_get0_public_key, EC_KEY_new_by_curve_name, EC_KEY_set_public_key,
    EC_POINT_new, EC_POINT_oct2point, EC_POINT_point2oct, ECDSA_SIG, ECDSA_do_verify, EVP_PKEY_EC,
    EVP_PKEY_assign_EC_KEY, EVP_PKEY_get0_EC_KEY, EVP_PKEY_new, point_conversion_form_t,
};

use super::private::{MAX_DIGEST_LENGTH, curve_of};
use super::{Curve, signature};
use crate::CryptoError;
use crate::ffi::{Owned, Pkey, check};

/// A public key on one of the [curves](Curve): a point that was checked to be on it.
pub struct PublicKey {
    key: Pkey,
    curve: Curve,
}

impl PublicKey {
    /// Parses a DER SubjectPublicKeyInfo (RFC 5480) with a named curve.
    pub fn from_spki(der: &[u8]) -> Result<Self, CryptoError> {
        let key = Self::new(Pkey::from_spki(der, EVP_PKEY_EC)?)?;
        key.curve().is_named_in(der)?;
        Ok(key)
    }

    /// Takes a point (SEC 1, 2.3.4): uncompressed, or compressed.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<Self, CryptoError> {
        // SAFETY: all objects are new and ours, the group is a constant, the bytes are readable;
        // EC_KEY_set_public_key copies the point, and EVP_PKEY_assign_EC_KEY takes the key over when it succeeds.
        let key = unsafe {
            let parsed = Owned::take(EC_POINT_new(curve.group()))?;
            check(EC_POINT_oct2point(
                curve.group(),
                parsed.as_ptr(),
                point.as_ptr(),
                point.len(),
                ptr::null_mut(),
            ))?;
            let ec_key = Owned::take(EC_KEY_new_by_curve_name(curve.nid()))?;
            check(EC_KEY_set_public_key(ec_key.as_ptr(), parsed.as_ptr()))?;
            let key = Owned::take(EVP_PKEY_new())?;
            check(EVP_PKEY_assign_EC_KEY(key.as_ptr(), ec_key.as_ptr()))?;
            let _taken_over = ec_key.release();
            key
        };
        Self::new(Pkey::new(key))
    }

    fn new(key: Pkey) -> Result<Self, CryptoError> {
        // SAFETY: the key is valid and of kind EC. The check refuses the point at infinity.
        let curve = unsafe {
            let ec_key = EVP_PKEY_get0_EC_KEY(key.as_ptr());
            check(EC_KEY_check_key(ec_key))?;
            curve_of(ec_key)?
        };
        Ok(Self { key, curve })
    }

    /// The key as DER SubjectPublicKeyInfo, the point uncompressed.
    pub fn to_spki(&self) -> Result<Vec<u8>, CryptoError> {
        self.key.to_spki()
    }

    /// The point, uncompressed: `0x04 || x || y`.
    pub fn to_point(&self) -> Result<Vec<u8>, CryptoError> {
        let mut point = vec![0; 1 + 2 * self.curve.coordinate_length()];
        // SAFETY: the point is borrowed from a valid key of this group; the buffer is writable.
        let written = unsafe {
            EC_POINT_point2oct(
                self.curve.group(),
                EC_KEY_get0_public_key(self.ec_key()),
                point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
                point.as_mut_ptr(),
                point.len(),
                ptr::null_mut(),
            )
        };
        if written == point.len() { Ok(point) } else { Err(CryptoError) }
    }

    /// The curve.
    #[must_use]
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// Verifies what [`PrivateKey::sign_digest`](super::PrivateKey::sign_digest) makes.
    pub fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        self.verify_parsed(digest, &signature::from_raw(self.curve, signature)?)
    }

    /// Verifies what [`PrivateKey::sign_digest_der`](super::PrivateKey::sign_digest_der) makes. Only DER counts, so that
    /// a signature has one encoding.
    pub fn verify_digest_der(&self, digest: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        self.verify_parsed(digest, &signature::from_der(signature)?)
    }

    fn verify_parsed(&self, digest: &[u8], signature: &Owned<ECDSA_SIG>) -> Result<(), CryptoError> {
        if digest.is_empty() || digest.len() > MAX_DIGEST_LENGTH {
            return Err(CryptoError);
        }
        // SAFETY: key and signature are valid, the digest readable.
        check(unsafe { ECDSA_do_verify(digest.as_ptr(), digest.len(), signature.as_ptr(), self.ec_key()) })
    }

    pub(super) fn ec_key(&self) -> *mut EC_KEY {
        // SAFETY: the key is valid and of kind EC; the pointer is borrowed from it.
        unsafe { EVP_PKEY_get0_EC_KEY(self.key.as_ptr()) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.curve)
    }
}
