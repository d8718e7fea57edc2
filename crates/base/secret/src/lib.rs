//! Secrets in memory.
use zeroize::Zeroize;
/// A secret.
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize>(T);
impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
    /// Shows it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}
impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
impl<T: Zeroize> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
