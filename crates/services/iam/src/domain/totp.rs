//! Time-based one-time passwords (RFC 6238) as AWS's virtual devices show them: six digits of HMAC-SHA-1, a new
//! code every thirty seconds.

use strongroom_crypto::digest::Hash;
use strongroom_crypto::hmac::Hmac;
use strongroom_secret::{SecretBytes, constant_time_eq};

use super::id::ALPHABET;

/// How long a code is shown, in milliseconds.
const STEP_MS: i64 = 30_000;

/// The digits of a code.
const DIGITS: usize = 6;

/// One more than the largest code.
const MODULUS: u32 = 1_000_000;

/// Steps before and after the present one whose codes are taken.
const TOLERANCE: i64 = 1;

/// Steps before and after the present one in which two codes are looked for when a device is put right: two
/// hours.
const FAR: i64 = 240;

/// A device's seed.
pub(crate) struct Seed(SecretBytes);

impl Seed {
    /// Reads the text of a seed, in base 32.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bits = 0_u32;
        let mut held = 0;
        let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
        for letter in text.bytes() {
            let value = ALPHABET.iter().position(|known| *known == letter)?;
            bits = (bits << 5) | value as u32;
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
        }
        Some(Self(SecretBytes::new(bytes)))
    }

    /// The code that a device shows in a step (RFC 4226, section 5.3).
    pub(crate) fn code(&self, step: i64) -> String {
        let tag = Hmac::new(Hash::Sha1, self.0.expose()).sign(&[&step.to_be_bytes()]);
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
        let word = tag.get(offset..offset + 4).unwrap_or_default();
        let number = word.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:0width$}", (number & 0x7fff_ffff) % MODULUS, width = DIGITS)
    }

    fn shows(&self, step: i64, code: &str) -> bool {
        constant_time_eq(self.code(step).as_bytes(), code.as_bytes())
    }

    /// The step whose code that is, if it is one of those that a device with `drift` may show now and none
    /// that was used: steps up to `used` are over.
    pub(crate) fn find(&self, now_ms: i64, drift: i64, used: i64, code: &str) -> Option<i64> {
        let present = step_of(now_ms) + drift;
        let steps = present - TOLERANCE..=present + TOLERANCE;
        steps.filter(|step| *step > used).find(|step| self.shows(*step, code))
    }

    /// The step of the second of two codes that follow each other, the later of which a device may show now.
    pub(crate) fn find_pair(&self, now_ms: i64, first: &str, second: &str) -> Option<i64> {
        self.find_pair_within(now_ms, TOLERANCE, first, second)
    }

    /// The same for a device whose clock may be wrong by hours.
    pub(crate) fn find_pair_far(&self, now_ms: i64, first: &str, second: &str) -> Option<i64> {
        self.find_pair_within(now_ms, FAR, first, second)
    }

    fn find_pair_within(&self, now_ms: i64, tolerance: i64, first: &str, second: &str) -> Option<i64> {
        let present = step_of(now_ms);
        let mut steps = present - tolerance..=present + tolerance;
        steps.find(|step| self.shows(step - 1, first) && self.shows(*step, second))
    }
}

/// The number of the step that a moment is in.
pub(crate) fn step_of(now_ms: i64) -> i64 {
    now_ms.div_euclid(STEP_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the seed is "12345678901234567890", the codes' last six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let seed = Seed::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(seed.code(step_of(seconds * 1000)), code);
        }
    }

    #[test]
    fn codes_around_now_are_taken_once() {
        let seed = Seed::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let now_ms = 1_700_000_000_000;
        let now = step_of(now_ms);
        for step in now - 1..=now + 1 {
            assert_eq!(seed.find(now_ms, 0, 0, &seed.code(step)), Some(step));
            assert_eq!(seed.find(now_ms, 0, step, &seed.code(step)), None);
        }
        assert_eq!(seed.find(now_ms, 0, 0, &seed.code(now + 2)), None);
        assert_eq!(seed.find(now_ms, 2, 0, &seed.code(now + 2)), Some(now + 2));
        assert_eq!(seed.find_pair(now_ms, &seed.code(now - 1), &seed.code(now)), Some(now));
        assert_eq!(seed.find_pair(now_ms, &seed.code(now), &seed.code(now)), None);
        let far = (seed.code(now + 99), seed.code(now + 100));
        assert_eq!(seed.find_pair(now_ms, &far.0, &far.1), None);
        assert_eq!(seed.find_pair_far(now_ms, &far.0, &far.1), Some(now + 100));
    }

    #[test]
    fn what_is_no_base_32_is_no_seed() {
        assert!(Seed::parse("ABC1").is_none());
        assert!(Seed::parse("abc").is_none());
    }
}
