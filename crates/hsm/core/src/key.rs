//! Keys opened in memory.

use std::fmt;
use std::sync::Arc;

use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_secret::SecretBytes;

use crate::{Attributes, HsmError, Usage};

const FINGERPRINT_LABEL: &[u8] = b"strongroom/hsm/fingerprint";

/// A key, opened: its material is in memory and is wiped when the cache and all users have let it go.
/// Clones share the material.
#[derive(Clone)]
pub struct OpenedKey(Arc<Opened>);

struct Opened {
    attributes: Attributes,
    material: SecretBytes,
}

impl OpenedKey {
    pub(crate) fn new(attributes: Attributes, material: SecretBytes) -> Self {
        Self(Arc::new(Opened { attributes, material }))
    }

    /// Gives the key's attributes.
    pub fn attributes(&self) -> Attributes {
        self.0.attributes
    }

    /// Gives a public value that tells this material from others in the hands of `owner`: equal for equal
    /// material and owner, and telling nothing about the material (SP 800-108, label and owner as input).
    pub fn fingerprint(&self, owner: &[u8]) -> Result<[u8; 32], HsmError> {
        let mut fingerprint = [0; 32];
        sp800_108_counter_hmac_sha256(self.0.material.expose(), FINGERPRINT_LABEL, owner, &mut fingerprint)?;
        Ok(fingerprint)
    }

    /// Gives the material for one operation, if the attributes permit it.
    pub(crate) fn material_for(&self, operation: Usage) -> Result<&[u8], HsmError> {
        if self.0.attributes.usage.contains(operation) {
            Ok(self.0.material.expose())
        } else {
            Err(HsmError::NotPermitted)
        }
    }

    #[cfg(test)]
    pub(crate) fn is_let_go(&self) -> impl Fn() -> bool + use<> {
        let weak = Arc::downgrade(&self.0);
        move || weak.strong_count() == 0
    }
}

impl fmt::Debug for OpenedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedKey").field("attributes", &self.0.attributes).finish_non_exhaustive()
    }
}
