//! Reading bodies, within bounds of size, time and memory, into memory that is wiped after use: requests
//! carry plaintexts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// The memory that all bodies share. A part of it is for small ones alone: whoever sends large ones, and never comes to
/// their end, does not keep others from being heard.
#[derive(Clone)]
pub(crate) struct BodyMemory {
    small: Pool,
    rest: Pool,
}

/// So much of the memory is for bodies of [`FIRST_BYTES`] at the most: one in so many parts.
const SMALL_PART: usize = 4;

/// A number of units.
#[derive(Clone)]
struct Pool {
    units: Arc<Semaphore>,
    all: usize,
}

impl Pool {
    fn new(units: usize) -> Self {
        let all = units.min(Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(all)), all }
    }

    fn taken(&self) -> usize {
        self.all.saturating_sub(self.units.available_permits())
    }

    fn take(&self, units: usize) -> Option<OwnedSemaphorePermit> {
        self.units.clone().try_acquire_many_owned(u32::try_from(units).ok()?).ok()
    }
}

/// A part of that memory, until it is dropped.
#[derive(Default)]
pub(crate) struct Share(Option<Taken>);

struct Taken {
    units: OwnedSemaphorePermit,
    is_small: bool,
}

impl BodyMemory {
    pub(crate) fn new(bytes: usize) -> Self {
        let all = bytes / UNIT;
        let small = all / SMALL_PART;
        Self { small: Pool::new(small), rest: Pool::new(all - small) }
    }

    /// How much of it is taken, bytes.
    pub(crate) fn taken(&self) -> usize {
        (self.small.taken() + self.rest.taken()) * UNIT
    }

    /// So many bytes where a body of that size has its place, if they are left there.
    fn take(&self, bytes: usize) -> Option<Taken> {
        let units = bytes.div_ceil(UNIT);
        let small = if bytes <= FIRST_BYTES { self.small.take(units) } else { None };
        match small {
            Some(units) => Some(Taken { units, is_small: true }),
            None => self.rest.take(units).map(|units| Taken { units, is_small: false }),
        }
    }
}

impl Share {
    /// Lets the part grow to `bytes`, if so much is left.
    fn grow(&mut self, bytes: usize, memory: &BodyMemory) -> Result<(), BodyError> {
        match &mut self.0 {
            Some(Taken { units, is_small: false }) => {
                let more = bytes.div_ceil(UNIT).saturating_sub(units.num_permits());
                units.merge(memory.rest.take(more).ok_or(BodyError::NoMemory)?);
            }
            // What is small no more leaves the small ones' part.
            taken => *taken = Some(memory.take(bytes).ok_or(BodyError::NoMemory)?),
        }
        Ok(())
    }
}

/// The body of a request, until it is read: most are read whole where they are, an upload is taken along.
pub(crate) struct Arriving {
    incoming: Option<Incoming>,
    /// What was taken has come to its end.
    ended: Arc<AtomicBool>,
}

impl Arriving {
    pub(crate) fn new(incoming: Incoming) -> Self {
        Self { incoming: Some(incoming), ended: Arc::default() }
    }

    /// The body, if nobody has taken it.
    pub(crate) fn here(&mut self) -> Option<&mut Incoming> {
        self.incoming.as_mut()
    }

    /// Takes the body along, with where to note that it has come to its end.
    pub(crate) fn take(&mut self) -> Option<(Incoming, Arc<AtomicBool>)> {
        Some((self.incoming.take()?, self.ended.clone()))
    }

    /// Whether some of it is still to come.
    pub(crate) fn is_unread(&self) -> bool {
        self.incoming
            .as_ref()
            .map_or_else(|| !self.ended.load(Ordering::Relaxed), |incoming| !incoming.is_end_stream())
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
        let mut body = Self { memory: SecretBytes::default(), filled: 0, share: Share::default() };
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
