//! Principals: those whom policies name.

use crate::{AccountId, PARTITION, Vouched, WebIdentity};

/// Who a request acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The root user of an account.
    Root(AccountId),
    /// A user, with an access key of its own or with credentials of GetSessionToken.
    User(Entity),
    /// A session of a role.
    RoleSession {
        /// The role.
        role: Entity,
        /// The session's name.
        session: String,
    },
    /// A session of GetFederationToken.
    FederatedUser {
        /// The account.
        account: AccountId,
        /// The name that was given to it.
        name: String,
        /// The user who asked for it; `None` if that was the account's root user.
        issuer: Option<Entity>,
    },
    /// An AWS service that works for an account, as `cloudhsm.amazonaws.com` does when it makes a network
    /// interface for an HSM. Such a principal exists in this process only: no credential proves it.
    Service {
        /// The account that it works for.
        account: AccountId,
        /// Its name, for example `cloudhsm.amazonaws.com`.
        name: &'static str,
    },
    /// Somebody without credentials of ours, who asks for a role on an identity provider's word. He has no policies of
    /// his own, and nothing but a role's trust policy lets him do anything.
    WebIdentity(WebIdentity),
}

/// What somebody is called of whom nothing is known.
const NOBODY: &str = "anonymous";

/// A user or role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// The account.
    pub account: AccountId,
    /// The path, `/` at both ends.
    pub path: String,
    /// The name.
    pub name: String,
    /// The unique id, for example `AIDACKCEVSQ6C2EXAMPLE`.
    pub id: String,
}

impl Entity {
    /// The ARN as that of a user.
    pub fn user_arn(&self) -> String {
        let Self { account, path, name, .. } = self;
        format!("arn:{PARTITION}:iam::{account}:user{path}{name}")
    }

    /// The ARN as that of a role.
    pub fn role_arn(&self) -> String {
        let Self { account, path, name, .. } = self;
        format!("arn:{PARTITION}:iam::{account}:role{path}{name}")
    }
}

impl Principal {
    /// The account that the principal belongs to; of somebody whom an identity provider knows, that of the role.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Root(account) | Self::FederatedUser { account, .. } | Self::Service { account, .. } => {
                *account
            }
            Self::User(user) => user.account,
            Self::RoleSession { role, .. } => role.account,
            Self::WebIdentity(web) => web.account(),
        }
    }

    /// Its ARN, for example `arn:aws:iam::000000000000:root`; the name of a service, which has no ARN; the ARN of who
    /// vouches for a web identity. That of a session does not have the role's path (IAM User Guide, "IAM
    /// identifiers").
    pub fn arn(&self) -> String {
        match self {
            Self::Root(account) => format!("arn:{PARTITION}:iam::{account}:root"),
            Self::User(user) => user.user_arn(),
            Self::RoleSession { role, session } => {
                format!("arn:{PARTITION}:sts::{}:assumed-role/{}/{session}", role.account, role.name)
            }
            Self::FederatedUser { account, name, .. } => {
                format!("arn:{PARTITION}:sts::{account}:federated-user/{name}")
            }
            Self::Service { name, .. } => (*name).to_owned(),
            Self::WebIdentity(web) => web.vouched().map_or(NOBODY, |vouched| &vouched.provider).to_owned(),
        }
    }

    /// Its unique id (`aws:userid`): the account id for a root user, the name for a service.
    pub fn unique_id(&self) -> String {
        match self {
            Self::Root(account) => account.to_string(),
            Self::User(user) => user.id.clone(),
            Self::RoleSession { role, session } => format!("{}:{session}", role.id),
            Self::FederatedUser { account, name, .. } => format!("{account}:{name}"),
            Self::Service { name, .. } => (*name).to_owned(),
            Self::WebIdentity(web) => web.vouched().map_or_else(|| NOBODY.to_owned(), Vouched::unique_id),
        }
    }

    /// The name of the AWS service that this is, if it is one.
    pub fn service(&self) -> Option<&'static str> {
        match self {
            Self::Service { name, .. } => Some(name),
            Self::Root(_)
            | Self::User(_)
            | Self::RoleSession { .. }
            | Self::FederatedUser { .. }
            | Self::WebIdentity(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(path: &str, name: &str, id: &str) -> Entity {
        let account = "111122223333".parse().unwrap();
        Entity { account, path: path.into(), name: name.into(), id: id.into() }
    }

    /// The samples of "IAM identifiers" and of the table of principal values under "Variables and tags" (IAM User
    /// Guide).
    #[test]
    fn arns_and_ids_are_those_of_the_user_guide() {
        let account = "111122223333".parse().unwrap();
        let user = Principal::User(entity("/division_abc/", "Jorge", "AIDADBQP57FF2AEXAMPLE"));
        assert_eq!(user.arn(), "arn:aws:iam::111122223333:user/division_abc/Jorge");
        assert_eq!(user.unique_id(), "AIDADBQP57FF2AEXAMPLE");
        let role = entity("/path/", "Accounting-Role", "AROADBQP57FF2AEXAMPLE");
        let session = Principal::RoleSession { role, session: "Jane".into() };
        assert_eq!(session.arn(), "arn:aws:sts::111122223333:assumed-role/Accounting-Role/Jane");
        assert_eq!(session.unique_id(), "AROADBQP57FF2AEXAMPLE:Jane");
        let federated = Principal::FederatedUser { account, name: "Paulo".into(), issuer: None };
        assert_eq!(federated.arn(), "arn:aws:sts::111122223333:federated-user/Paulo");
        assert_eq!(federated.unique_id(), "111122223333:Paulo");
    }
}
