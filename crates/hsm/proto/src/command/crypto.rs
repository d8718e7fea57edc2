//! Cryptography. What a mechanism does to which key: reference table of CloudHSM's PKCS#11 library, "mechanisms".
//!
//! Plaintexts pass through these messages: they show none of it in `Debug` and wipe it when they are dropped.

use std::fmt;

use prost::{Enumeration, Message};
use zeroize::Zeroize;

/// Mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum MechanismKind {
    /// AES-ECB, whole blocks.
    AesEcb = 0,
    /// AES-CBC, whole blocks.
    AesCbc = 1,
    /// AES-CBC with PKCS#7 padding.
    AesCbcPad = 2,
    /// AES-CTR.
    AesCtr = 3,
    /// AES-GCM; the HSM chooses the IV and gives it beside the ciphertext.
    AesGcm = 4,
    /// AES-GCM with the IV before the ciphertext (`CKM_CLOUDHSM_AES_GCM`).
    CloudHsmAesGcm = 5,
    /// AES-CMAC.
    AesCmac = 6,
    /// AES key wrap without padding (RFC 3394).
    AesKeyWrapNoPad = 7,
    /// AES key wrap with padding (RFC 5649).
    AesKeyWrapZeroPad = 8,
    /// RFC 3394 after PKCS#5 padding.
    AesKeyWrapPkcs5Pad = 9,
    /// RSASSA-PKCS1-v1_5, or RSAES-PKCS1-v1_5 (not in FIPS mode). With a hash the data is hashed (or is the digest);
    /// without, it is a DigestInfo.
    RsaPkcs = 20,
    /// RSASSA-PSS.
    RsaPss = 21,
    /// RSAES-OAEP.
    RsaOaep = 22,
    /// RSA without padding (`CKM_RSA_X_509`).
    RsaRaw = 23,
    /// A temporary AES key under OAEP, and the payload under that key (`CKM_RSA_AES_KEY_WRAP`).
    RsaAesKeyWrap = 24,
    /// ECDSA. With a hash the data is hashed (or is the digest); without, it is the digest. Signatures are r and s.
    Ecdsa = 30,
    /// Ed25519, pure.
    Ed25519 = 31,
    /// Ed25519ph.
    Ed25519ph = 32,
    /// ML-DSA.
    MlDsa = 33,
    /// HMAC.
    Hmac = 40,
    /// A digest, of no key.
    Digest = 41,
    /// ECDH with the X9.63 derivation.
    EcdhX963 = 50,
    /// SP 800-108 in counter mode over HMAC or CMAC.
    Sp800108Counter = 51,
}

/// Hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Hash {
    /// None: the data is taken as it is.
    None = 0,
    /// SHA-1.
    Sha1 = 1,
    /// SHA-224.
    Sha224 = 2,
    /// SHA-256.
    Sha256 = 3,
    /// SHA-384.
    Sha384 = 4,
    /// SHA-512.
    Sha512 = 5,
}

/// A mechanism with its parameters. Those that it does not use are 0 or empty.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Mechanism {
    /// Which one.
    #[prost(enumeration = "MechanismKind", tag = "1")]
    pub kind: i32,
    /// The hash function; of OAEP and PSS that of the mask too.
    #[prost(enumeration = "Hash", tag = "2")]
    pub hash: i32,
    /// The data is the hash already (RSA, ECDSA), or the external mu (ML-DSA).
    #[prost(bool, tag = "3")]
    pub prehashed: bool,
    /// The IV (CBC, GCM when it decrypts), or the counter block (CTR).
    #[prost(bytes = "vec", tag = "4")]
    pub iv: Vec<u8>,
    /// Additional authenticated data (GCM).
    #[prost(bytes = "vec", tag = "5")]
    pub aad: Vec<u8>,
    /// The tag's length in bits (GCM), or the MAC's in bytes (CMAC, HMAC; 0 is the whole).
    #[prost(uint32, tag = "6")]
    pub tag_length: u32,
    /// The salt's length in bytes (PSS).
    #[prost(uint32, tag = "7")]
    pub salt_length: u32,
    /// The other side's public key as a point (ECDH).
    #[prost(bytes = "vec", tag = "8")]
    pub peer: Vec<u8>,
    /// Shared info (ECDH), or the fixed input data after the counter (SP 800-108).
    #[prost(bytes = "vec", tag = "9")]
    pub info: Vec<u8>,
    /// SP 800-108: the counter's width in bits, 8, 16, 24 or 32.
    #[prost(uint32, tag = "10")]
    pub counter_bits: u32,
}

macro_rules! holds_plaintext {
    ($($message:ident: $($field:ident),*;)*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message)).finish_non_exhaustive()
            }
        }

        impl Drop for $message {
            fn drop(&mut self) {
                $(self.$field.zeroize();)*
            }
        }
    )*};
}

holds_plaintext! {
    Encrypt: data;
    Output: data, plaintext;
    Sign: data;
    Verify: data;
    Digest: data;
    EncryptDerived: plaintext;
}

/// Encrypts with a key.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Encrypt {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// How.
    #[prost(message, optional, tag = "2")]
    pub mechanism: Option<Mechanism>,
    /// The plaintext.
    #[prost(bytes = "vec", tag = "3")]
    pub data: Vec<u8>,
}

