//! Reading a backup: items in their order, each checked against what has to come.

use std::io::BufRead;

use prost::Message as _;
use strongroom_secret::Key256;
use strongroom_store::{Applied, Table, Value};

use crate::BackupError;
use crate::container::{Head, Opening};
use crate::entry::{ENTRY_LIMIT, Entry, Kind, OpenPart, Origin, Totals};
use crate::path::check_path;
use crate::rows;

/// The most tables, columns of a table, and migrations that a backup may have.
const MOST: usize = 4_096;

/// Something in a backup.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Where it comes from. The first.
    Origin(Origin),
    /// The steps that its tables have been through. Before the tables.
    Store(Vec<Applied>),
    /// A table begins.
    Table(Table),
    /// Some of the rows of the table that has begun.
    Rows(Vec<Vec<Value>>),
    /// A file begins.
    File {
        /// Its path in the data folder: relative, with `/`, and leading nowhere else.
        path: String,
        /// How many bytes come.
        length: u64,
    },
    /// Some of the bytes of the file that has begun.
    Bytes(Vec<u8>),
    /// All of it has come. The last.
    End(Totals),
}

/// A backup whose head was read.
pub struct Backup<R> {
    head: Head,
    open_part: OpenPart,
    from: R,
}

impl<R: BufRead> Backup<R> {
    /// Reads the head of a backup.
    pub fn read(mut from: R) -> Result<Self, BackupError> {
        let head = Head::read(&mut from)?;
        let open_part = OpenPart::decode(head.open_part()).map_err(|_| BackupError::NotABackup)?;
        Ok(Self { head, open_part, from })
    }

    /// What it says to everyone. That nobody altered it is known once it has been [opened](Self::open).
    pub fn open_part(&self) -> &OpenPart {
        &self.open_part
    }

    /// Opens it, under the key that it was sealed under.
    pub fn open(self, key: &Key256) -> Result<Reading<R>, BackupError> {
        let opening = self.head.open(key, self.from)?;
        Ok(Reading {
            opening,
            content: Vec::new(),
            at: 0,
            place: Place::Beginning,
            totals: Totals::default(),
        })
    }
}

/// What may come now.
enum Place {
    Beginning,
    /// After the origin: the store, or a file.
    Origin,
    /// Between tables, and between files.
    Between,
    /// In a table, after so many rows.
    Rows(Table, u64),
    /// In a file, of which so many bytes are to come.
    Bytes(u64),
    End,
}

/// A backup being read.
pub struct Reading<R> {
    opening: Opening<R>,
    content: Vec<u8>,
    /// How much of the content has been taken.
    at: usize,
    place: Place,
    totals: Totals,
}

impl<R: BufRead> Reading<R> {
    /// The next item; nothing behind [`Item::End`]. All that it gives is as it was written; that it is all there was, is
    /// known when the end has come.
    pub fn next_item(&mut self) -> Result<Option<Item>, BackupError> {
        loop {
            let Some(entry) = self.next_entry()? else {
                return match self.place {
                    Place::End => Ok(None),
                    _ => Err(BackupError::content("it has no end")),
                };
            };
            if let Some(item) = self.accept(entry)? {
                return Ok(Some(item));
            }
        }
    }

    /// How much of the file has been read, in bytes.
    pub fn offset(&self) -> u64 {
        self.opening.offset()
    }

    fn accept(&mut self, entry: Kind) -> Result<Option<Item>, BackupError> {
        let place = std::mem::replace(&mut self.place, Place::End);
        let (place, item) = match (place, entry) {
            (Place::Beginning, Kind::Origin(origin)) => (Place::Origin, Some(Item::Origin(origin))),
            (Place::Origin, Kind::Store(store)) => {
                let applied = store.into_applied();
                few(applied.len())?;
                (Place::Between, Some(Item::Store(applied)))
            }
            (Place::Between, Kind::Table(table)) => {
                let table = table.into_table()?;
                few(table.columns.len())?;
                self.totals.tables += 1;
                (Place::Rows(table.clone(), 0), Some(Item::Table(table)))
            }
            (Place::Rows(table, count), Kind::Rows(bytes)) => {
                let rows = rows::read(&table.columns, &bytes)?;
                (Place::Rows(table, count + rows.len() as u64), Some(Item::Rows(rows)))
            }
            (Place::Rows(table, count), Kind::TableEnd(told)) => {
                if count != told {
                    let name = table.name;
                    return Err(BackupError::content(format!("table {name} has {count} rows, not {told}")));
                }
                self.totals.rows += count;
                (Place::Between, None)
            }
            (Place::Origin | Place::Between | Place::Bytes(0), Kind::File(file)) => {
                if !check_path(&file.path) {
                    return Err(BackupError::content("a file's path is none of ours"));
                }
                self.totals.files += 1;
                self.totals.bytes = self.totals.bytes.saturating_add(file.length);
                (Place::Bytes(file.length), Some(Item::File { path: file.path, length: file.length }))
            }
            (Place::Bytes(left), Kind::Bytes(bytes)) => {
                let left = left.checked_sub(bytes.len() as u64);
                let left = left.ok_or_else(|| BackupError::content("a file is longer than it says"))?;
                (Place::Bytes(left), Some(Item::Bytes(bytes)))
            }
            (Place::Origin | Place::Between | Place::Bytes(0), Kind::End(told)) => {
                if told != self.totals {
                    return Err(BackupError::content("it holds less, or more, than its end tells"));
                }
                (Place::End, Some(Item::End(told)))
            }
            _ => return Err(BackupError::content("something stands where it does not belong")),
        };
        self.place = place;
        Ok(item)
    }

    /// The next entry; nothing where the content ends.
    fn next_entry(&mut self) -> Result<Option<Kind>, BackupError> {
        let Some(length) = self.take(4)? else { return Ok(None) };
        let length = length.first_chunk().copied().map_or(0, u32::from_be_bytes) as usize;
        if length > ENTRY_LIMIT {
            return Err(BackupError::content("an entry is longer than entries are"));
        }
        let cut = || BackupError::content("its last entry is not whole");
        let bytes = self.take(length)?.ok_or_else(cut)?;
        let entry =
            Entry::decode(bytes.as_slice()).map_err(|_| BackupError::content("an entry is not readable"))?;
        entry
            .kind
            .map(Some)
            .ok_or_else(|| BackupError::content("an entry is of a kind that this version does not know"))
    }

    /// The next `length` bytes of the content; nothing if it ends here.
    fn take(&mut self, length: usize) -> Result<Option<Vec<u8>>, BackupError> {
        while self.content.len() - self.at < length {
            let Some(piece) = self.opening.next_piece()? else {
                return match self.content.len() - self.at {
                    0 if length > 0 => Ok(None),
                    _ => Err(BackupError::content("its last entry is not whole")),
                };
            };
            self.content.drain(..self.at);
            self.at = 0;
            self.content.extend_from_slice(piece.expose());
        }
        let taken = self.content.get(self.at..self.at + length).unwrap_or_default().to_vec();
        self.at += length;
        Ok(Some(taken))
    }
}

fn few(count: usize) -> Result<(), BackupError> {
    if count <= MOST {
        Ok(())
    } else {
        Err(BackupError::content("it has more of something than there can be"))
    }
}
