//! Secrets in memory: a wrapper that wipes what it holds, prints nothing of it and shows it only where a
//! reader can grep for `expose`.
//!
//! The crate refuses to know what the secrets are for. Start from [`Secret`] and its three usual forms,
//! [`SecretBytes`], [`SecretString`] and [`Key256`], and from [`SecretBuffer`] for what is written; compare with [`constant_time_eq`].
//!
//! What it cannot do: a value that is *moved* may leave its old bytes on the stack. Long-lived key material
//! is therefore filled in place ([`Secret::filled`]) and then borrowed, not passed around.

#![warn(missing_docs)]

use std::any::Any;
use std::fmt;
use std::io;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, optimization_barrier};

/// Secret bytes of any length.
pub type SecretBytes = Secret<Vec<u8>>;
/// A secret text: a password, a secret access key.
pub type SecretString = Secret<String>;
/// A 256-bit key.
pub type Key256 = Secret<[u8; 32]>;

/// A value that is wiped when it is dropped and never printed.
///
/// It has no `Display`, no serialisation and no `==`. What grows cannot be grown in here: a `Vec` that
/// reallocates would leave a copy behind, so a `&mut Vec` is never given out.
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize + 'static>(T);

impl<T: Zeroize + 'static> Secret<T> {
    /// Takes `value` in.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<const N: usize> Secret<[u8; N]> {
    /// Makes a secret where it will live: `fill` writes into zeroed bytes.
    pub fn filled<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self([0; N]);
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// Copies `bytes`, if they are `N`.
    #[must_use]
    pub fn copied_from(bytes: &[u8]) -> Option<Self> {
        Self::filled(|copy| <&[u8; N]>::try_from(bytes).map(|bytes| copy.copy_from_slice(bytes))).ok()
    }

    /// Shows the bytes for writing.
    pub const fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl SecretBytes {
    /// Makes a secret of `length` bytes where it will live: `fill` writes into zeroed bytes.
    pub fn filled<E>(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(vec![0; length]);
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// Shows the bytes for writing; their number is fixed.
    pub const fn expose_mut(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }
}

/// Secret bytes that are written piece by piece. Where they outgrow their memory they move, and what they leave is wiped.
#[derive(Debug, Default)]
pub struct SecretBuffer(SecretBytes);

impl SecretBuffer {
    /// An empty one with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Secret(Vec::with_capacity(bytes)))
    }

    /// Appends bytes.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.0.0.extend_from_slice(bytes);
    }

    /// Appends a byte.
    pub fn push_byte(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }

    /// Appends `length` bytes where they will live: `fill` writes into zeroed bytes. Where it fails, nothing is appended.
    pub fn extend_with<E>(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.0.0.len();
        self.make_room(length);
        // Within what it has: nothing moves.
        self.0.0.resize(before + length, 0);
        let filled = fill(self.0.0.get_mut(before..).unwrap_or_default());
        if filled.is_err() {
            self.0.0.truncate(before);
        }
        filled
    }

    /// Room for so many bytes more.
    fn make_room(&mut self, bytes: usize) {
        let Secret(written) = &self.0;
        let length = written.len() + bytes;
        if length > written.capacity() {
            let mut larger = Secret(Vec::with_capacity(length.max(2 * written.capacity())));
            larger.0.extend_from_slice(written);
            self.0 = larger;
        }
    }

    /// Shows what has been written.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// What has been written, which grows no more.
    #[must_use]
    pub fn into_secret(self) -> SecretBytes {
        self.0
    }
}

/// Appends text.
impl fmt::Write for SecretBuffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends bytes.
impl io::Write for SecretBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Zeroize + 'static> Drop for Secret<T> {
    fn drop(&mut self) {
        match (&mut self.0 as &mut dyn Any).downcast_mut::<Vec<u8>>() {
            Some(bytes) => wipe(bytes),
            None => self.0.zeroize(),
        }
    }
}

/// Wipes all memory of `bytes`, the part included that is not in use. `zeroize` goes byte by byte, which takes longer
/// than to encrypt them.
fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    // Within what it has: nothing moves.
    bytes.resize(bytes.capacity(), 0);
    // Whoever compiles this has to believe that the zeros are read.
    optimization_barrier(bytes.as_slice());
    bytes.clear();
}

impl<T: Zeroize + 'static> ZeroizeOnDrop for Secret<T> {}

impl<T: Zeroize + 'static> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Tells whether two byte strings are equal, in a time that depends on their lengths alone.
///
/// Different lengths are told apart at once: a length is never the secret.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
