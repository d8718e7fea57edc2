//! Why the HSM refuses.

use strongroom_crypto::CryptoError;

use crate::{LONGEST_CONTEXT, LONGEST_KEY_ID, LONGEST_PLAINTEXT};

/// Why a key or a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HsmError {
    /// The ciphertext is none of ours, was changed, or was made under another key or encryption context. It
    /// does not say which, on purpose.
    #[error("the ciphertext does not open")]
    InvalidCiphertext,
    /// The token is not the one that the current state names: an old one, or another key's.
    #[error("the key token is not the current one")]
    TokenNotCurrent,
    /// The token is damaged, or of another partition, incarnation or epoch.
    #[error("the key token does not open in this partition")]
    InvalidToken,
    /// The token was written by a later version.
    #[error("the key token has format {0}, which this version does not know")]
    UnsupportedToken(u8),
    /// The key has attributes that this version does not know, and so must not ignore.
    #[error("the key has attributes that this version does not know")]
    UnsupportedAttributes,
    /// The key's attributes do not permit the operation.
    #[error("the key's attributes do not permit this operation")]
    NotPermitted,
    /// The key is not of the type that does this.
    #[error("keys of this type do not do this")]
    NotForThisKey,
    /// What was given as a key's material is none of that type. It does not say why, on purpose.
    #[error("this is no key material of that type")]
    InvalidMaterial,
    /// A message or a digest is longer or shorter than the algorithm takes it.
    #[error("the message has a length that the algorithm does not take")]
    InvalidMessage,
    /// The public key of whom a secret is agreed on with is no point on the key's curve.
    #[error("the other public key is not on the key's curve")]
    InvalidPeer,
    /// A partition key of the wrong length.
    #[error("a partition key has 32 bytes")]
    InvalidPartitionKey,
    /// A key id that cannot stand in a ciphertext.
    #[error("a key id has 1 to {LONGEST_KEY_ID} characters of a-z, 0-9 and -")]
    InvalidKeyId,
    /// The plaintext is longer than [`LONGEST_PLAINTEXT`].
    #[error("a plaintext has at most {LONGEST_PLAINTEXT} bytes")]
    PlaintextTooLong,
    /// The encryption context is longer than [`LONGEST_CONTEXT`].
    #[error("the keys and values of an encryption context have at most {LONGEST_CONTEXT} bytes together")]
    ContextTooLong,
    /// A key comes twice in an encryption context.
    #[error("an encryption context has each key once")]
    ContextRepeatsKey,
    /// An entry of the log, or a snapshot, has a format or a kind of effect that this version does not know. It
    /// must not be skipped: the HSM halts.
    #[error("the state holds a change of a kind that this version does not know")]
    UnknownEffect,
    /// An entry of the log, a snapshot or a file of this HSM is damaged.
    #[error("the state does not decode")]
    InvalidState,
    /// No partition key has been given for the epoch of a key token, or none at all.
    #[error("the partition key of this epoch is not here")]
    NoPartitionKey,
    /// The HSM has no partition yet.
    #[error("the HSM has no partition yet")]
    NotFounded,
    /// The cryptographic module failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
