//! Subscriptions: to whom messages go, and from when on.

use serde::{Deserialize, Serialize};
use strongroom_crypto::digest::sha256;
use strongroom_crypto::{hex, random};
use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::{Resource, Values};
use strongroom_secret::constant_time_eq;

use super::delivery_policy::{Delivery, Retries, SubscriptionDelivery, TopicDelivery};
use super::filter::{FilterPolicy, Scope};
use super::names::{SubscriptionName, is_id};
use super::topic::Topic;
use crate::error::Refusal;

/// How long a token confirms, in milliseconds: two days (SNS API Reference, ConfirmSubscription). After that a subscription
/// that nobody has confirmed, or that has ended, is gone.
const TOKEN_MS: i64 = 2 * 24 * 3600 * 1000;

/// Bytes of an endpoint (SNS API Reference has no number; a URL that is longer is none that HTTP servers take).
const LONGEST_ENDPOINT: usize = 2048;

/// How messages reach an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Https,
    Email,
    EmailJson,
}

/// Where a subscription is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Whoever has the endpoint has not confirmed yet.
    Pending,
    /// Messages go to the endpoint.
    Confirmed,
    /// It has ended, and can be brought back for a while.
    Deleted,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) name: SubscriptionName,
    /// Counts up with every change.
    pub(crate) version: i64,
    pub(crate) created_ms: i64,
    /// The account of whoever subscribed.
    pub(crate) owner: AccountId,
    /// The ARN of whoever subscribed.
    pub(crate) principal: String,
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    pub(crate) state: State,
    /// Whether whoever confirmed it signed, and asked that ending it wants a signature too.
    pub(crate) is_guarded: bool,
    /// Whether whoever confirmed it signed.
    pub(crate) was_authenticated: bool,
    pub(crate) attributes: Attributes,
    pub(crate) token: Option<TokenMark>,
}

/// What is known of a token that was given out: enough to know it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenMark {
    pub(crate) digest: [u8; 32],
    pub(crate) until_ms: i64,
}

/// What the subscriber has set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Attributes {
    #[serde(rename = "DeliveryPolicy", skip_serializing_if = "Option::is_none")]
    delivery_policy: Option<String>,
    #[serde(rename = "FilterPolicy", skip_serializing_if = "Option::is_none")]
    filter_policy: Option<String>,
    #[serde(rename = "FilterPolicyScope", skip_serializing_if = "Option::is_none")]
    filter_scope: Option<String>,
    #[serde(rename = "RawMessageDelivery", skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
}

impl Protocol {
    /// The protocol of that name. Texts: answers of AWS quoted in public issue threads.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            "email" => Ok(Self::Email),
            "email-json" => Ok(Self::EmailJson),
            "sqs" | "sms" | "application" | "lambda" | "firehose" => {
                Err(Refusal::not_yet(format_args!("subscriptions by {text}")))
            }
            _ => Err(Refusal::parameter(format!("Amazon SNS does not support this protocol string: {text}"))),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
        }
    }

    pub(crate) fn is_mail(self) -> bool {
        matches!(self, Self::Email | Self::EmailJson)
    }

    /// Whether an endpoint is one of this protocol.
    pub(crate) fn check(self, endpoint: &str) -> Result<(), Refusal> {
        let mismatch = || Refusal::parameter("Endpoint must match the specified protocol");
        if endpoint.len() > LONGEST_ENDPOINT || endpoint.chars().any(|it| it.is_control() || it == ' ') {
            return Err(mismatch());
        }
        let has_host = |scheme: &str| {
            let head = endpoint.get(..scheme.len()).unwrap_or_default();
            let rest = endpoint.get(scheme.len()..).unwrap_or_default();
            head.eq_ignore_ascii_case(scheme) && !rest.is_empty() && !rest.starts_with(['/', '?', '#'])
        };
        match self {
            Self::Http if has_host("http://") => Ok(()),
            Self::Https if has_host("https://") => Ok(()),
            Self::Http | Self::Https => Err(mismatch()),
            Self::Email | Self::EmailJson if is_mail_address(endpoint) => Ok(()),
            Self::Email | Self::EmailJson => Err(Refusal::parameter("Email address")),
        }
    }
}

/// One mailbox and one domain, without quoting: what people are written to by.
fn is_mail_address(text: &str) -> bool {
    let Some((mailbox, domain)) = text.rsplit_once('@') else { return false };
    let is_mailbox = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (1..=64).contains(&mailbox.len())
        && mailbox.bytes().all(is_mailbox)
        && domain.len() <= 255
        && domain.split('.').all(is_label)
}

