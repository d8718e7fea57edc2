//! Which services a user, group, role or policy may use, and when somebody last did (IAM User Guide, "Refine
//! permissions using last accessed information").
//!
//! Only permissions policies count, as at AWS: no boundaries, no policies of resources or of sessions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use strongroom_policy::document::{Document, Effect, Kind as DocumentKind, Scope, Statement};

use super::directory::{Directory, Entry};
use super::simulation::source::of_entity;
use super::simulation::subject::EntityArn;
use crate::uses::RegionalUse;

/// The services that Strongroom has, by what their actions begin with, with AWS's names.
const SERVICES: &[(&str, &str)] = &[
    ("cloudhsm", "AWS CloudHSM"),
    ("cloudtrail", "AWS CloudTrail"),
    ("cloudwatch", "Amazon CloudWatch"),
    ("ec2", "Amazon EC2"),
    ("iam", "AWS Identity and Access Management"),
    ("kms", "AWS Key Management Service"),
    ("logs", "Amazon CloudWatch Logs"),
    ("s3", "Amazon S3"),
    ("sns", "Amazon SNS"),
    ("sts", "AWS Security Token Service"),
];

/// The host by which CloudWatch's events name it, which its actions do not begin with.
const CLOUDWATCH: (&str, &str) = ("monitoring", "cloudwatch");

/// The service whose event it is, as actions begin: `kms` of `kms.amazonaws.com`.
pub(crate) fn namespace_of(event_source: &str) -> &str {
    let host = event_source.split('.').next().unwrap_or_default();
    if host == CLOUDWATCH.0 { CLOUDWATCH.1 } else { host }
}

/// AWS's name of a service.
pub(crate) fn name_of(namespace: &str) -> Option<&'static str> {
    SERVICES.iter().find(|(known, _)| *known == namespace).map(|(_, name)| *name)
}

/// What a report says of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceAccess {
    pub(crate) namespace: String,
    /// `None` if nobody used it, as far as the journal has been read.
    pub(crate) last: Option<Access>,
}

/// The last use of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// The ARN of the user or role.
    pub(crate) entity: String,
    pub(crate) region: String,
    pub(crate) used_ms: i64,
    /// How many users and roles have used it.
    pub(crate) entities: usize,
}

/// What a report is about.
pub(crate) struct Subject<'d> {
    texts: Vec<&'d str>,
    users_and_roles: Vec<&'d Entry>,
}

impl<'d> Subject<'d> {
    /// A user or a role; a group, which stands for its members.
    pub(crate) fn entity(directory: &'d Directory, arn: &EntityArn<'_>) -> Option<Self> {
        let entry = arn.find(directory)?;
        let texts = of_entity(directory, entry).into_iter().filter_map(|attached| attached.text).collect();
        let is_member = |other: &&Entry| match (&**entry, other) {
            (Entry::Group(group), Entry::User(user)) => user.groups.contains(&group.id),
            (own, other) => own.id() == other.id(),
        };
        let users_and_roles = users_and_roles(directory).filter(is_member).collect();
        Some(Self { texts, users_and_roles })
    }

    /// A managed policy, which stands for all users and roles that have it.
    pub(crate) fn policy(directory: &'d Directory, arn: &str) -> Option<Self> {
        let text = directory.managed_text(arn)?;
        let has = |entry: &&Entry| match entry {
            Entry::User(user) => {
                user.permissions.attached.contains(arn)
                    || directory.groups_of(user).any(|group| group.permissions.attached.contains(arn))
            }
            Entry::Role(role) => role.permissions.attached.contains(arn),
            _ => false,
        };
        Some(Self { texts: vec![text], users_and_roles: users_and_roles(directory).filter(has).collect() })
    }

    /// The services that it may use, in the order of their names in actions.
    pub(crate) fn report(
        &self,
        directory: &Directory,
        uses: &HashMap<(String, String), RegionalUse>,
    ) -> Vec<ServiceAccess> {
        // A policy that does not read allows nothing.
        let documents: Vec<_> =
            self.texts.iter().filter_map(|text| Document::parse(text, DocumentKind::Identity).ok()).collect();
        let allowed = SERVICES.iter().map(|(namespace, _)| *namespace).filter(|namespace| {
            let mut statements = documents.iter().flat_map(|document| &document.statements);
            statements.any(|statement| allows(statement, namespace))
        });
        allowed.map(|namespace| self.access(directory, uses, namespace)).collect()
    }

    fn access(
        &self,
        directory: &Directory,
        uses: &HashMap<(String, String), RegionalUse>,
        namespace: &str,
    ) -> ServiceAccess {
        let used = self.users_and_roles.iter().filter_map(|entry| {
            let found = uses.get(&(entry.id().to_owned(), namespace.to_owned()))?;
            Some((*entry, found))
        });
        let used: Vec<_> = used.collect();
        let last = used.iter().max_by_key(|(_, found)| found.used_ms).map(|(entry, found)| Access {
            entity: entry.arn(directory.account),
            region: found.region.clone(),
            used_ms: found.used_ms,
            entities: used.len(),
        });
        ServiceAccess { namespace: namespace.to_owned(), last }
    }
}

fn users_and_roles(directory: &Directory) -> impl Iterator<Item = &Entry> {
    let entries = directory.entries().map(|entry| &**entry);
    entries.filter(|entry| matches!(entry, Entry::User(_) | Entry::Role(_)))
}

/// Whether a statement allows something of the service.
fn allows(statement: &Statement, namespace: &str) -> bool {
    let prefix = |action: &str| action.split(':').next().unwrap_or_default().eq_ignore_ascii_case(namespace);
    let is_whole = |action: &str| action == "*" || prefix(action) && action.ends_with(":*");
    statement.effect == Effect::Allow
        && match &statement.actions {
            Scope::Only(listed) => {
                listed.iter().any(|action| action.as_str() == "*" || prefix(action.as_str()))
            }
            // An empty list has no effect.
            Scope::Except(listed) => {
                !listed.is_empty() && !listed.iter().any(|action| is_whole(action.as_str()))
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_allowed_if_one_of_its_actions_is() {
        let table = [
            (r#""Effect":"Allow","Action":"*""#, true),
            (r#""Effect":"Allow","Action":["s3:*","KMS:Decrypt"]"#, true),
            (r#""Effect":"Allow","Action":"kms-x:*""#, false),
            (r#""Effect":"Deny","Action":"kms:*""#, false),
            (r#""Effect":"Allow","NotAction":"iam:*""#, true),
            (r#""Effect":"Allow","NotAction":["kms:Decrypt"]"#, true),
            (r#""Effect":"Allow","NotAction":["kms:*","iam:*"]"#, false),
        ];
        for (statement, allowed) in table {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":{{{statement},"Resource":"*"}}}}"#);
            let document = Document::parse(&text, DocumentKind::Identity).unwrap();
            assert_eq!(allows(&document.statements[0], "kms"), allowed, "{statement}");
        }
    }

    #[test]
    fn services_are_sorted_and_events_name_them() {
        assert!(SERVICES.is_sorted());
        assert_eq!(namespace_of("monitoring.amazonaws.com"), "cloudwatch");
        assert_eq!(name_of(namespace_of("kms.amazonaws.com")), Some("AWS Key Management Service"));
    }
}
