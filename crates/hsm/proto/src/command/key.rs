//! Keys: made, found, changed, shared, wrapped.
//!
//! A key is named by its handle, 64 bits, the same on every HSM of a cluster.

use prost::{Enumeration, Message, Oneof};

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum KeyType {
    /// AES.
    Aes = 0,
    /// Bytes for HMAC and derivation.
    GenericSecret = 1,
    /// RSA.
    Rsa = 2,
    /// An elliptic curve, Ed25519 too.
    Ec = 3,
    /// ML-DSA.
    MlDsa = 4,
    /// Triple DES. Not served yet.
    Des3 = 5,
}

/// Which half of what a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum KeyClass {
    /// A symmetric key.
    SecretKey = 0,
    /// The public half of a pair.
    PublicKey = 1,
    /// The private half of a pair.
    PrivateKey = 2,
}

/// Curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Curve {
    /// NIST P-224.
    Secp224r1 = 0,
    /// NIST P-256.
    Secp256r1 = 1,
    /// NIST P-384.
    Secp384r1 = 2,
    /// NIST P-521.
    Secp521r1 = 3,
    /// The curve of Bitcoin.
    Secp256k1 = 4,
    /// Ed25519; not in FIPS mode.
    Ed25519 = 5,
}

/// Parameter sets of ML-DSA (FIPS 204).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum MlDsaSet {
    /// ML-DSA-44.
    MlDsa44 = 0,
    /// ML-DSA-65.
    MlDsa65 = 1,
    /// ML-DSA-87.
    MlDsa87 = 2,
}

/// Attributes that can be given or set (CloudHSM User Guide, "key attributes"). Numbers are PKCS#11's where it has
/// the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum AttributeName {
    /// `class`.
    Class = 0,
    /// `token`: kept, not of a session.
    Token = 1,
    /// `private`.
    Private = 2,
    /// `label`.
    Label = 3,
    /// `trusted`.
    Trusted = 134,
    /// `check-value`.
    CheckValue = 144,
    /// `key-type`.
    KeyType = 256,
    /// `id`.
    Id = 258,
    /// `sensitive`.
    Sensitive = 259,
    /// `encrypt`.
    Encrypt = 260,
    /// `decrypt`.
    Decrypt = 261,
    /// `wrap`.
    Wrap = 262,
    /// `unwrap`.
    Unwrap = 263,
    /// `sign`.
    Sign = 264,
    /// `verify`.
    Verify = 266,
    /// `derive`.
    Derive = 268,
    /// `modulus`.
    Modulus = 288,
    /// `modulus-size-bits`.
    ModulusBits = 289,
    /// `public-exponent`.
    PublicExponent = 290,
    /// `key-length-bytes`.
    ValueLength = 353,
    /// `extractable`.
    Extractable = 354,
    /// `local`.
    Local = 355,
    /// `never-extractable`.
    NeverExtractable = 356,
    /// `always-sensitive`.
    AlwaysSensitive = 357,
    /// `modifiable`.
    Modifiable = 368,
    /// `destroyable`.
    Destroyable = 370,
    /// `curve`.
    EcParams = 384,
    /// `ec-point`.
    EcPoint = 385,
    /// `wrap-with-trusted`.
    WrapWithTrusted = 528,
    /// `wrap-template`.
    WrapTemplate = 1_073_742_353,
    /// `unwrap-template`.
    UnwrapTemplate = 1_073_742_354,
}

/// An attribute with its value.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Attribute {
    /// Which one.
    #[prost(enumeration = "AttributeName", tag = "1")]
    pub name: i32,
    /// Its value.
    #[prost(oneof = "AttributeValue", tags = "2, 3, 4, 5")]
    pub value: Option<AttributeValue>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum AttributeValue {
    /// Yes or no.
    #[prost(bool, tag = "2")]
    Flag(bool),
    /// A number: lengths, and the numbers of [`KeyClass`], [`KeyType`], [`Curve`].
    #[prost(uint64, tag = "3")]
    Number(u64),
    /// Bytes: labels (UTF-8), ids, points, moduli.
    #[prost(bytes, tag = "4")]
    Bytes(Vec<u8>),
    /// Other attributes.
    #[prost(message, tag = "5")]
    Template(Template),
}

/// Attributes, each at most once; at most 32.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Template {
    /// The attributes.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<Attribute>,
}

/// How many users must approve the use of a key, and its management: 0, or 2 to 8.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct KeyQuorum {
    /// For `key-management`.
    #[prost(uint32, tag = "1")]
    pub manage: u32,
    /// For `key-usage`.
    #[prost(uint32, tag = "2")]
    pub usage: u32,
}

