//! Access control lists (Amazon S3 User Guide, "Access control list (ACL) overview"). They are kept and shown. They let
//! nobody in: whoever is let in is let in by policies.

use serde::{Deserialize, Serialize};
use strongroom_identity::AccountId;

use super::name::canonical_id;

/// The most grants of a list.
pub(crate) const MOST_GRANTS: usize = 100;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// Who is given something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Grantee {
    /// An account, by its canonical user id.
    Account(String),
    /// A predefined group, by its URI.
    Group(String),
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AclGrant {
    pub(crate) grantee: Grantee,
    /// `FULL_CONTROL`, `READ`, `WRITE`, `READ_ACP` or `WRITE_ACP`.
    pub(crate) permission: String,
}

/// A list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Acl(pub(crate) Vec<AclGrant>);

/// The lists that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canned {
    Private,
    PublicRead,
    PublicReadWrite,
    AuthenticatedRead,
    LogDeliveryWrite,
    BucketOwnerRead,
    BucketOwnerFullControl,
}

impl Canned {
    /// The list of that name (header `x-amz-acl`).
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "private" => Self::Private,
            "public-read" => Self::PublicRead,
            "public-read-write" => Self::PublicReadWrite,
            "authenticated-read" => Self::AuthenticatedRead,
            "log-delivery-write" => Self::LogDeliveryWrite,
            "bucket-owner-read" => Self::BucketOwnerRead,
            "bucket-owner-full-control" => Self::BucketOwnerFullControl,
            _ => return None,
        })
    }

    /// What it stands for, of something that `owner` owns in a bucket of `bucket_owner`.
    pub(crate) fn list(self, owner: AccountId, bucket_owner: AccountId) -> Acl {
        let group = |uri: &str, permission: &str| AclGrant {
            grantee: Grantee::Group(uri.to_owned()),
            permission: permission.to_owned(),
        };
        let account = |id: AccountId, permission: &str| AclGrant {
            grantee: Grantee::Account(canonical_id(id)),
            permission: permission.to_owned(),
        };
        let mut grants = vec![account(owner, "FULL_CONTROL")];
        match self {
            Self::PublicRead => grants.push(group(ALL_USERS, "READ")),
            Self::PublicReadWrite => {
                grants.extend([group(ALL_USERS, "READ"), group(ALL_USERS, "WRITE")]);
            }
            Self::AuthenticatedRead => grants.push(group(AUTHENTICATED_USERS, "READ")),
            Self::LogDeliveryWrite => {
                grants.extend([group(LOG_DELIVERY, "WRITE"), group(LOG_DELIVERY, "READ_ACP")]);
            }
            Self::BucketOwnerRead if owner != bucket_owner => grants.push(account(bucket_owner, "READ")),
            Self::BucketOwnerFullControl if owner != bucket_owner => {
                grants.push(account(bucket_owner, "FULL_CONTROL"));
            }
            Self::Private | Self::BucketOwnerRead | Self::BucketOwnerFullControl => {}
        }
        Acl(grants)
    }
}

impl Acl {
    /// The list that everything has from the start.
    pub(crate) fn private(owner: AccountId) -> Self {
        Canned::Private.list(owner, owner)
    }

    /// Whether it speaks of everybody, or of everybody who signs.
    pub(crate) fn is_public(&self) -> bool {
        let is_public = |uri: &str| uri == ALL_USERS || uri == AUTHENTICATED_USERS;
        self.0.iter().any(|grant| matches!(&grant.grantee, Grantee::Group(uri) if is_public(uri)))
    }

    /// Whether all that it says is that `owner` has full control: as buckets take it that have no lists.
    pub(crate) fn is_owners_alone(&self, owner: AccountId) -> bool {
        *self == Self::private(owner)
    }
}

/// Whether such a group is predefined.
pub(crate) fn is_group(uri: &str) -> bool {
    [ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY].contains(&uri)
}

/// Whether something can be given so.
pub(crate) fn is_permission(permission: &str) -> bool {
    ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"].contains(&permission)
}
