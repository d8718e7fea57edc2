//! What an HSM counts since it started, for whoever wants to know that it was this one that computed.

use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_hsm_proto::command::Command;

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    operations: AtomicU64,
}

impl Counters {
    /// A call is answered.
    pub(crate) fn answered(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// A cryptographic operation is done.
    pub(crate) fn computed(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }
}

/// Whether the command computes: with a key, a digest, or random bytes. Making, finding and changing keys does not.
pub(crate) const fn computes(command: &Command) -> bool {
    matches!(
        command,
        Command::Encrypt(_)
            | Command::Decrypt(_)
            | Command::Sign(_)
            | Command::Verify(_)
            | Command::Digest(_)
            | Command::Random(_)
            | Command::EncryptDerived(_)
            | Command::DecryptDerived(_)
            | Command::GenerateDerived(_)
            | Command::ReEncryptDerived(_)
            | Command::Agree(_)
            | Command::WrapKey(_)
            | Command::UnwrapKey(_)
            | Command::DeriveKey(_)
    )
}
