//! Condition keys: what a request says about itself, looked up where a condition asks for it.

use std::borrow::Cow;
use std::net::IpAddr;

/// What is known of a request, by condition key.
///
/// A key is looked up only where a statement that is otherwise about the request has a condition on it, or a
/// policy variable of that name, so an implementation may work for its answers.
pub trait ContextKeys {
    /// The values of a key, whose name comes in lower case (`aws:sourceip`, `aws:requesttag/team`); the names
    /// of keys, tags in them included, count in either case. `None` if the request has no such key.
    fn values(&self, key: &str) -> Option<Values<'_>>;

    /// Whether it states every key there is, also those that follow from who asks and for what. A simulation does: who
    /// simulates says what is so.
    fn states_everything(&self) -> bool {
        false
    }
}

/// A request that says nothing.
impl ContextKeys for () {
    fn values(&self, _key: &str) -> Option<Values<'_>> {
        None
    }
}

/// The values of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values<'v> {
    /// A single-valued key.
    One(Value<'v>),
    /// A multivalued key, such as `aws:TagKeys`. Without values it is as if it were not there.
    Many(Vec<Value<'v>>),
}

/// A value of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'v> {
    /// Text, also that of an ARN.
    Text(Cow<'v, str>),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Truth(bool),
    /// Milliseconds since 1970.
    Moment(i64),
    /// An address of either version of IP.
    Address(IpAddr),
    /// Bytes, which policies write in base64.
    Bytes(Cow<'v, [u8]>),
}

impl<'v> Values<'v> {
    /// One text.
    pub fn text(text: impl Into<Cow<'v, str>>) -> Self {
        Self::One(Value::Text(text.into()))
    }

    /// Several texts, or none.
    pub fn texts<T: Into<Cow<'v, str>>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::Many(texts.into_iter().map(|text| Value::Text(text.into())).collect())
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Value<'v>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl From<bool> for Values<'_> {
    fn from(truth: bool) -> Self {
        Self::One(Value::Truth(truth))
    }
}

impl From<i64> for Values<'_> {
    fn from(number: i64) -> Self {
        Self::One(Value::Number(number))
    }
}
