//! Why parameters could not be read.

use strongroom_schema::ReadError;

/// What is wrong with the parameters, as far as EC2's errors tell more than one code apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The message as a whole has no proper form.
    Form(ReadError),
    /// No member takes the parameter of that name.
    Unknown(String),
    /// A required parameter is not there.
    Missing(String),
    /// A parameter's value is not of its member's kind.
    Value {
        /// The parameter.
        name: String,
        /// Its value.
        value: String,
        /// Why.
        error: ReadError,
    },
}

impl Fault {
    /// The error as the query protocol tells it, which has one code for all of them.
    pub(crate) fn into_error(self) -> ReadError {
        match self {
            Self::Form(error) | Self::Value { error, .. } => error,
            Self::Unknown(_) | Self::Missing(_) => ReadError::new(crate::text::NO_VALUE),
        }
    }
}
