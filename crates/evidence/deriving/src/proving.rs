//! With what frames are proved, and the keys of frames kept from one reading to the next.

use strongroom_journal::{Proof, Segment, StreamId};
use strongroom_seal::{Epoch, Purpose, Root, Sealer};
use strongroom_secret::{Key256, Secret};
use strongroom_store::{Binding, Fields, SealedColumn};

use crate::DerivingError;

/// What is sealed of a frame's key: the frame's number (u64, big-endian), then the key.
const LENGTH: usize = 8 + 32;

/// The sealed column of positions.
pub const SEALED: &[SealedColumn] = &[sealed_proofs("deriving_positions")];

/// A column `proof` with what [`Batch::proof`](crate::Batch::proof) gives, beside a column `stream`, for who seals it afresh
/// after a rotation of the seal.
#[must_use]
pub const fn sealed_proofs(table: &'static str) -> SealedColumn {
    SealedColumn { table, column: "proof", purpose: Purpose::JournalPlaces, bound_to }
}

fn bound_to(row: &Fields<'_>) -> Binding {
    Binding::from(row.text("stream").and_then(|stream| stream.parse().ok()).map(binding))
}

fn binding(stream: StreamId) -> Vec<u8> {
    stream.as_bytes().to_vec()
}

/// Proves frames by the seal.
#[derive(Clone)]
pub struct Prover {
    root: Root,
    sealer: Sealer,
}

impl Prover {
    /// Proves what servers under `root` wrote.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self { root: root.clone(), sealer: Sealer::new(root, Purpose::JournalPlaces) }
    }

    /// Begins to prove a stream, from its first frame on. `key_epoch` is what heads of its segments name, none where they are
    /// damaged. Without a key of that epoch nothing is said of the stream.
    pub(crate) fn begin(&self, stream: StreamId, key_epoch: Option<u32>) -> Result<Proof, DerivingError> {
        let epoch = key_epoch.map(Epoch::new);
        let key = epoch.and_then(|epoch| self.root.subkey(Purpose::JournalMac, epoch).ok());
        let proof = key.and_then(|key| Proof::from_the_beginning(stream, &key).ok());
        proof.ok_or(DerivingError::Unprovable { stream })
    }

    /// Whether a server of this seal began a stream with `segment`, behind the stream `before`.
    pub(crate) fn is_behind(&self, segment: &Segment, before: StreamId) -> bool {
        let begun = self.begin(segment.id().stream, segment.key_epoch());
        begun.is_ok_and(|proof| proof.begins(segment, before))
    }

    /// Seals the key of the frame that is next.
    pub(crate) fn note(&self, stream: StreamId, proof: &Proof) -> Result<Vec<u8>, DerivingError> {
        let noted = Secret::<[u8; LENGTH]>::filled(|noted| {
            let (frame, key) = noted.split_at_mut(8);
            frame.copy_from_slice(&proof.frame().to_be_bytes());
            key.copy_from_slice(proof.key().expose());
            Ok::<_, DerivingError>(())
        })?;
        self.sealer.seal(&binding(stream), noted.expose()).map_err(|_| DerivingError::Proof)
    }

    /// Takes up what was noted.
    pub(crate) fn resume(&self, stream: StreamId, noted: &[u8]) -> Result<Proof, DerivingError> {
        let opened = self.sealer.open(&binding(stream), noted).map_err(|_| DerivingError::Proof)?;
        let (frame, key) = opened.expose().split_first_chunk().ok_or(DerivingError::Proof)?;
        let key = Key256::copied_from(key).ok_or(DerivingError::Proof)?;
        Proof::from_frame(stream, u64::from_be_bytes(*frame), &key).map_err(|_| DerivingError::Proof)
    }
}
