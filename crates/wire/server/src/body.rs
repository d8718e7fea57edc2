//! Reading bodies, within bounds of size and time, into memory that is wiped after use: requests carry
//! plaintexts.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use strongroom_secret::SecretBytes;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is, or says it is, larger than the bound.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The connection ended before it did, or its framing is broken.
    Broken,
}

/// Reads a body of at most `most` bytes within `time`.
pub(crate) async fn read(mut body: Incoming, most: usize, time: Duration) -> Result<SecretBytes, BodyError> {
    let hint = body.size_hint();
    if hint.lower() > most as u64 {
        return Err(BodyError::TooLarge);
    }
    // All at once where the length is known: a buffer that grows leaves copies behind.
    let capacity = hint.exact().map_or(8 * 1024, |length| length as usize);
    let mut bytes = Vec::with_capacity(capacity);
    let reading = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyError::Broken)?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > most {
                return Err(BodyError::TooLarge);
            }
            append_wiped(&mut bytes, data);
        }
        Ok(())
    };
    match tokio::time::timeout(time, reading).await {
        Ok(Ok(())) => Ok(SecretBytes::new(bytes)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(BodyError::TooSlow),
    }
}

/// Appends, and wipes the old memory where the bytes have to move.
fn append_wiped(bytes: &mut Vec<u8>, data: &[u8]) {
    if bytes.capacity() - bytes.len() < data.len() {
        let mut larger = Vec::with_capacity((bytes.capacity() * 2).max(bytes.len() + data.len()));
        larger.extend_from_slice(bytes);
        drop(SecretBytes::new(std::mem::replace(bytes, larger)));
    }
    bytes.extend_from_slice(data);
}
