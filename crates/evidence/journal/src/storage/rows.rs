//! The journals of all servers on a store, in its tables.
//!
//! A segment is the same bytes as in a file, in pieces: its header, then a row for each frame, and once it takes no more
//! frames larger ones, packed. Offsets, hashes and links are those of a file; what proves a journal does not depend on
//! where it lies. Nothing is torn here: a row is there or not.
//!
//! Each server writes a chain of streams under its name. Who takes a chain raises its **fence**; a row is only put while
//! the fence is the writer's, and who raises it waits for rows that are being put. So a server that was replaced, or
//! paused for too long, cannot add to what another has taken for whole.

mod appending;
mod checkpoints;
mod content;
mod exporting;
mod moving;
mod session;
mod statements;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use strongroom_store::{Db, Row, Statement, StoreError, Value};
use zstd::bulk::Compressor;

use super::{Chain, ChainEnd, Storage, Taken, Taking};
use crate::checkpoint::CheckpointStore;
use crate::reader::{SegmentFile, SegmentId};
use crate::segment::{HEADER_LEN, SEGMENT_LIMIT, SegmentContent, Segments};
use crate::stream::{StreamId, Streams};
use crate::walk::{Skim, Walk};
use appending::RowAppender;
use checkpoints::CheckpointRows;
pub(crate) use content::RowContent;
pub use exporting::export_from_store;
pub use moving::{MovedIn, move_into_store};
use session::{Session, failed};
pub use statements::{MIGRATIONS, STATEMENTS, STATEMENTS_OF_POSTGRES};

/// Connections for whoever reads.
const READERS: u32 = 4;
/// How long a question of theirs may take.
const READING: Duration = Duration::from_secs(30);
/// How long putting a row may take before it counts as unknown whether it is there.
const WRITING: Duration = Duration::from_secs(5);
/// Most chains of a store, streams of a chain and segments of a stream that are listed.
const MOST: u32 = 1_000_000;
/// How much of a segment one packed piece holds, unless a frame is longer.
const PIECE: usize = 64 << 10;
/// zstd's own default, as in files.
const LEVEL: i32 = 3;

/// The journals in a store, or one chain of them. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Rows {
    db: Db,
    session: Arc<Session>,
    chain: Option<Arc<str>>,
    /// The fence, if this process has taken the chain.
    fence: Arc<AtomicI64>,
}

/// A fence that nobody has raised.
const NOT_TAKEN: i64 = 0;

impl Rows {
    /// The journals in `db`, whose tables are there.
    pub(crate) fn open(db: &Db) -> io::Result<Self> {
        let session = Session::start(db, READERS, READING)?;
        let fence = Arc::new(AtomicI64::new(NOT_TAKEN));
        Ok(Self { db: db.clone(), session, chain: None, fence })
    }

    /// One chain of them.
    pub(crate) fn of(&self, chain: &str) -> Self {
        Self { chain: Some(chain.into()), fence: Arc::new(AtomicI64::new(NOT_TAKEN)), ..self.clone() }
    }

    /// Keeps whoever writes the chain that has a stream from writing any more, unless he has begun another stream since, and
    /// tells which chain that is; none if no chain here has the stream.
    pub(crate) fn close_off(&self, stream: StreamId) -> io::Result<Option<(Chain, bool)>> {
        let stream = stream.to_string();
        let rows = self.query(statements::CHAIN_OF, vec![stream.as_str().into()])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let name = row.text("chain").map_err(failed)?;
        let values = [Value::from(name.as_str()), stream.into()];
        let closed = self.session.ask(|db| async move { db.execute(statements::CLOSE_OFF, &values).await });
        let is_closed = closed.map_err(failed)? == 1;
        Ok(Some((Chain { name: name.as_str().into(), storage: Arc::new(self.of(&name)) }, is_closed)))
    }

    /// All chains of which anything is left.
    pub(crate) fn all_chains(&self) -> io::Result<Vec<Chain>> {
        self.chains_by(statements::ALL_CHAINS)
    }

