//! Materials that owners of keys bring: the parameters by which they are wrapped, materials taken in, rotated to, taken
//! away, and expired.

mod ending;
mod measuring;
mod parameters;
mod regions;
mod rotating;
mod taking;
mod token;
mod unwrapping;

pub use self::measuring::ExpiringKey;
pub(super) use self::token::ImportTokens;
