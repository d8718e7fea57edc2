//! A journal in a folder: a directory for each stream, a file for each segment.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FlockOperation;

use super::{Appender, Chain, ONLY_CHAIN, OpenSegment, Storage, Taken, Taking};
use crate::checkpoint::{CheckpointFiles, CheckpointStore};
use crate::frame::Hash;
use crate::reader::{SegmentFile, SegmentId};
use crate::segment::{self, Ahead, SegmentContent, SegmentHeader, Segments};
use crate::stream::{self, LOCK_FILE, StreamId, Streams};

/// The journal in a folder.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    /// The journal in `dir`, which is made when it is taken.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn directory(&self, stream: StreamId) -> PathBuf {
        stream::directory(&self.dir, stream)
    }
}

impl Storage for Files {
    fn chains(&self) -> io::Result<Vec<Chain>> {
        Ok(vec![Chain { name: ONLY_CHAIN.into(), storage: Arc::new(self.clone()) }])
    }

    fn streams(&self) -> io::Result<Streams> {
        stream::list(&self.dir)
    }

    fn segments(&self, stream: StreamId) -> io::Result<Segments> {
        segment::list(&self.directory(stream))
    }

    fn open(&self, id: SegmentId) -> io::Result<SegmentContent> {
        SegmentContent::open(&self.directory(id.stream), id.number)
    }

    fn name(&self) -> PathBuf {
        self.dir.clone()
    }

    fn name_of_stream(&self, stream: StreamId) -> PathBuf {
        self.directory(stream)
    }

    fn name_of(&self, id: SegmentId) -> PathBuf {
        self.directory(id.stream).join(segment::file_name(id.number))
    }

    fn file(&self, id: SegmentId, end: Option<u64>) -> io::Result<Option<SegmentFile>> {
        segment::file(&self.directory(id.stream), id, end)
    }

    fn checkpoints(&self) -> Arc<dyn CheckpointStore> {
        Arc::new(CheckpointFiles::of_journal(&self.dir))
    }

    fn take(&self, options: &Taking) -> io::Result<Taken> {
        stream::make_directory(&self.dir)?;
        let lock = lock(&self.dir.join(LOCK_FILE))?;
        let &Taking { segment_bytes, sync } = options;
        let ahead = Arc::new(Ahead::start(&self.dir, segment_bytes, sync)?);
        let appender = FileAppender { files: self.clone(), ahead, options: *options };
        Ok(Taken { appender: Box::new(appender), hold: Box::new(lock), lost: None })
    }

    /// A folder has one writer, or none.
    fn close(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn tidy(&self) -> io::Result<()> {
        segment::remove_left(&self.dir)
    }

    fn tidy_stream(&self, stream: StreamId, segments: &Segments) -> io::Result<()> {
        let dir = self.directory(stream);
        segment::remove_unfinished(&dir, segments)?;
        if segments.numbers.is_empty() {
            // A directory that still holds something is not ours to remove.
            let _ = fs::remove_dir(dir);
        }
        Ok(())
    }

    fn cut(&self, id: SegmentId, end: u64) -> io::Result<()> {
        match OpenOptions::new().read(true).write(true).open(self.name_of(id)) {
            Ok(file) if file.metadata()?.len() > end => {
                file.set_len(end)?;
                file.sync_all()
            }
            Ok(_) => Ok(()),
            // One that was compressed had no end to be cut off.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn flush(&self, id: SegmentId) -> io::Result<()> {
        match File::open(self.name_of(id)).and_then(|file| file.sync_data()) {
            // It was closed meanwhile, which flushes it, and compressed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            flushed => flushed,
        }
    }

    fn compress(&self, id: SegmentId) -> io::Result<Option<(u64, u64)>> {
        if self.name_of(id).exists() {
            segment::compress(&self.directory(id.stream), id.number).map(Some)
        } else {
            Ok(None)
        }
    }

    fn remove_segments(&self, stream: StreamId, first: u32, all: bool) -> io::Result<()> {
        let dir = self.directory(stream);
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let segments = segment::list(&dir)?;
        for &number in segments.numbers.iter().filter(|&&number| all || number < first) {
            for name in [segment::file_name(number), segment::compressed_name(number)] {
                match fs::remove_file(dir.join(name)) {
                    Err(error) if missing(&error) => {}
                    removed => removed?,
                }
            }
            // In this order on the disk too: what is left after a crash has no hole.
            segment::sync_dir(&dir)?;
        }
        if all {
            segment::remove_unfinished(&dir, &segments)?;
            match fs::remove_dir(&dir) {
                // A directory that still holds something is not ours to remove.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    fn removed(&self) -> io::Result<()> {
        segment::sync_dir(&self.dir)
    }
}

/// Writes a folder's journal.
struct FileAppender {
    files: Files,
    ahead: Arc<Ahead>,
    options: Taking,
}

impl Appender for FileAppender {
    fn begin_stream(&mut self, stream: StreamId) -> io::Result<()> {
        stream::make_directory(&self.files.directory(stream))?;
        segment::sync_dir(&self.files.dir)
    }

    fn create(
        &mut self,
        header: &SegmentHeader,
        mac: &dyn Fn(&Hash) -> Hash,
    ) -> io::Result<(Box<dyn OpenSegment>, Hash)> {
        let dir = self.files.directory(header.stream);
        let Taking { segment_bytes, sync } = self.options;
        let (segment, hash) =
            segment::FileSegment::create(&dir, header, mac, &self.ahead, segment_bytes, sync)?;
        Ok((Box::new(segment), hash))
    }
}

/// Locks a file for this process; fails as [`io::ErrorKind::WouldBlock`] if another has it.
fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}
