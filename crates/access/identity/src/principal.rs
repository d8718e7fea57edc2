//! Principals: those whom policies name.

use crate::{AccountId, PARTITION};

/// Who a request acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal {
    /// The root user of an account.
    Root(AccountId),
    /// An AWS service that works for an account, as `cloudhsm.amazonaws.com` does when it makes a network
    /// interface for an HSM. Such a principal exists in this process only: no credential proves it.
    Service {
        /// The account that it works for.
        account: AccountId,
        /// Its name, for example `cloudhsm.amazonaws.com`.
        name: &'static str,
    },
}

impl Principal {
    /// The account that the principal belongs to.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Root(account) | Self::Service { account, .. } => *account,
        }
    }

    /// Its ARN, for example `arn:aws:iam::000000000000:root`; the name of a service, which has no ARN.
    pub fn arn(&self) -> String {
        match self {
            Self::Root(account) => format!("arn:{PARTITION}:iam::{account}:root"),
            Self::Service { name, .. } => (*name).to_owned(),
        }
    }

    /// Its unique id (`aws:userid`): the account id for a root user, the name for a service.
    pub fn unique_id(&self) -> String {
        match self {
            Self::Root(account) => account.to_string(),
            Self::Service { name, .. } => (*name).to_owned(),
        }
    }

    /// The name of the AWS service that this is, if it is one.
    pub fn service(&self) -> Option<&'static str> {
        match self {
            Self::Service { name, .. } => Some(name),
            Self::Root(_) => None,
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
