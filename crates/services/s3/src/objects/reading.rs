//! From files to a stream: opened piece by piece as it is read.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use strongroom_schema::{ByteSource, ByteStream, StreamError};
use tokio::task::{JoinHandle, spawn_blocking};

use super::folder::Readers;
use super::format::{HEAD, PIECE, Pieces, SEALED_PIECE, last_piece};
use super::{FileId, FileKey, Folder};
use crate::domain::range::Span;

/// Pieces that are read and opened at once.
const AT_ONCE: usize = 4;

/// A stretch of a file: all of it, or some of its bytes.
pub(crate) struct Piece {
    pub(crate) file: FileId,
    pub(crate) key: FileKey,
    /// The size of its content.
    pub(crate) size: u64,
    /// Which of its bytes.
    pub(crate) span: Span,
}

/// The bytes of stretches, one after the other. None of the files is removed by this server before the stream is dropped;
/// the first is open when this ends. That of an object which was deleted a while ago is not found (`NotFound`), and its row
/// has to be looked at again.
pub(crate) async fn stream(folder: &Arc<Folder>, stretches: Vec<Piece>) -> io::Result<ByteStream> {
    let length = stretches.iter().map(|stretch| stretch.span.length()).sum();
    let mut left: VecDeque<_> = stretches.into_iter().filter(|stretch| stretch.span.length() > 0).collect();
    let readers = folder.reading(left.iter().map(|stretch| stretch.file).collect());
    let first = left.pop_front();
    let open = match first {
        None => None,
        Some(stretch) => {
            let folder = folder.clone();
            let opened = spawn_blocking(move || Opened::new(&folder, &stretch));
            Some(opened.await.map_err(io::Error::other)??)
        }
    };
    let source = Source { folder: folder.clone(), open, left, at_work: None, _readers: readers };
    Ok(ByteStream::new(Some(length), source))
}

/// Some pieces being read and opened: the file, for what comes next, and the bytes.
type Work = JoinHandle<io::Result<(Opened, Vec<u8>)>>;

struct Source {
    folder: Arc<Folder>,
    open: Option<Opened>,
    left: VecDeque<Piece>,
    at_work: Option<Work>,
    _readers: Readers,
}

impl ByteSource for Source {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        loop {
            if let Some(work) = &mut self.at_work {
                let done = match Pin::new(work).poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(done) => done,
                };
                self.at_work = None;
                match done.map_err(io::Error::other).flatten() {
                    Ok((opened, bytes)) => {
                        if !opened.is_done() {
                            self.open = Some(opened);
                        }
                        return Poll::Ready(Some(Ok(Bytes::from(bytes))));
                    }
                    Err(error) => {
                        self.left.clear();
                        return Poll::Ready(Some(Err(StreamError::failed(error))));
                    }
                }
            }
            let opened = self.open.take();
            let next = if opened.is_none() { self.left.pop_front() } else { None };
            let folder = self.folder.clone();
            self.at_work = match (opened, next) {
                (Some(mut opened), _) => Some(spawn_blocking(move || {
                    let bytes = opened.read()?;
                    Ok((opened, bytes))
                })),
                (None, Some(stretch)) => Some(spawn_blocking(move || {
                    let mut opened = Opened::new(&folder, &stretch)?;
                    let bytes = opened.read()?;
                    Ok((opened, bytes))
                })),
                (None, None) => return Poll::Ready(None),
            };
        }
    }
}

/// A file that is being read.
struct Opened {
    file: File,
    pieces: Pieces,
    last: u64,
    /// The piece that comes next.
    number: u64,
    /// Bytes of it that are not wanted.
    skip: usize,
    /// Bytes that are wanted still.
    wanted: u64,
}

impl Opened {
    fn new(folder: &Folder, stretch: &Piece) -> io::Result<Self> {
        let mut file = folder.open_file(stretch.file, stretch.size)?;
        let number = stretch.span.start / PIECE as u64;
        file.seek(SeekFrom::Start(HEAD + number * SEALED_PIECE as u64))?;
        Ok(Self {
            file,
            pieces: Pieces::new(&stretch.key, stretch.file).map_err(io::Error::other)?,
            last: last_piece(stretch.size),
            number,
            skip: (stretch.span.start % PIECE as u64) as usize,
            wanted: stretch.span.length(),
        })
    }

    fn is_done(&self) -> bool {
        self.wanted == 0
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut sealed = Vec::with_capacity(SEALED_PIECE);
        for _ in 0..AT_ONCE {
            if self.is_done() {
                break;
            }
            sealed.clear();
            (&mut self.file).take(SEALED_PIECE as u64).read_to_end(&mut sealed)?;
            let opened = self.pieces.open(self.number, self.number == self.last, &sealed);
            let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a file of an object is damaged");
            let opened = opened.map_err(|_| damaged())?;
            let content = opened.expose().get(self.skip..).ok_or_else(damaged)?;
            let taken = content.len().min(usize::try_from(self.wanted).unwrap_or(usize::MAX));
            if taken == 0 {
                return Err(damaged());
            }
            out.extend_from_slice(content.get(..taken).unwrap_or_default());
            self.wanted -= taken as u64;
            self.number += 1;
            self.skip = 0;
        }
        Ok(out)
    }
}
