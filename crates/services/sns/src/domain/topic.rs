//! Topics: what they are set to, and how policies see them.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::{Bound, Guard, Policy, Resource, Values};

use super::delivery_policy::TopicDelivery;
use super::names::TopicName;
use super::notification::Version;
use super::tags::Tags;
use super::topic_policy;
use crate::error::Refusal;

/// Characters of a topic's display name.
const LONGEST_DISPLAY_NAME: usize = 100;

/// A topic.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: TopicName,
    /// Counts up with every change.
    pub(crate) version: i64,
    pub(crate) created_ms: i64,
    pub(crate) attributes: Attributes,
    pub(crate) tags: Tags,
    /// The policy that it was given; `None` for the one that it begins with.
    policy: Option<GivenPolicy>,
    compiled: OnceLock<Policy>,
}

/// A policy, and those whom it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenPolicy {
    pub(crate) text: String,
    /// The users and roles that it names, by their unique ids.
    pub(crate) bound: Bound,
}

/// What its owner has set, beside the policy. Absent is as AWS has it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Attributes {
    #[serde(rename = "DisplayName", skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(rename = "DeliveryPolicy", skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_policy: Option<String>,
    /// The key that messages are encrypted with while they wait, in whatever form it was named.
    #[serde(rename = "KmsMasterKeyId", skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(rename = "SignatureVersion", skip_serializing_if = "Option::is_none")]
    signature_version: Option<String>,
    #[serde(rename = "TracingConfig", skip_serializing_if = "Option::is_none")]
    tracing: Option<String>,
}

impl Topic {
    /// A topic with nothing set.
    pub(crate) fn new(name: TopicName, created_ms: i64) -> Self {
        Self::from_parts(name, 1, created_ms, Attributes::default(), None, Tags::default())
    }

    /// A topic as it is kept.
    pub(crate) fn from_parts(
        name: TopicName,
        version: i64,
        created_ms: i64,
        attributes: Attributes,
        policy: Option<GivenPolicy>,
        tags: Tags,
    ) -> Self {
        Self { name, version, created_ms, attributes, tags, policy, compiled: OnceLock::new() }
    }

    /// The policy that it was given.
    pub(crate) fn given_policy(&self) -> Option<&GivenPolicy> {
        self.policy.as_ref()
    }

    /// The text of its policy.
    pub(crate) fn policy_text(&self) -> String {
        let given = self.policy.as_ref().map(|policy| policy.text.clone());
        given.unwrap_or_else(|| topic_policy::default_text(&self.name))
    }

    /// Gives it a policy; `None` is the one that it began with.
    pub(crate) fn set_policy(&mut self, policy: Option<GivenPolicy>) {
        self.policy = policy;
        self.compiled = OnceLock::new();
    }

    /// Gives its policy another text about the same people.
    pub(crate) fn set_policy_text(&mut self, text: String) {
        let bound = self.policy.take().map(|policy| policy.bound).unwrap_or_default();
        self.set_policy(Some(GivenPolicy { text, bound }));
    }

    /// Sets an attribute other than the policy, by the name that the API has for it. An empty value takes it back.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let attributes = &mut self.attributes;
        let given = Some(value).filter(|value| !value.is_empty()).map(str::to_owned);
        match name {
            "DisplayName" if value.chars().count() > LONGEST_DISPLAY_NAME => {
                return Err(Refusal::parameter("DisplayName"));
            }
            "DisplayName" if value.chars().any(char::is_control) => {
                return Err(Refusal::parameter("DisplayName"));
            }
            "DisplayName" => attributes.display_name = given,
            "DeliveryPolicy" => {
                given.as_deref().map(TopicDelivery::parse).transpose()?;
                attributes.delivery_policy = given;
            }
            "KmsMasterKeyId" => attributes.key = given,
            "SignatureVersion" => match value {
                "1" | "2" => attributes.signature_version = given,
                // Text: as AWS's of other attributes.
                _ => return Err(Refusal::parameter("SignatureVersion")),
            },
            "TracingConfig" => match value {
                "PassThrough" => attributes.tracing = given,
                "Active" => return Err(Refusal::not_yet("tracing by AWS X-Ray")),
                _ => return Err(Refusal::parameter("TracingConfig")),
            },
            "FifoTopic" if value == "false" => {}
            "FifoTopic" | "ContentBasedDeduplication" | "FifoThroughputScope" | "ArchivePolicy" => {
                return Err(Refusal::not_yet("FIFO topics"));
            }
            _ if name.ends_with("FeedbackRoleArn") || name.ends_with("FeedbackSampleRate") => {
                return Err(Refusal::not_yet("logging of deliveries"));
            }
            _ => return Err(Refusal::parameter("AttributeName")),
        }
        Ok(())
    }

    /// How its messages are signed.
    pub(crate) fn signature_version(&self) -> Version {
        match self.attributes.signature_version.as_deref() {
            Some("2") => Version::Two,
            _ => Version::One,
        }
    }

    /// How its messages are delivered.
    pub(crate) fn delivery(&self) -> TopicDelivery {
        let given = self.attributes.delivery_policy.as_deref();
        // One that was accepted once and is not read now is as if it were not there.
        given.and_then(|text| TopicDelivery::parse(text).ok()).unwrap_or_default()
    }

    /// Its attributes beside the policy, as GetTopicAttributes shows those that are kept with it.
    pub(crate) fn shown(&self) -> Vec<(&'static str, String)> {
        let Attributes { display_name, delivery_policy, key, signature_version, tracing } = &self.attributes;
        let mut shown = vec![
            ("Owner", self.name.account.to_string()),
            ("TopicArn", self.name.to_string()),
            ("DisplayName", display_name.clone().unwrap_or_default()),
            ("EffectiveDeliveryPolicy", self.delivery().effective()),
        ];
        let given = [
            ("DeliveryPolicy", delivery_policy),
            ("KmsMasterKeyId", key),
            ("SignatureVersion", signature_version),
            ("TracingConfig", tracing),
        ];
        shown.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        shown
    }
}

impl Resource for Topic {
    fn owner(&self) -> AccountId {
        self.name.account
    }

    fn arn(&self) -> String {
        self.name.to_string()
    }

    fn guard(&self) -> Guard<'_> {
        let none = Bound::default();
        let bound = self.policy.as_ref().map_or(&none, |policy| &policy.bound);
        Guard::Policy(self.compiled.get_or_init(|| topic_policy::compile(&self.policy_text(), bound)))
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        said_by_caller(key, context).or_else(|| self.tags.said(key))
    }
}

/// `AWS:SourceOwner`, which SNS's own default policy asks for: the account of whoever asks, or for which a service asks.
fn said_by_caller(key: &str, context: &RequestContext) -> Option<Values<'static>> {
    (key == "aws:sourceowner").then(|| Values::text(context.account().to_string()))
}

/// What a call names and is not there, or not yet. It is protected by its ARN all the same: whoever may not do a thing is
/// not told what there is to do it to.
pub(crate) struct Absent<'n>(pub(crate) &'n TopicName);

impl Resource for Absent<'_> {
    fn owner(&self) -> AccountId {
        self.0.account
    }

    fn arn(&self) -> String {
        self.0.to_string()
    }
}

/// All topics of an account in a Region, as lists name them.
pub(crate) struct AllTopics {
    pub(crate) account: AccountId,
    pub(crate) region: &'static str,
}

impl Resource for AllTopics {
    fn owner(&self) -> AccountId {
        self.account
    }

    fn arn(&self) -> String {
        format!("arn:{}:sns:{}:{}:*", strongroom_identity::PARTITION, self.region, self.account)
    }
}
