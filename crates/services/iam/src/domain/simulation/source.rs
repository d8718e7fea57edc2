//! The policies of a simulation: those that entities have, and those that a request brings.

use std::sync::Arc;

use strongroom_policy::Policy;
use strongroom_policy::document::{
    ContextKeyNames, Document, DocumentError, Extent, Kind as DocumentKind, Statement, Version,
    statement_extents,
};

use crate::domain::directory::{Directory, Entry};
use crate::domain::kind::Kind;
use crate::domain::permissions::Permissions;

/// A policy, ready to be simulated.
pub(crate) struct Source {
    /// How answers name it.
    pub(crate) id: String,
    pub(crate) policy: Arc<Policy>,
    /// Where its statements stand, and what they need.
    pub(crate) extents: Vec<Extent>,
    pub(crate) needs: Vec<Needs>,
    /// Bytes of its text.
    pub(crate) weight: usize,
}

/// The condition keys that a statement needs to be decided on.
pub(crate) struct Needs {
    /// Those of variables in its resources.
    pub(crate) of_resources: Vec<String>,
    /// All of them.
    pub(crate) of_all: Vec<String>,
}

impl Source {
    pub(crate) fn parse(id: &str, text: &str, kind: DocumentKind) -> Result<Self, DocumentError> {
        let document = Document::parse(text, kind)?;
        let needs = document.statements.iter().map(|statement| Needs::of(statement, document.version));
        Ok(Self {
            id: id.to_owned(),
            policy: Arc::new(Policy::new(id, &document)),
            extents: statement_extents(text),
            needs: needs.collect(),
            weight: text.len(),
        })
    }
}

impl Needs {
    fn of(statement: &Statement, version: Version) -> Self {
        let named = |statement: &Statement| {
            let mut names = ContextKeyNames::default();
            names.add_statement(statement, version);
            names.into_vec()
        };
        let mut unconditional = statement.clone();
        unconditional.conditions.clear();
        Self { of_resources: named(&unconditional), of_all: named(statement) }
    }
}

/// A policy that a user, group or role has.
pub(crate) struct Attached<'d> {
    pub(crate) origin: Origin<'d>,
    /// `None` if it is attached and not there.
    pub(crate) text: Option<&'d str>,
}

/// Where a policy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin<'d> {
    /// An inline policy of that name, of the entity of that kind and name.
    Inline(Kind, &'d str, &'d str),
    /// A managed policy, by its ARN.
    Managed(&'d str),
    /// The managed policy that bounds the entity.
    Boundary(&'d str),
}

impl Origin<'_> {
    /// How answers name it, as AWS's do.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Inline(kind, entity, policy) => format!("{}_{entity}_{policy}", kind.resource_type()),
            Self::Managed(arn) | Self::Boundary(arn) => arn.rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }
}

/// The policies of an entity: its own, and of a user those of its groups.
pub(crate) fn of_entity<'d>(directory: &'d Directory, entry: &'d Entry) -> Vec<Attached<'d>> {
    let mut found = Vec::new();
    match entry {
        Entry::User(user) => {
            add(&mut found, directory, Kind::User, &user.name, &user.permissions);
            for group in directory.groups_of(user) {
                add(&mut found, directory, Kind::Group, &group.name, &group.permissions);
            }
        }
        Entry::Group(group) => add(&mut found, directory, Kind::Group, &group.name, &group.permissions),
        Entry::Role(role) => add(&mut found, directory, Kind::Role, &role.name, &role.permissions),
        _ => {}
    }
    found
}

/// The boundary of an entity.
pub(crate) fn boundary_of<'d>(directory: &'d Directory, entry: &'d Entry) -> Option<Attached<'d>> {
    let arn = entry.boundary()?;
    Some(Attached { origin: Origin::Boundary(arn), text: directory.managed_text(arn) })
}

fn add<'d>(
    found: &mut Vec<Attached<'d>>,
    directory: &'d Directory,
    kind: Kind,
    name: &'d str,
    permissions: &'d Permissions,
) {
    for (policy, text) in &permissions.inline {
        found.push(Attached { origin: Origin::Inline(kind, name, policy), text: Some(text) });
    }
    for arn in &permissions.attached {
        // What a user has by itself and by groups counts once.
        if !found.iter().any(|known| known.origin == Origin::Managed(arn)) {
            found.push(Attached { origin: Origin::Managed(arn), text: directory.managed_text(arn) });
        }
    }
}
