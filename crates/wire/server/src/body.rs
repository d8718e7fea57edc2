//! Reading bodies, within bounds of size, time and memory, into memory that is wiped after use: requests
//! carry plaintexts.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use strongroom_secret::SecretBytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The memory that a body is given at its first byte, unless it says that it needs less.
const FIRST_BYTES: usize = 8 * 1024;

/// What memory is counted in, bytes.
const UNIT: usize = 1024;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is, or says it is, larger than the bound.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The connection ended before it did, or its framing is broken.
    Broken,
    /// All bodies together need more memory than there is.
    NoMemory,
}

/// The memory that all bodies share.
#[derive(Clone)]
pub(crate) struct BodyMemory {
    units: Arc<Semaphore>,
    all: usize,
}

/// A part of that memory, until it is dropped.
pub(crate) struct Share(OwnedSemaphorePermit);

impl BodyMemory {
    pub(crate) fn new(bytes: usize) -> Self {
        let all = (bytes / UNIT).min(Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(all)), all }
    }

    /// How much of it is taken, bytes.
    pub(crate) fn taken(&self) -> usize {
        self.all.saturating_sub(self.units.available_permits()) * UNIT
    }

    /// A part of nothing yet.
    fn share(&self) -> Result<Share, BodyError> {
        self.units.clone().try_acquire_many_owned(0).map(Share).map_err(|_| BodyError::NoMemory)
    }
}

impl Share {
    /// Lets the part grow to `bytes`, if so much is left.
    fn grow(&mut self, bytes: usize, memory: &BodyMemory) -> Result<(), BodyError> {
        let more = bytes.div_ceil(UNIT).saturating_sub(self.0.num_permits());
        let more = u32::try_from(more).map_err(|_| BodyError::NoMemory)?;
        let permit = memory.units.clone().try_acquire_many_owned(more).map_err(|_| BodyError::NoMemory)?;
        self.0.merge(permit);
        Ok(())
    }
}

/// A body, or as much of it as has come. Its memory grows with what comes, not with what is announced, and is
/// wiped wherever it is dropped.
pub(crate) struct Body {
    memory: SecretBytes,
    filled: usize,
    share: Share,
}

impl Body {
    /// Reads a body of at most `most` bytes within `time`.
    pub(crate) async fn read(
        incoming: &mut Incoming,
        most: usize,
        time: Duration,
        memory: &BodyMemory,
    ) -> Result<Self, BodyError> {
        let hint = incoming.size_hint();
        if hint.lower() > most as u64 {
            return Err(BodyError::TooLarge);
        }
        let most = hint.exact().map_or(most, |length| length as usize);
        let mut body = Self { memory: SecretBytes::default(), filled: 0, share: memory.share()? };
        let reading = async {
            while let Some(frame) = incoming.frame().await {
                let frame = frame.map_err(|_| BodyError::Broken)?;
                if let Some(data) = frame.data_ref() {
                    body.append(data, most, memory)?;
                }
            }
            Ok(())
        };
        tokio::time::timeout(time, reading).await.unwrap_or(Err(BodyError::TooSlow))?;
        Ok(body)
    }

    fn append(&mut self, data: &[u8], most: usize, memory: &BodyMemory) -> Result<(), BodyError> {
        let end = self.filled + data.len();
        if end > most {
            return Err(BodyError::TooLarge);
        }
        let capacity = self.memory.expose().len();
        if end > capacity {
            let larger = end.max(FIRST_BYTES).max(2 * capacity).min(most);
            // Old and new are there at once, for a moment; what counts is what stays.
            self.share.grow(larger, memory)?;
            let mut grown = SecretBytes::new(vec![0; larger]);
            grown.expose_mut()[..self.filled].copy_from_slice(self.bytes());
            self.memory = grown;
        }
        self.memory.expose_mut()[self.filled..end].copy_from_slice(data);
        self.filled = end;
        Ok(())
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory.expose()[..self.filled]
    }

    /// Wipes the body, and hands its share of memory to whoever works on what was read from it.
    pub(crate) fn into_share(self) -> Share {
        self.share
    }
}
