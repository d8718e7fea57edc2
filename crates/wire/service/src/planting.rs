//! What services answer when the operator's seed is planted: a resource is brought to what the seed says of it,
//! without a caller.

use std::error::Error;
use std::fmt;

/// What planting a resource came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    /// It was not there, and is now.
    pub made: bool,
    /// Members of the seed that its state did not agree with, and now does. Empty for a resource that was made.
    pub changed: Vec<&'static str>,
}

impl Planted {
    /// Whether everything was as the seed says.
    pub fn is_as_it_was(&self) -> bool {
        !self.made && self.changed.is_empty()
    }

    /// Brings a part of the resource to what the seed says of it, and notes the member if that changed something.
    pub fn set<T: PartialEq>(&mut self, member: &'static str, part: &mut T, wanted: T) {
        if *part != wanted {
            *part = wanted;
            self.note(member);
        }
    }

    /// Notes that a member has changed something.
    pub fn note(&mut self, member: &'static str) {
        if !self.made && !self.changed.contains(&member) {
            self.changed.push(member);
        }
    }
}

/// Why a resource was not planted. Nothing has happened to it.
#[derive(Debug)]
pub enum NotPlanted {
    /// The service refuses what the seed says.
    Refused {
        /// The member of the resource that it is about, for example `Groups[0]`; empty for the resource itself.
        member: String,
        /// Why, in the service's words.
        why: String,
    },
    /// It could not be done.
    Failed(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for NotPlanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { member, why } if member.is_empty() => f.write_str(why),
            Self::Refused { member, why } => write!(f, "{member}: {why}"),
            Self::Failed(_) => f.write_str("it could not be planted"),
        }
    }
}

impl Error for NotPlanted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused { .. } => None,
            Self::Failed(source) => Some(&**source),
        }
    }
}
