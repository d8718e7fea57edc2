//! Where topics and subscriptions live, and what they are called.

use std::fmt;

use strongroom_crypto::random;
use strongroom_identity::{AccountId, PARTITION, Region, RequestContext, RequestId};

use crate::error::Refusal;

/// Characters of a topic's name (SNS API Reference, CreateTopic).
const LONGEST_NAME: usize = 256;

/// What the names of topics end with that keep an order.
const FIFO: &str = ".fifo";

/// Elements of an ARN.
const ELEMENTS: usize = 6;

/// A topic: an account, a Region, a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicName {
    pub(crate) account: AccountId,
    pub(crate) region: &'static str,
    pub(crate) name: String,
}

/// A subscription: its topic, and an id of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubscriptionName {
    pub(crate) topic: TopicName,
    pub(crate) id: String,
}

impl TopicName {
    /// A topic that the caller is about to make.
    pub(crate) fn new(context: &RequestContext, name: &str) -> Result<Self, Refusal> {
        if !is_name(name.strip_suffix(FIFO).unwrap_or(name)) || name.len() > LONGEST_NAME {
            return Err(Refusal::parameter("Topic Name"));
        }
        Ok(Self { account: context.account(), region: context.region.name(), name: name.to_owned() })
    }

    /// Whether its messages keep an order.
    pub(crate) fn is_fifo(&self) -> bool {
        self.name.ends_with(FIFO)
    }

    /// The topic that a parameter of a call names.
    pub(crate) fn named(context: &RequestContext, parameter: &str, arn: &str) -> Result<Self, Refusal> {
        elements(parameter, arn)?;
        let found = Self::parse(arn).ok_or_else(|| Refusal::parameter(parameter))?;
        // A call is answered in the Region that it is signed for.
        if found.region != context.region.name() {
            return Err(Refusal::parameter(parameter));
        }
        Ok(found)
    }

    /// Reads an ARN as it is [shown](fmt::Display).
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let (account, region, rest) = parse(arn)?;
        let is_whole = is_name(rest.strip_suffix(FIFO).unwrap_or(rest));
        is_whole.then(|| Self { account, region, name: rest.to_owned() })
    }
}

impl SubscriptionName {
    /// A subscription that is about to be made.
    pub(crate) fn new(topic: &TopicName) -> Result<Self, Refusal> {
        Ok(Self { topic: topic.clone(), id: new_id()? })
    }

    /// The subscription that a parameter of a call names.
    pub(crate) fn named(context: &RequestContext, arn: &str) -> Result<Self, Refusal> {
        const PARAMETER: &str = "SubscriptionArn";
        elements(PARAMETER, arn)?;
        let found = Self::parse(arn).ok_or_else(|| Refusal::parameter("SubscriptionId"))?;
        if found.topic.region != context.region.name() {
            return Err(Refusal::parameter(PARAMETER));
        }
        Ok(found)
    }

    /// Reads an ARN as it is [shown](fmt::Display).
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let (account, region, rest) = parse(arn)?;
        let (name, id) = rest.split_once(':')?;
        let is_whole = is_name(name.strip_suffix(FIFO).unwrap_or(name)) && is_id(id);
        is_whole
            .then(|| Self { topic: TopicName { account, region, name: name.to_owned() }, id: id.to_owned() })
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{PARTITION}:sns:{}:{}:{}", self.region, self.account, self.name)
    }
}

impl fmt::Display for SubscriptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.topic, self.id)
    }
}

/// A new id, a random UUID.
pub(crate) fn new_id() -> Result<String, Refusal> {
    let random = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
    Ok(RequestId::from_random(random).to_string())
}

/// Account, Region and what follows them.
fn parse(arn: &str) -> Option<(AccountId, &'static str, &str)> {
    let rest = arn.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":sns:")?;
    let mut fields = rest.splitn(3, ':');
    let (region, account, rest) = (fields.next()?, fields.next()?, fields.next()?);
    Some((account.parse().ok()?, Region::named(region)?.name(), rest))
}

/// Text: an answer of AWS, quoted in public issue threads.
fn elements(parameter: &str, arn: &str) -> Result<(), Refusal> {
    let found = arn.split(':').count();
    if found >= ELEMENTS {
        return Ok(());
    }
    Err(Refusal::parameter(format!(
        "{parameter} Reason: An ARN must have at least {ELEMENTS} elements, not {found}"
    )))
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_letter)
}

/// Whether it has the form of a UUID.
pub(crate) fn is_id(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_as_they_are_shown() {
        let account = "111122223333".parse().unwrap();
        let topic = TopicName { account, region: "us-east-1", name: "alarms".to_owned() };
        assert_eq!(topic.to_string(), "arn:aws:sns:us-east-1:111122223333:alarms");
        assert_eq!(TopicName::parse(&topic.to_string()), Some(topic.clone()));
        let subscription = SubscriptionName::new(&topic).unwrap();
        assert_eq!(SubscriptionName::parse(&subscription.to_string()), Some(subscription.clone()));
        assert_eq!(TopicName::parse(&subscription.to_string()), None);
        assert_eq!(SubscriptionName::parse(&topic.to_string()), None);
    }

    #[test]
    fn what_is_no_arn_of_ours_is_not_read() {
        for arn in [
            "",
            "alarms",
            "arn:aws:sqs:us-east-1:111122223333:alarms",
            "arn:aws:sns:us-east-9:111122223333:alarms",
            "arn:aws:sns:us-east-1:1111:alarms",
            "arn:aws:sns:us-east-1:111122223333:",
            "arn:aws:sns:us-east-1:111122223333:a b",
        ] {
            assert_eq!(TopicName::parse(arn), None, "{arn}");
        }
    }
}
