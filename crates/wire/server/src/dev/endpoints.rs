//! The endpoints of dev mode, for whoever has passed the guards.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use strongroom_schema::Timestamp;
use tokio::time::timeout;

use super::{Advanced, DevClock, DevError, DevTools};
use crate::Server;
use crate::body::{Body, BodyError};
use crate::detached::{Detached, caught};
use crate::own::{answer, refusal};

/// Bytes of a body.
const BODY_BYTES: usize = 4 * 1024;

/// Why an endpoint did not do what it was asked.
pub(super) struct Refused {
    status: StatusCode,
    message: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned() }
    }

    pub(super) fn busy() -> Self {
        let message = "The server is busy, and nothing was done. Try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

/// Tells the time.
pub(crate) fn clock(tools: &dyn DevTools) -> Response<Bytes> {
    let clock = tools.clock();
    answer(StatusCode::OK, &json!({ "now": now(clock), "offset_seconds": ahead(clock) }))
}

/// Moves the clock forward.
pub(crate) async fn advance(
    server: &Arc<Server>,
    tools: &Arc<dyn DevTools>,
    incoming: &mut Incoming,
) -> Response<Bytes> {
    respond(async {
        let seconds = asked_seconds(read(server, incoming).await?.bytes()).ok_or_else(|| {
            let message = r#"The body must be {"advance_seconds": N}, with a whole number N, 0 or more."#;
            Refused::new(StatusCode::BAD_REQUEST, message)
        })?;
        let (own, tools) = (server.clone(), tools.clone());
        let ended = Detached::new(server.shutdown(), async move {
            let waiting = timeout(own.limits().operation_time, own.dev_turn().lock());
            let Ok(_turn) = waiting.await else { return Err(Refused::busy()) };
            carry_out("advancing the clock", tools.advance(seconds)).await
        });
        let Advanced { clock, settled } = ended.await?;
        Ok(json!({ "now": now(clock), "offset_seconds": ahead(clock), "settled": settled }))
    })
    .await
}

/// Returns to the initial state, while no operation is under way.
pub(crate) async fn reset(
    server: &Arc<Server>,
    tools: &Arc<dyn DevTools>,
    incoming: &mut Incoming,
) -> Response<Bytes> {
    respond(async {
        // Whatever it says, it must have come: half a request resets nothing.
        read(server, incoming).await?;
        let (own, tools) = (server.clone(), tools.clone());
        let ended = Detached::new(server.shutdown(), async move {
            let waiting = timeout(own.limits().operation_time, async {
                let turn = own.dev_turn().lock().await;
                own.every_place().await.map(|places| (turn, places))
            });
            let Ok(Some(_alone)) = waiting.await else { return Err(Refused::busy()) };
            let ended = carry_out("the reset", tools.reset()).await;
            // A reset that failed may have come as far as the access keys.
            own.forget_signing_keys();
            ended
        });
        ended.await?;
        Ok(json!({ "status": "reset" }))
    })
    .await
}

pub(super) async fn respond(work: impl Future<Output = Result<Value, Refused>>) -> Response<Bytes> {
    match work.await {
        Ok(body) => answer(StatusCode::OK, &body),
        Err(Refused { status, message }) => refusal(status, &message),
    }
}

pub(super) async fn carry_out<T>(
    what: &str,
    work: impl Future<Output = Result<T, DevError>>,
) -> Result<T, Refused> {
    let ended = caught(work).await.unwrap_or_else(|| Err(DevError::Failed("a panic".into())));
    ended.map_err(|error| match error {
        DevError::Refused(message) => Refused { status: StatusCode::BAD_REQUEST, message },
        DevError::Failed(source) => {
            tracing::error!(error = &*source as &dyn std::error::Error, "{what} failed");
            let message = "This failed halfway. See the server's log.";
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        }
    })
}

pub(super) async fn read(server: &Server, incoming: &mut Incoming) -> Result<Body, Refused> {
    let read = Body::read(incoming, BODY_BYTES, server.limits().body_time, server.body_memory()).await;
    read.map_err(|error| match error {
        BodyError::TooLarge => Refused::new(StatusCode::BAD_REQUEST, "The request body is above 4 KiB."),
        BodyError::TooSlow | BodyError::Broken => {
            Refused::new(StatusCode::BAD_REQUEST, "The request body is incomplete.")
        }
        BodyError::NoMemory => Refused::busy(),
    })
}

/// The seconds that the body asks for, if it asks for them and nothing else.
fn asked_seconds(body: &[u8]) -> Option<u64> {
    let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
    if members.len() == 1 { members.get("advance_seconds")?.as_u64() } else { None }
}

fn now(clock: DevClock) -> String {
    Timestamp::from_millis(clock.now_ms).to_iso8601()
}

/// Whole seconds that domain time is ahead.
fn ahead(clock: DevClock) -> i64 {
    clock.offset_ms / 1_000
}
