//! Grants: permissions to use one key, given to one principal (KMS Developer Guide, "Grants in AWS KMS").

mod constraints;
mod held;
mod marks;
mod operations;
mod party;
mod terms;

use strongroom_identity::{AccountId, PARTITION};

pub(crate) use self::constraints::{Constraints, ContextConstraint};
pub(crate) use self::held::{Granting, HeldGrants, Holdings, MOST_TOLD, Relevant, Retirable};
pub(crate) use self::operations::Operations;
pub(crate) use self::party::{NamedParty, Party, identities_of};
pub(crate) use self::terms::Terms;
use super::identifier::Home;
use crate::error::Refusal;

/// Grants that one key may have (KMS Developer Guide, "Resource quotas").
pub(super) const MOST_PER_KEY: u32 = 50_000;

/// Hexadecimal digits of a grant's id.
const ID_DIGITS: usize = 64;

/// A grant of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The key's home.
    pub(crate) home: Home,
    /// The key's id.
    pub(crate) key_id: String,
    /// 64 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    pub(crate) terms: Terms,
}

impl Grant {
    /// What names the grant in errors.
    pub(crate) fn label(home: &Home, key_id: &str, id: &str) -> String {
        format!("{}, grant {id}", home.key_arn(key_id))
    }
}

/// The count of a key's grants when it gets one more, if it may have so many.
pub(crate) fn one_more(grants: u32, most: u32) -> Result<u32, Refusal> {
    if grants >= most {
        return Err(Refusal::LimitExceeded(format!("A key can have at most {most} grants.")));
    }
    Ok(grants + 1)
}

/// Whether a grant can have that id.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// How grants show an account.
pub(crate) fn account_arn(account: AccountId) -> String {
    format!("arn:{PARTITION}:iam::{account}:root")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_fifty_thousand_grants() {
        assert_eq!(one_more(0, MOST_PER_KEY).unwrap(), 1);
        assert_eq!(one_more(49_999, MOST_PER_KEY).unwrap(), 50_000);
        assert!(matches!(one_more(50_000, MOST_PER_KEY), Err(Refusal::LimitExceeded(_))));
    }
}