/// Makes a symmetric key. Crypto users.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GenerateKey {
    /// [`KeyType::Aes`] or [`KeyType::GenericSecret`].
    #[prost(enumeration = "KeyType", tag = "1")]
    pub key_type: i32,
    /// Its length in bytes.
    #[prost(uint32, tag = "2")]
    pub length: u32,
    /// Attributes that differ from the defaults.
    #[prost(message, optional, tag = "3")]
    pub template: Option<Template>,
    /// Crypto users it is shared with.
    #[prost(string, repeated, tag = "4")]
    pub share_with: Vec<String>,
    /// Who must approve.
    #[prost(message, optional, tag = "5")]
    pub quorum: Option<KeyQuorum>,
}

/// Makes a key pair. Crypto users.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GenerateKeyPair {
    /// What kind of pair.
    #[prost(oneof = "PairKind", tags = "1, 2, 3")]
    pub kind: Option<PairKind>,
    /// Attributes of the public key that differ from the defaults.
    #[prost(message, optional, tag = "4")]
    pub public_template: Option<Template>,
    /// Attributes of the private key that differ from the defaults.
    #[prost(message, optional, tag = "5")]
    pub private_template: Option<Template>,
    /// Crypto users that the private key is shared with.
    #[prost(string, repeated, tag = "6")]
    pub share_with: Vec<String>,
    /// Who must approve the private key's use and management.
    #[prost(message, optional, tag = "7")]
    pub quorum: Option<KeyQuorum>,
}

/// Kinds of key pairs.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum PairKind {
    /// RSA.
    #[prost(message, tag = "1")]
    Rsa(RsaParameters),
    /// An elliptic curve.
    #[prost(enumeration = "Curve", tag = "2")]
    Ec(i32),
    /// ML-DSA.
    #[prost(enumeration = "MlDsaSet", tag = "3")]
    MlDsa(i32),
}

/// What an RSA key is like.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct RsaParameters {
    /// 2048 to 4096, in steps of 256.
    #[prost(uint32, tag = "1")]
    pub modulus_bits: u32,
    /// Odd, 65537 or more; big-endian.
    #[prost(bytes = "vec", tag = "2")]
    pub public_exponent: Vec<u8>,
}

/// Takes in a public key. Crypto users.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ImportPublicKey {
    /// A DER SubjectPublicKeyInfo with an RSA or EC key.
    #[prost(bytes = "vec", tag = "1")]
    pub public_key: Vec<u8>,
    /// Attributes that differ from the defaults.
    #[prost(message, optional, tag = "2")]
    pub template: Option<Template>,
}

/// Finds keys by attributes: the session's user's own, those shared with it, and all public ones. Administrators
/// find all.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FindKeys {
    /// Attributes that all must have.
    #[prost(message, optional, tag = "1")]
    pub filter: Option<Template>,
    /// Handles after this one, in order.
    #[prost(uint64, tag = "2")]
    pub after: u64,
    /// At most so many; 1 to 4,096.
    #[prost(uint32, tag = "3")]
    pub most: u32,
}

/// Handles.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FoundKeys {
    /// In order.
    #[prost(uint64, repeated, tag = "1")]
    pub keys: Vec<u64>,
    /// How many there are in all, whatever `after` and `most`.
    #[prost(uint32, tag = "2")]
    pub total: u32,
}

/// Shows keys.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ShowKeys {
    /// Their handles; at most 256.
    #[prost(uint64, repeated, tag = "1")]
    pub keys: Vec<u64>,
}

/// Keys.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct KeyList {
    /// Those asked for that the user may see, in their order.
    #[prost(message, repeated, tag = "1")]
    pub keys: Vec<KeyDescription>,
}

/// What may be known of a key.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct KeyDescription {
    /// Its handle.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// Whose it is.
    #[prost(string, tag = "2")]
    pub owner: String,
    /// With whom it is shared.
    #[prost(string, repeated, tag = "3")]
    pub shared_with: Vec<String>,
    /// Who must approve.
    #[prost(message, optional, tag = "4")]
    pub quorum: Option<KeyQuorum>,
    /// Its attributes, in the order of [`AttributeName`].
    #[prost(message, optional, tag = "5")]
    pub attributes: Option<Template>,
    /// The public half as DER SubjectPublicKeyInfo, of public keys and of private ones whose public half is derivable.
    #[prost(bytes = "vec", tag = "6")]
    pub public_key: Vec<u8>,
    /// The key lives in this session only, on this HSM.
    #[prost(bool, tag = "7")]
    pub of_session: bool,
}