    fn chains_by(&self, statement: Statement) -> io::Result<Vec<Chain>> {
        let rows = self.query(statement, vec![MOST.into()])?;
        let chain = |row: &Row| {
            let name = row.text("chain")?;
            Ok(Chain { name: name.as_str().into(), storage: Arc::new(self.of(&name)) })
        };
        rows.iter().map(chain).collect::<Result<_, StoreError>>().map_err(failed)
    }

    fn query(&self, statement: Statement, values: Vec<Value>) -> io::Result<Vec<Row>> {
        let answer = self.session.ask(|db| async move { db.query(statement, &values).await });
        answer.map_err(failed)
    }

    /// Packs what a segment holds that takes no more frames, here or elsewhere, and returns the sizes before and after.
    fn pack(&self, id: SegmentId, content: &SegmentContent) -> io::Result<(u64, u64)> {
        let pieces = packed(content)?;
        let length = pieces.iter().map(|piece| piece.length).sum();
        let size = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
        self.replace(id, pieces)?;
        Ok((length, size))
    }

    /// Puts pieces in place of all that there are of a segment.
    fn replace(&self, id: SegmentId, pieces: Vec<Piece>) -> io::Result<()> {
        let chain = self.chain.as_deref().map(str::to_owned);
        let named = [Value::from(id.stream.to_string()), Value::from(id.number)];
        let replaced = self.session.ask(|db| async move {
            db.transaction(|tx| {
                let (named, pieces, chain) = (&named, &pieces, &chain);
                Box::pin(async move {
                    tx.execute(statements::REMOVE_PIECES, named).await?;
                    for piece in pieces {
                        tx.execute(statements::PUT_PIECE, &piece.values(named, chain.as_deref())).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
        });
        replaced.map_err(failed)
    }
}

/// What a segment holds, in pieces of some whole frames each. Whatever is no frame is packed as it is.
fn packed(content: &SegmentContent) -> io::Result<Vec<Piece>> {
    let length = content.length()?;
    if length > SEGMENT_LIMIT {
        return Err(too_long());
    }
    let mut starts = vec![(0, None)];
    let mut walk = Walk::new(content, None)?;
    let mut end = (HEADER_LEN as u64).min(length);
    while let Skim::Frame { offset, header } = walk.skim()? {
        let start = starts.last().map_or(0, |(start, _)| *start);
        let next = offset + u64::from(header.length);
        if (next - start) as usize > PIECE && offset > start {
            starts.push((offset, Some(header.first_record)));
        }
        end = next;
    }
    if end < length {
        // What is damaged from there on stays one piece.
        starts.push((end, None));
    }
    let mut pieces = Vec::with_capacity(starts.len());
    let mut compressor = Compressor::new(LEVEL)?;
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([length]);
    for (&(start, first_record), end) in starts.iter().zip(ends) {
        let mut bytes = vec![0; (end - start) as usize];
        content.read_exact_at(&mut bytes, start)?;
        let bytes = compressor.compress(&bytes)?;
        pieces.push(Piece { start, length: end - start, first_record, packing: 1, bytes });
    }
    Ok(pieces)
}

/// Says that a row claims a place where no segment reaches: it stays as it is, for `audit verify` to tell.
fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a segment has a row beyond the longest that there can be")
}

/// The segment that a row names; none if it names none.
fn listed(row: &Row) -> Result<Option<SegmentId>, StoreError> {
    let (stream, number) = (row.text("stream")?.parse(), u32::try_from(row.i64("segment")?));
    Ok(stream.ok().zip(number.ok()).map(|(stream, number)| SegmentId { stream, number }))
}

/// Where a chain ends, by the last piece of its last segment.
fn end(row: &Row) -> Result<ChainEnd, StoreError> {
    let last = (row.opt_i64("position")?, row.opt_i64("length")?);
    let end = match (row.opt_text("stream")?.is_some(), last) {
        (true, (Some(position), Some(length))) => {
            listed(row)?.map(|id| (id, u64::try_from(position.saturating_add(length)).unwrap_or_default()))
        }
        _ => None,
    };
    Ok(ChainEnd { chain: row.text("chain")?.into(), end })
}

/// A row of what a segment holds.
struct Piece {
    start: u64,
    length: u64,
    first_record: Option<u64>,
    packing: u32,
    bytes: Vec<u8>,
}

impl Piece {
    fn values(&self, [stream, segment]: &[Value; 2], chain: Option<&str>) -> [Value; 8] {
        let &Self { start, length, first_record, packing, ref bytes } = self;
        [
            stream.clone(),
            segment.clone(),
            (start as i64).into(),
            chain.filter(|_| start == 0).map(str::to_owned).into(),
            (length as i64).into(),
            packing.into(),
            first_record.map(|number| number as i64).into(),
            bytes.clone().into(),
        ]
    }
}

impl Storage for Rows {
    fn chains(&self) -> io::Result<Vec<Chain>> {
        match &self.chain {
            Some(name) => Ok(vec![Chain { name: name.clone(), storage: Arc::new(self.clone()) }]),
            None => self.chains_by(statements::CHAINS),
        }
    }

    /// Whether there is anything of it, is for its lists to tell.
    fn chain(&self, name: &str) -> io::Result<Option<Chain>> {
        if self.chain.as_ref().is_some_and(|own| **own != *name) {
            return Ok(None);
        }
        Ok(Some(Chain { name: name.into(), storage: Arc::new(self.of(name)) }))
    }

    fn streams(&self) -> io::Result<Streams> {
        let rows = match &self.chain {
            Some(chain) => self.query(statements::STREAMS_OF, vec![chain.to_string().into(), MOST.into()])?,
            None => self.query(statements::STREAMS, vec![MOST.into()])?,
        };
        let (mut streams, mut strangers) = (Vec::new(), Vec::new());
        for row in &rows {
            let name = row.text("stream").map_err(failed)?;
            match name.parse() {
                Ok(stream) => streams.push(stream),
                Err(_) => strangers.push(PathBuf::from(format!("stream {name:?} in journal_pieces"))),
            }
        }
        streams.sort_unstable();
        Ok(Streams { streams, strangers })
    }

    fn segments(&self, stream: StreamId) -> io::Result<Segments> {
        let rows = self.query(statements::SEGMENTS, vec![stream.to_string().into(), MOST.into()])?;
        let (mut numbers, mut strangers) = (Vec::new(), Vec::new());
        for row in &rows {
            let number = row.i64("segment").map_err(failed)?;
            match u32::try_from(number) {
                Ok(number) => numbers.push(number),
                Err(_) => {
                    strangers.push(PathBuf::from(format!("segment {number} of {stream} in journal_pieces")));
                }
            }
        }
        if numbers.is_empty() && strangers.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Segments { numbers, unfinished: Vec::new(), strangers })
    }

    fn listed(&self) -> io::Result<Option<Vec<SegmentId>>> {
        let Some(chain) = &self.chain else { return Ok(None) };
        let rows = self.query(statements::LISTED_OF, vec![chain.to_string().into(), MOST.into()])?;
        let ids = rows.iter().filter_map(|row| listed(row).transpose());
        ids.collect::<Result<_, _>>().map(Some).map_err(failed)
    }

    fn newest(&self) -> io::Result<Option<SegmentId>> {
        let Some(chain) = &self.chain else { return Ok(None) };
        let rows = self.query(statements::NEWEST_OF, vec![chain.to_string().into()])?;
        rows.first().map(listed).transpose().map(Option::flatten).map_err(failed)
    }

    fn ends(&self) -> io::Result<Option<Vec<ChainEnd>>> {
        let named = self.chain.as_deref().map(str::to_owned);
        let rows = self.query(statements::ENDS, vec![named.into(), MOST.into()])?;
        rows.iter().map(end).collect::<Result<_, _>>().map(Some).map_err(failed)
    }

    fn open(&self, id: SegmentId) -> io::Result<SegmentContent> {
        RowContent::open(Arc::clone(&self.session), id).map(SegmentContent::rows)
    }

    fn name(&self) -> PathBuf {
        PathBuf::from(match &self.chain {
            Some(chain) => format!("the journal of server {chain} in the store"),
            None => "the journals in the store".to_owned(),
        })
    }

    fn name_of_stream(&self, stream: StreamId) -> PathBuf {
        PathBuf::from(format!("stream {stream} in the store"))
    }

    fn name_of(&self, id: SegmentId) -> PathBuf {
        PathBuf::from(format!("segment {} of stream {} in the store", id.number, id.stream))
    }

    /// In no file.
    fn file(&self, _id: SegmentId, _end: Option<u64>) -> io::Result<Option<SegmentFile>> {
        Ok(None)
    }

    fn checkpoints(&self) -> Arc<dyn CheckpointStore> {
        let chain = self.chain.clone().unwrap_or_else(|| "".into());
        Arc::new(CheckpointRows::new(Arc::clone(&self.session), chain, Arc::clone(&self.fence)))
    }

    fn take(&self, options: &Taking) -> io::Result<Taken> {
        let chain = self.chain.clone().ok_or(io::ErrorKind::Unsupported)?;
        self.close()?;
        // One connection for the writer alone: whoever reads is not in its way.
        let session = Session::start(&self.db, 1, WRITING)?;
        let (appender, hold) =
            RowAppender::new(session, chain, Arc::clone(&self.fence), options.segment_bytes);
        Ok(Taken { appender: Box::new(appender), hold: Box::new(()), lost: Some(hold) })
    }

    fn close(&self) -> io::Result<()> {
        let chain = self.chain.clone().ok_or(io::ErrorKind::Unsupported)?;
        let taken = [Value::from(chain.to_string())];
        let rows = self.session.ask(|db| async move { db.query(statements::TAKE, &taken).await });
        let rows = rows.map_err(failed)?;
        let fence = rows.first().ok_or(StoreError::RowCount { found: 0 }).and_then(|row| row.i64("fence"));
        self.fence.store(fence.map_err(failed)?, Ordering::Release);
        Ok(())
    }

    /// Nothing is left half made.
    fn tidy(&self) -> io::Result<()> {
        Ok(())
    }

    fn tidy_stream(&self, _stream: StreamId, _segments: &Segments) -> io::Result<()> {
        Ok(())
    }

    /// Nothing stands behind the last frame.
    fn cut(&self, _id: SegmentId, _end: u64) -> io::Result<()> {
        Ok(())
    }

    /// What is committed is on the disk.
    fn flush(&self, _id: SegmentId) -> io::Result<()> {
        Ok(())
    }

    fn compress(&self, id: SegmentId) -> io::Result<Option<(u64, u64)>> {
        let named = vec![id.stream.to_string().into(), id.number.into()];
        if self.query(statements::PACKED, named)?.is_empty() {
            return Ok(None);
        }
        let content = self.open(id)?;
        if content.length()? > SEGMENT_LIMIT {
            tracing::error!(
                stream = %id.stream,
                segment = id.number,
                "a row of the journal claims a place beyond the longest segment: somebody else wrote it, and the segment \
                 is not packed; `strongroom audit verify` tells more"
            );
            return Ok(None);
        }
        self.pack(id, &content).map(Some)
    }

    fn remove_segments(&self, stream: StreamId, first: u32, all: bool) -> io::Result<()> {
        let segments = match self.segments(stream) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed?,
        };
        for number in segments.numbers.into_iter().filter(|&number| all || number < first) {
            let named = [Value::from(stream.to_string()), Value::from(number)];
            let removed =
                self.session.ask(|db| async move { db.execute(statements::REMOVE_PIECES, &named).await });
            removed.map_err(failed)?;
        }
        Ok(())
    }

    fn removed(&self) -> io::Result<()> {
        Ok(())
    }
}
