//! AWS-LC's C objects, owned: what the modules that call C have in common.
//!
//! Every pointer here was made by `aws-lc-sys` and goes back to it; none crosses to `aws-lc-rs`, which may be
//! linked with another copy of the library. Keys go between the two as DER.

#![allow(unsafe_code, reason = "this module owns the pointers of aws-lc-sys")]

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use aws_lc_sys::{
    BIGNUM, BN_bin2bn, BN_bn2bin_padded, BN_free, BN_num_bytes, CBB, CBB_cleanup, CBB_finish, CBB_init, CBS,
    CBS_init, CBS_len, EC_KEY, EC_KEY_free, EC_POINT, EC_POINT_free, ECDSA_SIG, ECDSA_SIG_free,
    ERR_clear_error, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free, EVP_MD, EVP_MD_CTX, EVP_MD_CTX_free, EVP_PKEY,
    EVP_PKEY_CTX, EVP_PKEY_CTX_free, EVP_PKEY_CTX_new, EVP_PKEY_free, EVP_PKEY_id, EVP_marshal_private_key,
    EVP_marshal_public_key, EVP_parse_private_key, EVP_parse_public_key, EVP_sha1, EVP_sha224, EVP_sha256,
    EVP_sha384, EVP_sha512, OPENSSL_free, RSA, RSA_free,
};
use strongroom_secret::SecretBytes;

use crate::CryptoError;
use crate::digest::Hash;

/// A C object that has its own function to free it.
pub(crate) trait Free {
    /// Frees the object.
    ///
    /// # Safety
    ///
    /// `object` is owned by the caller, valid, and not used again.
    unsafe fn free(object: *mut Self);
}

macro_rules! free_with {
    ($($kind:ty: $free:ident;)*) => {$(
        impl Free for $kind {
            unsafe fn free(object: *mut Self) {
                // SAFETY: the caller hands over a valid object that it owns; this is its own function.
                unsafe { $free(object) }
            }
        }
    )*};
}

free_with! {
    BIGNUM: BN_free;
    EC_KEY: EC_KEY_free;
    EC_POINT: EC_POINT_free;
    ECDSA_SIG: ECDSA_SIG_free;
    EVP_CIPHER_CTX: EVP_CIPHER_CTX_free;
    EVP_MD_CTX: EVP_MD_CTX_free;
    EVP_PKEY: EVP_PKEY_free;
    EVP_PKEY_CTX: EVP_PKEY_CTX_free;
    RSA: RSA_free;
}

/// A C object that is freed when it is dropped. AWS-LC wipes private parts when it frees them.
pub(crate) struct Owned<T: Free>(NonNull<T>);

impl<T: Free> Owned<T> {
    /// Takes what a function of AWS-LC gave to its caller; null is that function's failure.
    ///
    /// # Safety
    ///
    /// `object` is null, or valid and owned by nobody else.
    pub(crate) unsafe fn take(object: *mut T) -> Result<Self, CryptoError> {
        NonNull::new(object).map(Self).ok_or_else(failed)
    }

    /// The object, for as long as `self` lives.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Gives the object up, to a function that takes it over.
    pub(crate) fn release(self) -> *mut T {
        let object = self.0.as_ptr();
        std::mem::forget(self);
        object
    }
}

impl<T: Free> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `self` owns the object, and it is dropped once.
        unsafe { T::free(self.0.as_ptr()) }
    }
}

/// A parsed key. Its uses are the functions that AWS-LC documents as safe to call at once from many threads:
/// none of them changes the key (`openssl/evp.h`, `rsa.h`, `ec_key.h`, "Thread safety").
pub(crate) struct Pkey(Owned<EVP_PKEY>);

// SAFETY: an EVP_PKEY is not bound to the thread that made it.
unsafe impl Send for Pkey {}
// SAFETY: only functions that do not mutate the key are called on it after its making; AWS-LC allows those
// concurrently, and locks what it caches inside (RSA's Montgomery contexts and blindings).
unsafe impl Sync for Pkey {}

impl Pkey {
    /// Wraps a key that was just made.
    pub(crate) fn new(key: Owned<EVP_PKEY>) -> Self {
        Self(key)
    }

    /// Parses a PKCS#8 private key of one kind, all of `der`.
    pub(crate) fn from_pkcs8(der: &[u8], kind: c_int) -> Result<Self, CryptoError> {
        // SAFETY: EVP_parse_private_key reads from the CBS it is given and gives a new key or null.
        Self::of_kind(parsed(der, |cbs| unsafe { Owned::take(EVP_parse_private_key(cbs)) })?, kind)
    }

    /// Parses a SubjectPublicKeyInfo of one kind, all of `der`.
    pub(crate) fn from_spki(der: &[u8], kind: c_int) -> Result<Self, CryptoError> {
        // SAFETY: EVP_parse_public_key reads from the CBS it is given and gives a new key or null.
        Self::of_kind(parsed(der, |cbs| unsafe { Owned::take(EVP_parse_public_key(cbs)) })?, kind)
    }

    fn of_kind(key: Owned<EVP_PKEY>, kind: c_int) -> Result<Self, CryptoError> {
        // SAFETY: the key is valid.
        if unsafe { EVP_PKEY_id(key.as_ptr()) } == kind { Ok(Self(key)) } else { Err(CryptoError) }
    }

