//! Mechanisms, from options.

use strongroom_hsm_proto::command::{Hash, Mechanism, MechanismKind};

use crate::error::CliError;
use crate::grammar::wrap::{Gcm, Oaep};

/// A mechanism without parameters.
pub(super) fn plain(kind: MechanismKind) -> Mechanism {
    Mechanism { kind: kind.into(), ..Mechanism::default() }
}

/// AES-GCM in one of its forms.
pub(super) fn gcm(kind: MechanismKind, options: Gcm, iv: Vec<u8>) -> Mechanism {
    Mechanism {
        kind: kind.into(),
        iv,
        aad: options.aad.map(|aad| aad.0).unwrap_or_default(),
        tag_length: options.tag_length_bits,
        ..Mechanism::default()
    }
}

/// A mechanism with OAEP in it.
pub(super) fn oaep(kind: MechanismKind, options: &Oaep) -> Result<Mechanism, CliError> {
    let hash = Hash::from(options.hash_function);
    same_hash(hash, options.mgf.into())?;
    Ok(Mechanism { kind: kind.into(), hash: hash.into(), ..Mechanism::default() })
}

/// HSMs know masks only with the hash function of the mechanism.
pub(super) fn same_hash(hash: Hash, mgf: Hash) -> Result<(), CliError> {
    if hash == mgf {
        Ok(())
    } else {
        Err(CliError::usage("--mgf must be of the hash function that --hash-function says"))
    }
}
