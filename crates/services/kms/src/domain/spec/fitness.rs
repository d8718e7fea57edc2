//! Whether a key, an algorithm and what comes with a request fit together.

use super::{DigestForm, EncryptionAlgorithm, KeySpec, KeyUsage, SigningAlgorithm};
use crate::domain::key::Key;
use crate::error::Refusal;

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed<'m> {
    /// A message, which is hashed on the way.
    Message(&'m [u8]),
    /// The hash of a message. Ed25519ph hashes it once more, as AWS does.
    Digest(&'m [u8]),
    /// The external mu of ML-DSA (FIPS 204, algorithm 7, line 6).
    ExternalMu(&'m [u8]),
}

/// What a caller says that his message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageForm {
    Raw,
    Digest,
    ExternalMu,
}

impl MessageForm {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "RAW",
            Self::Digest => "DIGEST",
            Self::ExternalMu => "EXTERNAL_MU",
        }
    }
}

impl Key {
    /// Refuses what the key was not made for. `action` is the permission's name.
    pub(crate) fn expect_usage(&self, usage: KeyUsage, action: &str) -> Result<(), Refusal> {
        if self.usage == usage {
            return Ok(());
        }
        let operation = action.strip_prefix("kms:").unwrap_or(action);
        Err(Refusal::InvalidKeyUsage(format!(
            "{} key usage is {} which is not valid for {operation}.",
            self.arn,
            self.usage.as_str()
        )))
    }
}

/// What counts as a kind where one key takes another's place.
#[derive(PartialEq, Eq)]
enum Kind {
    Symmetric,
    Asymmetric,
    Hmac,
}

impl Key {
    fn kind(&self) -> Kind {
        match self.spec {
            spec if spec.is_symmetric() => Kind::Symmetric,
            spec if spec.is_hmac() => Kind::Hmac,
            _ => Kind::Asymmetric,
        }
    }

    /// Refuses the place of a key that callers use otherwise (KMS API Reference, UpdateAlias).
    pub(crate) fn expect_kind_of(&self, former: &Self) -> Result<(), Refusal> {
        if self.kind() == former.kind() && self.usage == former.usage {
            return Ok(());
        }
        Err(Refusal::Validation(format!(
            "The alias cannot be moved from {} to {}: both keys must be of the same type (symmetric, asymmetric or HMAC) \
             and have the same key usage.",
            former.arn, self.arn
        )))
    }
}

/// What is signed, if the algorithm takes it in that form and length.
pub(crate) fn signed(
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    form: MessageForm,
    bytes: &[u8],
) -> Result<Signed<'_>, Refusal> {
    let of_length = |length: usize, what: &str| {
        if bytes.len() == length {
            return Ok(());
        }
        Err(Refusal::Validation(format!("{what} is invalid length for algorithm {}.", algorithm.as_str())))
    };
    match (form, algorithm.digest_form()) {
        (MessageForm::Raw, DigestForm::Hash(_) | DigestForm::None | DigestForm::ExternalMu(_)) => {
            Ok(Signed::Message(bytes))
        }
        (MessageForm::Digest, DigestForm::Hash(length) | DigestForm::OnlyHash(length)) => {
            of_length(length, "Digest")?;
            Ok(Signed::Digest(bytes))
        }
        (MessageForm::ExternalMu, DigestForm::ExternalMu(length)) => {
            of_length(length, "External Mu")?;
            Ok(Signed::ExternalMu(bytes))
        }
        (MessageForm::Digest, DigestForm::None) | (MessageForm::Raw, DigestForm::OnlyHash(_)) => {
            Err(Refusal::Validation(format!(
                "Message type {} is incompatible with algorithm {}.",
                form.as_str(),
                algorithm.as_str()
            )))
        }
        (MessageForm::Digest, DigestForm::ExternalMu(_)) | (MessageForm::ExternalMu, _) => {
            Err(Refusal::Validation(format!(
                "Message type {} is incompatible with key spec {}.",
                form.as_str(),
                spec.as_str()
            )))
        }
    }
}

/// Refuses more than the algorithm encrypts with a key of that spec.
pub(crate) fn fits(spec: KeySpec, algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<(), Refusal> {
    let (Some(modulus), Some(overhead)) = (spec.modulus_length(), algorithm.oaep_overhead()) else {
        return Ok(());
    };
    let most = modulus.saturating_sub(overhead);
    if plaintext.len() <= most {
        return Ok(());
    }
    Err(Refusal::Validation(format!(
        "Algorithm {} and key spec {} cannot encrypt data larger than {most} bytes.",
        algorithm.as_str(),
        spec.as_str()
    )))
}
