//! The kinds of entities, and how AWS speaks of them.

use strongroom_identity::{AccountId, PARTITION};

use crate::error::Refusal;

/// A kind of entity that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    User,
    Group,
    Role,
    Policy,
    Mfa,
    /// A provider of identities that speaks OpenID Connect.
    Oidc,
}

impl Kind {
    /// The first field of the resource in its ARN.
    pub(crate) fn resource_type(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Policy => "policy",
            Self::Mfa => "mfa",
            Self::Oidc => "oidc-provider",
        }
    }

    /// Its CloudFormation type, which records name.
    pub(crate) fn cloudformation(self) -> &'static str {
        match self {
            Self::User => "AWS::IAM::User",
            Self::Group => "AWS::IAM::Group",
            Self::Role => "AWS::IAM::Role",
            Self::Policy => "AWS::IAM::Policy",
            Self::Mfa => "AWS::IAM::MfaDevice",
            Self::Oidc => "AWS::IAM::OIDCProvider",
        }
    }

    /// What unique ids begin with. Devices and providers have none that callers see.
    pub(crate) fn id_prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::Role => "AROA",
            Self::Policy => "ANPA",
            Self::Mfa => "mfa-",
            Self::Oidc => "oidc-",
        }
    }

    /// The name of the quota on how many an account may have, and the quota (IAM User Guide, "IAM and STS
    /// quotas"). There is none on devices, except that each stands for a user.
    pub(crate) fn quota(self) -> (&'static str, usize) {
        match self {
            Self::User => ("UsersPerAccount", 5000),
            Self::Group => ("GroupsPerAccount", 300),
            Self::Role => ("RolesPerAccount", 1000),
            Self::Policy => ("PoliciesPerAccount", 1500),
            Self::Mfa => ("MFADevicesPerAccount", 40_000),
            Self::Oidc => ("OpenIdConnectProvidersPerAccount", 100),
        }
    }

    /// The ARN of the entity with that path and name; of no name, what lists below the path are asked for.
    pub(crate) fn arn(self, account: AccountId, path: &str, name: &str) -> String {
        format!("arn:{PARTITION}:iam::{account}:{}{path}{name}", self.resource_type())
    }

    /// The refusal of a name that nothing of the kind has.
    pub(crate) fn not_found(self, name: &str) -> Refusal {
        Refusal::no_such(match self {
            Self::User => format!("The user with name {name} cannot be found."),
            Self::Group => format!("The group with name {name} cannot be found."),
            Self::Role => format!("The role with name {name} cannot be found."),
            Self::Policy => format!("Policy {name} was not found."),
            Self::Mfa => format!("VirtualMFADevice with serial number {name} doesn't exist."),
            Self::Oidc => format!("OpenIDConnect Provider not found for arn {name}"),
        })
    }

    /// The refusal of a name that is taken.
    pub(crate) fn taken(self, name: &str) -> Refusal {
        Refusal::exists(match self {
            Self::User => format!("User with name {name} already exists."),
            Self::Group => format!("Group with name {name} already exists."),
            Self::Role => format!("Role with name {name} already exists."),
            Self::Policy => {
                format!("A policy called {name} already exists. Duplicate names are not allowed.")
            }
            Self::Mfa => "MFADevice entity at the same path and name already exists.".to_owned(),
            Self::Oidc => format!("Provider with url https://{name} already exists."),
        })
    }
}
