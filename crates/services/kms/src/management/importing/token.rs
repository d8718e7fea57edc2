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
        let parts = [
            &[FORMAT, wrapping.algorithm.number()][..],
            &wrapping.valid_to_ms.to_be_bytes(),
            wrapping.private_key.expose(),
        ];
        let plain = SecretBytes::new(parts.concat());
        Ok(self.0.seal(&bound_to(key), plain.expose())?)
    }

    /// What a token for imports into that key says.
    pub(super) fn open(&self, key: &Key, token: &[u8]) -> Result<Wrapping, Refusal> {
        let opened = self.0.open(&bound_to(key), token).map_err(|_| Refusal::InvalidImportToken)?;
        read(opened.expose()).ok_or(Refusal::InvalidImportToken)
    }
}

/// A key's name, and when it was made: another key may get the same name after it.
fn bound_to(key: &Key) -> Vec<u8> {
    format!("kms-import/{}/{}", key.arn, key.created_ms).into_bytes()
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
