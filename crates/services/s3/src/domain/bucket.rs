//! Buckets.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_identity::{AccountId, Region};
use strongroom_policy::Policy;
use strongroom_policy::document::Document;

use super::acl::{Acl, Canned};
use super::encryption::DefaultEncryption;
use super::policy::BucketPolicy;
use super::tags::Tags;

/// A bucket. Its name is that of no other, in whatever account or Region.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) created_ms: i64,
    /// Counts the changes of the settings.
    pub(crate) version: i64,
    pub(crate) settings: Settings,
    /// Its policy, ready to be asked.
    pub(crate) policy: Option<Arc<Compiled>>,
}

/// A policy as it is asked.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) policy: Policy,
    /// Whether it lets everybody in, as S3 means it.
    pub(crate) is_public: bool,
}

/// What the owner has set. The store keeps it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) versioning: Versioning,
    pub(crate) encryption: DefaultEncryption,
    /// Without it, objects belong to whoever writes them, and lists count.
    pub(crate) ownership: Option<Ownership>,
    pub(crate) public_access: Option<PublicAccess>,
    pub(crate) tags: Tags,
    pub(crate) acl: Acl,
    pub(crate) policy: Option<BucketPolicy>,
}

/// Whether versions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Versioning {
    /// It never was enabled: keys have one version, `null`.
    Off,
    Enabled,
    /// Versions stay, and what is written is `null`.
    Suspended,
}

/// To whom objects belong (`ObjectOwnership`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Ownership {
    /// To the bucket's owner; there are no lists.
    BucketOwnerEnforced,
    /// To the bucket's owner, if the writer gives him full control.
    BucketOwnerPreferred,
    /// To the writer.
    ObjectWriter,
}

/// What keeps a bucket from being public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublicAccess {
    /// No list that is public is taken.
    pub(crate) block_acls: bool,
    /// Lists that are public count for nothing, which none does here.
    pub(crate) ignore_acls: bool,
    /// No policy that is public is taken.
    pub(crate) block_policy: bool,
    /// A public policy lets in nobody of other accounts.
    pub(crate) restrict: bool,
}

impl PublicAccess {
    /// Everything is kept from being public.
    pub(crate) const ALL: Self =
        Self { block_acls: true, ignore_acls: true, block_policy: true, restrict: true };
}

impl Ownership {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "BucketOwnerEnforced" => Self::BucketOwnerEnforced,
            "BucketOwnerPreferred" => Self::BucketOwnerPreferred,
            "ObjectWriter" => Self::ObjectWriter,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }
}

impl Settings {
    /// Those of a new bucket (Amazon S3 User Guide, "Default settings for new buckets").
    pub(crate) fn new(owner: AccountId, ownership: Ownership, acl: Canned) -> Self {
        Self {
            versioning: Versioning::Off,
            encryption: DefaultEncryption::default(),
            ownership: Some(ownership),
            public_access: Some(PublicAccess::ALL),
            tags: Tags::new(),
            acl: acl.list(owner, owner),
            policy: None,
        }
    }

    /// Whether there are no lists.
    pub(crate) fn has_no_acls(&self) -> bool {
        self.ownership == Some(Ownership::BucketOwnerEnforced)
    }

    /// What is kept from being public.
    pub(crate) fn blocked(&self) -> PublicAccess {
        self.public_access.unwrap_or_default()
    }
}

impl Bucket {
    /// The bucket of these settings.
    pub(crate) fn new(
        name: String,
        account: AccountId,
        region: Region,
        created_ms: i64,
        version: i64,
        settings: Settings,
    ) -> Self {
        let policy = settings.policy.as_ref().map(|policy| Arc::new(policy.compile()));
        Self { name, account, region, created_ms, version, settings, policy }
    }

    /// Whether its policy lets nobody of another account in, since it is public and that is not wanted.
    pub(crate) fn is_restricted(&self) -> bool {
        self.settings.blocked().restrict && self.policy.as_ref().is_some_and(|policy| policy.is_public)
    }

    /// Who owns an object that `writer` writes under that canned list.
    pub(crate) fn owner_of_new(&self, writer: AccountId, acl: Canned) -> AccountId {
        match self.settings.ownership {
            Some(Ownership::BucketOwnerEnforced) => self.account,
            Some(Ownership::BucketOwnerPreferred) if acl == Canned::BucketOwnerFullControl => self.account,
            _ => writer,
        }
    }
}

impl Compiled {
    /// A document, made ready.
    pub(crate) fn new(name: &str, document: &Document) -> Self {
        Self { policy: Policy::new(name, document), is_public: super::policy::is_public(document) }
    }

    /// What stands in for a policy that cannot be read: nobody knows whom it kept out.
    pub(crate) fn barring(name: &str) -> Self {
        Self { policy: Policy::barring(name), is_public: false }
    }
}
