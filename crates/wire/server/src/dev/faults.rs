//! `/_strongroom/faults`: what goes wrong because a developer wants it to.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::endpoints::{Refused, carry_out, read, respond};
use super::{DevError, DevTools};
use crate::Server;
use crate::detached::Detached;

/// What is asked.
enum Change {
    Set(Map<String, Value>),
    Clear(Option<String>),
}

impl Change {
    async fn make(self, tools: &dyn DevTools) -> Result<(), DevError> {
        match self {
            Self::Set(asked) => tools.set_fault(asked).await,
            Self::Clear(id) => match (tools.clear_faults(id.as_deref()).await?, id) {
                (false, Some(id)) => Err(DevError::Refused(format!(
                    "There is no fault {id}. `strongroom fault list`, or GET /_strongroom/faults, lists those that \
                     there are."
                ))),
                _ => Ok(()),
            },
        }
    }
}

/// The faults that there are.
pub(crate) async fn list(tools: &Arc<dyn DevTools>) -> Response<Bytes> {
    respond(async { Ok(listed(&**tools).await) }).await
}

/// Sets the fault that the body describes.
pub(crate) async fn set(
    server: &Arc<Server>,
    tools: &Arc<dyn DevTools>,
    incoming: &mut Incoming,
) -> Response<Bytes> {
    respond(async {
        let asked = serde_json::from_slice(read(server, incoming).await?.bytes()).map_err(|_| {
            let message = r#"The body must be a JSON object with a member "fault", its name."#;
            Refused::new(StatusCode::BAD_REQUEST, message)
        })?;
        change(server, tools, Change::Set(asked)).await
    })
    .await
}

/// Clears the fault of that id, or all.
pub(crate) async fn clear(
    server: &Arc<Server>,
    tools: &Arc<dyn DevTools>,
    id: Option<&str>,
) -> Response<Bytes> {
    respond(change(server, tools, Change::Clear(id.map(str::to_owned)))).await
}

/// Changes what goes wrong, while nobody else does and nothing is reset. Answers what goes wrong then.
async fn change(server: &Arc<Server>, tools: &Arc<dyn DevTools>, change: Change) -> Result<Value, Refused> {
    let (own, tools) = (server.clone(), tools.clone());
    let ended = Detached::new(server.shutdown(), async move {
        let waiting = timeout(own.limits().operation_time, own.dev_turn().lock());
        let Ok(_turn) = waiting.await else { return Err(Refused::busy()) };
        carry_out("changing faults", change.make(&*tools)).await?;
        Ok(listed(&*tools).await)
    });
    ended.await
}

async fn listed(tools: &dyn DevTools) -> Value {
    json!({ "faults": tools.faults().await })
}
