//! The forms in which requests name keys and aliases (KMS Developer Guide, "Key identifiers").

use strongroom_identity::{AccountId, PARTITION, Region, RequestContext};

use crate::cache::Weighed;
use crate::error::Refusal;

/// The prefix of every alias.
pub(crate) const ALIAS_PREFIX: &str = "alias/";

/// The prefix of the aliases that AWS services give their keys.
pub(crate) const RESERVED_ALIAS_PREFIX: &str = "alias/aws/";

/// Where a key or alias lives. KMS resources of one account in one Region know nothing of others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Home {
    pub(crate) account: AccountId,
    pub(crate) region: &'static str,
}

impl Weighed for Home {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl Home {
    /// Where the request acts.
    pub(crate) fn of(context: &RequestContext) -> Self {
        Self::owned_by(context.account(), context)
    }

    /// An account's resources in the request's Region.
    pub(crate) fn owned_by(account: AccountId, context: &RequestContext) -> Self {
        Self { account, region: context.region.name() }
    }

    /// The ARN of a resource here, `key/<id>` or `alias/<name>`.
    pub(crate) fn arn(&self, resource: &str) -> String {
        format!("arn:{PARTITION}:kms:{}:{}:{resource}", self.region, self.account)
    }

    /// The ARN of a key here.
    pub(crate) fn key_arn(&self, key_id: &str) -> String {
        self.arn(&format!("key/{key_id}"))
    }
}

/// What a `KeyId` parameter names, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) home: Home,
    pub(crate) name: Name,
}

/// The name proper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A well-formed key id.
    Key(String),
    /// An alias, with its prefix.
    Alias(String),
}

impl Named {
    /// Reads any of the four forms: key id, key ARN, alias name, alias ARN.
    pub(crate) fn parse(context: &RequestContext, text: &str) -> Result<Self, Refusal> {
        if text.starts_with("arn:") {
            return Self::parse_arn(context, text);
        }
        let home = Home::of(context);
        if text.starts_with(ALIAS_PREFIX) {
            return Ok(Self { home, name: Name::Alias(text.to_owned()) });
        }
        if !is_key_id(text) {
            return Err(Refusal::NotFound(format!("Invalid keyId '{text}'")));
        }
        Ok(Self { home, name: Name::Key(text.to_owned()) })
    }

    fn parse_arn(context: &RequestContext, text: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::InvalidArn(format!("Invalid arn {text}"));
        let mut fields = text.splitn(6, ':').skip(1);
        let mut field = || fields.next().ok_or_else(invalid);
        let (partition, service, region, account, resource) =
            (field()?, field()?, field()?, field()?, field()?);
        if partition != PARTITION || service != "kms" {
            return Err(invalid());
        }
        let account = account.parse().map_err(|_| invalid())?;
        if region != context.region.name() {
            return Err(Refusal::NotFound(format!("Invalid arn {region}")));
        }
        let home = Home { account, region: context.region.name() };
        if resource.starts_with(ALIAS_PREFIX) {
            return Ok(Self { home, name: Name::Alias(resource.to_owned()) });
        }
        let key_id = resource.strip_prefix("key/").ok_or_else(invalid)?;
        if !is_key_id(key_id) {
            return Err(Refusal::NotFound(format!("Invalid keyId {key_id}")));
        }
        Ok(Self { home, name: Name::Key(key_id.to_owned()) })
    }

    /// Reads a key ARN that was written here, in whatever Region.
    pub(crate) fn parse_own_arn(arn: &str) -> Option<(Home, String)> {
        let mut fields = arn.splitn(6, ':').skip(3);
        let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
        let key_id = resource.strip_prefix("key/").filter(|id| is_key_id(id))?;
        let home = Home { account: account.parse().ok()?, region: Region::named(region)?.name() };
        Some((home, key_id.to_owned()))
    }

    /// Reads the forms that operations take which administer a key: key id and key ARN.
    pub(crate) fn parse_key_only(context: &RequestContext, text: &str) -> Result<(Home, String), Refusal> {
        match Self::parse(context, text)? {
            Self { home, name: Name::Key(key_id) } => Ok((home, key_id)),
            Self { name: Name::Alias(_), .. } => {
                Err(Refusal::InvalidArn("Key Aliases are not supported for this operation.".to_owned()))
            }
        }
    }
}

/// Whether the text has the form of a key id: a UUID in either case, or `mrk-` and 32 hexadecimal digits.
/// Ids are lower case, so an upper-case one is well formed and names no key.
pub(crate) fn is_key_id(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(digits) = text.strip_prefix("mrk-") {
        return digits.len() == 32 && hex(digits);
    }
    let mut parts = text.split('-');
    let lengths = [8, 4, 4, 4, 12];
    lengths.iter().all(|&length| parts.next().is_some_and(|part| part.len() == length && hex(part)))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids() {
        for id in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "1234ABCD-12AB-34CD-56EF-1234567890AB",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
        ] {
            assert!(is_key_id(id), "{id}");
        }
        for id in [
            "",
            "foo",
            "mrk-1234",
            "1234abcd12ab34cd56ef1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890ab-",
            "1234abcd-12ab-34cd-56ef-1234567890ag",
            "1234abcd-12ab-34cd-56ef1-234567890ab",
        ] {
            assert!(!is_key_id(id), "{id}");
        }
    }
}
