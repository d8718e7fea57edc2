//! Actions, ready to be compared with: what tells most of them apart stands beside them, so that nothing else has to
//! be read. Of a thousand statements a request is about a few.

use super::short_text::ShortText;
use crate::document::{ActionPattern, Scope};

/// An action of a statement.
#[derive(Clone, Debug)]
pub(super) struct Action {
    tell: Tell,
    /// What the tell is of: the action, or the service and its colon.
    told: ShortText,
    pattern: ActionPattern,
}

/// What an action must be to be worth a look.
#[derive(Clone, Copy, Debug)]
enum Tell {
    /// The one of that hash: there are no wildcards.
    Action(u64),
    /// Any of the service of that hash: `kms:*`.
    Service(u64),
    Any,
}

/// The action of a request, with its hashes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'r> {
    name: &'r str,
    action: u64,
    service: u64,
}

impl<'r> Asked<'r> {
    pub(crate) fn new(name: &'r str) -> Self {
        Self { name, action: hash(name), service: hash(service_of(name)) }
    }

    pub(crate) fn name(&self) -> &'r str {
        self.name
    }
}

impl Action {
    pub(super) fn new(pattern: &ActionPattern) -> Self {
        let text = pattern.as_str();
        let (tell, told) = match text.split_once(':') {
            Some((service, "*")) => (Tell::Service(hash(service)), text.trim_end_matches('*')),
            Some(_) if !text.contains(['*', '?']) => (Tell::Action(hash(text)), text),
            _ => (Tell::Any, ""),
        };
        Self { tell, told: told.into(), pattern: pattern.clone() }
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        self.pattern.as_str()
    }

    /// Whether it stands for the action. What a hash tells apart is another; what it does not is looked at.
    pub(super) fn matches(&self, asked: Asked<'_>) -> bool {
        let name = asked.name.as_bytes();
        match self.tell {
            Tell::Action(hash) => hash == asked.action && self.told.eq_ignore_ascii_case(name),
            Tell::Service(hash) => {
                let service = name.get(..self.told.len());
                hash == asked.service
                    && service.is_some_and(|service| self.told.eq_ignore_ascii_case(service))
            }
            Tell::Any => self.pattern.matches(asked.name),
        }
    }
}

/// The actions that a statement may be about, by service and by name: a bit for each, which others may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actions {
    services: u64,
    names: u64,
}

impl Actions {
    const ALL: Self = Self { services: u64::MAX, names: u64::MAX };
    const NONE: Self = Self { services: 0, names: 0 };

    pub(super) fn of(actions: &Scope<Action>) -> Self {
        let Scope::Only(listed) = actions else { return Self::ALL };
        let of_action = |action: &Action| Self {
            services: action.as_str().split_once(':').map_or(u64::MAX, |(service, _)| bit(hash(service))),
            names: if let Tell::Action(hash) = action.tell { bit(hash) } else { u64::MAX },
        };
        listed.iter().map(of_action).fold(Self::NONE, |all, one| Self {
            services: all.services | one.services,
            names: all.names | one.names,
        })
    }

    /// Whether the action may be among them.
    pub(super) fn may_have(self, asked: Asked<'_>) -> bool {
        self.services & bit(asked.service) != 0 && self.names & bit(asked.action) != 0
    }
}

/// The bit of a hash, by its top bits.
fn bit(hash: u64) -> u64 {
    1 << (hash >> 58)
}

fn service_of(action: &str) -> &str {
    action.split_once(':').map_or("", |(service, _)| service)
}

/// FNV-1a over the text in lower case.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}
