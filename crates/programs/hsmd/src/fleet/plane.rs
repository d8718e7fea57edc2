//! The control plane as the HSM's other parts see it: there or away.

use std::sync::Arc;
use std::time::Duration;

use strongroom_hsm_proto::fleet::{
    Append, AskAdmission, Audit, BlobKind, Compact, Entries, Failed, FailedCode, GetPiece, Leaving, MAX_BLOB,
    MAX_ENTRY, MAX_PIECE, PlaneAnswer, PlaneCall, PutPiece, Read, Report,
};
use tokio::sync::watch;

use super::{Link, LinkError};

/// How long most answers may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is waited for when the HSM goes.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a member may take to let an HSM in: it may have to catch up first.
const ADMISSION: Duration = Duration::from_mins(1);

/// The control plane. Clones are the same.
#[derive(Clone)]
pub(crate) struct Plane(Arc<watch::Sender<Option<Arc<Link>>>>);

/// Why the control plane did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlaneError {
    /// It was not reached, or did not answer.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It refused.
    #[error("the control plane refused: {}", .0.text)]
    Refused(Failed),
    /// It answered something else.
    #[error("the control plane answered something else")]
    Nonsense,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It is in the log.
    Appended,
    /// Another has the place.
    Occupied,
}

impl Plane {
    /// A control plane that is away.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// There is a connection, or none any more.
    pub(crate) fn set(&self, link: Option<Arc<Link>>) {
        self.0.send_replace(link);
    }

    /// Ends a connection on which nothing is answered; another one is made.
    pub(crate) fn give_up(&self) {
        if let Some(link) = &*self.0.borrow() {
            link.give_up();
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until there is a connection.
    pub(crate) async fn there(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }

    async fn call(&self, call: PlaneCall, patience: Duration) -> Result<PlaneAnswer, PlaneError> {
        let link = self.0.borrow().clone().ok_or(LinkError::Away)?;
        match link.call(call, patience).await? {
            PlaneAnswer::Failed(failed) => Err(PlaneError::Refused(failed)),
            answer => Ok(answer),
        }
    }

    async fn tell(&self, call: PlaneCall) -> Result<(), PlaneError> {
        match self.call(call, PATIENCE).await? {
            PlaneAnswer::Done(_) => Ok(()),
            _ => Err(PlaneError::Nonsense),
        }
    }

    /// The HSM goes.
    pub(crate) async fn leaving(&self, reason: &str) -> Result<(), PlaneError> {
        let leaving = PlaneCall::Leaving(Leaving { reason: reason.to_owned() });
        match self.call(leaving, FAREWELL).await? {
            PlaneAnswer::Done(_) => Ok(()),
            _ => Err(PlaneError::Nonsense),
        }
    }

    pub(crate) async fn append(&self, sequence: u64, entry: Vec<u8>) -> Result<Placed, PlaneError> {
        if entry.len() > MAX_ENTRY {
            return Err(LinkError::TooLong.into());
        }
        match self.call(PlaneCall::Append(Append { sequence, entry }), PATIENCE).await? {
            PlaneAnswer::Appended(appended) if appended.sequence == sequence => Ok(Placed::Appended),
            PlaneAnswer::Occupied(_) => Ok(Placed::Occupied),
            _ => Err(PlaneError::Nonsense),
        }
    }

    /// Reads entries from a place on. They are in order, without gaps.
    pub(crate) async fn read(&self, from: u64) -> Result<Entries, PlaneError> {
        let read = Read { from, max_bytes: MAX_ENTRY as u32 };
        match self.call(PlaneCall::Read(read), PATIENCE).await? {
            PlaneAnswer::Entries(entries)
                if entries.entries.iter().zip(from..).all(|(entry, place)| entry.sequence == place) =>
            {
                Ok(entries)
            }
            _ => Err(PlaneError::Nonsense),
        }
    }

    pub(crate) async fn compact(&self, before: u64, snapshot: u64) -> Result<(), PlaneError> {
        self.tell(PlaneCall::Compact(Compact { before, snapshot })).await
    }

    pub(crate) async fn report(&self, report: Report) -> Result<(), PlaneError> {
        self.tell(PlaneCall::Report(report)).await
    }

    /// Asks to be let in, and gives the grant.
    pub(crate) async fn ask_admission(&self, ask: AskAdmission) -> Result<Vec<u8>, PlaneError> {
        match self.call(PlaneCall::AskAdmission(ask), ADMISSION).await? {
            PlaneAnswer::Admitted(admitted) => Ok(admitted.grant),
            _ => Err(PlaneError::Nonsense),
        }
    }

    /// Hands over audit records; gives the first sequence number that is not stored yet.
    pub(crate) async fn audit(&self, audit: Audit) -> Result<u64, PlaneError> {
        match self.call(PlaneCall::Audit(audit), PATIENCE).await? {
            PlaneAnswer::AuditStored(stored) => Ok(stored.next),
            _ => Err(PlaneError::Nonsense),
        }
    }

    /// Stores a blob, in pieces.
    pub(crate) async fn put(&self, kind: BlobKind, name: &str, bytes: &[u8]) -> Result<(), PlaneError> {
        let mut pieces = bytes.chunks(MAX_PIECE).peekable();
        let mut offset = 0;
        while let Some(piece) = pieces.next() {
            let call = PutPiece {
                kind: kind.into(),
                name: name.to_owned(),
                offset,
                bytes: piece.to_vec(),
                last: pieces.peek().is_none(),
            };
            self.tell(PlaneCall::PutPiece(call)).await?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Fetches a blob.
    pub(crate) async fn get(&self, kind: BlobKind, name: &str) -> Result<Vec<u8>, PlaneError> {
        let mut bytes = Vec::new();
        loop {
            let call = GetPiece {
                kind: kind.into(),
                name: name.to_owned(),
                offset: bytes.len() as u64,
                max_bytes: MAX_PIECE as u32,
            };
            let PlaneAnswer::Piece(piece) = self.call(PlaneCall::GetPiece(call), PATIENCE).await? else {
                return Err(PlaneError::Nonsense);
            };
            // What one answer holds is bounded by its frame, and all of it by this.
            if piece.total > MAX_BLOB || bytes.len() as u64 + piece.bytes.len() as u64 > piece.total {
                return Err(PlaneError::Nonsense);
            }
            bytes.extend_from_slice(&piece.bytes);
            if bytes.len() as u64 == piece.total {
                return Ok(bytes);
            }
            if piece.bytes.is_empty() {
                return Err(PlaneError::Nonsense);
            }
        }
    }
}

impl PlaneError {
    /// Whether the HSM is no member any more.
    pub(crate) fn is_expulsion(&self) -> bool {
        matches!(self, Self::Refused(failed) if failed.code() == FailedCode::Expelled)
    }
}