/// Decrypts with a key.
#[derive(Clone, PartialEq, Message)]
pub struct Decrypt {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// How.
    #[prost(message, optional, tag = "2")]
    pub mechanism: Option<Mechanism>,
    /// The ciphertext.
    #[prost(bytes = "vec", tag = "3")]
    pub data: Vec<u8>,
}

/// Signs, or makes a MAC. Quorum service `key-usage`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Sign {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// How.
    #[prost(message, optional, tag = "2")]
    pub mechanism: Option<Mechanism>,
    /// What is signed.
    #[prost(bytes = "vec", tag = "3")]
    pub data: Vec<u8>,
}

/// Verifies a signature or a MAC.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Verify {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// How.
    #[prost(message, optional, tag = "2")]
    pub mechanism: Option<Mechanism>,
    /// What was signed.
    #[prost(bytes = "vec", tag = "3")]
    pub data: Vec<u8>,
    /// The signature.
    #[prost(bytes = "vec", tag = "4")]
    pub signature: Vec<u8>,
}

/// Whether a signature is right. A wrong one is no failure of the call.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Verified {
    /// It is.
    #[prost(bool, tag = "1")]
    pub valid: bool,
}

/// Computes a digest.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Digest {
    /// With what.
    #[prost(enumeration = "Hash", tag = "1")]
    pub hash: i32,
    /// Of what.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
}

/// Asks for random bytes.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Random {
    /// How many; at most 16,384.
    #[prost(uint32, tag = "1")]
    pub length: u32,
}

/// What cryptography gives out.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Output {
    /// Ciphertext, plaintext, signature, MAC, digest, random bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub data: Vec<u8>,
    /// The IV that the HSM chose, where it is not in the data.
    #[prost(bytes = "vec", tag = "2")]
    pub iv: Vec<u8>,
    /// The plaintext that the HSM chose ([`GenerateDerived`]), if it was asked for.
    #[prost(bytes = "vec", tag = "3")]
    pub plaintext: Vec<u8>,
}

/// Encrypts in KMS's form: a key derived for this message, a commitment to it (DESIGN D10).
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct EncryptDerived {
    /// The AES-256 key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// The id of the KMS key, which stands in the ciphertext.
    #[prost(string, tag = "2")]
    pub key_id: String,
    /// The id of the key material, 32 bytes, which stands in it too.
    #[prost(bytes = "vec", tag = "3")]
    pub material_id: Vec<u8>,
    /// The encryption context, canonically encoded.
    #[prost(message, repeated, tag = "4")]
    pub context: Vec<ContextPair>,
    /// The plaintext, at most 4,096 bytes.
    #[prost(bytes = "vec", tag = "5")]
    pub plaintext: Vec<u8>,
}

/// One pair of an encryption context.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ContextPair {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Decrypts KMS's form.
#[derive(Clone, PartialEq, Message)]
pub struct DecryptDerived {
    /// The AES-256 key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// The encryption context.
    #[prost(message, repeated, tag = "2")]
    pub context: Vec<ContextPair>,
    /// The ciphertext.
    #[prost(bytes = "vec", tag = "3")]
    pub ciphertext: Vec<u8>,
}

/// Chooses random bytes, a data key, and encrypts them in KMS's form.
#[derive(Clone, PartialEq, Message)]
pub struct GenerateDerived {
    /// The AES-256 key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// The id of the KMS key, which stands in the ciphertext.
    #[prost(string, tag = "2")]
    pub key_id: String,
    /// The id of the key material, 32 bytes, which stands in it too.
    #[prost(bytes = "vec", tag = "3")]
    pub material_id: Vec<u8>,
    /// The encryption context.
    #[prost(message, repeated, tag = "4")]
    pub context: Vec<ContextPair>,
    /// How many bytes, 1 to 4,096.
    #[prost(uint32, tag = "5")]
    pub length: u32,
    /// The plaintext does not leave the HSM.
    #[prost(bool, tag = "6")]
    pub without_plaintext: bool,
}

/// Decrypts KMS's form and encrypts it again, under another key or another context. The plaintext does not leave the
/// HSM.
#[derive(Clone, PartialEq, Message)]
pub struct ReEncryptDerived {
    /// The AES-256 key that decrypts.
    #[prost(uint64, tag = "1")]
    pub from: u64,
    /// The encryption context of the ciphertext.
    #[prost(message, repeated, tag = "2")]
    pub from_context: Vec<ContextPair>,
    /// The ciphertext.
    #[prost(bytes = "vec", tag = "3")]
    pub ciphertext: Vec<u8>,
    /// The AES-256 key that encrypts.
    #[prost(uint64, tag = "4")]
    pub to: u64,
    /// The id of the KMS key that encrypts.
    #[prost(string, tag = "5")]
    pub key_id: String,
    /// The id of its key material, 32 bytes.
    #[prost(bytes = "vec", tag = "6")]
    pub material_id: Vec<u8>,
    /// The encryption context of the new ciphertext.
    #[prost(message, repeated, tag = "7")]
    pub to_context: Vec<ContextPair>,
}

/// Agrees on a secret with the holder of another key: ECDH, and nothing derived from it (SP 800-56A, 5.7.1.2).
/// The output is the x-coordinate, as long as the curve's field. Quorum service `key-usage`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Agree {
    /// The private key, which must allow derivation.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// The other side's public key as a point of the same curve.
    #[prost(bytes = "vec", tag = "2")]
    pub peer: Vec<u8>,
}
