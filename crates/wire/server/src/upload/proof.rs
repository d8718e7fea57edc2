//! What a body has to be, checked piece by piece: its length, its digest, or the signatures of its chunks.

use std::collections::VecDeque;

use bytes::Bytes;
use strongroom_crypto::digest::Sha256;
use strongroom_crypto::hex;
use strongroom_protocols::chunked::{Decoder, Malformed, Piece};
use strongroom_schema::StreamError;
use strongroom_sigv4::{AuthError, BodyProof, ChunkChain, Framing};

use super::incomplete;

/// Bytes that every signed chunk has but the last: fewer would cost a signature for nothing.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
const LEAST_CHUNK: u64 = 8 * 1024;

/// The trailer that signs the others.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// A body while it is proved. What it gives may be acted on when it is over, and not before.
pub(crate) struct Proving {
    form: Form,
    /// The length that the object is said to have, if anything was said.
    length: Option<u64>,
    taken: u64,
    /// What has come and is in its place.
    pieces: VecDeque<Bytes>,
    announced: Vec<String>,
    trailers: Vec<(String, String)>,
    is_over: bool,
}

enum Form {
    Plain,
    Digest { stated: [u8; 32], running: Sha256 },
    Chunks(Box<Chunked>),
}

struct Chunked {
    decoder: Decoder,
    chain: Option<ChunkChain>,
    has_trailers: bool,
    /// Of the chunk that has begun.
    running: Sha256,
    length: u64,
    signature: Option<String>,
    /// How many have begun.
    count: u64,
    trailers_proved: bool,
}

impl Proving {
    /// Begins with nothing. Trailers that are not `announced` are refused.
    pub(crate) fn new(proof: BodyProof, length: Option<u64>, announced: Vec<String>) -> Self {
        let form = match proof {
            BodyProof::Nothing => Form::Plain,
            BodyProof::Digest(stated) => Form::Digest { stated, running: Sha256::new() },
            BodyProof::Chunks { chain, has_trailers } => Form::Chunks(Box::new(Chunked {
                decoder: Decoder::default(),
                chain,
                has_trailers,
                running: Sha256::new(),
                length: 0,
                signature: None,
                count: 0,
                trailers_proved: false,
            })),
        };
        let (pieces, trailers) = (VecDeque::new(), Vec::new());
        Self { form, length, taken: 0, pieces, announced, trailers, is_over: false }
    }

    /// Takes what has come.
    pub(crate) fn give(&mut self, data: Bytes) -> Result<(), StreamError> {
        match &mut self.form {
            Form::Plain => self.take(data),
            Form::Digest { running, .. } => {
                running.update(&data);
                self.take(data)
            }
            Form::Chunks(chunked) => {
                chunked.decoder.give(data);
                self.unpack()
            }
        }
    }

    /// Takes it that nothing more comes: what is still to be proved is proved now.
    pub(crate) fn finish(&mut self) -> Result<(), StreamError> {
        match &mut self.form {
            Form::Plain => {}
            Form::Digest { stated, running } => {
                let computed = std::mem::take(running).finish();
                if *stated != computed {
                    return Err(mismatch(stated, &computed));
                }
            }
            Form::Chunks(_) => self.unpack_rest()?,
        }
        if self.length.is_some_and(|length| length != self.taken) {
            return Err(incomplete());
        }
        self.is_over = true;
        Ok(())
    }

    /// The next piece that is in its place.
    pub(crate) fn piece(&mut self) -> Option<Bytes> {
        self.pieces.pop_front()
    }

    /// Whether everything has come and is proved. Pieces may be left.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The trailers, once it is over.
    pub(crate) fn trailers(&self) -> &[(String, String)] {
        if self.is_over { &self.trailers } else { &[] }
    }

    fn take(&mut self, data: Bytes) -> Result<(), StreamError> {
        self.taken = self.taken.saturating_add(data.len() as u64);
        if self.length.is_some_and(|length| self.taken > length) {
            return Err(incomplete());
        }
        if !data.is_empty() {
            self.pieces.push_back(data);
        }
        Ok(())
    }

    fn unpack(&mut self) -> Result<(), StreamError> {
        loop {
            let Form::Chunks(chunked) = &mut self.form else { return Ok(()) };
            let Some(piece) = chunked.decoder.piece().map_err(malformed)? else { return Ok(()) };
            self.see(piece)?;
        }
    }

