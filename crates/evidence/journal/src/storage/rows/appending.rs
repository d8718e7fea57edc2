//! Writing rows: each put while the fence is the writer's, and none twice.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::random;
use strongroom_store::{Db, StoreError, Value};
use tokio::sync::watch;

use super::session::{Session, failed};
use super::{NOT_TAKEN, statements};
use crate::frame::Hash;
use crate::reader::SegmentId;
use crate::segment::{HEADER_LEN, SegmentHeader};
use crate::storage::{Appender, OpenSegment};
use crate::stream::StreamId;

/// How often a row is tried again where it is not known whether it was put, and the pauses in between.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);

/// Says that somebody else has taken the chain.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "another process writes this server's journal by now: this one was taken for gone, or was started twice, from a copy \
     of its data folder. It records nothing any more, and has to be started again"
)]
pub(crate) struct Fenced;

/// Writes a chain's rows.
pub(super) struct RowAppender(Arc<Writing>);

/// What segments of one writer share.
struct Writing {
    session: Arc<Session>,
    chain: Arc<str>,
    fence: Arc<AtomicI64>,
    /// Told when somebody else has taken the chain.
    lost: watch::Sender<bool>,
    segment_bytes: u64,
    /// What the fence is being raised to, as long as it is not known whether it was; else [`NOT_TAKEN`].
    raising: AtomicI64,
}

/// A row to be put.
struct NewPiece<'b> {
    id: SegmentId,
    start: u64,
    first_record: u64,
    bytes: &'b [u8],
}

impl RowAppender {
    pub(super) fn new(
        session: Arc<Session>,
        chain: Arc<str>,
        fence: Arc<AtomicI64>,
        segment_bytes: u64,
    ) -> (Self, watch::Receiver<bool>) {
        let (lost, told) = watch::channel(false);
        let raising = AtomicI64::new(NOT_TAKEN);
        (Self(Arc::new(Writing { session, chain, fence, lost, segment_bytes, raising })), told)
    }
}

impl Appender for RowAppender {
    /// A stream is there when its first segment is.
    fn begin_stream(&mut self, _stream: StreamId) -> io::Result<()> {
        Ok(())
    }

    fn create(
        &mut self,
        header: &SegmentHeader,
        mac: &dyn Fn(&Hash) -> Hash,
    ) -> io::Result<(Box<dyn OpenSegment>, Hash)> {
        let (bytes, hash) = header.seal(mac);
        let id = SegmentId { stream: header.stream, number: header.number };
        // Made anew after an error it is the same.
        self.0.put(&NewPiece { id, start: 0, first_record: header.first_record, bytes: &bytes })?;
        let used = HEADER_LEN as u64;
        let writing = Arc::clone(&self.0);
        Ok((Box::new(RowSegment { writing, id, used, unsure: None, finished: false }), hash))
    }
}

/// The segment being written.
struct RowSegment {
    writing: Arc<Writing>,
    id: SegmentId,
    used: u64,
    /// Length and hash of the frame of which it is not known whether it was put.
    unsure: Option<(u64, Hash)>,
    finished: bool,
}

impl OpenSegment for RowSegment {
    fn number(&self) -> u32 {
        self.id.number
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn has_room(&self, length: usize) -> bool {
        !self.finished && self.used + length as u64 <= self.writing.segment_bytes
    }

    fn put(&mut self, frame: &[u8], first_record: u64) -> io::Result<()> {
        let piece = NewPiece { id: self.id, start: self.used, first_record, bytes: frame };
        let put = self.writing.put(&piece);
        let length = frame.len() as u64;
        match put {
            Ok(()) => self.used += length,
            Err(_) => self.unsure = Some((length, sha256(frame))),
        }
        put
    }

    fn settle(&mut self) -> io::Result<bool> {
        let Some((length, hash)) = self.unsure else { return Ok(false) };
        // Whatever was sent before is done by then, or never will be.
        self.writing.raise()?;
        let found = self.writing.at(self.id, self.used)?;
        self.unsure = None;
        let is_there = found.is_some_and(|bytes| sha256(&bytes) == hash);
        if is_there {
            self.used += length;
        }
        Ok(is_there)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.finished = true;
        Ok(())
    }
}

impl Writing {
    /// Puts a row, and tries again as long as it is not known whether it is there.
    fn put(&self, piece: &NewPiece<'_>) -> io::Result<()> {
        let mut tries = 0;
        loop {
            match self.try_put(piece) {
                Err(StoreError::Unavailable(_)) if tries < TRIES => {
                    tries += 1;
                    thread::sleep(PAUSE);
                }
                Err(error) => return Err(failed(error)),
                Ok(1) => return Ok(()),
                Ok(_) => return self.is_there(piece),
            }
        }
    }

