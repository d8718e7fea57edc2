//! MD5 (RFC 1321), for the names that AWS still gives by it: S3's entity tags, `Content-MD5`, the fingerprints of
//! CloudTrail's digest keys. It is broken as a hash function, and nothing of ours relies on it.

#![allow(unsafe_code, reason = "aws-lc-rs has no MD5")]

use std::fmt;
use std::ptr;

use aws_lc_sys::{
    EVP_DigestFinal_ex, EVP_DigestInit_ex, EVP_DigestUpdate, EVP_MD_CTX, EVP_MD_CTX_new, EVP_md5,
};

use crate::CryptoError;
use crate::ffi::{Owned, check};

/// The length of a digest, in bytes.
pub const LENGTH: usize = 16;

/// An MD5 digest of data that comes in pieces.
pub struct Md5(Owned<EVP_MD_CTX>);

// SAFETY: an EVP_MD_CTX is not bound to the thread that made it.
unsafe impl Send for Md5 {}

impl Md5 {
    /// Begins a digest. Fails where the module refuses MD5.
    pub fn new() -> Result<Self, CryptoError> {
        // SAFETY: the context is new and ours, and the hash is a constant of the library.
        unsafe {
            let context = Owned::take(EVP_MD_CTX_new())?;
            check(EVP_DigestInit_ex(context.as_ptr(), EVP_md5(), ptr::null_mut()))?;
            Ok(Self(context))
        }
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) -> Result<(), CryptoError> {
        // SAFETY: the piece is readable, and the context is ours alone.
        check(unsafe { EVP_DigestUpdate(self.0.as_ptr(), piece.as_ptr().cast(), piece.len()) })
    }

    /// Gives the digest of all pieces, one after the other.
    pub fn finish(self) -> Result<[u8; LENGTH], CryptoError> {
        let mut digest = [0; LENGTH];
        let mut written = 0;
        // SAFETY: MD5 writes as many bytes as the array has.
        check(unsafe { EVP_DigestFinal_ex(self.0.as_ptr(), digest.as_mut_ptr(), &raw mut written) })?;
        if written as usize == LENGTH { Ok(digest) } else { Err(CryptoError) }
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Md5(..)")
    }
}

/// Gives the MD5 digest of `data`.
pub fn md5(data: &[u8]) -> Result<[u8; LENGTH], CryptoError> {
    let mut digest = Md5::new()?;
    digest.update(data)?;
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::{Md5, md5};
    use crate::hex;

    /// RFC 1321, A.5 ("Test suite").
    #[test]
    fn it_is_that_of_the_rfc() {
        for (text, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ] {
            assert_eq!(hex::encode(&md5(text.as_bytes()).unwrap()), digest, "{text}");
        }
        let mut pieces = Md5::new().unwrap();
        pieces.update(b"a").unwrap();
        pieces.update(b"").unwrap();
        pieces.update(b"bc").unwrap();
        assert_eq!(pieces.finish().unwrap(), md5(b"abc").unwrap());
    }
}