/// Both halves of a pair.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct KeyPair {
    /// The public half.
    #[prost(message, optional, tag = "1")]
    pub public: Option<KeyDescription>,
    /// The private half.
    #[prost(message, optional, tag = "2")]
    pub private: Option<KeyDescription>,
}

/// Changes an attribute. The owner; `trusted`, an administrator. Quorum service `key-management`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SetAttribute {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// The attribute's new value.
    #[prost(message, optional, tag = "2")]
    pub attribute: Option<Attribute>,
}

/// Shares a key with a crypto user. The owner; quorum service `key-management`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ShareKey {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// The user.
    #[prost(string, tag = "2")]
    pub username: String,
}

/// Ends the sharing. The owner; quorum service `key-management`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct UnshareKey {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
    /// The user.
    #[prost(string, tag = "2")]
    pub username: String,
}

/// Deletes a key. The owner.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeleteKey {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
}

/// Wraps a key under another. The payload's owner; quorum service `key-management` of both keys.
#[derive(Clone, PartialEq, Message)]
pub struct WrapKey {
    /// The key that goes out.
    #[prost(uint64, tag = "1")]
    pub payload: u64,
    /// The key that it is wrapped under.
    #[prost(uint64, tag = "2")]
    pub wrapping: u64,
    /// How.
    #[prost(message, optional, tag = "3")]
    pub mechanism: Option<super::Mechanism>,
}

/// A wrapped key.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WrappedKey {
    /// The bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub wrapped: Vec<u8>,
    /// The IV that the HSM chose, where it is not in the bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub iv: Vec<u8>,
}

/// Unwraps a key. Whoever may use the unwrapping key; its quorum service `key-management`.
#[derive(Clone, PartialEq, Message)]
pub struct UnwrapKey {
    /// The key that unwraps.
    #[prost(uint64, tag = "1")]
    pub unwrapping: u64,
    /// How.
    #[prost(message, optional, tag = "2")]
    pub mechanism: Option<super::Mechanism>,
    /// The wrapped key.
    #[prost(bytes = "vec", tag = "3")]
    pub wrapped: Vec<u8>,
    /// Secret or private.
    #[prost(enumeration = "KeyClass", tag = "4")]
    pub class: i32,
    /// What it is.
    #[prost(enumeration = "KeyType", tag = "5")]
    pub key_type: i32,
    /// Attributes that differ from the defaults.
    #[prost(message, optional, tag = "6")]
    pub template: Option<Template>,
    /// Crypto users it is shared with.
    #[prost(string, repeated, tag = "7")]
    pub share_with: Vec<String>,
    /// Who must approve.
    #[prost(message, optional, tag = "8")]
    pub quorum: Option<KeyQuorum>,
}

/// Derives a key. Whoever may use the base key.
#[derive(Clone, PartialEq, Message)]
pub struct DeriveKey {
    /// The base key.
    #[prost(uint64, tag = "1")]
    pub base: u64,
    /// How.
    #[prost(message, optional, tag = "2")]
    pub mechanism: Option<super::Mechanism>,
    /// [`KeyType::Aes`] or [`KeyType::GenericSecret`].
    #[prost(enumeration = "KeyType", tag = "3")]
    pub key_type: i32,
    /// Its length in bytes.
    #[prost(uint32, tag = "4")]
    pub length: u32,
    /// Attributes that differ from the defaults.
    #[prost(message, optional, tag = "5")]
    pub template: Option<Template>,
}

/// Exports a key, sealed for clones of the cluster. Its owner, or an administrator.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExportKey {
    /// The key.
    #[prost(uint64, tag = "1")]
    pub key: u64,
}

/// Something sealed under the key that a cluster shares with its clones.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Exported {
    /// The sealed bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub sealed: Vec<u8>,
}

/// Takes over a key that a clone exported, with its handle, owner and shares, who must exist.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ImportKey {
    /// What the clone exported.
    #[prost(bytes = "vec", tag = "1")]
    pub sealed: Vec<u8>,
}

/// Asks whether this HSM has the key, at the call's cursor or later.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ConfirmKey {
    /// The keys.
    #[prost(uint64, repeated, tag = "1")]
    pub keys: Vec<u64>,
}

/// Whether it has.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Confirmed {
    /// It has all of them.
    #[prost(bool, tag = "1")]
    pub there: bool,
}
