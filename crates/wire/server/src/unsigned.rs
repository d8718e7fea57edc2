//! Calls without a signature: of the few operations that take them, whose callers prove themselves otherwise.
//!
//! Anybody who reaches the port can make such calls, so they have bounds of their own, far below those of callers who
//! are known. What is refused by these bounds, cannot be read, or is refused while nobody knows who calls, is told to the
//! log and not recorded: the journal is not for strangers to fill.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::AUTHORIZATION;
use http::request::Parts;
use strongroom_identity::{
    AccountId, Caller, PARTITION, Principal, Region, RequestContext, RequestId, WebIdentity,
};
use strongroom_protocols::envelope::Refusal;
use strongroom_schema::{Operation, QueryError, Structure, Value};
use strongroom_service::ApiError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Server;
use crate::pipeline::{Cause, Decoded};
use crate::registry::Found;

/// The member of inputs that names the role which is asked for, and with it the account.
const ROLE_ARN: &str = "RoleArn";

/// Members of inputs that name what a link in a message is about, and with it account and Region.
const LINKED: [&str; 2] = ["TopicArn", "SubscriptionArn"];

/// The Region of requests that name none: that of AWS's global endpoint.
const REGION: &str = "us-east-1";

/// Milliseconds of a second.
const SECOND_MS: i64 = 1000;

/// How many of these calls are let in.
#[derive(Debug)]
pub(crate) struct Strangers {
    places: Arc<Semaphore>,
    second: Mutex<Second>,
}

/// The calls of the second that runs.
#[derive(Debug, Default)]
struct Second {
    began_ms: i64,
    calls: u32,
}

impl Strangers {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            second: Mutex::default(),
        }
    }

    /// A place for a call, until it is dropped; `None` if all are taken, or if there were `most` calls in this second.
    fn admit(&self, now_ms: i64, most: u32) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if !(0..SECOND_MS).contains(&now_ms.saturating_sub(second.began_ms)) {
            *second = Second { began_ms: now_ms, calls: 0 };
        }
        if second.calls >= most {
            return None;
        }
        second.calls += 1;
        Some(place)
    }
}

/// Whether a request of that operation is taken without a signature. Who asks for a role is who his provider says, whatever
/// he signs; whoever follows a link may sign, and is known then.
pub(crate) fn comes_without(parts: &Parts, operation: &Operation) -> bool {
    operation.unsigned && (!is_link(operation) || !is_signed(parts))
}

/// Whether links in messages lead to an operation.
pub(crate) fn is_link(operation: &Operation) -> bool {
    let is_linked = |name: &str| LINKED.contains(&name);
    operation.unsigned && operation.input.members().iter().any(|member| is_linked(member.name))
}

/// Whether a request has a signature, of whatever worth.
fn is_signed(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    parts.headers.contains_key(AUTHORIZATION) || query.contains("X-Amz-Signature=")
}

impl Server {
    /// The context of a call whose operation takes no signature, and its place among such calls; or why it is refused. A
    /// signature that it has all the same counts for nothing: who calls is what the operation finds out.
    pub(crate) fn admit_unsigned(
        &self,
        parts: &Parts,
        body: &[u8],
        found: &Found,
        decode: impl FnOnce() -> Decoded,
        source: IpAddr,
        request_id: RequestId,
    ) -> Result<(RequestContext, Decoded, OwnedSemaphorePermit), Cause> {
        let now_ms = self.clocks().real_now();
        let limits = self.limits();
        let refused = |code: &str, cause: Cause| {
            self.unauthenticated(now_ms, source, None, code);
            cause
        };
        if body.len() > limits.unsigned_bytes {
            return Err(refused("RequestEntityTooLarge", Cause::Front(Refusal::too_large())));
        }
        let place = self.strangers().admit(now_ms, limits.unsigned_rate);
        let place = place.ok_or_else(|| refused("Throttling", Cause::Operation(throttled())))?;
        // Nothing is read before it has a place.
        let decoded = decode();
        let input =
            decoded.as_ref().map_err(|error| refused(error.code(), Cause::Operation(error.clone())))?;
        let (account, region) = if is_link(found.operation()) {
            place_of(&**input).ok_or_else(|| {
                let query = Some(QueryError { code: "InvalidParameter", http_status: 400 });
                let text = "Invalid parameter: TopicArn".to_owned();
                let error = ApiError::front("InvalidParameterException", query, Some(text));
                refused("InvalidParameter", Cause::Operation(error))
            })?
        } else {
            let account = account_of(&**input).ok_or_else(|| {
                // Text: answers of AWS quoted in public issue threads.
                refused("ValidationError", Cause::Operation(ApiError::validation("Request ARN is invalid")))
            })?;
            let region = Region::named(found.schema().home_region.unwrap_or(REGION));
            (account, region.ok_or_else(|| Cause::Operation(ApiError::internal("no such Region")))?)
        };
        let caller = Caller::new(Principal::WebIdentity(WebIdentity::unknown(account)), "");
        Ok((self.context(parts, caller, region, source, request_id), decoded, place))
    }
}

/// Account and Region of what a link is about.
fn place_of(input: &dyn Structure) -> Option<(AccountId, Region)> {
    let arn = LINKED.iter().find_map(|name| text(input, name))?;
    let fields: Vec<_> = arn.splitn(6, ':').collect();
    let &["arn", PARTITION, _, region, account, _] = fields.as_slice() else { return None };
    Some((account.parse().ok()?, Region::named(region)?))
}

/// The text of a member.
fn text<'i>(input: &'i dyn Structure, name: &str) -> Option<&'i str> {
    let position = input.schema().members().iter().position(|member| member.name == name)?;
    if let Some(Value::String(text)) = input.member(position) { Some(text) } else { None }
}

/// The account of the role that an input names.
fn account_of(input: &dyn Structure) -> Option<AccountId> {
    let arn = text(input, ROLE_ARN)?;
    let fields: Vec<_> = arn.splitn(6, ':').collect();
    let &["arn", PARTITION, "iam", "", account, _] = fields.as_slice() else { return None };
    account.parse().ok()
}

fn throttled() -> ApiError {
    let query = Some(QueryError { code: "Throttling", http_status: 400 });
    ApiError::front("ThrottlingException", query, Some("Rate exceeded".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_and_the_places_have_an_end() {
        let strangers = Strangers::new(2);
        let [one, two] = [(); 2].map(|()| strangers.admit(9_005, 3));
        assert!(one.is_some() && two.is_some());
        assert!(strangers.admit(9_005, 3).is_none(), "no place");
        drop(one);
        let three = strangers.admit(9_005, 3);
        assert!(three.is_some());
        drop(two);
        assert!(strangers.admit(10_004, 3).is_none(), "three in one second");
        assert!(strangers.admit(10_005, 3).is_some());
        drop(three);
        assert!(strangers.admit(9_007, 3).is_some(), "the clock went back");
    }
}
