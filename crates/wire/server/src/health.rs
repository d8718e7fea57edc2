//! Health, for people and for tools that wait until the server is up.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::Server;
use crate::own::answer;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Our own words.
pub(crate) async fn ours(server: &Server) -> Response<Bytes> {
    let (ready, fresh) = (is_ready(server).await, server.is_fresh());
    let state = match (ready, fresh) {
        (true, true) => "ok",
        (true, false) => "store unavailable",
        (false, _) => "journal unavailable",
    };
    answer(status(ready && fresh), &json!({ "status": state, "version": VERSION }))
}

/// The words of LocalStack.
pub(crate) async fn of_localstack(server: &Server) -> Response<Bytes> {
    let ready = is_ready(server).await && server.is_fresh();
    let state = if ready { "running" } else { "error" };
    let names = server.registry().names();
    let services: Map<_, _> = names.into_iter().map(|name| (name.to_owned(), Value::from(state))).collect();
    let body = json!({ "services": services, "edition": "strongroom", "version": VERSION });
    answer(status(ready), &body)
}

/// Whether the server can serve calls, asked anew if it could not.
async fn is_ready(server: &Server) -> bool {
    if !server.is_ready() {
        server.recorder().probe().await;
    }
    server.is_ready()
}

fn status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
