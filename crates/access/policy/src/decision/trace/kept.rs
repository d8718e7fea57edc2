//! Traces as they are kept with the records of refused calls.
//!
//! One is a JSON object, `{"version":1,"trace":{..}}`: members as [`Trace`] and its parts name them, in camel case,
//! those that say nothing left out. What a later version adds, this one passes over; a change that it must not pass over
//! takes a new number. None is longer than [`KEPT_LIMIT`], however large the policies: statements that do not decide are
//! left out then, and counted.

use serde::{Deserialize, Serialize};

use super::{Outcome, PolicyTrace, StatementTrace, Trace};

/// Longest trace that is kept, in bytes.
pub const KEPT_LIMIT: usize = 12 * 1024;

/// The form written.
const VERSION: u32 = 1;

/// Longest question and conclusion, in bytes: an ARN or two and a few words are shorter.
const LONGEST_SENTENCE: usize = 2048;

/// What a policy takes besides its statements, in bytes.
const POLICY_OVERHEAD: usize = 64;

/// Why a text is no trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotATrace {
    /// It is of a version that this one does not read.
    #[error("the trace has form {0}, which a later version writes")]
    Version(u32),
    /// It is no JSON of that form.
    #[error("the trace cannot be read")]
    Form(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Written<'t> {
    version: u32,
    trace: &'t Trace,
}

/// Read first: what is behind a version that is not known is not looked at.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Read {
    trace: Trace,
}

impl Trace {
    /// The trace as it is kept.
    pub fn encode(&self) -> String {
        let text = written(self);
        if text.len() <= KEPT_LIMIT { text } else { written(&self.shortened()) }
    }

    /// Reads back what [`encode`](Self::encode) has written.
    pub fn decode(text: &str) -> Result<Self, NotATrace> {
        let Version { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(NotATrace::Version(version));
        }
        Ok(serde_json::from_str::<Read>(text)?.trace)
    }

    /// The same without as many statements as it takes to be kept: first those that are about something else, then those
    /// whose condition does not hold, the last ones first.
    fn shortened(&self) -> Self {
        let sentence = |text: &str| text[..text.floor_char_boundary(LONGEST_SENTENCE)].to_owned();
        let mut short = Self {
            question: sentence(&self.question),
            policies: Vec::new(),
            conclusion: sentence(&self.conclusion),
            ..*self
        };
        let mut room = KEPT_LIMIT.saturating_sub(written(&short).len() + POLICY_OVERHEAD);
        let mut takes = vec![Vec::new(); self.policies.len()];
        for rank in 0..=LAST_RANK {
            for (policy, taken) in self.policies.iter().zip(&mut takes) {
                for statement in policy.statements.iter().filter(|statement| self::rank(statement) == rank) {
                    let header = if taken.is_empty() { header(policy) } else { 0 };
                    let size = size(statement) + 1 + header;
                    if size <= room {
                        room -= size;
                        taken.push(statement);
                    }
                }
            }
        }
        for (policy, mut taken) in self.policies.iter().zip(takes) {
            let all: usize = policy.statements.iter().map(count).sum();
            short.left_out += all - taken.iter().map(|statement| count(statement)).sum::<usize>();
            if taken.is_empty() {
                continue;
            }
            taken.sort_by_key(|statement| statement.at);
            let statements = taken.into_iter().cloned().collect();
            short.policies.push(PolicyTrace { statements, ..policy.clone() });
        }
        short
    }
}

/// The rank of statements that are about something else.
const LAST_RANK: u8 = 2;

/// How soon a statement is taken: what applies first.
fn rank(statement: &StatementTrace) -> u8 {
    match statement.outcome {
        outcome if outcome.applies() => 0,
        Outcome::Condition | Outcome::TooMuchWork => 1,
        _ => LAST_RANK,
    }
}

/// How many statements an entry is about.
fn count(statement: &StatementTrace) -> usize {
    statement.through.map_or(1, |through| through.saturating_sub(statement.at) + 1)
}

fn header(policy: &PolicyTrace) -> usize {
    POLICY_OVERHEAD + policy.name.as_ref().map_or(0, |name| json(name).len())
}

fn size(statement: &StatementTrace) -> usize {
    json(statement).len()
}

fn written(trace: &Trace) -> String {
    json(&Written { version: VERSION, trace })
}

/// Texts and numbers are always JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
