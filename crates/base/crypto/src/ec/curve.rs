#![allow(unsafe_code, reason = "curves go through aws-lc-sys: see the head of the parent module")]

use aws_lc_sys::{
    EC_GROUP, EC_GROUP_get_curve_name, EC_group_p224, EC_group_p256, EC_group_p384, EC_group_p521,
    EC_group_secp256k1, NID_X9_62_prime256v1, NID_secp224r1, NID_secp256k1, NID_secp384r1, NID_secp521r1,
};

use crate::CryptoError;

/// The object identifier `id-ecPublicKey` as DER; what follows it in an encoded key is the curve.
const ID_EC_PUBLIC_KEY: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// A curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-224, secp224r1.
    P224,
    /// NIST P-256, secp256r1, prime256v1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// secp256k1.
    Secp256k1,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Self; 5] = [Self::P224, Self::P256, Self::P384, Self::P521, Self::Secp256k1];

    /// The length of a coordinate, of a private scalar, and of each half of a signature, in bytes.
    #[must_use]
    pub const fn coordinate_length(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 | Self::Secp256k1 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The curve's object identifier as DER, tag and length included: PKCS#11's `CKA_EC_PARAMS`.
    #[must_use]
    pub const fn parameters(self) -> &'static [u8] {
        match self {
            Self::P224 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21],
            Self::P256 => &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Self::P384 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
            Self::Secp256k1 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a],
        }
    }

    /// The curve of which [`parameters`](Self::parameters) gives these bytes.
    #[must_use]
    pub fn from_parameters(der: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.parameters() == der)
    }

    /// Refuses an encoded key whose curve is not named but written down. AWS-LC takes those too when the numbers
    /// are a curve's of ours; standards since RFC 5480 do not.
    pub(super) fn is_named_in(self, der: &[u8]) -> Result<(), CryptoError> {
        let named = [&ID_EC_PUBLIC_KEY, self.parameters()].concat();
        if der.windows(named.len()).any(|part| part == named) { Ok(()) } else { Err(CryptoError) }
    }

    pub(super) const fn nid(self) -> i32 {
        match self {
            Self::P224 => NID_secp224r1,
            Self::P256 => NID_X9_62_prime256v1,
            Self::P384 => NID_secp384r1,
            Self::P521 => NID_secp521r1,
            Self::Secp256k1 => NID_secp256k1,
        }
    }

    pub(super) fn group(self) -> *const EC_GROUP {
        // SAFETY: these functions have no preconditions; each gives a constant.
        unsafe {
            match self {
                Self::P224 => EC_group_p224(),
                Self::P256 => EC_group_p256(),
                Self::P384 => EC_group_p384(),
                Self::P521 => EC_group_p521(),
                Self::Secp256k1 => EC_group_secp256k1(),
            }
        }
    }

    /// # Safety
    ///
    /// `group` is null or valid.
    pub(super) unsafe fn of_group(group: *const EC_GROUP) -> Result<Self, CryptoError> {
        if group.is_null() {
            return Err(CryptoError);
        }
        // SAFETY: the group is valid.
        let nid = unsafe { EC_GROUP_get_curve_name(group) };
        Self::ALL.into_iter().find(|curve| curve.nid() == nid).ok_or(CryptoError)
    }
}
