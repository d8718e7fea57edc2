//! The chain: what links frames and segments, and the key that signs them.
//!
//! K(0) is derived from the journal's key and the stream's id, K(n + 1) from K(n). K(n) makes the MAC of
//! frame n, and of a segment header that stands before frame n; then it is overwritten by its successor. This
//! file knows neither files nor threads: a journal kept in a database seals its frames with the same chain.

use strongroom_crypto::CryptoError;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_secret::Key256;

use crate::frame::{self, Hash, Kind, Links};
use crate::queue::Batch;
use crate::stream::StreamId;

const STREAM_LABEL: &[u8] = b"strongroom journal stream";
const EVOLVE_LABEL: &[u8] = b"strongroom journal evolve";
const FRAME_LABEL: &[u8] = b"strongroom journal frame MAC";
const SEGMENT_LABEL: &[u8] = b"strongroom journal segment MAC";

/// K(n): the key of one frame. Boxed, so that moving it leaves no copy behind.
#[derive(Clone)]
pub(crate) struct ChainKey {
    now: Box<Key256>,
    next: Box<Key256>,
}

impl ChainKey {
    /// Derives a stream's first key.
    pub(crate) fn first(journal_key: &Key256, stream: StreamId) -> Result<Self, CryptoError> {
        let mut key = Self { now: Box::default(), next: Box::default() };
        derive(journal_key, STREAM_LABEL, stream.as_bytes(), &mut key.now)?;
        key.prepare()?;
        Ok(key)
    }

    /// Takes up a key that was noted.
    pub(crate) fn resumed(noted: &Key256) -> Result<Self, CryptoError> {
        let mut key = Self { now: Box::default(), next: Box::default() };
        key.now.expose_mut().copy_from_slice(noted.expose());
        key.prepare()?;
        Ok(key)
    }

    /// The key itself, to be noted where nobody reads it.
    pub(crate) fn expose(&self) -> &Key256 {
        &self.now
    }

    /// Replaces the key with the next one.
    pub(crate) fn evolve(&mut self) -> Result<(), CryptoError> {
        self.step();
        self.prepare()
    }

    /// Makes the MAC of a frame.
    pub(crate) fn frame_mac(&self, hash: &Hash) -> Hash {
        self.hmac().sign(&[FRAME_LABEL, hash])
    }

    /// Tells whether a frame's MAC is right.
    pub(crate) fn frame_mac_is(&self, hash: &Hash, mac: &Hash) -> bool {
        self.hmac().verify(&[FRAME_LABEL, hash], mac).is_ok()
    }

    /// Makes the MAC of a segment header.
    pub(crate) fn segment_mac(&self, hash: &Hash) -> Hash {
        self.hmac().sign(&[SEGMENT_LABEL, hash])
    }

    /// Tells whether a segment header's MAC is right.
    pub(crate) fn segment_mac_is(&self, hash: &Hash, mac: &Hash) -> bool {
        self.hmac().verify(&[SEGMENT_LABEL, hash], mac).is_ok()
    }

    fn hmac(&self) -> HmacSha256 {
        HmacSha256::new(self.now.expose())
    }

    /// Derives the next key while the present one still counts.
    fn prepare(&mut self) -> Result<(), CryptoError> {
        derive(&self.now, EVOLVE_LABEL, &[], &mut self.next)
    }

    /// Overwrites the present key with the next one.
    fn step(&mut self) {
        self.now.expose_mut().copy_from_slice(self.next.expose());
    }
}

fn derive(from: &Key256, label: &[u8], context: &[u8], to: &mut Key256) -> Result<(), CryptoError> {
    sp800_108_counter_hmac_sha256(from.expose(), label, context, to.expose_mut())
}

/// The writing end of a stream's chain.
pub(crate) struct Chain {
    key: ChainKey,
    next_frame: u64,
    next_record: u64,
    previous: Hash,
    newest_ms: i64,
}

impl Chain {
    /// Begins a chain; `newest_ms` is the greatest event time in the streams before.
    pub(crate) fn begin(key: ChainKey, newest_ms: i64) -> Self {
        Self { key, next_frame: 0, next_record: 0, previous: [0; 32], newest_ms }
    }

    /// Seals a batch as the next frame, which begins at `at` in its file, and returns its hash, without taking the step: a frame that could not
    /// be written is sealed again.
    pub(crate) fn seal(
        &mut self,
        kind: Kind,
        batch: &Batch,
        at: u64,
        frame: &mut Vec<u8>,
    ) -> Result<Hash, CryptoError> {
        // Before the frame is written: nothing may fail once it is.
        self.key.prepare()?;
        let links =
            Links { at, sequence: self.next_frame, first_record: self.next_record, previous: self.previous };
        Ok(frame::write(kind, &links, batch, |hash| self.key.frame_mac(hash), frame))
    }

    /// Takes the step past the sealed frame, which was written, with so many records up to that time, and returns the
    /// number of its first record.
    pub(crate) fn advance(&mut self, count: u32, newest_ms: i64, hash: Hash) -> u64 {
        let first = self.next_record;
        self.key.step();
        self.next_frame += 1;
        self.next_record += u64::from(count);
        self.previous = hash;
        self.newest_ms = self.newest_ms.max(newest_ms);
        first
    }

    /// Takes the step past a segment header that was written.
    pub(crate) fn enter_segment(&mut self, hash: Hash) {
        self.previous = hash;
    }

    pub(crate) fn key(&self) -> &ChainKey {
        &self.key
    }

    pub(crate) fn next_frame(&self) -> u64 {
        self.next_frame
    }

    pub(crate) fn next_record(&self) -> u64 {
        self.next_record
    }

    pub(crate) fn previous(&self) -> Hash {
        self.previous
    }

    pub(crate) fn newest_ms(&self) -> i64 {
        self.newest_ms
    }
}
