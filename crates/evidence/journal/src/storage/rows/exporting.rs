//! The journals of a store, written as files: for whoever verifies them without the store.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use strongroom_store::Db;

use super::{Rows, too_long};
use crate::checkpoint::{CheckpointFiles, CheckpointStore as _};
use crate::error::JournalError;
use crate::reader::SegmentId;
use crate::segment::{SEGMENT_LIMIT, SegmentContent, file_name, sync_dir};
use crate::storage::Chain;
use crate::stream;

/// What is copied at a time.
const BLOCK: usize = 1 << 20;
/// No server's name is longer.
const NAME_LIMIT: usize = 64;

/// Writes the journals in a store to folders in `dir`, which is made and must not be there: one for each server, by its name,
/// that can be verified and read like any journal in a folder. Returns the servers' names. What is recorded meanwhile may be
/// there or not. Blocks on disk and store.
pub fn export_from_store(db: &Db, dir: &Path) -> Result<Vec<String>, JournalError> {
    let name = Path::new("the journals in the store");
    let rows = Rows::open(db).map_err(JournalError::io("open", name))?;
    if dir.exists() {
        let there = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(JournalError::io("make directory", dir)(there));
    }
    let mut servers = Vec::new();
    for chain in rows.all_chains().map_err(JournalError::io("list", name))? {
        if !is_folder_name(&chain.name) {
            let text =
                format!("{:?} is no name of a server: somebody else wrote it into the store", chain.name);
            let refused = io::Error::new(io::ErrorKind::InvalidData, text);
            return Err(JournalError::io("export from", name)(refused));
        }
        let to = dir.join(&*chain.name);
        export(&chain, &to).map_err(JournalError::io("write", &to))?;
        servers.push(chain.name.to_string());
    }
    Ok(servers)
}

/// Tells whether a name out of a row names a folder within the one where it is made, and nothing else.
fn is_folder_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(is_plain)
}

fn export(chain: &Chain, dir: &Path) -> io::Result<()> {
    let storage = &*chain.storage;
    stream::make_directory(dir)?;
    // Before the segments: these have all that the checkpoints saw.
    let (from, to) = (storage.checkpoints(), CheckpointFiles::of_journal(dir));
    for stretch in from.list()? {
        to.append_all(&from.read(stretch)?.checkpoints)?;
    }
    for stream in storage.streams()?.streams {
        let folder = stream::directory(dir, stream);
        stream::make_directory(&folder)?;
        for number in storage.segments(stream)?.numbers {
            copy(&storage.open(SegmentId { stream, number })?, &folder.join(file_name(number)))?;
        }
        sync_dir(&folder)?;
    }
    sync_dir(dir)
}

/// Writes a segment to a file, up to the end that it has now: whether a row is missing that is put meanwhile, or one that was
/// taken out, cannot be told beyond that.
fn copy(content: &SegmentContent, path: &Path) -> io::Result<()> {
    let length = content.length()?;
    if length > SEGMENT_LIMIT {
        return Err(too_long());
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut out = BufWriter::new(file);
    let (mut block, mut at) = (vec![0; BLOCK], 0);
    while at < length {
        let size = (length - at).min(BLOCK as u64) as usize;
        let part = block.get_mut(..size).unwrap_or_default();
        content.read_exact_at(part, at)?;
        out.write_all(part)?;
        at += size as u64;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
