//! From a stream to a file: summed, sealed and written as it comes.

use std::sync::Arc;

use bytes::Bytes;
use strongroom_crypto::checksum::{Checksum, Running};
use strongroom_crypto::md5::Md5;
use strongroom_crypto::random;
use strongroom_schema::ByteStream;
use tokio::task::spawn_blocking;

use super::folder::Unfinished;
use super::format::{PIECE, Pieces};
use super::{FileId, FileKey, Folder};
use crate::error::Refusal;

/// Bytes that are gathered before they are summed, sealed and written.
const BATCH: usize = 256 << 10;

/// What is to be known of the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// Checksums to be computed.
    pub(crate) kinds: Vec<Checksum>,
    /// The most bytes there may be.
    pub(crate) limit: u64,
}

/// A file that is there, and that no row names yet.
pub(crate) struct Written {
    pub(crate) file: FileId,
    pub(crate) key: FileKey,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    /// The checksums that were wanted, in that order.
    pub(crate) sums: Vec<(Checksum, Vec<u8>)>,
    /// What came behind the bytes, names in lower case.
    pub(crate) trailers: Vec<(String, String)>,
    folder: Arc<Folder>,
    /// Whether a row may name the file.
    is_kept: bool,
}

impl Written {
    /// The sum of a kind, if it was wanted.
    pub(crate) fn sum(&self, kind: Checksum) -> Option<&[u8]> {
        self.sums.iter().find(|(known, _)| *known == kind).map(|(_, sum)| sum.as_slice())
    }

    /// Commits the row that names the file. It goes again if it is certain that there is no such row. Whoever is dropped
    /// meanwhile, or does not hear what became of the commit, cannot know that: then it stays, and is swept when it is old
    /// and no row names it.
    pub(crate) async fn named_by<T>(
        mut self,
        commit: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        self.is_kept = true;
        let outcome = commit.await;
        self.is_kept = match &outcome {
            Ok(_) => true,
            Err(refusal) => refusal.may_have_happened(),
        };
        outcome
    }
}

/// What no row can name goes again.
impl Drop for Written {
    fn drop(&mut self) {
        if !self.is_kept && self.folder.remove(self.file).is_err() {
            tracing::warn!(file = %self.file, "a file that nothing needs stays until it is swept");
        }
    }
}

/// Writes all of a stream to a new file, which is durable when this ends. Nothing is left of a stream that fails.
pub(crate) async fn write(
    folder: &Arc<Folder>,
    mut stream: ByteStream,
    expected: &Expected,
) -> Result<Written, Refusal> {
    if stream.length().is_some_and(|length| length > expected.limit) {
        return Err(Refusal::too_large(stream.length(), expected.limit));
    }
    let (id, key) = (FileId::random()?, random::key256()?);
    let mut work = {
        let (folder, pieces, kinds) = (folder.clone(), Pieces::new(&key, id)?, expected.kinds.clone());
        in_background(move || Work::begin(&folder, id, pieces, &kinds)).await?
    };
    let mut batch: Vec<Bytes> = Vec::new();
    let (mut gathered, mut size) = (0, 0_u64);
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        size = size.saturating_add(piece.len() as u64);
        if size > expected.limit {
            return Err(Refusal::too_large(None, expected.limit));
        }
        gathered += piece.len();
        batch.push(piece);
        if gathered >= BATCH {
            let taken = std::mem::take(&mut batch);
            gathered = 0;
            work = in_background(move || work.take(&taken)).await?;
        }
    }
    let trailers = stream.trailers().to_vec();
    let (done, place) = (batch, folder.clone());
    let (md5, sums) = in_background(move || work.take(&done)?.finish(&place, id)).await?;
    Ok(Written { file: id, key, size, md5, sums, trailers, folder: folder.clone(), is_kept: false })
}

/// MD5, and the checksums that were wanted.
type Sums = ([u8; 16], Vec<(Checksum, Vec<u8>)>);

struct Work {
    file: Unfinished,
    pieces: Pieces,
    number: u64,
    /// At most a piece, which may be the last.
    held: Vec<u8>,
    sealed: Vec<u8>,
    md5: Md5,
    sums: Vec<(Checksum, Running)>,
}

impl Work {
    fn begin(folder: &Folder, id: FileId, pieces: Pieces, kinds: &[Checksum]) -> Result<Self, Refusal> {
        Ok(Self {
            file: folder.begin(id).map_err(Refusal::of_file)?,
            pieces,
            number: 0,
            held: Vec::new(),
            sealed: Vec::new(),
            md5: Md5::new()?,
            sums: kinds.iter().map(|kind| (*kind, Running::new(*kind))).collect(),
        })
    }

    fn take(mut self, batch: &[Bytes]) -> Result<Self, Refusal> {
        for bytes in batch {
            self.md5.update(bytes)?;
            for (_, sum) in &mut self.sums {
                sum.update(bytes);
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                if self.held.len() == PIECE {
                    self.seal(false)?;
                }
                let (taken, behind) = rest.split_at(rest.len().min(PIECE - self.held.len()));
                self.held.extend_from_slice(taken);
                rest = behind;
            }
        }
        self.file.write(&self.sealed).map_err(Refusal::of_file)?;
        self.sealed.clear();
        Ok(self)
    }

    fn finish(mut self, folder: &Folder, id: FileId) -> Result<Sums, Refusal> {
        self.seal(true)?;
        self.file.write(&self.sealed).map_err(Refusal::of_file)?;
        self.file.finish(folder, id).map_err(Refusal::of_file)?;
        let sums = self.sums.into_iter().map(|(kind, sum)| (kind, sum.finish())).collect();
        Ok((self.md5.finish()?, sums))
    }

    fn seal(&mut self, is_last: bool) -> Result<(), Refusal> {
        self.pieces.seal(self.number, is_last, &self.held, &mut self.sealed)?;
        self.number += 1;
        self.held.clear();
        Ok(())
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    spawn_blocking(work).await.map_err(|error| Refusal::Internal(error.into()))?
}

#[cfg(test)]
mod tests {
    use strongroom_store::StoreError;

    use super::*;

    async fn left_after(outcome: Result<(), Refusal>) -> usize {
        let place = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(place.path()).unwrap());
        let written = write(&folder, ByteStream::default(), &Expected::default()).await.unwrap();
        let is_refused = outcome.is_err();
        assert_eq!(written.named_by(async { outcome }).await.is_err(), is_refused);
        folder.finished().unwrap().len()
    }

    #[tokio::test]
    async fn a_file_goes_if_it_is_certain_that_no_row_names_it() {
        assert_eq!(left_after(Ok(())).await, 1);
        assert_eq!(left_after(Err(Refusal::access_denied())).await, 0);
        // The connection broke in a COMMIT.
        let lost = StoreError::Unavailable("connection reset by peer".into());
        assert_eq!(left_after(Err(lost.into())).await, 1);
        assert_eq!(left_after(Err(StoreError::Engine("protocol error".into()).into())).await, 1);
    }
}
