//! Actions, the verbs of policies.

/// An action that policies allow or deny, as a type, so that a permission for one is none for another.
/// Generated code has one for each operation; a service adds those that are no operation of their own
/// (`kms:ReEncryptFrom`).
pub trait Action: Send + Sync + 'static {
    /// Prefix and name, for example `kms:Decrypt`.
    const NAME: &'static str;
}
