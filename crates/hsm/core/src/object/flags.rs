//! Attributes that are true or false.

use std::ops::{BitOr, BitOrAssign};

use strongroom_hsm_proto::command::AttributeName;

/// A set of attributes that are true. The numbers stand in log entries and never change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u32);

impl Flags {
    pub(crate) const TOKEN: Self = Self(1);
    pub(crate) const PRIVATE: Self = Self(1 << 1);
    pub(crate) const TRUSTED: Self = Self(1 << 2);
    pub(crate) const SENSITIVE: Self = Self(1 << 3);
    pub(crate) const ENCRYPT: Self = Self(1 << 4);
    pub(crate) const DECRYPT: Self = Self(1 << 5);
    pub(crate) const WRAP: Self = Self(1 << 6);
    pub(crate) const UNWRAP: Self = Self(1 << 7);
    pub(crate) const SIGN: Self = Self(1 << 8);
    pub(crate) const VERIFY: Self = Self(1 << 9);
    pub(crate) const DERIVE: Self = Self(1 << 10);
    pub(crate) const EXTRACTABLE: Self = Self(1 << 11);
    pub(crate) const LOCAL: Self = Self(1 << 12);
    pub(crate) const NEVER_EXTRACTABLE: Self = Self(1 << 13);
    pub(crate) const ALWAYS_SENSITIVE: Self = Self(1 << 14);
    pub(crate) const MODIFIABLE: Self = Self(1 << 15);
    pub(crate) const DESTROYABLE: Self = Self(1 << 16);
    pub(crate) const WRAP_WITH_TRUSTED: Self = Self(1 << 17);

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The same set, with the flags in it or not.
    pub(crate) const fn with(self, flags: Self, on: bool) -> Self {
        if on { Self(self.0 | flags.0) } else { Self(self.0 & !flags.0) }
    }

    /// The flag of an attribute; none for attributes that are not true or false.
    pub(crate) const fn of(name: AttributeName) -> Option<Self> {
        Some(match name {
            AttributeName::Token => Self::TOKEN,
            AttributeName::Private => Self::PRIVATE,
            AttributeName::Trusted => Self::TRUSTED,
            AttributeName::Sensitive => Self::SENSITIVE,
            AttributeName::Encrypt => Self::ENCRYPT,
            AttributeName::Decrypt => Self::DECRYPT,
            AttributeName::Wrap => Self::WRAP,
            AttributeName::Unwrap => Self::UNWRAP,
            AttributeName::Sign => Self::SIGN,
            AttributeName::Verify => Self::VERIFY,
            AttributeName::Derive => Self::DERIVE,
            AttributeName::Extractable => Self::EXTRACTABLE,
            AttributeName::Local => Self::LOCAL,
            AttributeName::NeverExtractable => Self::NEVER_EXTRACTABLE,
            AttributeName::AlwaysSensitive => Self::ALWAYS_SENSITIVE,
            AttributeName::Modifiable => Self::MODIFIABLE,
            AttributeName::Destroyable => Self::DESTROYABLE,
            AttributeName::WrapWithTrusted => Self::WRAP_WITH_TRUSTED,
            _ => return None,
        })
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
