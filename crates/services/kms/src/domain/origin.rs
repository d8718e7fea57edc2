//! Where the materials of keys come from.

use super::spec::named;

named! {
    /// Where a key's materials come from: it stays so for life (KMS API Reference, CreateKey, `Origin`).
    Origin {
        /// KMS makes them.
        AwsKms = "AWS_KMS",
        /// Their owner brings them.
        External = "EXTERNAL",
        /// The HSMs of a custom key store's cluster make them.
        CustomKeyStore = "AWS_CLOUDHSM",
    }
}
