//! Values that can be wrong in more ways than their type: each says what would be right.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};

/// A path that does not depend on where a program is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AbsolutePath(PathBuf);

impl AbsolutePath {
    /// The path, if it is absolute.
    pub(crate) fn new(path: PathBuf) -> Option<Self> {
        path.is_absolute().then_some(Self(path))
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }
}

impl<'de> Deserialize<'de> for AbsolutePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(PathBuf::from(&text)).ok_or_else(|| {
            D::Error::custom(format_args!("{text:?} is not an absolute path; begin it with /"))
        })
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Whole<LEAST, MOST> {
    /// The number, which the compiler holds to the bounds where it is a constant.
    pub(crate) const fn new(number: u64) -> Self {
        assert!(LEAST <= number && number <= MOST, "a default must be within its bounds");
        Self(number)
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers<const LEAST: u64, const MOST: u64>;

        impl<const LEAST: u64, const MOST: u64> Visitor<'_> for Numbers<LEAST, MOST> {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {LEAST} to {MOST}")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<u64, E> {
                let within = u64::try_from(number).ok().filter(|number| (LEAST..=MOST).contains(number));
                within.ok_or_else(|| {
                    E::custom(format_args!(
                        "{number} is out of bounds; use a whole number from {LEAST} to {MOST}"
                    ))
                })
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<u64, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }

        deserializer.deserialize_i64(Numbers::<LEAST, MOST>).map(Self)
    }
}
