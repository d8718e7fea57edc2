//! Keys opened in memory.

use std::fmt;
use std::sync::Arc;

use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_secret::SecretBytes;

use crate::opened::Opened;
use crate::{Attributes, HsmError, Usage};

const FINGERPRINT_LABEL: &[u8] = b"strongroom/hsm/fingerprint";

/// A key, opened: its material is in memory and is wiped when the cache and all users have let it go.
/// Clones share the material.
#[derive(Clone)]
pub struct OpenedKey(Arc<Inner>);

struct Inner {
    attributes: Attributes,
    opened: Opened,
}

impl OpenedKey {
    /// Parses material; what is none of the attributes' type is [`HsmError::InvalidMaterial`].
    pub(crate) fn new(attributes: Attributes, material: &SecretBytes) -> Result<Self, HsmError> {
        let opened = Opened::parse(attributes.key_type, material.expose());
        Ok(Self(Arc::new(Inner { attributes, opened: opened.map_err(|_| HsmError::InvalidMaterial)? })))
    }

    /// Gives the key's attributes.
    pub fn attributes(&self) -> Attributes {
        self.0.attributes
    }

    /// Gives the public half of a pair as a DER SubjectPublicKeyInfo (RFC 5280); of other keys nothing.
    pub fn public_key(&self) -> Result<Option<Vec<u8>>, HsmError> {
        Ok(self.0.opened.public_key()?)
    }

    /// Gives a public value that tells this material from others in the hands of `owner`: equal for equal
    /// material and owner in whatever partition, and telling nothing about the material (SP 800-108, label and owner
    /// as input).
    pub fn fingerprint(&self, owner: &[u8]) -> Result<[u8; 32], HsmError> {
        let mut fingerprint = [0; 32];
        let identity = self.0.opened.identity()?;
        sp800_108_counter_hmac_sha256(identity.expose(), FINGERPRINT_LABEL, owner, &mut fingerprint)?;
        Ok(fingerprint)
    }

    /// Gives what to compute with in one operation, if the attributes permit it.
    pub(crate) fn permitted(&self, operation: Usage) -> Result<&Opened, HsmError> {
        if self.0.attributes.usage.contains(operation) {
            Ok(&self.0.opened)
        } else {
            Err(HsmError::NotPermitted)
        }
    }

    /// Gives what the key is, whatever it may do.
    pub(crate) fn opened(&self) -> &Opened {
        &self.0.opened
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
