//! Policy documents: the JSON policy language, read into types.
//!
//! [`Document::parse`] refuses whatever AWS refuses without looking anything up, and says what it is and
//! where. What it returns is normalised: a single value is a list of one, an element and its negation are one
//! [`Scope`], operators are taken apart. What it means is for [`Policy`](crate::Policy) to say.
//!
//! ```
//! use strongroom_policy::document::{Document, Effect, Kind};
//!
//! let text = r#"{"Version": "2012-10-17", "Statement": {
//!     "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}}"#;
//! let document = Document::parse(text, Kind::Key)?;
//! assert_eq!(document.statements[0].effect, Effect::Allow);
//! assert!(document.statements[0].actions.listed()[0].matches("kms:Decrypt"));
//! # Ok::<(), strongroom_policy::document::DocumentError>(())
//! ```

mod action;
mod condition;
mod context_keys;
mod error;
mod json;
mod kind;
mod path;
mod places;
mod principal;
mod principal_arn;
mod renaming;
mod resource;
mod statement;
mod texts;

use std::collections::HashSet;

pub use action::ActionPattern;
pub use condition::{Condition, Operator, Quantifier};
pub use context_keys::ContextKeyNames;
pub use error::{DocumentError, Fault};
use json::Json;
pub use kind::Kind;
use path::Path;
pub use places::{Extent, Place, statement_extents};
pub use principal::NamedPrincipal;
pub use principal_arn::{PrincipalArn, PrincipalArnKind};
pub use renaming::with_principals;
pub use resource::ArnPattern;
use statement::element;
pub use statement::{Effect, Scope, Statement};

/// The most statements of a document. AWS has no such number; a key policy, the largest there is, has room
/// for fewer.
pub const MAX_STATEMENTS: usize = 1000;

/// The most principals, actions, resources and condition values of a document, all counted together. AWS has
/// no such number; a key policy, the largest there is, has room for fewer.
pub const MAX_VALUES: usize = 20_000;

const ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// What it was read as.
    pub kind: Kind,
    /// The version of the policy language.
    pub version: Version,
    /// Its name, which means nothing.
    pub id: Option<String>,
    /// At least one.
    pub statements: Vec<Statement>,
}

/// A version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `2008-10-17`, also that of documents that do not say. It has no policy variables.
    V2008,
    /// `2012-10-17`.
    V2012,
}

impl Document {
    /// Reads a document of a kind. The work grows with the length of the text, and no faster.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, DocumentError> {
        let limit = kind.max_bytes();
        if text.len() > limit {
            return Err(DocumentError::TooLarge { limit });
        }
        let at = Path::DOCUMENT;
        if let Some(character) = text.chars().find(|&character| !is_policy_character(character)) {
            return Err(DocumentError::malformed(&at, Fault::Character(character)));
        }
        let json = Json::parse(text)?;
        let members = json.members(&at)?;
        if let Some((name, _)) = members.iter().find(|(name, _)| !ELEMENTS.contains(&name.as_str())) {
            return Err(DocumentError::malformed(&at, Fault::UnknownElement(name.clone())));
        }
        let version = element(members, "Version")
            .map_or(Ok(Version::V2008), |json| Version::parse(json, &at.key("Version")))?;
        if kind.wants_new_version() && version != Version::V2012 {
            return Err(DocumentError::malformed(&at, Fault::OldVersion));
        }
        let id = element(members, "Id").map(|json| id(json, &at, kind)).transpose()?;
        let statements = element(members, "Statement")
            .ok_or_else(|| DocumentError::malformed(&at, Fault::Missing("Statement")))
            .and_then(|json| statements(json, &at.key("Statement"), kind))?;
        Ok(Self { kind, version, id, statements })
    }
}

impl Version {
    fn parse(json: &Json, at: &Path<'_>) -> Result<Self, DocumentError> {
        match json.text(at)? {
            "2008-10-17" => Ok(Self::V2008),
            "2012-10-17" => Ok(Self::V2012),
            other => Err(DocumentError::malformed(at, Fault::Version(other.to_owned()))),
        }
    }
}

/// What is left of [`MAX_VALUES`].
struct Budget(usize);

impl Budget {
    fn spend(&mut self, values: usize, at: &Path<'_>) -> Result<(), DocumentError> {
        self.0 =
            self.0.checked_sub(values).ok_or_else(|| DocumentError::malformed(at, Fault::TooManyValues))?;
        Ok(())
    }
}

/// Printable ASCII, Latin-1 from U+0080 on, tab and line ends, as the APIs that take policies state.
fn is_policy_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{FF}')
}

fn id(json: &Json, document: &Path<'_>, kind: Kind) -> Result<String, DocumentError> {
    if !kind.may_have_id() {
        return Err(DocumentError::malformed(document, Fault::NotAllowed { element: "Id", kind }));
    }
    json.text(&document.key("Id")).map(str::to_owned)
}

/// Reads the `Statement` element: one, or an array of at least one.
fn statements(json: &Json, at: &Path<'_>, kind: Kind) -> Result<Vec<Statement>, DocumentError> {
    match json.count() {
        0 => return Err(DocumentError::malformed(at, Fault::NoStatements)),
        1..=MAX_STATEMENTS => {}
        _ => return Err(DocumentError::malformed(at, Fault::TooManyStatements)),
    }
    let mut budget = Budget(MAX_VALUES);
    let mut sids = HashSet::new();
    json.each(at, |json, at| {
        let statement = Statement::parse(json, at, kind, &mut budget)?;
        match &statement.sid {
            Some(sid) if !sids.insert(sid.clone()) => {
                Err(DocumentError::DuplicateSid { at: at.key("Sid").to_string(), sid: sid.clone() })
            }
            _ => Ok(statement),
        }
    })
}
