//! What keys are derived for.

/// What a subkey is for. Keys of different purposes tell nothing about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// MACs on the database rows that grant authority.
    RowMac,
    /// Secrets of identities: secret access keys, MFA seeds, passwords.
    Secrets,
    /// Session tokens that STS gives out.
    SessionTokens,
    /// The journal's evolving MAC key.
    JournalMac,
    /// The service's half of backup keys.
    BackupServiceHalf,
    /// The keys of built-in partitions.
    Partition,
    /// Passwords with which KMS logs in to the clusters of custom key stores.
    KeyStoreCredentials,
    /// Tokens that say which grant is meant.
    GrantTokens,
}

impl Purpose {
    /// The label that enters the derivation. It never changes, or nothing opens any more.
    pub(crate) fn label(self) -> &'static [u8] {
        match self {
            Self::RowMac => b"strongroom/row-mac",
            Self::Secrets => b"strongroom/secrets",
            Self::SessionTokens => b"strongroom/session-tokens",
            Self::JournalMac => b"strongroom/journal-mac",
            Self::BackupServiceHalf => b"strongroom/backup-service-half",
            Self::Partition => b"strongroom/partition",
            Self::KeyStoreCredentials => b"strongroom/key-store-credentials",
            Self::GrantTokens => b"strongroom/grant-tokens",
        }
    }
}

/// Which generation of a purpose's subkey. Rotation counts it up; older ones stay derivable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch under which new values are sealed.
    pub const CURRENT: Self = Self(1);

    /// The epoch of that number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The epoch's number.
    pub const fn number(self) -> u32 {
        self.0
    }
}
