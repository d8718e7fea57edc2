//! Delivery policies: how often, after what time and how fast messages are sent to HTTP endpoints (SNS Developer Guide,
//! "Amazon SNS message delivery retries").

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Refusal;

/// Retries at most, seconds between two of them at most, and seconds of all of them together at most.
const MOST_RETRIES: u32 = 100;
const LONGEST_DELAY: u32 = 3600;

/// What requests say that nobody has chosen a type for.
pub(crate) const CONTENT_TYPE: &str = "text/plain; charset=UTF-8";

/// Attempts to hand over a mail: at once, twice after 10 s, ten times within growing times up to ten minutes, and 38 times
/// every ten minutes (the Developer Guide's table for SMTP).
const MAIL: Retries = Retries {
    min_delay_target: 10,
    max_delay_target: 600,
    num_retries: 50,
    num_max_delay_retries: 38,
    num_no_delay_retries: 0,
    num_min_delay_retries: 2,
    backoff_function: Backoff::Exponential,
};

/// How a failed delivery is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names are AWS's")]
pub(crate) struct Retries {
    min_delay_target: u32,
    max_delay_target: u32,
    num_retries: u32,
    num_max_delay_retries: u32,
    num_no_delay_retries: u32,
    num_min_delay_retries: u32,
    backoff_function: Backoff,
}

/// How the time between retries grows from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Backoff {
    Linear,
    Arithmetic,
    Geometric,
    Exponential,
}

/// How many messages a second an endpoint takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Throttle {
    max_receives_per_second: Option<u32>,
}

/// What the requests say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct RequestForm {
    header_content_type: Option<String>,
}

/// What a topic says of deliveries to its HTTP endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct TopicDelivery {
    default_healthy_retry_policy: Option<Retries>,
    default_sickly_retry_policy: Option<Value>,
    default_throttle_policy: Option<Throttle>,
    default_request_policy: Option<RequestForm>,
    disable_subscription_overrides: bool,
}

/// What a subscription says of deliveries to its HTTP endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct SubscriptionDelivery {
    healthy_retry_policy: Option<Retries>,
    sickly_retry_policy: Option<Value>,
    throttle_policy: Option<Throttle>,
    request_policy: Option<RequestForm>,
    guaranteed: bool,
}

/// What counts for one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) retries: Retries,
    pub(crate) most_per_second: Option<u32>,
    pub(crate) content_type: Option<String>,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_max_delay_retries: 0,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            backoff_function: Backoff::Linear,
        }
    }
}

impl Retries {
    /// Those of mails.
    pub(crate) fn of_mail() -> Self {
        MAIL
    }

    /// How many milliseconds after a failure the delivery is tried again that has failed `failures` times, 1 for the first;
    /// `None` if it is given up.
    pub(crate) fn delay_ms(&self, failures: u32) -> Option<i64> {
        let retry = failures.checked_sub(1).filter(|retry| *retry < self.num_retries)?;
        let before_backoff = self.num_no_delay_retries + self.num_min_delay_retries;
        let steps = self.num_retries.saturating_sub(before_backoff + self.num_max_delay_retries);
        let seconds = if retry < self.num_no_delay_retries {
            0.0
        } else if retry < before_backoff {
            f64::from(self.min_delay_target)
        } else if retry < before_backoff + steps {
            self.grown(retry - before_backoff + 1, steps)
        } else {
            f64::from(self.max_delay_target)
        };
        Some((seconds * 1000.0).round() as i64)
    }

    /// The seconds before one of the retries of the phase in which they grow; the last has the most. AWS publishes the names
    /// of the functions and a picture of them.
    fn grown(&self, step: u32, steps: u32) -> f64 {
        let (least, most) = (f64::from(self.min_delay_target), f64::from(self.max_delay_target));
        let (step, steps) = (f64::from(step), f64::from(steps));
        let share = match self.backoff_function {
            Backoff::Linear => step / steps,
            Backoff::Arithmetic => step * (step + 1.0) / (steps * (steps + 1.0)),
            Backoff::Geometric => return least * (most / least).powf(step / steps),
            Backoff::Exponential => (step.exp2() - 1.0) / (steps.exp2() - 1.0),
        };
        least + (most - least) * share
    }