    fn unpack_rest(&mut self) -> Result<(), StreamError> {
        loop {
            let Form::Chunks(chunked) = &mut self.form else { return Ok(()) };
            let piece = chunked.decoder.finish().map_err(|_| incomplete())?;
            let Some(piece) = piece else { break };
            self.see(piece)?;
        }
        match &self.form {
            Form::Chunks(chunked) if chunked.lacks_proof() => Err(unsigned()),
            _ => Ok(()),
        }
    }

    fn see(&mut self, piece: Piece) -> Result<(), StreamError> {
        let Form::Chunks(chunked) = &mut self.form else { return Ok(()) };
        match piece {
            Piece::Chunk { length, signature } => chunked.begin(length, signature),
            Piece::Data(data) => {
                if chunked.chain.is_some() {
                    chunked.running.update(&data);
                }
                self.take(data)
            }
            Piece::ChunkEnd => chunked.prove_chunk(),
            Piece::Trailers(trailers) => {
                let trailers = chunked.prove_trailers(trailers)?;
                if trailers.iter().any(|(name, _)| !self.announced.contains(name)) {
                    return Err(malformed_trailer());
                }
                self.trailers = trailers;
                Ok(())
            }
            Piece::End => Ok(()),
        }
    }
}

impl Chunked {
    fn begin(&mut self, length: u64, signature: Option<String>) -> Result<(), StreamError> {
        let is_short = self.count > 0 && self.length < LEAST_CHUNK;
        if self.chain.is_some() && length > 0 && is_short {
            let message = "Only the last chunk is allowed to have a size less than 8192 bytes";
            let refused = StreamError::refused("InvalidChunkSizeError", 403, message);
            return Err(refused
                .with_detail("Chunk", self.count.to_string())
                .with_detail("BadChunkSize", self.length.to_string()));
        }
        self.count += 1;
        self.length = length;
        self.signature = signature;
        self.running = Sha256::new();
        Ok(())
    }

    fn prove_chunk(&mut self) -> Result<(), StreamError> {
        let digest = std::mem::take(&mut self.running).finish();
        match (&mut self.chain, self.signature.take()) {
            (None, _) => Ok(()),
            (Some(chain), Some(signature)) => chain.verify_chunk(&signature, digest).map_err(|_| unsigned()),
            (Some(_), None) => Err(unsigned()),
        }
    }

    /// The trailers without their signature, which is proved.
    fn prove_trailers(
        &mut self,
        trailers: Vec<(String, String)>,
    ) -> Result<Vec<(String, String)>, StreamError> {
        if !self.has_trailers {
            return Err(malformed_trailer());
        }
        let Some(chain) = &mut self.chain else { return Ok(trailers) };
        let (signatures, others): (Vec<_>, Vec<_>) =
            trailers.into_iter().partition(|(name, _)| name == TRAILER_SIGNATURE);
        let [(_, signature)] = signatures.as_slice() else { return Err(unsigned()) };
        let mut digest = Sha256::new();
        for (name, value) in &others {
            digest.update(format!("{name}:{value}\n").as_bytes());
        }
        chain.verify_trailers(signature, digest.finish()).map_err(|_| unsigned())?;
        self.trailers_proved = true;
        Ok(others)
    }

    /// Whether trailers are left out that would have had to be signed.
    fn lacks_proof(&self) -> bool {
        self.chain.is_some() && self.has_trailers && !self.trailers_proved
    }
}

fn malformed(_: Malformed) -> StreamError {
    // Seen of bodies that say that they are in chunks and are not.
    let message = "The chunk-encoded body is not well-formed.";
    StreamError::refused("InvalidRequest", 400, message)
}

fn malformed_trailer() -> StreamError {
    let message = "The request contained trailing data that was not well-formed or did not conform to our published \
                   schema.";
    StreamError::refused("MalformedTrailerError", 400, message)
}

/// The signature of a chunk or of the trailers is not the one that the secret gives.
fn unsigned() -> StreamError {
    let rendered = AuthError::SignatureMismatch.render(Framing::RestXml);
    StreamError::refused(rendered.code, rendered.status, rendered.message)
}

fn mismatch(stated: &[u8; 32], computed: &[u8; 32]) -> StreamError {
    let rendered = AuthError::PayloadMismatch.render(Framing::RestXml);
    StreamError::refused(rendered.code, rendered.status, rendered.message)
        .with_detail("ClientComputedContentSHA256", hex::encode(stated))
        .with_detail("S3ComputedContentSHA256", hex::encode(computed))
}
