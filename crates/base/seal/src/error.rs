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
    #[error("{} has no slot of the kind {wanted}, but: {kinds}", path.display())]
    UnsupportedSlots {
        /// The slots file.
        path: PathBuf,
        /// The kind that was asked for.
        wanted: String,
        /// The kinds that it has, separated by commas.
        kinds: String,
    },
    /// Somebody has written the slots file who had none of its root keys, or has put an older one in its place.
    #[error(
        "{} was altered, or is not of this seal: its signature is nobody's who had its root key. Put back the copy of the \
         seal's folder, and find out who writes there",
        path.display()
    )]
    AlteredSlots {
        /// The slots file.
        path: PathBuf,
    },
    /// A slots file of an older root key stands in the place of the newer one that this process has read or written.
    #[error(
        "{} has the root key of epoch {found}, and had that of epoch {known} before: somebody has put an older file in its \
         place. Put back the newest",
        path.display()
    )]
    OlderSlots {
        /// The slots file.
        path: PathBuf,
        /// The epoch of its newest root key.
        found: u32,
        /// The epoch of the newest root key that is known.
        known: u32,
    },
    /// The slots file would grow beyond what is read.
    #[error(
        "{} has no room for another root key: {kept} keys are left in it of older ones, for what still opens with them. They \
         go as records leave the journal and backups of clusters are deleted; rotate again then",
        path.display()
    )]
    NoRoom {
        /// The slots file.
        path: PathBuf,
        /// How many such keys it has.
        kept: usize,
    },
    /// The slot's key, or the root key, is intact but belongs to something else.
    #[error("this is not the seal that the data was made under")]
    WrongSeal,
    /// The passphrase is another than any slot was made for.
    #[error("the passphrase opens no slot of {}", path.display())]
    WrongPassphrase {
        /// The slots file.
        path: PathBuf,
    },
    /// A passphrase is too easily guessed to make a slot for it.
    #[error("a passphrase has at least {} characters", crate::SHORTEST_PASSPHRASE)]
    WeakPassphrase,
    /// A value names an epoch whose keys are not there: the value is of a newer root key that this server has not
    /// learnt yet, or of one that is gone.
    #[error("the seal has no key of epoch {epoch}")]
    UnknownEpoch {
        /// The epoch's number.
        epoch: u32,
    },
    /// There would be more of something than a seal holds.
    #[error("a seal has at most {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// No slot has that id.
    #[error("the seal has no slot {id}; `strongroom seal slots list` shows those that there are")]
    NoSuchSlot {
        /// The id.
        id: String,
    },
    /// The last slot is never removed: nothing would open any more.
    #[error("this is the seal's only slot, and without it nothing opens any more; add another one first")]
    LastSlot,
    /// A slot of a file of format 1 whose key is not there cannot get a new root key.
    #[error(
        "slot {id} of the kind {kind} is of an early version, and cannot get a new root key without its own key; remove it: \
         strongroom seal slots remove {id}"
    )]
    SlotStaysBehind {
        /// The slot's kind.
        kind: String,
        /// Its id.
        id: String,
    },
    /// The root is kept in no directory, so that it has no slots.
    #[error("this seal is kept in memory alone and has no slots")]
    KeptNowhere,
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