    fn check(&self) -> Result<(), Refusal> {
        let delays = 1..=LONGEST_DELAY;
        let bad = |what: &str| Err(Refusal::parameter(format!("DeliveryPolicy: {what}")));
        if !delays.contains(&self.min_delay_target) || !delays.contains(&self.max_delay_target) {
            return bad("minDelayTarget and maxDelayTarget must be between 1 and 3600");
        }
        if self.min_delay_target > self.max_delay_target {
            return bad("maxDelayTarget must be greater than or equal to minDelayTarget");
        }
        if self.num_retries > MOST_RETRIES {
            return bad("numRetries must be less than or equal to 100");
        }
        let parts = [self.num_no_delay_retries, self.num_min_delay_retries, self.num_max_delay_retries];
        if parts.iter().map(|part| u64::from(*part)).sum::<u64>() > u64::from(self.num_retries) {
            return bad("numRetries must be at least the sum of the retries of its phases");
        }
        let total: i64 = (1..=self.num_retries).filter_map(|failures| self.delay_ms(failures)).sum();
        if total > i64::from(LONGEST_DELAY) * 1000 {
            return bad("the total delay must be at most 3600 seconds");
        }
        Ok(())
    }
}

impl TopicDelivery {
    /// Reads a topic's delivery policy.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            http: TopicDelivery,
        }
        let Whole { http } = read(text)?;
        http.default_healthy_retry_policy.iter().try_for_each(Retries::check)?;
        check_others(http.default_throttle_policy, http.default_request_policy.as_ref())?;
        Ok(http)
    }

    /// What GetTopicAttributes shows as `EffectiveDeliveryPolicy`.
    pub(crate) fn effective(&self) -> String {
        let mut http = json!({
            "defaultHealthyRetryPolicy": self.default_healthy_retry_policy.unwrap_or_default(),
            "disableSubscriptionOverrides": self.disable_subscription_overrides,
        });
        if let Some(throttle) = &self.default_throttle_policy {
            http["defaultThrottlePolicy"] = json!(throttle);
        }
        http["defaultRequestPolicy"] = shown(self.content_type());
        json!({ "http": http }).to_string()
    }

    fn content_type(&self) -> Option<&str> {
        self.default_request_policy.as_ref().and_then(|request| request.header_content_type.as_deref())
    }

    /// What counts for a subscription that says this of itself.
    pub(crate) fn for_subscription(&self, own: Option<&SubscriptionDelivery>) -> Delivery {
        let own = own.filter(|_| !self.disable_subscription_overrides);
        let retries = own.and_then(|own| own.healthy_retry_policy).or(self.default_healthy_retry_policy);
        let throttle = own.and_then(|own| own.throttle_policy).or(self.default_throttle_policy);
        let request = own.and_then(|own| own.request_policy.as_ref());
        let content_type = request.map_or(self.content_type(), |own| own.header_content_type.as_deref());
        Delivery {
            retries: retries.unwrap_or_default(),
            most_per_second: throttle.and_then(|throttle| throttle.max_receives_per_second),
            content_type: content_type.map(str::to_owned),
        }
    }
}

impl SubscriptionDelivery {
    /// Reads a subscription's delivery policy.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let read: Self = read(text)?;
        read.healthy_retry_policy.iter().try_for_each(Retries::check)?;
        check_others(read.throttle_policy, read.request_policy.as_ref())?;
        Ok(read)
    }
}

impl Delivery {
    /// What GetSubscriptionAttributes shows as `EffectiveDeliveryPolicy`.
    pub(crate) fn effective(&self) -> String {
        json!({
            "healthyRetryPolicy": self.retries,
            "sicklyRetryPolicy": null,
            "throttlePolicy": self.most_per_second.map(|most| json!({ "maxReceivesPerSecond": most })),
            "requestPolicy": shown(self.content_type.as_deref()),
            "guaranteed": false,
        })
        .to_string()
    }
}

/// What requests say, as AWS shows it.
fn shown(content_type: Option<&str>) -> Value {
    json!({ "headerContentType": content_type.unwrap_or(CONTENT_TYPE) })
}

fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| Refusal::parameter(format!("DeliveryPolicy: {error}")))
}

fn check_others(throttle: Option<Throttle>, request: Option<&RequestForm>) -> Result<(), Refusal> {
    if throttle.and_then(|throttle| throttle.max_receives_per_second) == Some(0) {
        return Err(Refusal::parameter("DeliveryPolicy: maxReceivesPerSecond must be at least 1"));
    }
    let form = request.and_then(|request| request.header_content_type.as_deref());
    let is_header = |text: &str| text.contains('/') && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if form.is_some_and(|form| !is_header(form)) {
        return Err(Refusal::parameter("DeliveryPolicy: headerContentType is no content type"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(retries: &Retries) -> Vec<i64> {
        (1..).map_while(|failures| retries.delay_ms(failures)).map(|ms| ms / 1000).collect()
    }

    /// The policy that AWS shows of a topic without one.
    #[test]
    fn the_default_is_three_times_after_twenty_seconds() {
        assert_eq!(delays(&Retries::default()), [20, 20, 20]);
        assert_eq!(
            TopicDelivery::default().effective(),
            r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#
        );
    }

    #[test]
    fn phases_follow_each_other() {
        let phases = |function: &str| {
            let text = format!(
                r#"{{"http":{{"defaultHealthyRetryPolicy":{{"minDelayTarget":2,"maxDelayTarget":16,"numRetries":8,
                "numNoDelayRetries":1,"numMinDelayRetries":2,"numMaxDelayRetries":2,"backoffFunction":"{function}"}}}}}}"#
            );
            delays(&TopicDelivery::parse(&text).unwrap().for_subscription(None).retries)
        };
        assert_eq!(phases("linear"), [0, 2, 2, 6, 11, 16, 16, 16]);
        assert_eq!(phases("geometric"), [0, 2, 2, 4, 8, 16, 16, 16]);
        assert_eq!(phases("arithmetic"), [0, 2, 2, 4, 9, 16, 16, 16]);
        assert_eq!(phases("exponential"), [0, 2, 2, 4, 8, 16, 16, 16]);
    }

    /// 50 attempts in six hours.
    #[test]
    fn mails_are_tried_for_six_hours() {
        let all = delays(&Retries::of_mail());
        assert_eq!((all.len(), all[0], all[49]), (50, 10, 600));
        let hours = all.iter().sum::<i64>() as f64 / 3600.0;
        assert!((6.0..8.0).contains(&hours), "{hours}");
    }

    #[test]
    fn a_subscription_has_its_own_unless_the_topic_forbids_it() {
        let own = SubscriptionDelivery::parse(
            r#"{"healthyRetryPolicy":{"numRetries":1},"throttlePolicy":{"maxReceivesPerSecond":5},"requestPolicy":{"headerContentType":"application/json"}}"#,
        )
        .unwrap();
        let open = TopicDelivery::default().for_subscription(Some(&own));
        assert_eq!(delays(&open.retries), [20]);
        assert_eq!((open.most_per_second, open.content_type.as_deref()), (Some(5), Some("application/json")));
        let closed = TopicDelivery::parse(r#"{"http":{"disableSubscriptionOverrides":true}}"#).unwrap();
        assert_eq!(delays(&closed.for_subscription(Some(&own)).retries), [20, 20, 20]);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        for retries in [
            r#"{"numRetries":101}"#,
            r#"{"minDelayTarget":0}"#,
            r#"{"minDelayTarget":21}"#,
            r#"{"maxDelayTarget":3601}"#,
            r#"{"numNoDelayRetries":4}"#,
            r#"{"numNoDelayRetries":4294967295,"numMinDelayRetries":1}"#,
            r#"{"numRetries":100,"maxDelayTarget":3600}"#,
            r#"{"backoffFunction":"cubic"}"#,
            r#"{"numTries":1}"#,
        ] {
            let text = format!(r#"{{"healthyRetryPolicy":{retries}}}"#);
            assert!(SubscriptionDelivery::parse(&text).is_err(), "{retries}");
        }
    }
}
