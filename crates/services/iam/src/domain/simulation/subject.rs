//! Whom a simulation is about: a user, group or role, by its ARN.

use std::sync::Arc;

use strongroom_identity::AccountId;
use strongroom_policy::{Entity, Subject};

use super::facts::Facts;
use crate::domain::directory::{Directory, Entry};
use crate::domain::kind::Kind;
use crate::error::Refusal;

/// The `aws:userid` of a simulated caller that is not named, as AWS has it.
const NOBODY: &str = "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR";

/// The session of a role that a simulation is about: any.
const SESSION: &str = "simulation";

/// The ARN of a user, group or role. Whether there is such an entity is another question.
pub(crate) struct EntityArn<'a> {
    text: &'a str,
    pub(crate) account: AccountId,
    pub(crate) kind: Kind,
    pub(crate) name: &'a str,
}

impl<'a> EntityArn<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("arn:aws:iam::")?;
        let (account, resource) = rest.split_once(':')?;
        let (family, path_and_name) = resource.split_once('/')?;
        let kind =
            [Kind::User, Kind::Group, Kind::Role].into_iter().find(|kind| kind.resource_type() == family)?;
        let name = path_and_name.rsplit('/').next().filter(|name| !name.is_empty())?;
        Some(Self { text, account: account.parse().ok()?, kind, name })
    }

    /// The ARN in a parameter that must be one.
    pub(crate) fn expect(text: &'a str) -> Result<Self, Refusal> {
        Self::parse(text).ok_or_else(|| {
            Refusal::invalid_input(format!(
                "Invalid Entity Arn: {text} does not clearly define entity type and name."
            ))
        })
    }

    /// The entity, if the directory has it.
    pub(crate) fn find<'d>(&self, directory: &'d Directory) -> Option<&'d Arc<Entry>> {
        let found = directory.find(self.kind, self.name).filter(|_| self.account == directory.account)?;
        (found.arn(directory.account) == self.text).then_some(found)
    }

    /// The simulated caller of that ARN, and what it says of itself.
    pub(crate) fn subject(&self, directory: &Directory, facts: &mut Facts) -> Subject {
        let entry = self.find(directory);
        let id = entry.map(|entry| entry.id()).unwrap_or_default();
        let tags = entry.and_then(|entry| entry.tags());
        for (key, value) in tags.iter().flat_map(|tags| tags.iter()) {
            facts.presume(&format!("aws:PrincipalTag/{key}"), value);
        }
        facts.presume("aws:PrincipalAccount", self.account.to_string());
        facts.presume("aws:PrincipalIsAWSService", "false");
        facts.presume("aws:ViaAWSService", "false");
        let entity = Entity::new(self.text, id);
        match self.kind {
            Kind::User => {
                facts.presume("aws:PrincipalArn", self.text);
                facts.presume("aws:PrincipalType", "User");
                facts.presume("aws:username", self.name);
                facts.presume("aws:userid", if id.is_empty() { self.text } else { id });
                Subject::user(self.account, entity)
            }
            Kind::Role => {
                facts.presume("aws:PrincipalArn", self.text);
                facts.presume("aws:PrincipalType", "AssumedRole");
                let session = format!("{id}:{SESSION}");
                facts.presume("aws:userid", if id.is_empty() { self.text.to_owned() } else { session });
                Subject::role_session(self.account, entity, SESSION)
            }
            // A group never calls: it is somebody of its account.
            _ => Subject::somebody(self.account),
        }
    }
}

/// A simulated caller that is not named.
pub(crate) fn somebody(account: AccountId, facts: &mut Facts) -> Subject {
    facts.presume("aws:PrincipalAccount", account.to_string());
    facts.presume("aws:PrincipalIsAWSService", "false");
    facts.presume("aws:ViaAWSService", "false");
    facts.presume("aws:userid", NOBODY);
    Subject::somebody(account)
}
