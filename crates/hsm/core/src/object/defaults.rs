//! What attributes a new key has, and which of them its maker may choose.

use strongroom_hsm_proto::command::{KeyClass, KeyType};

use super::Flags;

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Made here.
    Generated,
    /// Derived here from another key.
    Derived,
    /// Unwrapped.
    Unwrapped,
    /// Taken in as it is: public keys.
    Imported,
}

/// What sort of key it is, as far as attributes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) class: KeyClass,
    pub(crate) key_type: KeyType,
}

impl Sort {
    /// The flags that its maker may choose.
    pub(crate) fn choosable(self, origin: Origin) -> Flags {
        let always = Flags::TOKEN | Flags::MODIFIABLE | Flags::DESTROYABLE | self.usable();
        match (self.class, origin) {
            (KeyClass::PublicKey, _) => always,
            (KeyClass::PrivateKey | KeyClass::SecretKey, Origin::Derived) => {
                always | Flags::EXTRACTABLE | Flags::WRAP_WITH_TRUSTED
            }
            (KeyClass::PrivateKey | KeyClass::SecretKey, _) => {
                always | Flags::EXTRACTABLE | Flags::SENSITIVE | Flags::WRAP_WITH_TRUSTED
            }
        }
    }

    /// The usages that exist for such keys.
    pub(crate) fn usable(self) -> Flags {
        match (self.class, self.key_type) {
            (KeyClass::SecretKey, KeyType::GenericSecret) => Flags::SIGN | Flags::VERIFY | Flags::DERIVE,
            (KeyClass::SecretKey, _) => {
                Flags::ENCRYPT
                    | Flags::DECRYPT
                    | Flags::WRAP
                    | Flags::UNWRAP
                    | Flags::SIGN
                    | Flags::VERIFY
                    | Flags::DERIVE
            }
            (KeyClass::PublicKey, KeyType::MlDsa) => Flags::VERIFY,
            (KeyClass::PublicKey, _) => Flags::ENCRYPT | Flags::VERIFY | Flags::WRAP | Flags::DERIVE,
            (KeyClass::PrivateKey, KeyType::MlDsa) => Flags::SIGN,
            (KeyClass::PrivateKey, _) => Flags::DECRYPT | Flags::SIGN | Flags::UNWRAP | Flags::DERIVE,
        }
    }

    /// Whether wrap templates exist for such keys.
    pub(crate) fn has_wrap_template(self) -> bool {
        self.usable().contains(Flags::WRAP)
    }

    /// Whether unwrap templates exist for such keys.
    pub(crate) fn has_unwrap_template(self) -> bool {
        self.usable().contains(Flags::UNWRAP)
    }

    /// What is true unless its maker says otherwise.
    pub(crate) fn defaults(self, origin: Origin) -> Flags {
        let mut flags = Flags::TOKEN | Flags::PRIVATE | Flags::MODIFIABLE | Flags::DESTROYABLE;
        if self.class != KeyClass::PublicKey {
            flags |= Flags::SENSITIVE | Flags::EXTRACTABLE;
        }
        if self.class == KeyClass::SecretKey {
            flags |= Flags::SIGN | Flags::VERIFY;
        }
        if matches!(origin, Origin::Generated | Origin::Derived) {
            flags |= Flags::LOCAL;
        }
        flags
    }

    /// Adds what follows from the rest: a key that was made here and never was otherwise.
    pub(crate) fn completed(self, flags: Flags, origin: Origin) -> Flags {
        let made_here = self.class != KeyClass::PublicKey && origin == Origin::Generated;
        flags
            .with(Flags::ALWAYS_SENSITIVE, made_here && flags.contains(Flags::SENSITIVE))
            .with(Flags::NEVER_EXTRACTABLE, made_here && !flags.contains(Flags::EXTRACTABLE))
    }
}
