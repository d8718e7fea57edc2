//! Why a seal does not open.

use std::io;
use std::path::PathBuf;

use strongroom_crypto::CryptoError;

/// Why a root of trust or a sealed value does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A file that must be there is not.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The missing file.
        path: PathBuf,
    },
    /// A root of trust is there already; it is never written over.
    #[error("{} exists already", path.display())]
    AlreadyExists {
        /// The file that is in the way.
        path: PathBuf,
    },
    /// Others than the owner may read the file, or change the directory.
    #[error("{0} has mode {mode:03o}, which lets others in. Run: chmod {wanted:03o} {0}", path.display())]
    Permissions {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits that it should have.
        wanted: u32,
    },
    /// A file is damaged.
    #[error("{} is damaged: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file or a sealed value was written by a later version.
    #[error("{what} has format {format}, which this version does not know")]
    UnsupportedFormat {
        /// The path of the file, or `a sealed value`.
        what: String,
        /// The format that it names.
        format: u32,
    },
    /// The root key is wrapped in slots of other kinds only.
    #[error("{} has no slot that this version can open, but: {kinds}", path.display())]
    UnsupportedSlots {
        /// The slots file.
        path: PathBuf,
        /// The kinds that it has, separated by commas.
        kinds: String,
    },
    /// The slot's key, or the root key, is intact but belongs to something else.
    #[error("this is not the seal that the data was made under")]
    WrongSeal,
    /// The operating system refused.
    #[error("{} cannot be used", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A sealed value is not of this seal, was changed, or was sealed with other associated data; or the
    /// cryptographic module failed.
    #[error("a value cannot be sealed or opened")]
    Crypto(#[from] CryptoError),
}
