//! Lines as they are read from a socket. They hold credentials, so that all memory that they come through is wiped.

use std::io;

use strongroom_secret::{SecretBuffer, SecretBytes};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes read at a time.
const PIECE: usize = 8 << 10;

/// The lines that a reader gives.
pub(super) struct Lines<R> {
    reader: R,
    /// The longest line, bytes.
    longest: usize,
    piece: SecretBytes,
    /// What of the piece is still to be looked at.
    left: std::ops::Range<usize>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R, longest: usize) -> Self {
        Self { reader, longest, piece: SecretBytes::new(vec![0; PIECE]), left: 0..0 }
    }

    /// The next line, without its end; none where there is no whole one any more.
    pub(super) async fn next(&mut self) -> io::Result<Option<SecretBytes>> {
        let mut line = SecretBuffer::default();
        loop {
            let left = self.piece.expose().get(self.left.clone()).unwrap_or_default();
            let end = left.iter().position(|&byte| byte == b'\n');
            line.extend_from_slice(left.get(..end.unwrap_or(left.len())).unwrap_or_default());
            if line.expose().len() > self.longest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
            }
            if let Some(end) = end {
                self.left.start += end + 1;
                return Ok(Some(line.into_secret()));
            }
            let read = self.reader.read(self.piece.expose_mut()).await?;
            self.left = 0..read;
            if read == 0 {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(text, 20_000);
        let mut read = Vec::new();
        while let Ok(Some(line)) = lines.next().await {
            read.push(String::from_utf8(line.expose().clone()).unwrap());
        }
        read
    }

    #[tokio::test]
    async fn lines_end_where_they_end() {
        assert_eq!(lines(b"a\n\nbc\nnot whole").await, ["a", "", "bc"]);
        let long = "x".repeat(2 * PIECE);
        assert_eq!(lines(format!("{long}\n{long}\n").as_bytes()).await, [long.clone(), long]);
        assert_eq!(lines(&vec![b'x'; 40_000]).await, Vec::<String>::new());
    }
}
