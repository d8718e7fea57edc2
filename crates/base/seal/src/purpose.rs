//! What keys are derived for.

/// Names the purposes once: the variants, the labels that enter the derivation, and the list of all.
macro_rules! purposes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $label:literal,)+) => {
        /// What a subkey is for. Keys of different purposes tell nothing about each other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Purpose {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Purpose {
            /// All purposes.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name that enters the derivation, and that stands in `root.slots` for a key that is kept. It
            /// never changes, or nothing opens any more.
            pub(crate) const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

purposes! {
    /// MACs on the database rows that grant authority.
    RowMac = "strongroom/row-mac",
    /// Secrets of identities: secret access keys, MFA seeds, passwords.
    Secrets = "strongroom/secrets",
    /// Session tokens that STS gives out.
    SessionTokens = "strongroom/session-tokens",
    /// The journal's evolving MAC key.
    JournalMac = "strongroom/journal-mac",
    /// Keys of the journal's streams that are noted beside what was read of them.
    JournalPlaces = "strongroom/journal-places",
    /// What signs the journal's checkpoints.
    JournalCheckpoints = "strongroom/journal-checkpoints",
    /// MACs on the files of the journal's index.
    HistoryIndex = "strongroom/history-index",
    /// The service's half of backup keys.
    BackupServiceHalf = "strongroom/backup-service-half",
    /// The keys of built-in partitions.
    Partition = "strongroom/partition",
    /// Passwords with which KMS logs in to the clusters of custom key stores.
    KeyStoreCredentials = "strongroom/key-store-credentials",
    /// Tokens that say which grant is meant.
    GrantTokens = "strongroom/grant-tokens",
    /// Tokens with which owners of keys bring material.
    ImportTokens = "strongroom/import-tokens",
    /// Files that `strongroom backup` writes.
    Backup = "strongroom/backup",
    /// The keys that sign the digests of trails.
    TrailDigests = "strongroom/trail-digests",
    /// The keys of files in which objects of S3 are.
    Objects = "strongroom/objects",
    /// The keys that sign notifications, and messages that wait to be delivered.
    Notifications = "strongroom/notifications",
    /// The keys that log events are sealed under.
    Logs = "strongroom/logs",
}

impl Purpose {
    /// The purpose of that label.
    pub(crate) fn labelled(label: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|purpose| purpose.label() == label)
    }
}

/// Which generation of the root key. A rotation counts it up; what is sealed names the one it was sealed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch that a seal begins with.
    pub const FIRST: Self = Self(1);

    /// The epoch of that number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The epoch's number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The epoch after this one; `None` after four thousand million.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}
