//! Frames: how messages follow each other on a connection.
//!
//! ```text
//! u32 length of what follows | u8 kind | u64 request | u32 deadline | payload
//! ```
//!
//! All numbers are big-endian. The codec does no input or output: the blocking client, the asynchronous one and
//! the HSM read into [`Decoder::space`] and write from [`Encoder::bytes`]. Lengths are checked before anything
//! is allocated, and buffers are wiped: passwords and plaintexts go through them.

mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::Encoder;

use prost::Message;

/// The longest payload of a client's call, in bytes.
pub const MAX_CALL: usize = 64 << 10;
/// The longest payload of an answer, in bytes. Only lists are longer than [`MAX_CALL`].
pub const MAX_ANSWER: usize = 1 << 20;
/// How long the length is, in bytes.
const LENGTH: usize = 4;
/// How long a frame is before its payload, the length included.
pub const HEADER: usize = LENGTH + 1 + 8 + 4;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A client's [`Hello`](crate::command::Hello), first on the connection.
    Hello = 1,
    /// The HSM's [`Welcome`](crate::command::Welcome).
    Welcome = 2,
    /// A call. Whoever calls chooses the request's number.
    Call = 3,
    /// The answer to the call with the same number. Answers come in any order.
    Answer = 4,
    /// A [`Failure`](crate::command::Failure): the sender closes the connection after it.
    Goodbye = 5,
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub kind: Kind,
    /// Which call it belongs to; 0 for frames that belong to none.
    pub request: u64,
    /// How long the caller waits, in milliseconds from now; 0 is as long as it takes. Only in calls.
    pub deadline_ms: u32,
}

/// A frame as it lies in a [`Decoder`].
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// What stands before the payload.
    pub header: Header,
    /// The message.
    pub payload: &'a [u8],
}

/// Why bytes are no frame, or a message does not become one. On a connection each of them is the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The payload is longer than allowed.
    #[error("a payload of {length} bytes where {max} are allowed")]
    TooLong {
        /// How long it would be.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// The length does not even cover what stands before the payload.
    #[error("a frame of {0} bytes is too short")]
    TooShort(usize),
    /// No kind has this number.
    #[error("there is no frame of kind {0}")]
    UnknownKind(u8),
    /// The payload is not the message that it should be.
    #[error("the payload is not a message of the expected form")]
    Malformed,
}

impl Header {
    /// Of a frame that belongs to no call.
    pub const fn of(kind: Kind) -> Self {
        Self { kind, request: 0, deadline_ms: 0 }
    }

    /// Of a call.
    pub const fn call(request: u64, deadline_ms: u32) -> Self {
        Self { kind: Kind::Call, request, deadline_ms }
    }

    /// Of an answer.
    pub const fn answer(request: u64) -> Self {
        Self { kind: Kind::Answer, request, deadline_ms: 0 }
    }
}

impl Frame<'_> {
    /// Reads the payload.
    pub fn message<M: Message + Default>(&self) -> Result<M, FrameError> {
        M::decode(self.payload).map_err(|_| FrameError::Malformed)
    }
}

impl TryFrom<u8> for Kind {
    type Error = FrameError;

    fn try_from(number: u8) -> Result<Self, FrameError> {
        Ok(match number {
            1 => Self::Hello,
            2 => Self::Welcome,
            3 => Self::Call,
            4 => Self::Answer,
            5 => Self::Goodbye,
            unknown => return Err(FrameError::UnknownKind(unknown)),
        })
    }
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("header", &self.header)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}
