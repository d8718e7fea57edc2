//! Log groups: what they are called and set to, and how policies see them.

use strongroom_identity::{AccountId, PARTITION, Region, RequestContext};
use strongroom_policy::{Resource, Values};

use super::id::Id;
use super::tags::Tags;
use crate::error::Refusal;

pub(crate) const DAY_MS: i64 = 24 * 3600 * 1000;

/// The days that events may be kept (Logs API Reference, PutRetentionPolicy).
const RETENTIONS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// A group's place and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupName {
    pub(crate) account: AccountId,
    pub(crate) region: &'static str,
    pub(crate) name: String,
}

/// A log group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: GroupName,
    pub(crate) id: Id,
    /// Counts up with every change.
    pub(crate) version: i64,
    pub(crate) created_ms: i64,
    /// How long events are kept; for ever, where nothing is said.
    pub(crate) retention_days: Option<i32>,
    /// The ARN of the KMS key that new events are encrypted under.
    pub(crate) kms_key: Option<String>,
    /// Whether it must not be deleted.
    pub(crate) is_protected: bool,
    pub(crate) tags: Tags,
}

impl GroupName {
    /// The group of that name where the request acts.
    pub(crate) fn of(context: &RequestContext, name: &str) -> Self {
        Self { account: context.account(), region: context.region.name(), name: name.to_owned() }
    }

    /// The group that a call names by its name, or by its name or ARN.
    pub(crate) fn named(
        context: &RequestContext,
        name: Option<&str>,
        identifier: Option<&str>,
    ) -> Result<Self, Refusal> {
        match (name, identifier) {
            (Some(name), None) => Ok(Self::of(context, name)),
            (None, Some(identifier)) => Self::identified(context, identifier),
            // Text: ours. The API Reference says "You must include either logGroupIdentifier or logGroupName, but not both".
            _ => Err(Refusal::invalid(
                "You must include either logGroupIdentifier or logGroupName, but not both.",
            )),
        }
    }

    /// The group that a name or an ARN names.
    pub(crate) fn identified(context: &RequestContext, identifier: &str) -> Result<Self, Refusal> {
        if identifier.starts_with("arn:") {
            return Self::by_arn(context, identifier);
        }
        Ok(Self::of(context, identifier))
    }

    /// The group that an ARN names, with or without the `:*` that the ARN in answers ends with.
    pub(crate) fn by_arn(context: &RequestContext, arn: &str) -> Result<Self, Refusal> {
        let found = Self::parse(arn.strip_suffix(":*").unwrap_or(arn));
        found
            .filter(|found| found.region == context.region.name())
            .ok_or_else(|| Refusal::invalid(format!("The specified resource ARN is not valid: {arn}")))
    }

    fn parse(arn: &str) -> Option<Self> {
        let rest = arn.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":logs:")?;
        let (region, rest) = rest.split_once(':')?;
        let (account, rest) = rest.split_once(':')?;
        let name = rest.strip_prefix("log-group:").filter(|name| !name.is_empty() && !name.contains(':'))?;
        let region = Region::named(region)?.name();
        Some(Self { account: account.parse().ok()?, region, name: name.to_owned() })
    }

    /// Its ARN.
    pub(crate) fn arn(&self) -> String {
        format!("arn:{PARTITION}:logs:{}:{}:log-group:{}", self.region, self.account, self.name)
    }

    /// The ARN of a stream in it. That of the stream without a name is what calls about the group itself are judged by, so
    /// that policies name groups with `:*` at the end (CloudWatch Logs User Guide, "Log group and log stream ARNs").
    pub(crate) fn stream_arn(&self, stream: &str) -> String {
        format!("{}:log-stream:{stream}", self.arn())
    }
}

impl Group {
    /// The time of the oldest events that are kept.
    pub(crate) fn keeps_from(&self, now_ms: i64) -> i64 {
        let kept_ms = |days| i64::from(days).saturating_mul(DAY_MS);
        self.retention_days.map_or(i64::MIN, |days| now_ms.saturating_sub(kept_ms(days)))
    }
}

/// Checks the name of a new group. AWS keeps names that begin with `aws/` for itself.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.starts_with("aws/") {
        // Text: an answer of AWS, quoted in public issue threads.
        return Err(Refusal::invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    Ok(())
}

/// Checks a retention.
pub(crate) fn check_retention(days: i32) -> Result<i32, Refusal> {
    if RETENTIONS.contains(&days) {
        return Ok(days);
    }
    let listed: Vec<_> = RETENTIONS.iter().map(i32::to_string).collect();
    // As AWS refuses a value that is none of a list.
    Err(Refusal::invalid(format!(
        "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must \
         satisfy enum value set: [{}]",
        listed.join(", ")
    )))
}

/// A group, or a stream of one, as policies see it; also one that is not there.
pub(crate) struct Seen<'g> {
    pub(crate) name: &'g GroupName,
    /// The ARN that is asked about.
    pub(crate) arn: String,
    pub(crate) tags: Option<&'g Tags>,
}

impl Resource for Seen<'_> {
    fn owner(&self) -> AccountId {
        self.name.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn serves_others(&self, _action: &str) -> bool {
        false
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        self.tags?.said(key)
    }
}
