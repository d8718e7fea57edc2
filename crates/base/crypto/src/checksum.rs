//! The checksums by which S3 tells whether bytes have arrived (Amazon S3 User Guide, "Checking object integrity"): three
//! CRCs, which show accidents and no more, SHA-1 and SHA-256.

use std::fmt;

use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc, Digest, Table};

use crate::digest::{Hash, Hasher};

static CRC32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
static CRC64_NVME: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// A kind of checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// CRC-32, as in Ethernet and zip.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Checksum {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// Its name in S3's API, for example `CRC32C`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The header, or trailer, that has its value in base 64.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The length of a value, in bytes.
    #[must_use]
    pub const fn output_length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Gives the checksum of `data`.
    #[must_use]
    pub fn of(self, data: &[u8]) -> Vec<u8> {
        let mut running = Running::new(self);
        running.update(data);
        running.finish()
    }

    /// Gives the checksum of one text and another behind it, of `length` bytes, from theirs. CRCs only: `None` for the
    /// others, and for values of another length than the kind's.
    #[must_use]
    pub fn combined(self, first: &[u8], second: &[u8], length: u64) -> Option<Vec<u8>> {
        match self {
            Self::Crc32 => combined_32(CRC_32_ISO_HDLC.poly, first, second, length),
            Self::Crc32c => combined_32(CRC_32_ISCSI.poly, first, second, length),
            Self::Crc64Nvme => {
                let field = Field { polynomial: CRC_64_NVME.poly.reverse_bits(), one: 1 << 63 };
                let (first, second) = (first.try_into().ok()?, second.try_into().ok()?);
                let sum = field.combined(u64::from_be_bytes(first), u64::from_be_bytes(second), length);
                Some(sum.to_be_bytes().to_vec())
            }
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

fn combined_32(polynomial: u32, first: &[u8], second: &[u8], length: u64) -> Option<Vec<u8>> {
    let field = Field { polynomial: polynomial.reverse_bits().into(), one: 1 << 31 };
    let number = |bytes: &[u8]| Some(u64::from(u32::from_be_bytes(bytes.try_into().ok()?)));
    let sum = field.combined(number(first)?, number(second)?, length);
    Some((sum as u32).to_be_bytes().to_vec())
}

/// Polynomials over GF(2) modulo that of a CRC, bits reflected: the highest bit is the coefficient of 1.
#[derive(Clone, Copy)]
struct Field {
    polynomial: u64,
    one: u64,
}

impl Field {
    /// The first checksum is moved past the second text, which is a multiplication by x to the number of its bits. (What
    /// the CRCs begin and end with is the same here, and cancels out.)
    fn combined(self, first: u64, second: u64, length: u64) -> u64 {
        let mut shift = self.one;
        let mut power = (0..3).fold(self.one >> 1, |power, _| self.product(power, power));
        let mut left = length;
        while left > 0 {
            if left & 1 == 1 {
                shift = self.product(shift, power);
            }
            power = self.product(power, power);
            left >>= 1;
        }
        self.product(shift, first) ^ second
    }

    fn product(self, a: u64, mut b: u64) -> u64 {
        let (mut sum, mut bit) = (0, self.one);
        while bit > 0 {
            if a & bit != 0 {
                sum ^= b;
            }
            b = if b & 1 == 1 { (b >> 1) ^ self.polynomial } else { b >> 1 };
            bit >>= 1;
        }
        sum
    }
}

/// A checksum of data that comes in pieces.
#[derive(Clone)]
pub struct Running(State);

#[derive(Clone)]
enum State {
    Crc32(Digest<'static, u32, Table<16>>),
    Crc64(Digest<'static, u64, Table<16>>),
    Hash(Hasher),
}

impl Running {
    /// Begins a checksum.
    #[must_use]
    pub fn new(kind: Checksum) -> Self {
        Self(match kind {
            Checksum::Crc32 => State::Crc32(CRC32.digest()),
            Checksum::Crc32c => State::Crc32(CRC32C.digest()),
            Checksum::Crc64Nvme => State::Crc64(CRC64_NVME.digest()),
            Checksum::Sha1 => State::Hash(Hasher::new(Hash::Sha1)),
            Checksum::Sha256 => State::Hash(Hasher::new(Hash::Sha256)),
        })
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            State::Crc32(digest) => digest.update(piece),
            State::Crc64(digest) => digest.update(piece),
            State::Hash(hasher) => hasher.update(piece),
        }
    }

    /// Gives the checksum of all pieces, one after the other.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            State::Crc32(digest) => digest.finalize().to_be_bytes().to_vec(),
            State::Crc64(digest) => digest.finalize().to_be_bytes().to_vec(),
            State::Hash(hasher) => hasher.finish(),
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Checksum, Running};
    use crate::hex;

    /// The check values of the catalogue of CRCs ("123456789"), and of FIPS 180-4 ("abc").
    #[test]
    fn they_are_those_that_everyone_computes() {
        for (kind, text, value) in [
            (Checksum::Crc32, "123456789", "cbf43926"),
            (Checksum::Crc32c, "123456789", "e3069283"),
            (Checksum::Crc64Nvme, "123456789", "ae8b14860a799888"),
            (Checksum::Sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ] {
            assert_eq!(hex::encode(&kind.of(text.as_bytes())), value, "{kind:?}");
            assert_eq!(value.len(), 2 * kind.output_length());
            assert_eq!(Checksum::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn pieces_make_the_same_sum_and_sums_of_parts_that_of_the_whole() {
        let data: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
        for kind in Checksum::ALL {
            for cut in [0, 1, 4095, 50_000, data.len()] {
                let (first, second) = data.split_at(cut);
                let mut running = Running::new(kind);
                running.update(first);
                running.update(second);
                assert_eq!(running.finish(), kind.of(&data), "{kind:?} cut at {cut}");
                let combined = kind.combined(&kind.of(first), &kind.of(second), second.len() as u64);
                let is_crc = !matches!(kind, Checksum::Sha1 | Checksum::Sha256);
                assert_eq!(combined, is_crc.then(|| kind.of(&data)), "{kind:?} cut at {cut}");
            }
        }
        assert_eq!(Checksum::Crc32.combined(&[0; 3], &[0; 4], 1), None);
    }
}
