//! Aliases: other names of keys, of which an account has its own in each Region.

use std::collections::BTreeSet;

use strongroom_identity::AccountId;
use strongroom_policy::Resource;

use super::identifier::{ALIAS_PREFIX, Home, RESERVED_ALIAS_PREFIX};
use crate::cache::Weighed;
use crate::error::Refusal;

/// Aliases that one key may have (KMS Developer Guide, "Resource quotas").
pub(crate) const MOST_PER_KEY: usize = 50;

/// The name of an alias that a caller may make: with its prefix, and not reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AliasName(String);

impl AliasName {
    /// Checks a name whose characters and length the schema has checked.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.strip_prefix(ALIAS_PREFIX).is_none_or(str::is_empty) {
            return Err(Refusal::Validation(
                "Alias must start with the prefix \"alias/\". Please see \
                 https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
                    .to_owned(),
            ));
        }
        if text.starts_with(RESERVED_ALIAS_PREFIX) {
            return Err(Refusal::ReservedAlias);
        }
        // The model's pattern lets colons in, so that it fits ARNs too.
        if !can_exist(text) {
            return Err(Refusal::InvalidAliasName(format!(
                "{text} contains invalid characters for an alias"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name with its prefix.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether any alias can have that name, prefix included (KMS API Reference, CreateAlias). A `KeyId` may hold
/// anything, and the store takes not everything.
pub(crate) fn can_exist(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte))
}

/// The names of a key's aliases. They are kept in the key's row, since its policies decide by them: an alias's row that
/// is lost or altered changes nothing about the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AliasNames {
    names: BTreeSet<String>,
    /// Whether the key's row has them. Rows from before have not, until an alias comes or goes.
    are_kept: bool,
}

impl AliasNames {
    /// Those of a new key.
    pub(crate) fn none() -> Self {
        Self { names: BTreeSet::new(), are_kept: true }
    }

    /// The key gets an alias.
    pub(crate) fn add(&mut self, name: &str) {
        self.are_kept = true;
        self.names.insert(name.to_owned());
    }

    /// The key loses an alias.
    pub(crate) fn remove(&mut self, name: &str) {
        self.are_kept = true;
        self.names.remove(name);
    }

    /// The names, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether the key's row says nothing of them.
    pub(crate) fn are_elsewhere(&self) -> bool {
        !self.are_kept
    }

    /// Takes in what the aliases themselves say.
    pub(crate) fn found(&mut self, names: Vec<String>) {
        self.names.extend(names);
    }

    /// The names as the store keeps them, with spaces between: no alias has one.
    pub(crate) fn to_column(&self) -> Option<String> {
        self.are_kept.then(|| self.iter().collect::<Vec<_>>().join(" "))
    }

    /// Reads stored names.
    pub(crate) fn from_column(column: Option<&str>) -> Self {
        let names = column.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        Self { names, are_kept: column.is_some() }
    }
}

impl Weighed for AliasNames {
    fn weight(&self) -> usize {
        self.names.iter().map(|name| size_of::<String>() + name.len()).sum()
    }
}

/// An alias as policies see it.
#[derive(Clone, Debug)]
pub(crate) struct AliasResource {
    pub(crate) home: Home,
    pub(crate) name: AliasName,
}

impl Resource for AliasResource {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.arn(self.name.as_str())
    }
}

/// An alias as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Alias {
    pub(crate) home: Home,
    pub(crate) name: String,
    pub(crate) key_id: String,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

impl Weighed for Alias {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.key_id.len()
    }
}

impl Alias {
    pub(crate) fn arn(&self) -> String {
        self.home.arn(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_callers_may_give() {
        assert!(AliasName::parse("alias/app/db-1_x").is_ok());
        assert!(matches!(AliasName::parse("app"), Err(Refusal::Validation(_))));
        assert!(matches!(AliasName::parse("alias/"), Err(Refusal::Validation(_))));
        assert!(matches!(AliasName::parse("alias/aws/s3"), Err(Refusal::ReservedAlias)));
        assert!(matches!(AliasName::parse("alias/a:b"), Err(Refusal::InvalidAliasName(_))));
    }
}
