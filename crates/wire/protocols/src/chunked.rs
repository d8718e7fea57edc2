//! The `aws-chunked` coding of uploads: `HEX;chunk-signature=SIG\r\nDATA\r\n`, once for every chunk, an empty chunk at the
//! end, and trailers after it.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
//!
//! [`Decoder`] takes the body in whatever pieces it comes and holds no more than a line of it. Whether a signature is the
//! right one is for others to see: it tells where chunks end, and what they were signed with.

use bytes::{Buf as _, Bytes, BytesMut};

/// The coding's name in `Content-Encoding`.
pub const AWS_CHUNKED: &str = "aws-chunked";

/// Bytes of a line between chunks: a length, an extension with a signature of 64 or, of SigV4A, 144 digits.
const LINE: usize = 512;

/// Bytes of all trailers, and how many there may be.
const TRAILER_BYTES: usize = 4096;
const TRAILERS: usize = 16;

/// One thing that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A chunk begins.
    Chunk {
        /// Its length; the empty one is the last.
        length: u64,
        /// What it says that it is signed with.
        signature: Option<String>,
    },
    /// Bytes of the chunk that has begun.
    Data(Bytes),
    /// The chunk has all its bytes. Also the empty one has.
    ChunkEnd,
    /// Names, in lower case, and values of the trailers, in their order.
    Trailers(Vec<(String, String)>),
    /// The body is whole.
    End,
}

/// A body that is not coded so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not in chunks as it says")]
pub struct Malformed;

/// Takes a body apart.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// What has come of a line.
    line: BytesMut,
    /// What has come and not been looked at.
    rest: Bytes,
    trailers: Vec<(String, String)>,
    trailer_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A line with a length is to come.
    Length,
    /// So many bytes of the chunk are to come.
    Data(u64),
    /// A chunk's bytes have come, and its end has been told; the end of its line is to come.
    DataEnd,
    /// The last chunk has come, and its end is to be told.
    LastEnd,
    /// Trailers are to come, or the empty line after them.
    Trailers,
    /// The empty line has come; the end is to be told.
    Ended,
    /// All is said.
    Over,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            state: State::Length,
            line: BytesMut::new(),
            rest: Bytes::new(),
            trailers: Vec::new(),
            trailer_bytes: 0,
        }
    }
}

impl Decoder {
    /// Takes the next bytes of the body. What was given before has been asked for to its end with [`Decoder::piece`].
    pub fn give(&mut self, bytes: Bytes) {
        if self.rest.is_empty() {
            self.rest = bytes;
        } else {
            let mut all = BytesMut::from(std::mem::take(&mut self.rest));
            all.extend_from_slice(&bytes);
            self.rest = all.freeze();
        }
    }

    /// The next piece of what has been given; `None` where more has to come.
    pub fn piece(&mut self) -> Result<Option<Piece>, Malformed> {
        loop {
            match self.state {
                State::Length => {
                    let Some(line) = self.take_line()? else { return Ok(None) };
                    let (length, signature) = chunk_head(&line)?;
                    self.state = if length == 0 { State::LastEnd } else { State::Data(length) };
                    return Ok(Some(Piece::Chunk { length, signature }));
                }
                State::Data(0) => {
                    self.state = State::DataEnd;
                    return Ok(Some(Piece::ChunkEnd));
                }
                State::Data(left) => {
                    if self.rest.is_empty() {
                        return Ok(None);
                    }
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.rest.len());
                    let data = self.rest.split_to(here);
                    self.state = State::Data(left.saturating_sub(here as u64));
                    return Ok(Some(Piece::Data(data)));
                }
                State::DataEnd => {
                    let Some(line) = self.take_line()? else { return Ok(None) };
                    if !line.is_empty() {
                        return Err(Malformed);
                    }
                    self.state = State::Length;
                }
                State::LastEnd => {
                    self.state = State::Trailers;
                    return Ok(Some(Piece::ChunkEnd));
                }
                State::Trailers => {
                    let Some(line) = self.take_line()? else { return Ok(None) };
                    if line.is_empty() {
                        self.state = State::Ended;
                        if !self.trailers.is_empty() {
                            return Ok(Some(Piece::Trailers(std::mem::take(&mut self.trailers))));
                        }
                    } else {
                        self.take_trailer(&line)?;
                    }
                }
                State::Ended => {
                    self.state = State::Over;
                    return Ok(Some(Piece::End));
                }
                State::Over if self.rest.is_empty() => return Ok(None),
                State::Over => return Err(Malformed),
            }
        }
    }

    /// Tells that nothing more comes. The empty line at the very end may be missing: not every client sends it.
    pub fn finish(&mut self) -> Result<Option<Piece>, Malformed> {
        if self.state == State::Trailers && self.rest.is_empty() {
            if !self.line.is_empty() {
                return Err(Malformed);
            }
            self.state = State::Ended;
            if !self.trailers.is_empty() {
                return Ok(Some(Piece::Trailers(std::mem::take(&mut self.trailers))));
            }
        }
        match self.state {
            State::Ended => {
                self.state = State::Over;
                Ok(Some(Piece::End))
            }
            State::Over => Ok(None),
            _ => Err(Malformed),
        }
    }

    /// A whole line, without its end. Trailers of some clients end with a line feed alone.
    fn take_line(&mut self) -> Result<Option<BytesMut>, Malformed> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let here = end.map_or(self.rest.len(), |end| end + 1);
        if self.line.len() + here > LINE {
            return Err(Malformed);
        }
        self.line.extend_from_slice(&self.rest[..here]);
        self.rest.advance(here);
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        line.truncate(line.len().saturating_sub(1));
        if line.last() == Some(&b'\r') {
            line.truncate(line.len().saturating_sub(1));
        }
        Ok(Some(line))
    }

    fn take_trailer(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
        let (name, value) = line.split_once(':').ok_or(Malformed)?;
        self.trailer_bytes += line.len();
        if name.is_empty() || self.trailers.len() == TRAILERS || self.trailer_bytes > TRAILER_BYTES {
            return Err(Malformed);
        }
        self.trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Ok(())
    }
}

/// `HEX` or `HEX;chunk-signature=SIG`.
fn chunk_head(line: &[u8]) -> Result<(u64, Option<String>), Malformed> {
    let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let (length, extension) = match line.split_once(';') {
        Some((length, extension)) => (length, Some(extension)),
        None => (line, None),
    };
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Malformed);
    }
    let length = u64::from_str_radix(length, 16).map_err(|_| Malformed)?;
    let signature = extension.and_then(|extension| extension.trim().strip_prefix("chunk-signature="));
    Ok((length, signature.map(str::to_owned)))
}
