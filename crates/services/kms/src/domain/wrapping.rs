//! How materials travel that are imported: algorithms and keys under which they are wrapped (KMS Developer Guide,
//! "Importing key material step 2: Download the wrapping public key and import token").

use super::spec::{DataKeyPairKind, KeySpec, named};
use crate::error::Refusal;

named! {
    /// How a material is wrapped.
    WrappingAlgorithm {
        OaepSha1 = "RSAES_OAEP_SHA_1",
        OaepSha256 = "RSAES_OAEP_SHA_256",
        /// An AES key by RSAES-OAEP, and behind it the material under that key, by RFC 5649.
        KeyWrapSha1 = "RSA_AES_KEY_WRAP_SHA_1",
        KeyWrapSha256 = "RSA_AES_KEY_WRAP_SHA_256",
    }
}

named! {
    /// The pair whose public half wraps.
    WrappingKeySpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
    }
}

impl WrappingAlgorithm {
    /// The number that stands for it in import tokens.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::OaepSha1 => 1,
            Self::OaepSha256 => 2,
            Self::KeyWrapSha1 => 3,
            Self::KeyWrapSha256 => 4,
        }
    }

    /// The algorithm of that number.
    pub(crate) fn of_number(number: u8) -> Option<Self> {
        [Self::OaepSha1, Self::OaepSha256, Self::KeyWrapSha1, Self::KeyWrapSha256]
            .into_iter()
            .find(|algorithm| algorithm.number() == number)
    }

    /// Whether the material itself is under an AES key.
    pub(crate) const fn is_key_wrap(self) -> bool {
        matches!(self, Self::KeyWrapSha1 | Self::KeyWrapSha256)
    }

    /// Whether OAEP hashes by SHA-1.
    pub(crate) const fn hashes_by_sha1(self) -> bool {
        matches!(self, Self::OaepSha1 | Self::KeyWrapSha1)
    }

    /// Refuses what AWS does not let wrap materials of that spec: secret keys go by OAEP alone, private keys of RSA never,
    /// and one of P-521 only where it fits. (The code is the one that the API Reference has for parameters that are not
    /// supported; the text is ours.)
    pub(crate) fn expect_for(self, spec: KeySpec, under: WrappingKeySpec) -> Result<(), Refusal> {
        let fits = match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => self.is_key_wrap(),
            KeySpec::EccNistP521 => self.is_key_wrap() || under != WrappingKeySpec::Rsa2048,
            spec if spec.is_asymmetric() => true,
            _ => !self.is_key_wrap(),
        };
        if fits {
            return Ok(());
        }
        Err(Refusal::Unsupported(Some(format!(
            "Algorithm {} with wrapping key spec {} is incompatible with key spec {}.",
            self.as_str(),
            under.as_str(),
            spec.as_str()
        ))))
    }
}

impl WrappingKeySpec {
    /// The pair that such a key is.
    pub(crate) const fn pair(self) -> DataKeyPairKind {
        match self {
            Self::Rsa2048 => DataKeyPairKind::Rsa2048,
            Self::Rsa3072 => DataKeyPairKind::Rsa3072,
            Self::Rsa4096 => DataKeyPairKind::Rsa4096,
        }
    }
}
