//! Why a backup cannot be written or read.

use std::io;

use strongroom_crypto::CryptoError;
use strongroom_store::StoreError;

/// Why a backup cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file does not begin as a backup does.
    #[error("this is no backup: it does not begin as one")]
    NotABackup,
    /// The backup was written by a later version.
    #[error("the backup has format {0}, which this version does not know; use the version that wrote it")]
    UnsupportedFormat(u16),
    /// The first piece does not open: the key is another's, or the head or that piece was altered or cut off. Which of
    /// these it is does not show.
    #[error(
        "the backup does not open: it was made under another seal, or its first 64 KiB are damaged or cut off"
    )]
    NotOpened,
    /// A piece in the middle does not open.
    #[error("the backup is damaged in the 64 KiB that begin at byte {offset}")]
    Damaged {
        /// Where in the file the piece begins.
        offset: u64,
    },
    /// The file ends before the backup does.
    #[error("the backup is cut off: it ends at byte {length}, and its end is missing or damaged")]
    CutOff {
        /// How much there is of it, in bytes.
        length: u64,
    },
    /// Something follows the last piece.
    #[error("something follows the end of the backup, at byte {offset}")]
    BehindEnd {
        /// Where in the file the backup ends.
        offset: u64,
    },
    /// What is in it is not what a backup holds. It was sealed like this: a bug, or a later version.
    #[error("the backup opens and cannot be read: {0}")]
    Content(String),
    /// One thing to be kept is larger than a backup takes.
    #[error("{what} has {bytes} bytes, more than the {limit} that one entry of a backup takes")]
    TooLarge {
        /// What.
        what: String,
        /// Its size, in bytes.
        bytes: usize,
        /// The most, in bytes.
        limit: usize,
    },
    /// The store cannot be read or written.
    #[error("the store cannot be read or written")]
    Store(#[from] StoreError),
    /// The cryptographic module failed.
    #[error("the cryptographic module failed")]
    Crypto(#[from] CryptoError),
    /// The operating system refused.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl BackupError {
    /// The error of something that the operating system refused.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn content(what: impl Into<String>) -> Self {
        Self::Content(what.into())
    }
}
