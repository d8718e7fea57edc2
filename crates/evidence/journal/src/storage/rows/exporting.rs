//! The journals of a store, written as files: for whoever verifies them without the store.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use strongroom_store::Db;

use super::Rows;
use crate::checkpoint::{CheckpointFiles, CheckpointStore as _};
use crate::error::JournalError;
use crate::reader::SegmentId;
use crate::segment::{SegmentContent, file_name, sync_dir};
use crate::storage::Chain;
use crate::stream;

/// What is copied at a time.
const BLOCK: usize = 1 << 20;

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
        let to = dir.join(&*chain.name);
        export(&chain, &to).map_err(JournalError::io("write", &to))?;
        servers.push(chain.name.to_string());
    }
    Ok(servers)
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

fn copy(content: &SegmentContent, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut out = BufWriter::new(file);
    let (mut block, mut at) = (vec![0; BLOCK], 0);
    loop {
        let read = content.read_at(&mut block, at)?;
        if read == 0 {
            break;
        }
        out.write_all(block.get(..read).unwrap_or_default())?;
        at += read as u64;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
