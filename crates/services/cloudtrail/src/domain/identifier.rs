//! Names of trails, buckets and what goes before keys.

use std::net::Ipv4Addr;

use strongroom_api_cloudtrail::errors;
use strongroom_identity::{AccountId, PARTITION, Region, RequestContext};

use crate::error::Refusal;

/// Characters of a trail's name (CloudTrail User Guide, "Naming requirements for CloudTrail resources, S3 buckets, and
/// KMS keys").
const NAME: std::ops::RangeInclusive<usize> = 3..=128;
/// Characters before the keys of files (API Reference, CreateTrail, S3KeyPrefix).
const LONGEST_PREFIX: usize = 200;
/// Characters of a topic's name or ARN (API Reference, CreateTrail, SnsTopicName).
const LONGEST_TOPIC: usize = 256;

/// Which trail is meant: by its home Region and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) region: String,
    pub(crate) name: String,
    /// Whether the whole ARN was given.
    pub(crate) by_arn: bool,
}

impl Named {
    /// Reads a name, which stands for a trail of the request's Region, or an ARN. What names a trail of another account
    /// names none of this one.
    pub(crate) fn parse(context: &RequestContext, text: &str) -> Result<Self, Refusal> {
        if !text.starts_with("arn:") {
            check_name(text)?;
            let region = context.region.name().to_owned();
            return Ok(Self { region, name: text.to_owned(), by_arn: false });
        }
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let &[_, PARTITION, "cloudtrail", region, account, resource] = parts.as_slice() else {
            return Err(Refusal::invalid_arn(text));
        };
        let name = resource.strip_prefix("trail/");
        let (Some(region), Ok(account), Some(name)) =
            (Region::named(region), account.parse::<AccountId>(), name)
        else {
            return Err(Refusal::invalid_arn(text));
        };
        check_name(name)?;
        if account != context.account() {
            return Err(Refusal::unknown_trail(text, context.account()));
        }
        Ok(Self { region: region.name().to_owned(), name: name.to_owned(), by_arn: true })
    }
}

/// The rules of names. The texts for what is not blank are not published.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let refuse = |text: &str| Err(Refusal::of(&errors::INVALID_TRAIL_NAME_EXCEPTION, text));
    if name.is_empty() {
        return refuse("Trail name cannot be blank!");
    }
    if !NAME.contains(&name.len()) {
        return refuse("Trail name must be between 3 and 128 characters long.");
    }
    let is_mark = |c: char| matches!(c, '.' | '_' | '-');
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || is_mark(c)) {
        return refuse(
            "Trail name can only contain letters, numbers, periods (.), underscores (_), or dashes (-).",
        );
    }
    if name.starts_with(is_mark) || name.ends_with(is_mark) {
        return refuse("Trail name must start and end with a letter or number.");
    }
    let mut marked = name.chars().zip(name.chars().skip(1));
    if marked.any(|(one, next)| is_mark(one) && is_mark(next)) {
        return refuse("Trail name cannot have adjacent periods, underscores or dashes.");
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        return refuse("Trail name cannot be in IP address format.");
    }
    Ok(())
}

/// The rules of buckets' names, as far as CloudTrail looks at them itself.
pub(crate) fn check_bucket(bucket: &str) -> Result<(), Refusal> {
    let refuse = |text: &str| Err(Refusal::of(&errors::INVALID_S3_BUCKET_NAME_EXCEPTION, text));
    if bucket.trim().is_empty() {
        return refuse("Bucket name cannot be blank!");
    }
    if bucket.contains('_') {
        return refuse("Bucket name should not contain '_'");
    }
    if !(3..=63).contains(&bucket.len()) {
        return refuse("Bucket name should be between 3 and 63 characters long");
    }
    if bucket.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))) {
        return refuse(
            "Bucket name should only contain lowercase letters, numbers, periods (.) and dashes (-)",
        );
    }
    let ends = |c: char| c.is_ascii_alphanumeric();
    if !bucket.starts_with(ends) || !bucket.ends_with(ends) || bucket.contains("..") {
        return refuse("Bucket name should start and end with a letter or number, without adjacent periods");
    }
    Ok(())
}

/// What goes before keys; an empty one is none.
pub(crate) fn prefix(prefix: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else { return Ok(None) };
    if prefix.chars().count() > LONGEST_PREFIX || prefix.chars().any(char::is_control) {
        let text = "S3 prefix is longer than maximum length or has characters that cannot be used.";
        return Err(Refusal::of(&errors::INVALID_S3_PREFIX_EXCEPTION, text));
    }
    // `AWSLogs` follows behind one slash.
    Ok(Some(prefix.trim_end_matches('/').to_owned()).filter(|prefix| !prefix.is_empty()))
}

/// The ARN of a topic that is given by name or ARN; an empty one is none.
pub(crate) fn topic(context: &RequestContext, topic: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(topic) = topic.filter(|topic| !topic.is_empty()) else { return Ok(None) };
    let is_named = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let name = topic.rsplit(':').next().unwrap_or_default();
    let is_arn = topic.starts_with("arn:aws:sns:") && topic.split(':').count() == 6;
    if topic.len() > LONGEST_TOPIC || !is_named(name) || (topic.contains(':') && !is_arn) {
        return Err(Refusal::of(&errors::INVALID_SNS_TOPIC_NAME_EXCEPTION, "SNS Topic name is invalid!"));
    }
    let (region, account) = (context.region, context.account());
    Ok(Some(if is_arn { topic } else { format!("arn:{PARTITION}:sns:{region}:{account}:{topic}") }))
}
