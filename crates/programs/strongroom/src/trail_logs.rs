//! Log groups of trails: CloudTrail assumes the role that a trail names, and puts events with its rights (CloudTrail User
//! Guide, "Sending events to CloudWatch Logs").

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::json;
use strongroom_api_logs::{CloudWatchLogs as _, CreateLogStreamRequest, SERVICE as LOGS};
use strongroom_api_sts::{AssumeRoleRequest, SERVICE as STS, Sts as _};
use strongroom_cloudtrail::{Behalf, DeliveryError, LogEvent, LogGroups, LogPlace, Obstacle};
use strongroom_iam::{AccessKeys, Sts};
use strongroom_identity::{Caller, Credentials as _};
use strongroom_logs::{Arrival, Logs};
use strongroom_outbox::{Asked, OnBehalf, Outbox};
use strongroom_runtime::Clocks;
use strongroom_secret::SecretString;
use strongroom_service::ApiError;

/// Who assumes roles.
const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// What CloudTrail calls its sessions (observed in events of CreateLogStream).
const SESSION: &str = "CLOUDWATCH_LOGS_DELIVERY_SESSION";

/// How long a session serves, in milliseconds of real time: less than the quarter of an hour that any role's sessions last.
/// What the role may do is looked up each time; whether it trusts CloudTrail, as often as this.
const SERVES_MS: i64 = 10 * 60 * 1000;
const SESSION_SECONDS: i32 = 15 * 60;

/// Sessions that are kept.
const MOST_SESSIONS: usize = 1_024;

/// The groups of the CloudWatch Logs that runs beside CloudTrail.
pub(crate) struct OwnGroups {
    sts: Sts,
    access_keys: Arc<AccessKeys>,
    logs: Arc<Logs>,
    on_behalf: OnBehalf,
    clocks: Clocks,
    /// By trail and role.
    sessions: Mutex<HashMap<(String, String), Serving>>,
}

/// A session.
#[derive(Clone)]
struct Serving {
    access_key_id: String,
    token: SecretString,
    until_ms: i64,
}

impl OwnGroups {
    pub(crate) fn new(
        sts: Sts,
        access_keys: Arc<AccessKeys>,
        logs: Arc<Logs>,
        outbox: Arc<Outbox>,
        clocks: Clocks,
    ) -> Self {
        let on_behalf = OnBehalf::new(CLOUDTRAIL, outbox, clocks.clone());
        Self { sts, access_keys, logs, on_behalf, clocks, sessions: Mutex::default() }
    }

