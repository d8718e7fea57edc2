//! What callers are told of a cluster's failures. AWS tells all of them as `KMSInvalidStateException` (KMS Developer
//! Guide, "How to respond to a cryptographic operation failure").

use strongroom_hsm_client::ClientError;
use strongroom_hsm_proto::command::{Command, FailureCode};

use crate::backend::NotMade;
use crate::domain::spec::KeySpec;
use crate::error::{KeyStoreRefusal, Refusal};

/// AWS's words for a cluster that cannot be used.
const NO_COMMUNICATION: &str = "KMS cannot communicate with your CloudHSM cluster";

/// The refusal of cryptography, or of anything else that no operation has words of its own for.
pub(super) fn refusal(error: ClientError) -> Refusal {
    // What KMS has checked before is wrong all the same.
    if let Some(FailureCode::InvalidRequest | FailureCode::InvalidData | FailureCode::InvalidMechanism) =
        error.code()
    {
        return Refusal::Internal(error.into());
    }
    tracing::warn!(%error, "the cluster of a key store does not do what KMS asks");
    Refusal::InvalidState(NO_COMMUNICATION.to_owned())
}

/// The refusal of a new key of that spec.
pub(super) fn of_making(error: ClientError, spec: KeySpec) -> NotMade {
    // One that is not on HSMs enough was made, and what has no answer may have been done.
    let is_certain = match &error {
        ClientError::Refused { code, .. } => {
            !matches!(code, FailureCode::NotAvailable | FailureCode::DeadlineExceeded)
        }
        ClientError::Unreachable(_) | ClientError::LoginLost | ClientError::Closed => true,
        _ => false,
    };
    let refusal = refusal_of_making(error, spec);
    if is_certain { NotMade::Certainly(refusal) } else { NotMade::Perhaps(refusal) }
}

fn refusal_of_making(error: ClientError, spec: KeySpec) -> Refusal {
    match error.code() {
        // Ed25519 in FIPS mode.
        Some(FailureCode::InvalidMechanism) => Refusal::Unsupported(Some(format!(
            "The CloudHSM cluster of this custom key store makes no keys of KeySpec {}: {error}",
            spec.as_str()
        ))),
        Some(FailureCode::NotAvailable) => {
            Refusal::KeyStore(KeyStoreRefusal::InvalidConfiguration(error.to_string()))
        }
        Some(FailureCode::LimitExceeded) => {
            Refusal::LimitExceeded(format!("The CloudHSM cluster does not take another key: {error}"))
        }
        _ => refusal(error),
    }
}

/// An answer that makes no sense.
pub(super) fn nonsense(reason: &'static str) -> Refusal {
    refusal(ClientError::Protocol(reason))
}

/// Whether HSMs are given a ciphertext, which may be a wrong one.
pub(super) fn is_decryption(command: &Command) -> bool {
    matches!(command, Command::Decrypt(_) | Command::DecryptDerived(_) | Command::ReEncryptDerived(_))
}

/// The ciphertext that a call holds is not one of this key, context and content.
pub(super) fn is_of_a_wrong_ciphertext(error: &ClientError) -> bool {
    error.code() == Some(FailureCode::CryptographyFailed)
}

/// The key that a call names is not there.
pub(super) fn is_of_a_vanished_key(error: &ClientError) -> bool {
    error.code() == Some(FailureCode::NoSuchKey)
}

/// The material of the key of that ARN is not in the cluster.
pub(super) fn vanished(arn: &str) -> Refusal {
    Refusal::InvalidState(format!(
        "{arn} is unavailable: its key material is not in the CloudHSM cluster. Associate the custom key store with a \
         cluster that was made from a backup with the key material."
    ))
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_proto::command::{Agree, Decrypt, DecryptDerived, ReEncryptDerived, Sign};

    use super::*;

    #[test]
    fn only_what_decrypts_can_have_been_given_a_wrong_ciphertext() {
        for command in [
            Command::Decrypt(Decrypt::default()),
            Command::DecryptDerived(DecryptDerived::default()),
            Command::ReEncryptDerived(ReEncryptDerived::default()),
        ] {
            assert!(is_decryption(&command));
        }
        assert!(!is_decryption(&Command::Sign(Sign::default())));
        assert!(!is_decryption(&Command::Agree(Agree::default())));
        let failed = || ClientError::Refused { code: FailureCode::CryptographyFailed, text: String::new() };
        assert!(is_of_a_wrong_ciphertext(&failed()));
        assert!(matches!(refusal(failed()), Refusal::InvalidState(text) if text == NO_COMMUNICATION));
    }
}
