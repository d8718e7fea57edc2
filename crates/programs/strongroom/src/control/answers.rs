//! What comes back: lines of JSON, until the last of them.

use std::borrow::Cow;
use std::fmt::Write as _;

use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom_secret::{SecretBuffer, SecretBytes, SecretString};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Answers that wait for whoever asked.
const WAITING: usize = 4;

/// One line.
#[derive(Debug)]
pub(crate) enum Answer {
    /// How far it is, for people.
    Progress(String),
    /// A piece of what was asked for, in base 64.
    Piece(String),
    /// It is done; what came out, as JSON. The last line.
    Done(SecretString),
    /// It is not done, and why. The last line.
    Refused(String),
}

/// Where a handler tells how far it is. Whoever asked may be slow, and is waited for.
pub(crate) struct Answers(Sender<Answer>);

impl Answers {
    /// Both ends.
    pub(super) fn new() -> (Self, Receiver<Answer>) {
        let (sender, receiver) = channel(WAITING);
        (Self(sender), receiver)
    }

    /// Tells something. Fails if nobody listens any more.
    pub(crate) async fn send(&self, answer: Answer) -> Result<()> {
        self.0.send(answer).await.map_err(|_| anyhow!("whoever asked for this has gone"))
    }
}

/// A line as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line<'l> {
    Progress(String),
    Piece(String),
    Done(#[serde(borrow)] &'l RawValue),
    Refused(String),
}

impl Answer {
    /// The line, with its end.
    pub(super) fn encode(&self) -> SecretBytes {
        let text = |text: &str| Cow::Owned(serde_json::Value::from(text).to_string());
        let (name, json) = match self {
            Self::Progress(told) => ("progress", text(told)),
            Self::Piece(piece) => ("piece", text(piece)),
            Self::Done(json) => ("done", Cow::Borrowed(json.expose().as_str())),
            Self::Refused(why) => ("refused", text(why)),
        };
        let mut line = SecretBuffer::default();
        // Writing to memory cannot fail.
        let _ = writeln!(line, "{{\"{name}\":{json}}}");
        line.into_secret()
    }

    /// Reads a line.
    pub(super) fn decode(line: &[u8]) -> Result<Self> {
        let Ok(line) = serde_json::from_slice(line) else {
            bail!("the server answered what this version does not know")
        };
        Ok(match line {
            Line::Progress(told) => Self::Progress(told),
            Line::Piece(piece) => Self::Piece(piece),
            Line::Done(json) => Self::Done(SecretString::new(json.get().to_owned())),
            Line::Refused(why) => Self::Refused(why),
        })
    }
}
