//! Import tokens. One is the whole of what GetParametersForImport gives out, sealed: the private half of the wrapping key,
//! how it is used, and until when. No row is kept of it (ADR 39).

use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_secret::SecretBytes;

use crate::domain::key::Key;
use crate::domain::wrapping::WrappingAlgorithm;
use crate::error::Refusal;

/// The form of what is sealed: this number, the algorithm's, the end in milliseconds since 1970 (eight bytes, the highest
/// first), and the private key as PKCS#8.
const FORMAT: u8 = 1;

/// Makes import tokens and reads them.
pub(crate) struct ImportTokens(Sealer);

/// What a token says.
pub(super) struct Wrapping {
    pub(super) algorithm: WrappingAlgorithm,
    /// When it is over, milliseconds since 1970.
    pub(super) valid_to_ms: i64,
    /// The private half of the wrapping key, PKCS#8 DER.
    pub(super) private_key: SecretBytes,
}

impl ImportTokens {
    pub(crate) fn new(root: &Root) -> Self {
        Self(Sealer::new(root, Purpose::ImportTokens))
    }

    /// A token for imports into that key.
    pub(super) fn seal(&self, key: &Key, wrapping: &Wrapping) -> Result<Vec<u8>, Refusal> {
        self.seal_for(&bound_to(&key.arn, key.created_ms), wrapping)
    }

    /// What a token for imports into that key says.
    pub(super) fn open(&self, key: &Key, token: &[u8]) -> Result<Wrapping, Refusal> {
        self.open_for(&bound_to(&key.arn, key.created_ms), token)
    }

    fn seal_for(&self, bound_to: &[u8], wrapping: &Wrapping) -> Result<Vec<u8>, Refusal> {
        let parts = [
            &[FORMAT, wrapping.algorithm.number()][..],
            &wrapping.valid_to_ms.to_be_bytes(),
            wrapping.private_key.expose(),
        ];
        let plain = SecretBytes::new(parts.concat());
        Ok(self.0.seal(bound_to, plain.expose())?)
    }

    fn open_for(&self, bound_to: &[u8], token: &[u8]) -> Result<Wrapping, Refusal> {
        let opened = self.0.open(bound_to, token).map_err(|_| Refusal::InvalidImportToken)?;
        read(opened.expose()).ok_or(Refusal::InvalidImportToken)
    }
}

/// A key's name, and when it was made: another key may get the same name after it.
fn bound_to(arn: &str, created_ms: i64) -> Vec<u8> {
    format!("kms-import/{arn}/{created_ms}").into_bytes()
}

fn read(plain: &[u8]) -> Option<Wrapping> {
    let (head, rest) = plain.split_first_chunk::<2>()?;
    let (valid_to_ms, private_key) = rest.split_first_chunk()?;
    let algorithm = match head {
        [FORMAT, number] => WrappingAlgorithm::of_number(*number)?,
        _ => return None,
    };
    Some(Wrapping {
        algorithm,
        valid_to_ms: i64::from_be_bytes(*valid_to_ms),
        private_key: SecretBytes::new(private_key.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use strongroom_crypto::hex;
    use strongroom_secret::Key256;

    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    /// A token as the first version gave it out.
    const GOLDEN: &str = "01000000016c72e0fdb843df19f1f64bc877b33d56a853e1073448ac3293a184b0d683f9d9c775abe639fbf119f67c3cd93d591efd3ee2cd2fc37e0af9c85e05c59e9541049e28d2e2eb5cec";

    fn tokens() -> ImportTokens {
        ImportTokens::new(&Root::from_key(Key256::new([7; 32])).unwrap())
    }

    #[test]
    fn tokens_of_the_first_version_are_read() {
        let opened = tokens().open_for(&bound_to(ARN, 1_700_000_000_123), &hex::decode(GOLDEN).unwrap());
        let opened = opened.ok().unwrap();
        assert_eq!(opened.algorithm, WrappingAlgorithm::KeyWrapSha256);
        assert_eq!(opened.valid_to_ms, 1_700_086_400_123);
        assert_eq!(opened.private_key.expose(), b"a private key");
    }

    #[test]
    fn what_says_something_else_is_none() {
        for plain in [
            &b""[..],
            &[1],
            &[1, 4, 0, 0, 0],
            &[2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            assert!(read(plain).is_none(), "{plain:?}");
        }
    }
}