    /// A session of the role. `is_new` asks whether the role trusts CloudTrail now.
    async fn session(&self, behalf: &Behalf, place: &LogPlace, is_new: bool) -> Result<Caller, Obstacle> {
        let of = (behalf.trail_arn.clone(), place.role_arn.clone());
        let now_ms = self.clocks.real_now();
        let known = self.sessions().get(&of).filter(|known| !is_new && now_ms < known.until_ms).cloned();
        if let Some(known) = known {
            if let Some(caller) = self.caller_of(&known).await? {
                return of_account(behalf, caller);
            }
            // The role is gone, or was made anew: assuming it tells.
            self.sessions().remove(&of);
        }
        let (access_key_id, token) = self.assume(behalf, place).await?;
        let serving = Serving { access_key_id, token, until_ms: now_ms.saturating_add(SERVES_MS) };
        let caller = self.caller_of(&serving).await?;
        let caller =
            caller.ok_or_else(|| Obstacle::Role(denied("the session of the role has ended".to_owned())))?;
        let caller = of_account(behalf, caller)?;
        let mut sessions = self.sessions();
        if sessions.len() >= MOST_SESSIONS {
            sessions.clear();
        }
        sessions.insert(of, serving);
        Ok(caller)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<(String, String), Serving>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who calls in a session; nobody, if it has ended.
    async fn caller_of(&self, serving: &Serving) -> Result<Option<Caller>, Obstacle> {
        let found = self.access_keys.find(&serving.access_key_id, Some(serving.token.expose())).await;
        let found = found.map_err(|error| Obstacle::Other(failed(error.to_string())))?;
        Ok(found.ok().map(|credential| Caller {
            principal: credential.principal,
            access_key_id: serving.access_key_id.clone(),
            session: credential.session,
            permissions: credential.permissions,
        }))
    }

    async fn assume(&self, behalf: &Behalf, place: &LogPlace) -> Result<(String, SecretString), Obstacle> {
        let parameters = json!({
            "roleArn": place.role_arn,
            "roleSessionName": SESSION,
            "durationSeconds": SESSION_SECONDS,
        });
        let asked = Asked::reading(STS.event_source, "AssumeRole", parameters.to_string());
        let input = AssumeRoleRequest {
            role_arn: place.role_arn.clone(),
            role_session_name: SESSION.to_owned(),
            duration_seconds: Some(SESSION_SECONDS),
            ..Default::default()
        };
        let of = (behalf.account, place.region.as_str(), Some(behalf.trail_arn.as_str()));
        let call = self
            .on_behalf
            .call(of, asked, told, |context| async move { self.sts.assume_role(&context, input).await });
        let made = call.await.map_err(|error| Obstacle::Other(failed(error.to_string())))?;
        // Whatever is wrong with the role, AWS says to look at its trust.
        let made = made.map_err(|error| Obstacle::Role(DeliveryError::from(error)))?;
        let credentials =
            made.credentials.ok_or_else(|| Obstacle::Other(failed("no credentials".to_owned())))?;
        Ok((credentials.access_key_id, SecretString::new(credentials.session_token)))
    }

    /// Makes the stream, if it is not there.
    async fn make_stream(&self, caller: &Caller, place: &LogPlace, stream: &str) -> Result<(), Obstacle> {
        let parameters = json!({ "logGroupName": place.group, "logStreamName": stream });
        let asked = Asked {
            read_only: false,
            ..Asked::reading(LOGS.event_source, "CreateLogStream", parameters.to_string())
        };
        let input = CreateLogStreamRequest {
            log_group_name: place.group.clone(),
            log_stream_name: stream.to_owned(),
        };
        let as_whom = (caller.clone(), place.region.as_str());
        let call = self.on_behalf.call_as(as_whom, asked, told, |context| async move {
            self.logs.create_log_stream(&context, input).await
        });
        match call.await.map_err(|error| Obstacle::Other(failed(error.to_string())))? {
            Ok(_) => Ok(()),
            Err(error) if error.code() == "ResourceAlreadyExistsException" => Ok(()),
            Err(error) => Err(obstacle(error)),
        }
    }

    async fn put_as(
        &self,
        caller: &Caller,
        place: &LogPlace,
        (stream, name): (&str, &str),
        events: Vec<Arrival>,
    ) -> Result<(), ApiError> {
        // Of a data event the events are not shown.
        let asked = Asked {
            event_source: LOGS.event_source,
            event_name: "PutLogEvents",
            parameters: json!({ "logGroupName": place.group, "logStreamName": stream }).to_string(),
            read_only: false,
            is_data_event: true,
        };
        let as_whom = (caller.clone(), place.region.as_str());
        let call = self.on_behalf.call_as(as_whom, asked, told, |context| async move {
            self.logs.deliver(&context, (&place.group, stream), name, events).await
        });
        call.await.map_err(ApiError::internal)?
    }
}

#[async_trait]
impl LogGroups for OwnGroups {
    async fn try_out(&self, behalf: &Behalf, place: &LogPlace, stream: &str) -> Result<(), Obstacle> {
        let caller = self.session(behalf, place, true).await?;
        self.make_stream(&caller, place, stream).await?;
        let asked = Asked::reading(LOGS.event_source, "PutLogEvents", "{}".to_owned());
        let asked = Asked { is_data_event: true, ..asked };
        let as_whom = (caller, place.region.as_str());
        let call = self.on_behalf.call_as(as_whom, asked, told, |context| async move {
            self.logs.expect_delivered(&context, (&place.group, stream)).await
        });
        call.await.map_err(|error| Obstacle::Other(failed(error.to_string())))?.map_err(obstacle)
    }

    async fn put(
        &self,
        behalf: &Behalf,
        place: &LogPlace,
        (stream, name): (&str, &str),
        events: Vec<LogEvent>,
    ) -> Result<(), Obstacle> {
        let caller = self.session(behalf, place, false).await?;
        let arrival = |event: LogEvent| Arrival { at_ms: event.at_ms, message: event.message };
        let arrivals: Vec<_> = events.into_iter().map(arrival).collect();
        let put = self.put_as(&caller, place, (stream, name), arrivals.clone()).await;
        match put {
            // Another Region's, or one that somebody has deleted. If the group is gone, making it says so.
            Err(error) if error.code() == "ResourceNotFoundException" => {
                self.make_stream(&caller, place, stream).await?;
                self.put_as(&caller, place, (stream, name), arrivals).await.map_err(obstacle)
            }
            put => put.map_err(obstacle),
        }
    }
}

/// Refuses a session of another account's role: its groups are not those of the trail's account.
fn of_account(behalf: &Behalf, caller: Caller) -> Result<Caller, Obstacle> {
    if caller.principal.account() == behalf.account {
        return Ok(caller);
    }
    Err(Obstacle::Role(denied("the role belongs to another account".to_owned())))
}

fn obstacle(error: ApiError) -> Obstacle {
    let (is_denied, is_gone) = (error.is_access_denied(), error.code() == "ResourceNotFoundException");
    let error = DeliveryError::from(error);
    match (is_denied, is_gone) {
        (true, _) => Obstacle::Permission(error),
        (_, true) => Obstacle::Group(error),
        _ => Obstacle::Other(error),
    }
}

fn denied(message: String) -> DeliveryError {
    DeliveryError { code: "AccessDenied".to_owned(), message }
}

fn failed(message: String) -> DeliveryError {
    DeliveryError { code: "InternalError".to_owned(), message }
}

/// What a record says of a refusal.
fn told(error: &ApiError) -> (String, Option<String>) {
    (error.query_code().to_owned(), error.message().map(str::to_owned))
}
