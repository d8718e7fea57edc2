//! Why a text is no policy.

use super::path::{Excerpt, Path};
use super::{Kind, MAX_STATEMENTS, MAX_VALUES};

/// Why a text is no policy document of its kind. The variants are those that AWS's services tell apart in
/// their error codes or texts; `at` is where in the document, for example `Statement[2].Condition.Bool`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// More bytes than a document of this kind may have.
    #[error("the policy has more than {limit} bytes")]
    TooLarge {
        /// [`Kind::max_bytes`].
        limit: usize,
    },
    /// It is not written in the policy language, or says what its kind of policy may not say.
    #[error("{at}: {fault}")]
    Malformed {
        /// Where. Text that is no JSON has a line and a column instead of a path.
        at: String,
        /// What is wrong there.
        fault: Fault,
    },
    /// Two statements have the same `Sid`. `at` is the second.
    #[error("{at}: another statement has the Sid \"{}\"", Excerpt(.sid))]
    DuplicateSid {
        /// Where.
        at: String,
        /// The `Sid`.
        sid: String,
    },
    /// Something that cannot be a principal in this kind of policy and does not look like an ARN.
    #[error("{at}: \"{}\" is no principal here", Excerpt(.principal))]
    InvalidPrincipal {
        /// Where.
        at: String,
        /// What stands there.
        principal: String,
    },
    /// An ARN in place of a principal that is malformed or is of something that never is one, such as a
    /// group.
    #[error("{at}: \"{}\" is not the ARN of a principal", Excerpt(.principal))]
    InvalidArn {
        /// Where.
        at: String,
        /// What stands there.
        principal: String,
    },
}

impl DocumentError {
    pub(super) fn malformed(at: &Path<'_>, fault: Fault) -> Self {
        Self::Malformed { at: at.to_string(), fault }
    }

    /// Refuses a principal: as an ARN where that is what it wants to be.
    pub(super) fn not_a_principal(at: &Path<'_>, text: &str) -> Self {
        let (at, principal) = (at.to_string(), text.to_owned());
        if text.starts_with("arn:") {
            return Self::InvalidArn { at, principal };
        }
        Self::InvalidPrincipal { at, principal }
    }
}

/// What is wrong at one place of a document. Strings are the caller's text, whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not JSON, or something follows it.
    #[error("this is not JSON")]
    Json,
    /// A character beyond Latin-1, or a control character.
    #[error("the character U+{:04X} is not allowed in policies", u32::from(*.0))]
    Character(char),
    /// Arrays or objects inside each other, deeper than the policy language goes.
    #[error("nested deeper than the policy language goes")]
    TooDeep,
    /// A JSON value of another type than the element has.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// In words.
        expected: &'static str,
        /// In words.
        found: &'static str,
    },
    /// A key twice in one object.
    #[error("the key \"{}\" is there twice", Excerpt(.0))]
    DuplicateKey(String),
    /// An element that the policy language does not have at this place.
    #[error("there is no element \"{}\" here", Excerpt(.0))]
    UnknownElement(String),
    /// An element that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An element that this kind of policy may not have.
    #[error("{element} is not allowed in {}", .kind.name())]
    NotAllowed {
        /// The element.
        element: &'static str,
        /// The kind.
        kind: Kind,
    },
    /// An element and its negation in one statement.
    #[error("{0} and {1} exclude each other")]
    Both(&'static str, &'static str),
    /// Neither `2012-10-17` nor `2008-10-17`.
    #[error("\"{}\" is no version: use 2012-10-17 or 2008-10-17", Excerpt(.0))]
    Version(String),
    /// Neither `Allow` nor `Deny`.
    #[error("\"{}\" is no effect: use Allow or Deny", Excerpt(.0))]
    Effect(String),
    /// An empty list of statements.
    #[error("there are no statements")]
    NoStatements,
    /// More than [`MAX_STATEMENTS`].
    #[error("there are more than {MAX_STATEMENTS} statements")]
    TooManyStatements,
    /// More than [`MAX_VALUES`].
    #[error("there are more than {MAX_VALUES} principals, actions, resources and condition values")]
    TooManyValues,
    /// A `Sid` of more than letters and digits, in a kind of policy that allows those only.
    #[error("\"{}\" is no Sid: use letters and digits", Excerpt(.0))]
    Sid(String),
    /// `NotPrincipal` in a statement that allows.
    #[error("NotPrincipal is for statements that deny")]
    NotPrincipalAllows,
    /// An action without a service's prefix.
    #[error("\"{}\" is no action: a service's prefix and a colon must precede the name", Excerpt(.0))]
    ActionWithoutPrefix(String),
    /// An action with more than one colon.
    #[error("\"{}\" is no action: it has more than one colon", Excerpt(.0))]
    ActionColons(String),
    /// An action with an empty part, a wildcard in the prefix, or a character that no action has.
    #[error("\"{}\" is no action: the form is prefix:Name, with wildcards in the name only", Excerpt(.0))]
    Action(String),
    /// An action other than those of STS in a role's trust policy.
    #[error("\"{}\" is no action of sts, and a trust policy has no others", Excerpt(.0))]
    ForeignAction(String),
    /// A resource that is neither an ARN nor `*`.
    #[error("the resource \"{}\" is neither an ARN nor *", Excerpt(.0))]
    ResourceNotArn(String),
    /// A resource in another partition.
    #[error("the resource \"{}\" is not in the partition aws", Excerpt(.0))]
    ResourcePartition(String),
    /// A resource of IAM with a Region.
    #[error("the resource \"{}\" has a Region, and IAM has none", Excerpt(.0))]
    ResourceRegion(String),
    /// A resource that lacks fields, in a kind of policy that does not complete them.
    #[error("the resource \"{}\" lacks fields of an ARN", Excerpt(.0))]
    ResourceIncomplete(String),
    /// A document of another version than 2012-10-17, or of none, where that one is due.
    #[error("the version must be 2012-10-17")]
    OldVersion,
    /// A resource whose service is missing or has wildcards.
    #[error("the resource \"{}\" does not name its service in full", Excerpt(.0))]
    ResourceService(String),
    /// A condition operator that does not exist.
    #[error("there is no condition operator \"{}\"", Excerpt(.0))]
    Operator(String),
    /// A condition key that is not of the form `prefix:name`.
    #[error("\"{}\" is no condition key: the form is prefix:name", Excerpt(.0))]
    ConditionKey(String),
}
