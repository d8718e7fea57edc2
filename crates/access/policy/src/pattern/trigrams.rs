//! What tells at a look that a pattern cannot stand for a text.

/// The runs of three bytes that a text has, as bits, of which several may share one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trigrams(u128);

impl Trigrams {
    /// Those of a text.
    pub(crate) fn of(text: &str) -> Self {
        let bit = |run: &[u8]| {
            let number = run.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            1_u128 << (number.wrapping_mul(0x9e37_79b1) >> 25)
        };
        Self(text.as_bytes().windows(3).map(bit).fold(0, |bits, bit| bits | bit))
    }

    /// These and those of another text.
    pub(super) fn with(self, text: &str) -> Self {
        Self(self.0 | Self::of(text).0)
    }

    /// Those that both have.
    pub(crate) fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `needed` are among them.
    pub(crate) fn has(self, needed: Self) -> bool {
        needed.0 & !self.0 == 0
    }
}