    /// The private key as PKCS#8.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        // SAFETY: the key is valid and the CBB is the one that `written_secret` opened.
        written_secret(|cbb| unsafe { EVP_marshal_private_key(cbb, self.as_ptr()) })
    }

    /// The public key as SubjectPublicKeyInfo.
    pub(crate) fn to_spki(&self) -> Result<Vec<u8>, CryptoError> {
        // SAFETY: the key is valid and the CBB is the one that `written` opened.
        written(|cbb| unsafe { EVP_marshal_public_key(cbb, self.as_ptr()) })
    }

    /// Begins one operation with the key.
    pub(crate) fn context(&self) -> Result<Owned<EVP_PKEY_CTX>, CryptoError> {
        // SAFETY: the key is valid; the context takes a reference of its own to it.
        unsafe { Owned::take(EVP_PKEY_CTX_new(self.as_ptr(), ptr::null_mut())) }
    }

    pub(crate) fn as_ptr(&self) -> *mut EVP_PKEY {
        self.0.as_ptr()
    }
}

/// Turns the return value of a function of which 1 is the one success.
pub(crate) fn check(result: c_int) -> Result<(), CryptoError> {
    if result == 1 { Ok(()) } else { Err(failed()) }
}

/// The failure, after the thread's error queue was emptied: why it failed is nobody's business.
pub(crate) fn failed() -> CryptoError {
    // SAFETY: the function has no preconditions.
    unsafe { ERR_clear_error() };
    CryptoError
}

/// Gives `parse` a CBS over `der`, and refuses what leaves a rest.
pub(crate) fn parsed<T: Free>(
    der: &[u8],
    parse: impl FnOnce(*mut CBS) -> Result<Owned<T>, CryptoError>,
) -> Result<Owned<T>, CryptoError> {
    let mut cbs = MaybeUninit::uninit();
    // SAFETY: CBS_init writes the whole CBS, which borrows `der` for less than this function.
    unsafe { CBS_init(cbs.as_mut_ptr(), der.as_ptr(), der.len()) };
    let object = parse(cbs.as_mut_ptr())?;
    // SAFETY: CBS_init initialised it above.
    if unsafe { CBS_len(cbs.as_ptr()) } == 0 { Ok(object) } else { Err(CryptoError) }
}

/// Collects what `write` puts into a CBB.
pub(crate) fn written(write: impl FnOnce(*mut CBB) -> c_int) -> Result<Vec<u8>, CryptoError> {
    collect(write, <[u8]>::to_vec)
}

/// Collects what `write` puts into a CBB, and wipes the CBB: AWS-LC's allocator wipes whatever it frees.
pub(crate) fn written_secret(write: impl FnOnce(*mut CBB) -> c_int) -> Result<SecretBytes, CryptoError> {
    collect(write, |bytes| SecretBytes::new(bytes.to_vec()))
}

fn collect<T>(
    write: impl FnOnce(*mut CBB) -> c_int,
    copy: impl FnOnce(&[u8]) -> T,
) -> Result<T, CryptoError> {
    let mut cbb = MaybeUninit::uninit();
    // SAFETY: CBB_init writes the whole CBB; on failure nothing needs to be cleaned up.
    check(unsafe { CBB_init(cbb.as_mut_ptr(), 128) })?;
    if let Err(failure) = check(write(cbb.as_mut_ptr())) {
        // SAFETY: it was initialised above and not finished.
        unsafe { CBB_cleanup(cbb.as_mut_ptr()) };
        return Err(failure);
    }
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the CBB is initialised; the two results are writable.
    if let Err(failure) = check(unsafe { CBB_finish(cbb.as_mut_ptr(), &raw mut data, &raw mut length) }) {
        // SAFETY: as above.
        unsafe { CBB_cleanup(cbb.as_mut_ptr()) };
        return Err(failure);
    }
    // SAFETY: the writers here write at least one byte, so CBB_finish gave `length` bytes at `data`, ours now.
    let result = copy(unsafe { std::slice::from_raw_parts(data, length) });
    // SAFETY: the bytes were given to us to be freed so.
    unsafe { OPENSSL_free(data.cast()) };
    Ok(result)
}

/// A number from its big-endian bytes. Not for secrets: freeing it does not wipe it.
pub(crate) fn number(bytes: &[u8]) -> Result<Owned<BIGNUM>, CryptoError> {
    // SAFETY: the bytes are readable; with null for a result the function makes a new number.
    unsafe { Owned::take(BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut())) }
}

/// Writes a number big-endian, filled up with zeros from the left.
///
/// # Safety
///
/// `number` is null or valid.
pub(crate) unsafe fn number_padded(number: *const BIGNUM, out: &mut [u8]) -> Result<(), CryptoError> {
    if number.is_null() {
        return Err(CryptoError);
    }
    // SAFETY: the number is valid, and `out` is writable for its length.
    check(unsafe { BN_bn2bin_padded(out.as_mut_ptr(), out.len(), number) })
}

/// A number big-endian, without zeros in front.
///
/// # Safety
///
/// `number` is null or valid.
pub(crate) unsafe fn number_bytes(number: *const BIGNUM) -> Result<Vec<u8>, CryptoError> {
    if number.is_null() {
        return Err(CryptoError);
    }
    // SAFETY: the number is valid.
    let mut out = vec![0; unsafe { BN_num_bytes(number) } as usize];
    // SAFETY: as above.
    unsafe { number_padded(number, &mut out) }?;
    Ok(out)
}

/// AWS-LC's object for a hash function.
pub(crate) fn message_digest(hash: Hash) -> *const EVP_MD {
    // SAFETY: these functions have no preconditions; each gives a constant.
    unsafe {
        match hash {
            Hash::Sha1 => EVP_sha1(),
            Hash::Sha224 => EVP_sha224(),
            Hash::Sha256 => EVP_sha256(),
            Hash::Sha384 => EVP_sha384(),
            Hash::Sha512 => EVP_sha512(),
        }
    }
}
