//! Key objects: attributes, what they may be when a key is made, and how they may change later.
//!
//! The tables are those of the CloudHSM User Guide, "key attributes reference" and "supported PKCS#11 attributes".

mod change;
mod changing;
mod defaults;
mod finding;
mod flags;
mod making;
mod public;
mod replication;
mod show;
mod template;

pub(crate) use change::change;
pub(crate) use defaults::{Origin, Sort};
pub(crate) use flags::Flags;
pub(crate) use making::{Circle, NewKey, check_secret_length, secret_sort, united};
pub(crate) use public::bit_string;
pub(crate) use show::{attribute, describe};
pub(crate) use template::{Made, check_label, check_stored_template, read};

use strongroom_hsm_proto::command::{Curve, KeyClass, KeyType, MlDsaSet};

use crate::effect::KeyRecord;

impl KeyRecord {
    pub(crate) fn has(&self, flags: Flags) -> bool {
        Flags::from_bits(self.flags).contains(flags)
    }

    pub(crate) fn is(&self, class: KeyClass) -> bool {
        self.class == i32::from(class)
    }

    pub(crate) fn is_type(&self, key_type: KeyType) -> bool {
        self.key_type == i32::from(key_type)
    }

    /// The curve of an EC key.
    pub(crate) fn curve(&self) -> Option<Curve> {
        if self.is_type(KeyType::Ec) { Curve::try_from(self.parameter as i32).ok() } else { None }
    }

    /// The parameter set of an ML-DSA key.
    pub(crate) fn ml_dsa_set(&self) -> Option<MlDsaSet> {
        if self.is_type(KeyType::MlDsa) { MlDsaSet::try_from(self.parameter as i32).ok() } else { None }
    }

    /// Whether the crypto user `name` may use it.
    pub(crate) fn is_usable_by(&self, name: &str) -> bool {
        self.is(KeyClass::PublicKey)
            || self.owner == name
            || self.shared_with.iter().any(|shared| shared == name)
    }
}
