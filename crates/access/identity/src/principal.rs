//! Principals: those whom policies name.

use crate::{AccountId, PARTITION};

/// Who a request acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal {
    /// The root user of an account.
    Root(AccountId),
}

impl Principal {
    /// The account that the principal belongs to.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Root(account) => *account,
        }
    }

    /// Its ARN, for example `arn:aws:iam::000000000000:root`.
    pub fn arn(&self) -> String {
        match self {
            Self::Root(account) => format!("arn:{PARTITION}:iam::{account}:root"),
        }
    }

    /// Its unique id (`aws:userid`): the account id for a root user.
    pub fn unique_id(&self) -> String {
        match self {
            Self::Root(account) => account.to_string(),
        }
    }
}

/// A principal and the credential by which it proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The access key id of the request's signature.
    pub access_key_id: String,
}
