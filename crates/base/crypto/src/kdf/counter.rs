//! SP 800-108 in counter mode with everything chosen: `aws-lc-rs` has it with HMAC and one layout only.

use strongroom_secret::SecretBytes;
use zeroize::Zeroize as _;

use crate::CryptoError;
use crate::aes::AesKey;
use crate::digest::Hash;
use crate::hmac::Hmac;

/// The longest output, in bytes.
pub const MAX_OUTPUT_LENGTH: usize = 16 * 1024;

/// The pseudo-random function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prf {
    /// HMAC with a hash.
    Hmac(Hash),
    /// CMAC with AES: the key has 16, 24 or 32 bytes.
    CmacAes,
}

/// In which order the bytes of a number stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The most significant byte first.
    BigEndian,
    /// The least significant byte first.
    LittleEndian,
}

/// One part of what the pseudo-random function is given, in the caller's order: PKCS#11's
/// `CK_PRF_DATA_PARAM`.
#[derive(Clone, Copy, Debug)]
pub enum Segment<'a> {
    /// The counter, from 1, in 8, 16, 24 or 32 bits.
    Counter {
        /// Its width, in bits.
        bits: u32,
        /// Its bytes' order.
        order: ByteOrder,
    },
    /// Bytes as they are: label, context.
    Bytes(&'a [u8]),
    /// The length of the whole output in bits, in 8, 16, 24, 32 or 64 bits.
    OutputLength {
        /// Its width, in bits.
        bits: u32,
        /// Its bytes' order.
        order: ByteOrder,
    },
}

/// Derives `length` bytes from `key` by the KDF in counter mode (SP 800-108r1, 4.1).
///
/// There is exactly one counter among the segments, and it may not run over; neither may the output's length.
pub fn sp800_108_counter(
    prf: Prf,
    key: &[u8],
    segments: &[Segment<'_>],
    length: usize,
) -> Result<SecretBytes, CryptoError> {
    let counters = segments.iter().filter(|segment| matches!(segment, Segment::Counter { .. })).count();
    if key.is_empty() || length == 0 || length > MAX_OUTPUT_LENGTH || counters != 1 {
        return Err(CryptoError);
    }
    let prf = Keyed::new(prf, key)?;
    SecretBytes::filled(length, |out| {
        for (counter, chunk) in (1_u64..).zip(out.chunks_mut(prf.output_length())) {
            let input = input(segments, counter, length)?;
            let mut block = prf.apply(&input)?;
            chunk.copy_from_slice(&block[..chunk.len()]);
            block.zeroize();
        }
        Ok(())
    })
}

enum Keyed {
    Hmac(Box<Hmac>, usize),
    CmacAes(AesKey),
}

impl Keyed {
    fn new(prf: Prf, key: &[u8]) -> Result<Self, CryptoError> {
        match prf {
            Prf::Hmac(hash) => Ok(Self::Hmac(Box::new(Hmac::new(hash, key)), hash.output_length())),
            Prf::CmacAes => AesKey::new(key).map(Self::CmacAes),
        }
    }

    fn output_length(&self) -> usize {
        match self {
            Self::Hmac(_, length) => *length,
            Self::CmacAes(_) => 16,
        }
    }

    fn apply(&self, input: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::Hmac(key, _) => Ok(key.sign(&[input])),
            Self::CmacAes(key) => Ok(key.cmac(&[input])?.to_vec()),
        }
    }
}

fn input(segments: &[Segment<'_>], counter: u64, length: usize) -> Result<Vec<u8>, CryptoError> {
    let mut input = Vec::new();
    for segment in segments {
        match *segment {
            Segment::Counter { bits: bits @ (8 | 16 | 24 | 32), order } => {
                number(&mut input, counter, bits, order)?;
            }
            Segment::OutputLength { bits: bits @ (8 | 16 | 24 | 32 | 64), order } => {
                number(&mut input, 8 * length as u64, bits, order)?;
            }
            Segment::Bytes(bytes) => input.extend_from_slice(bytes),
            Segment::Counter { .. } | Segment::OutputLength { .. } => return Err(CryptoError),
        }
    }
    Ok(input)
}

fn number(input: &mut Vec<u8>, value: u64, bits: u32, order: ByteOrder) -> Result<(), CryptoError> {
    let bytes = value.to_be_bytes();
    let (zeros, bytes) = bytes.split_at(8 - (bits / 8) as usize);
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(CryptoError);
    }
    match order {
        ByteOrder::BigEndian => input.extend(bytes),
        ByteOrder::LittleEndian => input.extend(bytes.iter().rev()),
    }
    Ok(())
}