impl State {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "PENDING" => Some(Self::Pending),
            "CONFIRMED" => Some(Self::Confirmed),
            "DELETED" => Some(Self::Deleted),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Deleted => "DELETED",
        }
    }
}

impl Subscription {
    /// A token that confirms this subscription, valid from now on in place of others: the subscription's id, and what
    /// nobody guesses.
    pub(crate) fn new_token(&mut self, now_ms: i64) -> Result<String, Refusal> {
        let secret: [u8; 32] = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
        let token = format!("{}{}", self.name.id.replace('-', ""), hex::encode(&secret));
        let until_ms = now_ms.saturating_add(TOKEN_MS);
        self.token = Some(TokenMark { digest: sha256(token.as_bytes()), until_ms });
        Ok(token)
    }

    /// Whether a token is the one that was given out last, and still counts.
    pub(crate) fn takes(&self, token: &str, now_ms: i64) -> bool {
        self.token.as_ref().is_some_and(|mark| {
            constant_time_eq(&mark.digest, &sha256(token.as_bytes())) && now_ms < mark.until_ms
        })
    }

    /// The id of the subscription that a token is of, if it has the form of one.
    pub(crate) fn of_token(token: &str) -> Option<String> {
        let id = token.get(..32).filter(|_| token.len() == 96)?;
        let parts = [id.get(..8)?, id.get(8..12)?, id.get(12..16)?, id.get(16..20)?, id.get(20..)?];
        Some(parts.join("-")).filter(|id| is_id(id))
    }

    /// When it goes, if nobody confirms it.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        self.token.as_ref().map(|mark| mark.until_ms).filter(|_| self.state != State::Confirmed)
    }

    /// The ARN as lists and Subscribe show it.
    pub(crate) fn shown_arn(&self) -> String {
        match self.state {
            State::Pending => "PendingConfirmation".to_owned(),
            State::Confirmed => self.name.to_string(),
            State::Deleted => "Deleted".to_owned(),
        }
    }

    /// Who is kept busy by its deliveries: the host of the endpoint, and for mails the server that takes them all.
    pub(crate) fn host(&self) -> String {
        if self.protocol.is_mail() { "mail".to_owned() } else { host_of(&self.endpoint) }
    }

    /// What tells subscriptions of one topic apart: there is one for each endpoint and protocol.
    pub(crate) fn endpoint_digest(&self) -> [u8; 32] {
        endpoint_digest(self.protocol, &self.endpoint)
    }

    /// How messages of `topic` are delivered to it.
    pub(crate) fn delivery(&self, topic: &TopicDelivery) -> Delivery {
        if self.protocol.is_mail() {
            return Delivery { retries: Retries::of_mail(), most_per_second: None, content_type: None };
        }
        let own = self.attributes.delivery_policy.as_deref();
        topic.for_subscription(own.and_then(|text| SubscriptionDelivery::parse(text).ok()).as_ref())
    }

    /// Its attributes, as GetSubscriptionAttributes shows them.
    pub(crate) fn shown(&self, topic: Option<&Topic>) -> Vec<(&'static str, String)> {
        let flag = |flag: bool| flag.to_string();
        let mut shown = vec![
            ("SubscriptionArn", self.name.to_string()),
            ("TopicArn", self.name.topic.to_string()),
            ("Owner", self.owner.to_string()),
            ("Protocol", self.protocol.as_str().to_owned()),
            ("Endpoint", self.endpoint.clone()),
            ("ConfirmationWasAuthenticated", flag(self.was_authenticated)),
            ("PendingConfirmation", flag(self.state == State::Pending)),
            ("RawMessageDelivery", flag(self.attributes.is_raw())),
            ("SubscriptionPrincipal", self.principal.clone()),
        ];
        if let Some(topic) = topic.filter(|_| !self.protocol.is_mail()) {
            shown.push(("EffectiveDeliveryPolicy", self.delivery(&topic.delivery()).effective()));
        }
        let Attributes { delivery_policy, filter_policy, filter_scope, raw: _ } = &self.attributes;
        shown.extend(delivery_policy.clone().map(|text| ("DeliveryPolicy", text)));
        if let Some(policy) = filter_policy {
            shown.push(("FilterPolicy", policy.clone()));
            let scope = filter_scope.clone().unwrap_or_else(|| Scope::Attributes.as_str().to_owned());
            shown.push(("FilterPolicyScope", scope));
        }
        shown
    }
}

/// The host of an URL, without a port.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = match host.split_once(']') {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// See [`Subscription::endpoint_digest`].
pub(crate) fn endpoint_digest(protocol: Protocol, endpoint: &str) -> [u8; 32] {
    sha256(format!("{}\0{endpoint}", protocol.as_str()).as_bytes())
}

