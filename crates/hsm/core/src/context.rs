//! The encryption context: what a message is bound to besides its key.

use crate::HsmError;

/// The most bytes of all keys and values of an encryption context together.
pub const LONGEST_CONTEXT: usize = 8_192;

/// Pairs of texts that must be the same when a message is decrypted as when it was encrypted.
///
/// Texts are compared byte for byte, without Unicode normalisation. The order of pairs does not matter, and
/// an empty context is the same as none. Its one encoding is the number of pairs, then the pairs sorted by
/// the bytes of their keys: length of the key, key, length of the value, value. Numbers are u32, big-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionContext {
    encoded: Vec<u8>,
}

impl EncryptionContext {
    /// Takes pairs in any order. Each key comes once, and all texts together have at most
    /// [`LONGEST_CONTEXT`] bytes.
    pub fn new<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, HsmError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut total = 0;
        let mut sorted = Vec::new();
        for (key, value) in pairs {
            total += key.as_ref().len() + value.as_ref().len();
            if total > LONGEST_CONTEXT {
                return Err(HsmError::ContextTooLong);
            }
            sorted.push((key, value));
        }
        sorted.sort_unstable_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        if sorted.windows(2).any(|pair| pair[0].0.as_ref() == pair[1].0.as_ref()) {
            return Err(HsmError::ContextRepeatsKey);
        }

        let mut encoded = Vec::with_capacity(4 + 8 * sorted.len() + total);
        encoded.extend_from_slice(&(sorted.len() as u32).to_be_bytes());
        for (key, value) in &sorted {
            for text in [key.as_ref(), value.as_ref()] {
                encoded.extend_from_slice(&(text.len() as u32).to_be_bytes());
                encoded.extend_from_slice(text.as_bytes());
            }
        }
        Ok(Self { encoded })
    }

    /// The pairs, in the order of the encoding.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.encoded.get(4..).unwrap_or_default();
        std::iter::from_fn(move || Some((take_text(&mut rest)?, take_text(&mut rest)?)))
    }

    /// Gives the encoding.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

/// Takes a length and as many bytes of text.
fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, after) = rest.split_first_chunk()?;
    let (text, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

impl Default for EncryptionContext {
    /// The empty context.
    fn default() -> Self {
        Self { encoded: vec![0; 4] }
    }
}

impl std::fmt::Debug for EncryptionContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EncryptionContext({} bytes)", self.encoded.len())
    }
}

#[cfg(test)]
mod tests {
    use super::EncryptionContext;

    #[test]
    fn pairs_are_sorted_by_the_bytes_of_their_keys() {
        let context = EncryptionContext::new([("b", ""), ("é", "2"), ("aa", "x"), ("Z", "yz")]).unwrap();
        let expected: &[u8] = b"\0\0\0\x04\
            \0\0\0\x01Z\0\0\0\x02yz\
            \0\0\0\x02aa\0\0\0\x01x\
            \0\0\0\x01b\0\0\0\0\
            \0\0\0\x02\xc3\xa9\0\0\0\x012";
        assert_eq!(context.encoded(), expected);
        let pairs: Vec<_> = context.pairs().collect();
        assert_eq!(pairs, [("Z", "yz"), ("aa", "x"), ("b", ""), ("é", "2")]);
    }

    #[test]
    fn empty_is_the_same_as_none() {
        let empty = EncryptionContext::new(Vec::<(String, String)>::new()).unwrap();
        assert_eq!(empty, EncryptionContext::default());
        assert_eq!(empty.encoded(), [0, 0, 0, 0]);
        assert_eq!(empty.pairs().count(), 0);
    }
}
