//! Actions taken: notices to SNS, as CloudWatch, about the alarm.

use strongroom_api_sns::PublishInput;
use strongroom_outbox::Asked;
use strongroom_service::ApiError;

use crate::CloudWatch;
use crate::domain::home::Home;
use crate::domain::message::Item;
use crate::error::Refusal;
use crate::repo::actions::{self, Waiting};
use crate::repo::history::{self, Of};

/// Notices in one go.
const BATCH: u32 = 100;

/// How long an action is left to whoever has taken it, in real time: longer than a call of a service may take.
const LEFT_MS: i64 = 45_000;

/// How often a notice is tried while SNS does not answer, a minute apart.
const MOST_ATTEMPTS: i64 = 5;

/// The source of SNS's records.
const SNS: &str = "sns.amazonaws.com";

impl CloudWatch {
    /// Takes all actions that wait, as of a moment. What could not be done and may be later stays.
    pub(crate) async fn deliver(&self, at_ms: i64) {
        let _one = self.delivering.lock().await;
        self.deliver_of(None, at_ms).await;
    }

    /// Takes those of one account and Region: a caller waits for nobody else's.
    pub(crate) async fn deliver_own(&self, home: &Home, at_ms: i64) {
        self.deliver_of(Some(home), at_ms).await;
    }

    async fn deliver_of(&self, of: Option<&Home>, at_ms: i64) {
        loop {
            let since_ms = self.clocks.real_now().saturating_sub(LEFT_MS);
            let waiting = match actions::list(&self.db, of, since_ms, BATCH).await {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(%error, "the actions of alarms wait");
                    return;
                }
            };
            let (found, mut done) = (waiting.len(), 0);
            for one in waiting {
                match self.act_on(&one, at_ms).await {
                    Ok(true) => done += 1,
                    Ok(false) => {}
                    Err(refusal) => {
                        tracing::warn!(alarm = one.alarm, error = ?refusal, "an action of an alarm waits");
                    }
                }
            }
            if done == 0 || found < BATCH as usize {
                return;
            }
        }
    }

    /// Takes an action; tells whether it is done with.
    async fn act_on(&self, waiting: &Waiting, at_ms: i64) -> Result<bool, Refusal> {
        if !actions::take(&self.db, waiting, self.clocks.real_now()).await? {
            return Ok(false);
        }
        let error = match self.publish(waiting).await {
            Ok(()) => None,
            Err(error) if may_work_later(&error) && waiting.attempts + 1 < MOST_ATTEMPTS => {
                tracing::warn!(alarm = waiting.alarm, topic = waiting.topic, %error, "a notice of an alarm is tried again");
                return Ok(false);
            }
            Err(error) => Some(told(&error, &waiting.topic)),
        };
        let state = waiting.subject.split(':').next().unwrap_or_default();
        let item = &Item::action(&waiting.topic, error.as_deref(), state, &waiting.subject);
        // After the change that it follows from, whoever looks at the history.
        let done_ms = at_ms.max(waiting.changed_ms().saturating_add(1));
        let done = self.db.transaction(|tx| {
            Box::pin(async move {
                actions::done(tx, waiting).await?;
                let of = Of { home: &waiting.home, alarm: &waiting.alarm, alarm_type: &waiting.alarm_type };
                history::add(tx, of, done_ms, item).await?;
                Ok::<_, Refusal>(())
            })
        });
        done.await?;
        Ok(true)
    }

    async fn publish(&self, waiting: &Waiting) -> Result<(), ApiError> {
        let Waiting { home, alarm, topic, subject, message, .. } = waiting;
        let arn = home.alarm_arn(alarm);
        let parameters = serde_json::json!({"topicArn": topic, "subject": subject}).to_string();
        let asked =
            Asked { read_only: false, is_data_event: true, ..Asked::reading(SNS, "Publish", parameters) };
        let input = PublishInput {
            topic_arn: Some(topic.clone()),
            subject: Some(subject.clone()),
            message: message.clone(),
            ..PublishInput::default()
        };
        let of_error = |error: &ApiError| (error.code().to_owned(), error.message().map(str::to_owned));
        let sns = &self.sns;
        let called = self
            .on_behalf
            .call((home.account, home.region, Some(&arn)), asked, of_error, |context| async move {
                sns.publish(&context, input).await
            })
            .await;
        called.map_err(ApiError::internal)?.map(drop)
    }
}

/// Whether trying again may help: SNS has not said no. That there is too much for it or for the topic's key is no refusal.
fn may_work_later(error: &ApiError) -> bool {
    match error.code() {
        "ThrottlingException" | "KMSThrottlingException" => true,
        "NotImplementedException" => false,
        _ => error.fault() == strongroom_schema::Fault::Server || error.status() == Some(429),
    }
}

/// What the history says of a failure, in AWS's words where it is about permission.
fn told(error: &ApiError, topic: &str) -> String {
    if error.code().contains("KMS") {
        return "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
            .to_owned();
    }
    if error.is_access_denied() || error.code().starts_with("AuthorizationError") {
        return format!("CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: {topic}");
    }
    error.message().unwrap_or(error.code()).to_owned()
}