impl Attributes {
    /// Sets an attribute, by the name that the API has for it. An empty value takes it back.
    pub(crate) fn set(&mut self, protocol: Protocol, name: &str, value: &str) -> Result<(), Refusal> {
        let given = Some(value).filter(|value| !value.is_empty()).map(str::to_owned);
        match name {
            "DeliveryPolicy" if protocol.is_mail() => return Err(Refusal::parameter("DeliveryPolicy")),
            "DeliveryPolicy" => {
                given.as_deref().map(SubscriptionDelivery::parse).transpose()?;
                self.delivery_policy = given;
            }
            "FilterPolicy" => {
                let given = given.filter(|text| text != "{}");
                given.as_deref().map(|text| FilterPolicy::parse(text, self.scope())).transpose()?;
                self.filter_policy = given;
            }
            "FilterPolicyScope" => {
                let scope = Scope::parse(value).ok_or_else(|| Refusal::parameter("FilterPolicyScope"))?;
                self.filter_policy.as_deref().map(|text| FilterPolicy::parse(text, scope)).transpose()?;
                self.filter_scope = given;
            }
            // Text: SNS API Reference, SetSubscriptionAttributes; mails are never raw.
            "RawMessageDelivery" => match value {
                "true" if protocol.is_mail() => {
                    return Err(Refusal::parameter(
                        "RawMessageDelivery Reason: Delivery protocol does not support raw message delivery.",
                    ));
                }
                "true" | "false" => self.raw = given,
                _ => {
                    return Err(Refusal::parameter(
                        "RawMessageDelivery Reason: must be either true or false",
                    ));
                }
            },
            "RedrivePolicy" if given.is_none() => {}
            "RedrivePolicy" => return Err(Refusal::not_yet("dead-letter queues")),
            "ReplayPolicy" => return Err(Refusal::not_yet("replays")),
            "SubscriptionRoleArn" => return Err(Refusal::not_yet("subscriptions by firehose")),
            _ => return Err(Refusal::parameter("AttributeName")),
        }
        Ok(())
    }

    /// Sets all that a call of Subscribe gives. What a filter is about comes before the filter.
    pub(crate) fn set_all<'a>(
        &mut self,
        protocol: Protocol,
        given: impl Iterator<Item = (&'a str, &'a String)> + Clone,
    ) -> Result<(), Refusal> {
        let is_scope = |name: &str| name == "FilterPolicyScope";
        for (name, value) in given.clone().filter(|(name, _)| is_scope(name)) {
            self.set(protocol, name, value)?;
        }
        for (name, value) in given.filter(|(name, _)| !is_scope(name)) {
            self.set(protocol, name, value)?;
        }
        Ok(())
    }

    /// Whether an endpoint gets the message alone.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw.as_deref() == Some("true")
    }

    fn scope(&self) -> Scope {
        self.filter_scope.as_deref().and_then(Scope::parse).unwrap_or(Scope::Attributes)
    }

    /// The filter, if there is one. One that was accepted once and is not read now lets nothing through.
    pub(crate) fn filter(&self) -> Option<FilterPolicy> {
        let text = self.filter_policy.as_deref()?;
        Some(FilterPolicy::parse(text, self.scope()).unwrap_or_else(|_| FilterPolicy::nothing()))
    }
}

/// A subscription as policies see it, from the side of whoever asks: it is its subscriber's, and its topic's owner's.
pub(crate) struct Seen<'s> {
    pub(crate) subscription: &'s Subscription,
    owner: AccountId,
}

impl<'s> Seen<'s> {
    pub(crate) fn by(context: &RequestContext, subscription: &'s Subscription) -> Self {
        let topic = subscription.name.topic.account;
        let owner = if context.account() == topic { topic } else { subscription.owner };
        Self { subscription, owner }
    }
}

impl Resource for Seen<'_> {
    fn owner(&self) -> AccountId {
        self.owner
    }

    fn arn(&self) -> String {
        self.subscription.name.to_string()
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        match key {
            "sns:endpoint" => Some(Values::text(self.subscription.endpoint.as_str())),
            "sns:protocol" => Some(Values::text(self.subscription.protocol.as_str())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn hosts_have_one_name() {
        for (url, host) in [
            ("https://example.com/hook", "example.com"),
            ("https://Example.COM.:8443?a=b", "example.com"),
            ("http://user:pass@example.com:80#x", "example.com"),
            ("https://[2001:DB8::1]:443/", "[2001:db8::1"),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