    fn try_put(&self, piece: &NewPiece<'_>) -> Result<u64, StoreError> {
        let &NewPiece { id, start, first_record, bytes } = piece;
        let named = (start == 0).then(|| self.chain.to_string());
        let values = [
            id.stream.to_string().into(),
            id.number.into(),
            (start as i64).into(),
            named.into(),
            (bytes.len() as i64).into(),
            (first_record as i64).into(),
            bytes.to_vec().into(),
            self.chain.to_string().into(),
            self.fence().into(),
        ];
        self.session.ask(|db| async move { db.execute(statements::PUT, &values).await })
    }

    /// Of a row that was not put: it is there already, as it should be, or this writer may put none any more.
    fn is_there(&self, piece: &NewPiece<'_>) -> io::Result<()> {
        match self.at(piece.id, piece.start)? {
            Some(bytes) if bytes == piece.bytes => Ok(()),
            Some(_) => Err(io::Error::other("something else is where the journal's next row belongs")),
            None => Err(self.is_fenced()),
        }
    }

    fn is_fenced(&self) -> io::Error {
        self.lost.send_replace(true);
        io::Error::new(io::ErrorKind::PermissionDenied, Fenced)
    }

    /// Raises the own fence. Tried again after an error it raises it to the same number: found at that, it was this writer
    /// who raised it, since whoever takes a chain raises its fence by one, and not by as much as happens to be drawn here.
    fn raise(&self) -> io::Result<()> {
        let fence = self.fence();
        let raised = match self.raising.load(Ordering::Acquire) {
            NOT_TAKEN => {
                let drawn = u32::from_le_bytes(random::bytes().map_err(io::Error::other)?);
                fence.checked_add(2 + i64::from(drawn)).ok_or(io::ErrorKind::Other)?
            }
            raising => raising,
        };
        self.raising.store(raised, Ordering::Release);
        let chain = Value::from(self.chain.to_string());
        let values = [chain.clone(), fence.into(), raised.into()];
        let raise = |db: Db| async move { db.execute(statements::RAISE, &values).await };
        let is_raised =
            self.session.ask(raise).map_err(failed)? == 1 || self.fence_of(chain)? == Some(raised);
        self.raising.store(NOT_TAKEN, Ordering::Release);
        if !is_raised {
            return Err(self.is_fenced());
        }
        self.fence.store(raised, Ordering::Release);
        Ok(())
    }

    /// The chain's fence, as it stands in the store.
    fn fence_of(&self, chain: Value) -> io::Result<Option<i64>> {
        let rows = self.session.ask(|db| async move { db.query(statements::FENCE, &[chain]).await });
        rows.map_err(failed)?.first().map(|row| row.i64("fence")).transpose().map_err(failed)
    }

    fn at(&self, id: SegmentId, start: u64) -> io::Result<Option<Vec<u8>>> {
        let values = [id.stream.to_string().into(), id.number.into(), (start as i64).into()];
        let rows = self.session.ask(|db| async move { db.query(statements::AT, &values).await });
        let rows = rows.map_err(failed)?;
        rows.first().map(|row| row.blob("bytes")).transpose().map_err(failed)
    }

    fn fence(&self) -> i64 {
        let fence = self.fence.load(Ordering::Acquire);
        debug_assert!(fence != NOT_TAKEN, "only who has taken a chain writes it");
        fence
    }
}
