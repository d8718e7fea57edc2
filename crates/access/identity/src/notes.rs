//! What an operation tells the record about itself.

/// A resource that a call touched, as its record lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedResource {
    /// The account that owns it.
    pub account: String,
    /// Its CloudFormation type, for example `AWS::KMS::Key`.
    pub kind: &'static str,
    /// Its ARN.
    pub arn: String,
}

/// A call's record as far as it is known before the call is done. A change to state commits together with
/// it, so that no effect outruns its record: if the call ends without one, this is what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDraft {
    /// The event's id, which the record proper has too.
    pub event_id: [u8; 16],
    /// The record, in the journal's encoding.
    pub bytes: Vec<u8>,
    /// How old what the caller's authority was taken from may have been when the call came, as the store marks it; nothing
    /// where it does not age. The change is made only if the mark still holds then.
    pub mark: Option<u64>,
}

/// A value that a note adds to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteValue {
    /// Text.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A moment, milliseconds since 1970.
    Moment(i64),
    /// Members of its own.
    Members(Vec<(String, NoteValue)>),
}

impl From<&str> for NoteValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for NoteValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for NoteValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for NoteValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// How a decision was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionNote {
    /// Its trace, in the deciding side's form: a JSON text.
    pub trace: String,
    /// Whether it allowed what was asked.
    pub is_allowed: bool,
}

/// Notes that an operation leaves for its record; what the protocol shows (parameters, answer, error) gets
/// there by itself.
#[derive(Clone, Debug, Default)]
pub struct AuditNotes {
    /// The resources, in the order in which they were touched.
    pub resources: Vec<TouchedResource>,
    /// Request parameters that the caller left to their defaults and AWS records all the same.
    pub defaults: Vec<(&'static str, NoteValue)>,
    /// Members of `responseElements` that the answer itself does not have.
    pub response: Vec<(&'static str, NoteValue)>,
    /// Members of `additionalEventData`.
    pub additional: Vec<(&'static str, NoteValue)>,
    /// Decisions, in the order in which they were made; not all of a call that took many.
    pub decisions: Vec<DecisionNote>,
    /// What the last refusal says of itself, encoded; see [`RequestContext::refused_with`](crate::RequestContext::refused_with).
    pub authorization_message: Option<String>,
}
